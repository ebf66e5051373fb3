#include "store/record.h"

#include "base/error.h"
#include "base/map.h"

enum { MAGIC = 0x5246 };

int rf_record_wrap(struct rf_buf *b, uint16_t version, const void *payload, size_t size)
{
        int r;

        if (size > UINT32_MAX)
                return -RF_ELIMIT;
        if ((r = rf_buf_put_u16(b, MAGIC)) < 0 || (r = rf_buf_put_u16(b, version)) < 0 ||
            (r = rf_buf_put_u32(b, (uint32_t)size)) < 0 || (r = rf_buf_put_u64(b, rf_hash(payload, size, version))) < 0)
                return r;
        return rf_buf_add(b, payload, size);
}

int rf_record_unwrap(const void *data, size_t size, uint16_t version, const void **ret_payload, size_t *ret_size)
{
        struct rf_reader reader = { .data = data, .size = size };
        uint16_t magic, v;
        uint32_t length;
        uint64_t checksum;

        if (rf_reader_u16(&reader, &magic) < 0 || rf_reader_u16(&reader, &v) < 0 || rf_reader_u32(&reader, &length) < 0 ||
            rf_reader_u64(&reader, &checksum) < 0 || magic != MAGIC || length != size - RF_RECORD_HEADER_SIZE)
                return -RF_ECORRUPT;
        if (v > version)
                return -RF_EFOREIGN;
        if (rf_hash((const uint8_t *)data + RF_RECORD_HEADER_SIZE, length, v) != checksum)
                return -RF_ECORRUPT;
        *ret_payload = (const uint8_t *)data + RF_RECORD_HEADER_SIZE;
        *ret_size = length;
        return 0;
}
