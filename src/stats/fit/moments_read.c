#include "base/error.h"
#include "base/little_endian.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "stats/fit/moments.h"
#include "stats/fit/moments_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    const struct pomona_context *context;
    const char *path;
    FILE *file;
    uint64_t left; /* bytes before the checksum */
    struct sha256 hash;
    struct pomona_moments *moments;
    uint32_t labels;
    int sum_bytes, product_bytes;
    bool has_null;
    uint8_t *row;  /* [features][16] */
    int64_t *sums; /* [features], of the labels read so far */
    struct pomona_error *error;
};

static pomona_status corrupt(struct reading *r, const char *what) {
    return fail(r->error, POMONA_E_CORRUPT, r->path, "damaged moments file: %s", what);
}

static pomona_status take(struct reading *r, void *out, size_t size) {
    if (size > r->left) return corrupt(r, "it is cut off");
    if (fread(out, 1, size, r->file) != size)
        return ferror(r->file) ? fail_errno(r->error, errno, 0, r->path, "cannot read")
                               : corrupt(r, "it is cut off");
    r->left -= size;
    sha256_add(&r->hash, out, size);
    return POMONA_OK;
}

static pomona_status read_header(struct reading *r) {
    uint8_t header[MOMENTS_HEADER_SIZE];
    if (r->left < sizeof header || fread(header, 1, sizeof header, r->file) != sizeof header ||
        memcmp(header, MOMENTS_MAGIC, 8) != 0)
        return fail(r->error, POMONA_E_INPUT, r->path, "not a moments file");
    r->left -= sizeof header;
    sha256_add(&r->hash, header, sizeof header);
    uint32_t version = load_u32_le(header + 8), features = load_u32_le(header + 12);
    if (version != MOMENTS_FILE_VERSION)
        return fail(r->error, POMONA_E_UNSUPPORTED, r->path,
                    "moments file of version %u; this pomona reads %d", version, MOMENTS_FILE_VERSION);
    uint64_t rows = load_u64_le(header + 16);
    r->labels = load_u32_le(header + 24);
    r->sum_bytes = header[29];
    r->product_bytes = header[30];
    r->has_null = header[31] == 1;
    char space[POMONA_HASH_TEXT_SIZE] = "";
    memcpy(space, header + 32, sizeof space - 1);
    if (features < 1 || features > POMONA_MOMENTS_FEATURES_MAX || header[28] != MOMENTS_FRACTION_BITS ||
        r->sum_bytes < 1 || r->sum_bytes > 8 || r->product_bytes < 1 || r->product_bytes > 16 ||
        header[31] > 1 || rows > UINT32_MAX || r->labels > POMONA_MOMENTS_LABELS_MAX || r->labels > rows ||
        (r->has_null && r->labels == 0))
        return corrupt(r, "its header makes no sense");
    /* Before memory is taken: the file must be as long as these counts want at least. */
    uint64_t least = (uint64_t)features * (uint64_t)r->sum_bytes * (1 + (uint64_t)r->labels) +
                     (uint64_t)features * (features + 1) / 2 * (uint64_t)r->product_bytes +
                     (uint64_t)r->labels * 12;
    if (least > r->left) return corrupt(r, "it is cut off");
    TRY(pomona_moments_new(r->context, (int)features, space, &r->moments, r->error));
    r->moments->rows = rows;
    return POMONA_OK;
}

/* Sums of `rows` rows are at most rows * 2^31. */
static pomona_status read_sums(struct reading *r, uint64_t rows, int64_t *sums) {
    int features = r->moments->features, bytes = r->sum_bytes;
    TRY(take(r, r->row, (size_t)features * (size_t)bytes));
    for (int i = 0; i < features; i++) {
        uint8_t value[8];
        const uint8_t *at = r->row + (size_t)i * (size_t)bytes;
        memset(value, at[bytes - 1] & 0x80 ? 0xFF : 0, sizeof value);
        memcpy(value, at, (size_t)bytes);
        sums[i] = (int64_t)load_u64_le(value);
        uint64_t magnitude = sums[i] < 0 ? 0 - (uint64_t)sums[i] : (uint64_t)sums[i];
        if (magnitude > rows << 31) return corrupt(r, "a sum is too large");
    }
    return POMONA_OK;
}

static int128 load_product(const uint8_t *at, int bytes) {
    uint8_t value[16];
    memset(value, at[bytes - 1] & 0x80 ? 0xFF : 0, sizeof value);
    memcpy(value, at, (size_t)bytes);
    __extension__ typedef unsigned __int128 uint128;
    return (int128)((uint128)load_u64_le(value + 8) << 64 | load_u64_le(value));
}

static void store_product(struct pomona_moments *m, int i, int j, int128 value) {
    size_t panel = (size_t)(i / SYRK_S16_PANEL), other = (size_t)(j / SYRK_S16_PANEL);
    int128 *tile = m->products + (panel * (panel + 1) / 2 + other) * SYRK_S16_TILE;
    int row = i % SYRK_S16_PANEL, column = j % SYRK_S16_PANEL;
    tile[row * SYRK_S16_PANEL + column] = value;
    if (panel == other) tile[column * SYRK_S16_PANEL + row] = value;
}

