#include "base/file_sink.h"
#include "base/io.h"
#include "base/little_endian.h"
#include "base/memory.h"
#include "stats/fit/moments.h"
#include "stats/fit/moments_file.h"

#include <string.h>

/* Bytes of the shortest two's complement that holds all values that were or-ed into `bits` (value ^ its sign). */
static uint8_t bytes_for(uint64_t high, uint64_t low) {
    int used = high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
    return (uint8_t)(used / 8 + 1); /* one bit for the sign */
}

static uint8_t sum_bytes(const struct pomona_moments *m) {
    uint64_t bits = 0;
    for (int i = 0; i < m->features; i++) bits |= (uint64_t)(m->sums[i] < 0 ? ~m->sums[i] : m->sums[i]);
    for (int label = 0; label < m->label_count; label++) {
        const int64_t *sums = m->labels[label]->sums;
        for (int i = 0; i < m->features; i++) bits |= (uint64_t)(sums[i] < 0 ? ~sums[i] : sums[i]);
    }
    return bytes_for(0, bits);
}

static uint8_t product_bytes(const struct pomona_moments *m) {
    uint64_t high = 0, low = 0;
    size_t count =
        moments_tiles(m) * SYRK_S16_TILE; /* a pair that is there twice, or a zero, changes nothing */
    for (size_t i = 0; i < count; i++) {
        uint64_t top = (uint64_t)(m->products[i] >> 64), sign = 0 - (top >> 63);
        high |= top ^ sign;
        low |= (uint64_t)m->products[i] ^ sign;
    }
    return bytes_for(high, low);
}

static pomona_status write_sums(struct sink *sink, const int64_t *sums, int count, int bytes, uint8_t *row,
                                struct pomona_error *error) {
    for (int i = 0; i < count; i++) {
        uint8_t value[8];
        store_u64_le(value, (uint64_t)sums[i]);
        memcpy(row + i * bytes, value, (size_t)bytes);
    }
    return sink_write(sink, row, (size_t)(count * bytes), error);
}

static pomona_status write_products(const struct pomona_moments *m, struct sink *sink, int bytes,
                                    uint8_t *row, struct pomona_error *error) {
    for (int i = 0; i < m->features; i++) {
        size_t panel = (size_t)(i / SYRK_S16_PANEL);
        const int128 *tiles = /* row i of its panel's first tile */
            m->products + panel * (panel + 1) / 2 * SYRK_S16_TILE + i % SYRK_S16_PANEL * SYRK_S16_PANEL;
        for (int j = 0; j <= i; j++) {
            int128 product = tiles[j / SYRK_S16_PANEL * SYRK_S16_TILE + j % SYRK_S16_PANEL];
            uint8_t value[16];
            store_u64_le(value, (uint64_t)product);
            store_u64_le(value + 8, (uint64_t)(product >> 64));
            memcpy(row + j * bytes, value, (size_t)bytes);
        }
        TRY(sink_write(sink, row, (size_t)((i + 1) * bytes), error));
    }
    return POMONA_OK;
}

static pomona_status write_label(const struct moment_label *label, int features, struct sink *sink, int bytes,
                                 uint8_t *row, struct pomona_error *error) {
    uint8_t number[8];
    size_t size = label->name ? strlen(label->name) : 0;
    store_u32_le(number, (uint32_t)size);
    TRY(sink_write(sink, number, 4, error));
    TRY(sink_write(sink, label->name ? label->name : "", size, error));
    store_u64_le(number, label->rows);
    TRY(sink_write(sink, number, 8, error));
    return write_sums(sink, label->sums, features, bytes, row, error);
}

static pomona_status write_all(struct pomona_moments *m, struct sink *sink, uint8_t *row,
                               struct pomona_error *error) {
    uint8_t header[MOMENTS_HEADER_SIZE] = MOMENTS_MAGIC;
    uint8_t sum_size = sum_bytes(m), product_size = product_bytes(m);
    store_u32_le(header + 8, MOMENTS_FILE_VERSION);
    store_u32_le(header + 12, (uint32_t)m->features);
    store_u64_le(header + 16, m->rows);
    store_u32_le(header + 24, (uint32_t)m->label_count);
    header[28] = MOMENTS_FRACTION_BITS;
    header[29] = sum_size;
    header[30] = product_size;
    header[31] = m->label_count > 0 && !m->labels[0]->name;
    memcpy(header + 32, m->feature_space, strlen(m->feature_space));
    TRY(sink_write(sink, header, sizeof header, error));
    TRY(write_sums(sink, m->sums, m->features, sum_size, row, error));
    TRY(write_products(m, sink, product_size, row, error));
    for (int i = 0; i < m->label_count; i++)
        TRY(write_label(m->labels[i], m->features, sink, sum_size, row, error));
    return POMONA_OK;
}

/* All but the checksum. */
static pomona_status write_body(struct pomona_moments *m, struct sink *sink, struct pomona_error *error) {
    moments_flush(m);
    uint8_t *row = memory_new((size_t)m->features, 16);
    if (!row) return fail_memory(error, "moments file");
    pomona_status status = write_all(m, sink, row, error);
    memory_free(row);
    return status;
}

pomona_status pomona_moments_to_bytes(struct pomona_moments *m, uint8_t **bytes, size_t *size,
                                      struct pomona_error *error) {
    struct buffer file = BUFFER_INIT(SIZE_MAX);
    struct sink sink = sink_to_buffer(&file);
    *bytes = NULL;
    *size = 0;
    pomona_status status = write_body(m, &sink, error);
    if (status == POMONA_OK) {
        uint8_t digest[SHA256_SIZE];
        struct sha256 hash;
        sha256_start(&hash);
        sha256_add(&hash, file.data, file.size);
        sha256_finish(&hash, digest);
        status = sink_write(&sink, digest, sizeof digest, error);
    }
    if (status == POMONA_OK) {
        *bytes = file.data;
        *size = file.size;
    } else {
        buffer_free(&file);
    }
    return status;
}

pomona_status pomona_moments_write(struct pomona_moments *m, const char *path,
                                   char hash[POMONA_HASH_TEXT_SIZE], struct pomona_error *error) {
    struct file_sink file = FILE_SINK_INIT;
    uint8_t digest[SHA256_SIZE];
    pomona_status status = file_sink_open(&file, path, error);
    struct sink sink = file_sink_as_sink(&file);
    if (status == POMONA_OK) status = write_body(m, &sink, error);
    if (status == POMONA_OK) {
        struct sha256 so_far = file.hash;
        sha256_finish(&so_far, digest);
        status = sink_write(&sink, digest, sizeof digest, error);
    }
    if (status == POMONA_OK) status = file_sink_commit(&file, NULL, error);
    if (status == POMONA_OK && hash) sha256_hex(digest, hash);
    file_sink_close(&file);
    return status;
}
