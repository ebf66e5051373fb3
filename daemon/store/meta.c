#include "store/meta.h"

#include "base/error.h"
#include "base/macros.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAGIC 0xBEEFC0DEu

/* Where things are in such a page. Its size is kept in a field of the free list's table that has no use there. */
enum { MAGIC_AT = 16, VERSION_AT = 20, PAGE_SIZE_AT = 40, LAST_PAGE_AT = 136, COMMIT_AT = 144, END = 152 };

enum { FORMAT = 1, PAGE_MIN = 512, PAGE_MAX = 65536 };

static int read_one(int fd, off_t at, uint32_t *ret_page_size, uint64_t *ret_last_page, uint64_t *ret_commit)
{
        uint8_t page[END];
        uint32_t magic, version;
        ssize_t n = pread(fd, page, sizeof(page), at);

        if (n < 0)
                return -errno;
        memcpy(&magic, page + MAGIC_AT, sizeof(magic));
        memcpy(&version, page + VERSION_AT, sizeof(version));
        memcpy(ret_page_size, page + PAGE_SIZE_AT, sizeof(*ret_page_size));
        memcpy(ret_last_page, page + LAST_PAGE_AT, sizeof(*ret_last_page));
        memcpy(ret_commit, page + COMMIT_AT, sizeof(*ret_commit));
        return n == sizeof(page) && magic == MAGIC && version == FORMAT ? 0 : -RF_ECORRUPT;
}

int rf_meta_read(int fd, struct rf_meta *ret)
{
        uint64_t commits[2];
        struct rf_meta meta;
        uint32_t again;
        int r = read_one(fd, 0, &meta.page_size, &meta.last_page[0], &commits[0]);

        if (r < 0)
                return r;
        if (meta.page_size < PAGE_MIN || meta.page_size > PAGE_MAX || (meta.page_size & (meta.page_size - 1)) != 0)
                return -RF_ECORRUPT;
        r = read_one(fd, meta.page_size, &again, &meta.last_page[1], &commits[1]);
        if (r < 0)
                return r;
        meta.newest_commit = MAX(commits[0], commits[1]);
        *ret = meta;
        return again == meta.page_size ? 0 : -RF_ECORRUPT;
}
