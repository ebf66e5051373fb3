/*
 * How every stored value begins: a magic number, a version, a checksum over the rest. Read as if hostile.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { RF_RECORD_HEADER_SIZE = 16 };

/* Appends header and payload. */
int rf_record_wrap(struct rf_buf *b, uint16_t version, const void *payload, size_t size);
/*
 * The payload inside `data`. -RF_ECORRUPT: no record, or damaged; -RF_EFOREIGN: a version above `version`.
 */
int rf_record_unwrap(const void *data, size_t size, uint16_t version, const void **ret_payload, size_t *ret_size);
