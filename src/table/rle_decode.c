#include "table/rle.h"

#include <string.h>

struct rle_decoder rle_open(const uint8_t *data, size_t size, int width) {
    return (struct rle_decoder){
        .at = data, .end = size ? data + size : data, /* an empty one may be NULL */ .width = width};
}

/* Reads the head of the next run. False at the end of the data. A packed run whose last bytes are missing is as long
 * as its bytes allow: some writers do not pad. */
static bool next_run(struct rle_decoder *decoder) {
    uint64_t head = 0;
    for (int shift = 0;; shift += 7) {
        if (decoder->at == decoder->end || shift > 63) return false;
        uint8_t byte = *decoder->at++;
        head |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) break;
    }
    size_t left = (size_t)(decoder->end - decoder->at);
    if (head & 1) {
        uint64_t possible = (uint64_t)left * 8 / (uint64_t)decoder->width;
        uint64_t groups = head >> 1;
        decoder->packed = true;
        decoder->run_left = groups > possible / 8 ? possible : groups * 8;
        decoder->bit = 0;
        return true;
    }
    size_t bytes = ((size_t)decoder->width + 7) / 8;
    if (bytes > left) return false;
    decoder->value = 0;
    memcpy(&decoder->value, decoder->at, bytes);
    decoder->at += bytes;
    decoder->packed = false;
    decoder->run_left = head >> 1;
    return true;
}

static void unpack(struct rle_decoder *decoder, uint32_t *values, size_t count) {
    uint32_t mask = decoder->width == 32 ? UINT32_MAX : (1U << decoder->width) - 1;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = decoder->at + decoder->bit / 8;
        size_t left = (size_t)(decoder->end - from);
        uint64_t bits = 0;
        memcpy(&bits, from, left < sizeof bits ? left : sizeof bits);
        values[i] = (uint32_t)(bits >> decoder->bit % 8) & mask;
        decoder->bit += (size_t)decoder->width;
    }
    if (decoder->run_left != count) return;
    decoder->at += (decoder->bit + 7) / 8;
}

bool rle_read(struct rle_decoder *decoder, uint32_t *values, size_t count) {
    if (decoder->width == 0) { /* one possible value: no bits are needed */
        memset(values, 0, count * sizeof *values);
        return true;
    }
    while (count > 0) {
        while (decoder->run_left == 0)
            if (!next_run(decoder)) return false;
        size_t now = decoder->run_left < count ? (size_t)decoder->run_left : count;
        if (decoder->packed)
            unpack(decoder, values, now);
        else
            for (size_t i = 0; i < now; i++) values[i] = decoder->value;
        decoder->run_left -= now;
        values += now;
        count -= now;
    }
    return true;
}
