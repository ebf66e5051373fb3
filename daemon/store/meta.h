/*
 * The two first pages of LMDB 0.9's files, which say what the others are. They are looked at before LMDB maps a file, because it trusts
 * them and may crash on damage, and by whoever copies a store that is in use.
 */
#pragma once

#include <stdint.h>

struct rf_meta {
        uint32_t page_size;     /* bytes: the kernel's when the file was made */
        uint64_t newest_commit;
        uint64_t last_page[2];  /* number of the last page in use, as each of the two says */
};

/* Never yields. -RF_ECORRUPT: it isn't a store, or these pages are damaged. */
int rf_meta_read(int fd, struct rf_meta *ret);
