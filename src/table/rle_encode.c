#include "table/rle.h"

#include <string.h>

/* Values as one of two widths, so that levels need only a byte each. */
struct values {
    const uint32_t *words;
    const uint8_t *bytes;
};

static inline uint32_t value_at(const struct values *values, size_t i) {
    return values->words ? values->words[i] : values->bytes[i];
}

static size_t run_length(const struct values *values, size_t from, size_t end) {
    uint32_t first = value_at(values, from);
    size_t i = from + 1;
    while (i < end && value_at(values, i) == first) i++;
    return i - from;
}

static pomona_status put_varint(struct buffer *out, uint64_t value, struct pomona_error *error) {
    while (value >= 0x80) {
        TRY(buffer_append_byte(out, (uint8_t)(value | 0x80), error));
        value >>= 7;
    }
    return buffer_append_byte(out, (uint8_t)value, error);
}

static pomona_status put_run(struct buffer *out, uint32_t value, size_t length, int width,
                             struct pomona_error *error) {
    TRY(put_varint(out, (uint64_t)length << 1, error));
    for (int bit = 0; bit < width; bit += 8) TRY(buffer_append_byte(out, (uint8_t)(value >> bit), error));
    return POMONA_OK;
}

/* Packs values[from, end), least significant bit first, padded with zeros to a multiple of eight values. */
static pomona_status put_packed(struct buffer *out, const struct values *values, size_t from, size_t end,
                                int width, struct pomona_error *error) {
    size_t groups = (end - from + 7) / 8;
    if (groups == 0) return POMONA_OK;
    TRY(put_varint(out, (uint64_t)groups << 1 | 1, error));
    size_t bytes = groups * (size_t)width;
    TRY(buffer_reserve(out, bytes, error));
    uint8_t *to = out->data + out->size;
    uint64_t bits = 0; /* fewer than 8 + 32 of them are held */
    int held = 0;
    for (size_t i = from; i < from + groups * 8; i++) {
        bits |= (uint64_t)(i < end ? value_at(values, i) : 0) << held;
        held += width;
        for (; held >= 8; held -= 8, bits >>= 8) *to++ = (uint8_t)bits;
    }
    out->size += bytes;
    return POMONA_OK;
}

/* Runs of eight and more become runs; what lies between is packed. Packed stretches must be whole groups of eight
 * except the last, so a run gives its first values to fill one up. */
static pomona_status encode(const struct values *values, size_t count, int width, struct buffer *out,
                            struct pomona_error *error) {
    size_t packed = 0; /* values[packed, i) wait to be packed */
    for (size_t i = 0; i < count;) {
        size_t run = run_length(values, i, count);
        size_t missing = (8 - (i - packed) % 8) % 8;
        if (run < missing + 8) {
            i += run;
            continue;
        }
        TRY(put_packed(out, values, packed, i + missing, width, error));
        TRY(put_run(out, value_at(values, i), run - missing, width, error));
        i += run;
        packed = i;
    }
    return put_packed(out, values, packed, count, width, error);
}

pomona_status rle_encode(const uint32_t *values, size_t count, int width, struct buffer *out,
                         struct pomona_error *error) {
    return encode(&(struct values){.words = values}, count, width, out, error);
}

pomona_status rle_encode_levels(const uint8_t *levels, size_t count, int width, struct buffer *out,
                                struct pomona_error *error) {
    size_t start = out->size;
    uint32_t length = 0;
    TRY(buffer_append(out, &length, sizeof length, error));
    TRY(encode(&(struct values){.bytes = levels}, count, width, out, error));
    length = (uint32_t)(out->size - start - sizeof length); /* pages are bounded far below 4 GiB */
    memcpy(out->data + start, &length, sizeof length);
    return POMONA_OK;
}