static pomona_status read_products(struct reading *r) {
    struct pomona_moments *m = r->moments;
    int128 limit = (int128)m->rows << 62;
    for (int i = 0; i < m->features; i++) {
        TRY(take(r, r->row, (size_t)(i + 1) * (size_t)r->product_bytes));
        for (int j = 0; j <= i; j++) {
            int128 value = load_product(r->row + (size_t)j * (size_t)r->product_bytes, r->product_bytes);
            if (value > limit || value < -limit || (i == j && value < 0))
                return corrupt(r, "a product is out of range");
            store_product(m, i, j, value);
        }
        if (moments_comoment(m, i, i) < 0) return corrupt(r, "a variance is negative");
    }
    return POMONA_OK;
}

static pomona_status read_label(struct reading *r, int index, char **name) {
    uint8_t number[8];
    TRY(take(r, number, 4));
    uint32_t size = load_u32_le(number);
    bool null = index == 0 && r->has_null;
    if (size > MOMENTS_LABEL_BYTES_MAX || (null && size > 0)) return corrupt(r, "a label is too long");
    if (!(*name = memory_new((size_t)size + 1, 1))) return fail_memory(r->error, "label");
    TRY(take(r, *name, size));
    if (memchr(*name, 0, size)) return corrupt(r, "a label with a zero byte");
    struct pomona_moments *m = r->moments;
    const char *before = index > 0 ? m->labels[index - 1]->name : NULL;
    if (before && strcmp(before, *name) >= 0) return corrupt(r, "labels out of order");
    TRY(take(r, number, 8));
    uint64_t rows = load_u64_le(number);
    if (rows == 0 || rows > m->rows) return corrupt(r, "a label's rows are out of range");
    struct moment_label *label = moments_insert_label(m, index, null ? NULL : *name);
    if (!label) return fail_memory(r->error, "label");
    label->rows = rows;
    TRY(read_sums(r, rows, label->sums));
    for (int i = 0; i < m->features; i++)
        r->sums[i] = (int64_t)((uint64_t)r->sums[i] + (uint64_t)label->sums[i]);
    return POMONA_OK;
}

static pomona_status read_labels(struct reading *r) {
    struct pomona_moments *m = r->moments;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < r->labels; i++) {
        char *name = NULL;
        pomona_status status = read_label(r, (int)i, &name);
        memory_free(name);
        TRY(status);
        rows += m->labels[i]->rows;
    }
    if (rows != m->rows || memcmp(r->sums, m->sums, (size_t)m->features * sizeof *m->sums) != 0)
        return corrupt(r, "the labels do not add up to the whole");
    return POMONA_OK;
}

static pomona_status read_checksum(struct reading *r) {
    uint8_t digest[SHA256_SIZE], stored[SHA256_SIZE];
    if (r->left != 0) return corrupt(r, "its length is wrong");
    sha256_finish(&r->hash, digest);
    if (fread(stored, 1, sizeof stored, r->file) != sizeof stored ||
        memcmp(stored, digest, sizeof stored) != 0)
        return corrupt(r, "its checksum is wrong");
    return POMONA_OK;
}

static pomona_status read_all(struct reading *r, uint64_t size) {
    if (size < MOMENTS_HEADER_SIZE + SHA256_SIZE)
        return fail(r->error, POMONA_E_INPUT, r->path, "not a moments file: only %llu bytes",
                    (unsigned long long)size);
    r->left = size - SHA256_SIZE;
    sha256_start(&r->hash);
    TRY(read_header(r));
    size_t features = (size_t)r->moments->features;
    r->row = memory_new(features, 16);
    r->sums = memory_new(features, sizeof *r->sums);
    if (!r->row || !r->sums) return fail_memory(r->error, "moments file");
    TRY(read_sums(r, r->moments->rows, r->moments->sums));
    TRY(read_products(r));
    TRY(read_labels(r));
    return read_checksum(r);
}

/* Reads and closes r->file. */
static pomona_status read_stream(struct reading *r, uint64_t size, struct pomona_moments **moments) {
    pomona_status status = read_all(r, size);
    fclose(r->file);
    memory_free(r->row);
    memory_free(r->sums);
    if (status == POMONA_OK)
        *moments = r->moments;
    else
        pomona_moments_free(&r->moments);
    return status;
}

pomona_status pomona_moments_from_bytes(const struct pomona_context *context, const char *name,
                                        const void *bytes, size_t size, struct pomona_moments **moments,
                                        struct pomona_error *error) {
    *moments = NULL;
    struct reading r = {.context = context, .path = name, .error = error};
    if (size == 0) return fail(error, POMONA_E_INPUT, name, "not a moments file: it is empty");
    r.file = fmemopen((void *)(uintptr_t)bytes, size, "rb"); /* which only reads */
    if (!r.file) return fail_memory(error, "file buffer");
    return read_stream(&r, size, moments);
}

pomona_status pomona_moments_read(const struct pomona_context *context, const char *path,
                                  struct pomona_moments **moments, struct pomona_error *error) {
    *moments = NULL;
    struct reading r = {.context = context, .path = path, .error = error};
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
    if (descriptor < 0) return fail_errno(error, errno, 1, path, "cannot open");
    pomona_status status = POMONA_OK;
    if (fstat(descriptor, &info) != 0)
        status = fail_errno(error, errno, 1, path, "cannot stat");
    else if (!S_ISREG(info.st_mode))
        status = fail(error, POMONA_E_INPUT, path, "is not a regular file");
    else if (!(r.file = fdopen(descriptor, "rb")))
        status = fail_memory(error, "file buffer");
    if (status == POMONA_OK) return read_stream(&r, (uint64_t)info.st_size, moments);
    close(descriptor);
    return status;
}
