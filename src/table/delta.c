#include "table/delta.h"

#include <string.h>

enum { MINI_BLOCKS_MAX = 256, MINI_VALUES_MAX = 65536 };

static bool read_varint(struct delta_decoder *decoder, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 64 && decoder->at < decoder->end; shift += 7) {
        uint8_t byte = *decoder->at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool read_zigzag(struct delta_decoder *decoder, uint64_t *value) {
    uint64_t coded;
    if (!read_varint(decoder, &coded)) return false;
    *value = (coded >> 1) ^ (0 - (coded & 1));
    return true;
}

bool delta_open(struct delta_decoder *decoder, const uint8_t *data, size_t size) {
    uint64_t block, minis;
    *decoder = (struct delta_decoder){.at = data, .end = data + size, .first = true};
    if (!read_varint(decoder, &block) || !read_varint(decoder, &minis) ||
        !read_varint(decoder, &decoder->values_left) || !read_zigzag(decoder, &decoder->value))
        return false;
    if (minis < 1 || minis > MINI_BLOCKS_MAX || block % minis != 0) return false;
    uint64_t values = block / minis;
    if (values < 32 || values > MINI_VALUES_MAX || values % 32 != 0) return false;
    decoder->mini_blocks = (uint32_t)minis;
    decoder->mini_values = (uint32_t)values;
    decoder->mini = decoder->mini_blocks; /* before the first block */
    return true;
}

static bool next_mini_block(struct delta_decoder *decoder) {
    if (++decoder->mini >= decoder->mini_blocks) {
        if (!read_zigzag(decoder, &decoder->minimum)) return false;
        if ((size_t)(decoder->end - decoder->at) < decoder->mini_blocks) return false;
        decoder->widths = decoder->at;
        decoder->at += decoder->mini_blocks;
        decoder->mini = 0;
    }
    decoder->mini_left = decoder->mini_values;
    decoder->bit = 0;
    return decoder->widths[decoder->mini] <= 64;
}

/* Ends a mini block: its bytes are there even when fewer values are needed. */
static bool leave_mini_block(struct delta_decoder *decoder) {
    size_t bytes = (size_t)decoder->widths[decoder->mini] * decoder->mini_values / 8;
    if (bytes > (size_t)(decoder->end - decoder->at)) return false;
    decoder->at += bytes;
    decoder->mini_left = 0;
    return true;
}

/* The next `width` (0..64) bits of the mini block. */
static bool read_bits(struct delta_decoder *decoder, int width, uint64_t *bits) {
    const uint8_t *from = decoder->at + decoder->bit / 8;
    int shift = (int)(decoder->bit % 8);
    size_t bytes = (size_t)(shift + width + 7) / 8; /* at most 9 */
    *bits = 0;
    if (width == 0) return true;
    if (decoder->bit / 8 + bytes > (size_t)(decoder->end - decoder->at)) return false;
    memcpy(bits, from, bytes < 8 ? bytes : 8);
    *bits >>= shift;
    if (bytes == 9) *bits |= (uint64_t)from[8] << (64 - shift);
    if (width < 64) *bits &= ((uint64_t)1 << width) - 1;
    decoder->bit += (size_t)width;
    return true;
}

bool delta_next(struct delta_decoder *decoder, int64_t *value) {
    if (decoder->values_left == 0) return false;
    decoder->values_left--;
    if (decoder->first) {
        decoder->first = false;
    } else {
        uint64_t bits;
        if (decoder->mini_left == 0 && !next_mini_block(decoder)) return false;
        if (!read_bits(decoder, decoder->widths[decoder->mini], &bits)) return false;
        decoder->value += decoder->minimum + bits;
        if (--decoder->mini_left == 0 && !leave_mini_block(decoder)) return false;
    }
    *value = (int64_t)decoder->value;
    return true;
}

const uint8_t *delta_end(struct delta_decoder decoder) {
    int64_t value;
    if (decoder.first && decoder.values_left > 0 && !delta_next(&decoder, &value)) return NULL;
    while (decoder.values_left > 0) {
        if (decoder.mini_left == 0 && !next_mini_block(&decoder)) return NULL;
        decoder.values_left -=
            decoder.values_left < decoder.mini_left ? decoder.values_left : decoder.mini_left;
        if (!leave_mini_block(&decoder)) return NULL;
    }
    return decoder.at;
}
