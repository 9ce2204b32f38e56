/* Every byte of the shards is read once, in order: headers, photos, and all of it for the hash of the shard. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/pack_sums.h"
#include "pomona/pack.h"
#include "store/pack_folder.h"
#include "store/photo_file.h"
#include "store/tar.h"

#include <string.h>

enum {
    CHUNK_BYTES = 1 << 20,
    HEADER_MAX = 64 << 10 /* of a member: two blocks and the longest name */
};
_Static_assert(HEADER_MAX <= CHUNK_BYTES, "a header is read in one piece");

/* The shard being read. */
struct shard {
    char name[PACK_SHARD_MAX + 1];
    struct buffer path;
    struct listed_photo whole; /* the shard as a photo of its own, for photo_file */
    struct photo_file file;
    pomona_status opened; /* why it could not be */
    struct pomona_error cause;
    struct sha256 hash;
    uint64_t position;
    bool open, damaged; /* damaged: it is said already */
};

struct checking {
    const struct pomona_pack_options *options;
    struct pomona_pack_result *result;
    struct pack_folder *folder;
    struct pack_sums sums;
    struct shard shard;
    struct buffer name, encoded;
    uint8_t *chunk; /* [CHUNK_BYTES] */
    int64_t shards_damaged;
};

/* ---- reading on */

static pomona_status read_on(struct checking *c, size_t size, struct pomona_error *cause) {
    struct shard *shard = &c->shard;
    TRY(photo_file_read_at(&shard->file, shard->position, c->chunk, size, cause));
    sha256_add(&shard->hash, c->chunk, size);
    shard->position += size;
    return POMONA_OK;
}

/* To `end`; what is passed goes also to `hash`, if it is not NULL. */
static pomona_status read_to(struct checking *c, uint64_t end, struct sha256 *hash,
                             struct pomona_error *cause) {
    while (c->shard.position < end) {
        uint64_t left = end - c->shard.position;
        size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        TRY(read_on(c, size, cause));
        if (hash) sha256_add(hash, c->chunk, size);
    }
    return POMONA_OK;
}

/* ---- shards */

static pomona_status open_shard(struct checking *c, const char *name, struct pomona_error *error) {
    struct shard *shard = &c->shard;
    memcpy(shard->name, name, strlen(name) + 1);
    buffer_clear(&shard->path);
    TRY(buffer_printf(&shard->path, error, "%s/%s", c->folder->place.path, name));
    TRY(buffer_terminate(&shard->path, &shard->whole.path, error));
    shard->whole.uri = shard->whole.path;
    shard->opened = photo_file_open(&shard->file, &shard->whole, &shard->cause);
    sha256_start(&shard->hash);
    shard->position = 0;
    shard->open = true;
    shard->damaged = shard->opened != POMONA_OK;
    return POMONA_OK;
}

/* Behind its last photo: the end of the archive, and the hash of all. */
static void end_shard(struct checking *c) {
    struct shard *shard = &c->shard;
    struct pomona_error cause = {0};
    if (!shard->open) return;
    pomona_status status = shard->damaged ? POMONA_OK : read_to(c, shard->file.size, NULL, &cause);
    if (!shard->damaged && status == POMONA_OK) {
        uint8_t digest[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE];
        sha256_finish(&shard->hash, digest);
        sha256_hex(digest, hex);
        status = pack_sums_check(&c->sums, shard->name, hex, &cause);
    }
    if (status != POMONA_OK) {
        c->shards_damaged++;
        if (c->options->failed) c->options->failed(c->options->user, shard->name, cause.message);
    }
    photo_file_close(&shard->file);
    shard->open = false;
}

/* ---- photos */

/* What stands before a photo: a tar that unpacks the shard must find the same. */
static pomona_status check_header(struct checking *c, const struct pack_entry *entry,
                                  struct pomona_error *cause) {
    const struct shard *shard = &c->shard;
    struct pomona_error why = {0};
    uint64_t size;
    const char *name;
    TRY(read_to(c, shard->position + tar_padding(shard->position), NULL,
                cause)); /* behind the photo before */
    uint64_t gap = entry->offset - shard->position;
    if (gap > HEADER_MAX) {
        TRY(read_to(c, entry->offset, NULL, cause));
        return fail(cause, POMONA_E_CORRUPT, entry->path, "in %s: more than a tar header stands before it",
                    entry->shard);
    }
    TRY(read_on(c, (size_t)gap, cause));
    pomona_status status = tar_read_header(c->chunk, (size_t)gap, &c->name, &size, &why);
    if (status == POMONA_OK) status = buffer_terminate(&c->name, &name, &why);
    if (status == POMONA_E_CORRUPT)
        return fail(cause, status, entry->path, "in %s: %s", entry->shard, why.message);
    if (status != POMONA_OK) return *cause = why, status;
    /* In the index the bytes that are not UTF-8 are percent-encoded. */
    size_t length = text_percent_encode_invalid(name, NULL, 0);
    buffer_clear(&c->encoded);
    TRY(buffer_reserve(&c->encoded, length + 1, cause));
    text_percent_encode_invalid(name, (char *)c->encoded.data, length + 1);
    if (strlen(name) != c->name.size || strcmp((const char *)c->encoded.data, entry->path) != 0)
        return fail(cause, POMONA_E_CORRUPT, entry->path, "in %s: the tar header before it has another name",
                    entry->shard);
    if (size != entry->size)
        return fail(cause, POMONA_E_CORRUPT, entry->path, "in %s: the tar header before it has another size",
                    entry->shard);
    return POMONA_OK;
}

static pomona_status check_entry(struct checking *c, const struct pack_entry *entry,
                                 struct pomona_error *cause) {
    struct shard *shard = &c->shard;
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    if (shard->opened != POMONA_OK) return *cause = shard->cause, shard->opened;
    pomona_status status = check_header(c, entry, cause);
    struct pomona_error own = {0};
    if (shard->position < entry->offset) shard->position = entry->offset; /* what could not be read */
    sha256_start(&hash);
    pomona_status read = read_to(c, entry->offset + entry->size, &hash, &own);
    if (read != POMONA_OK) {
        shard->position = entry->offset + entry->size;
        if (status == POMONA_OK) *cause = own;
        return status == POMONA_OK ? read : status;
    }
    TRY(status);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    if (strcmp(hex, entry->sha256) == 0) return POMONA_OK;
    return fail(cause, POMONA_E_CORRUPT, entry->path, "its bytes in %s are not those that were packed",
                entry->shard);
}

static pomona_status check_all(struct checking *c, struct pack_reader *reader, struct pomona_error *error) {
    const struct pomona_pack_options *options = c->options;
    for (;;) {
        struct pack_entry entry;
        struct pomona_error cause = {0};
        bool more;
        TRY(pack_reader_next(reader, &entry, &more, error));
        if (options->should_stop && options->should_stop(options->user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted");
        if (!more || entry.first) end_shard(c);
        if (!more) return POMONA_OK;
        if (entry.first) TRY(open_shard(c, entry.shard, error));
        c->result->shards += entry.first;
        pomona_status status = check_entry(c, &entry, &cause);
        if (status == POMONA_OK) {
            c->result->photos++;
            c->result->bytes += (int64_t)entry.size;
            continue;
        }
        if (status == POMONA_E_MEMORY || status == POMONA_E_INTERNAL) { /* not the photo's fault */
            if (error) *error = cause;
            return status;
        }
        c->shard.damaged = true;
        c->result->failed++;
        if (options->failed) options->failed(options->user, entry.path, cause.message);
    }
}

static pomona_status check(struct checking *c, const char *path, struct pomona_error *error) {
    struct pack_reader *reader = NULL;
    int64_t rows;
    c->chunk = memory_new(CHUNK_BYTES, 1);
    pomona_status status = c->chunk ? POMONA_OK : fail_memory(error, "pack");
    if (status == POMONA_OK)
        status = pack_folder_open(c->folder, path, c->options->should_stop, c->options->user, error);
    if (status == POMONA_OK) status = pack_sums_read(&c->sums, path, error);
    if (status == POMONA_OK)
        status = pack_reader_open(c->folder->index, &c->folder->place, true, &reader, &rows, error);
    if (status == POMONA_OK) status = check_all(c, reader, error);
    pack_reader_free(&reader);
    return status;
}

pomona_status pomona_pack_check(const char *path, const struct pomona_pack_options *options,
                                struct pomona_pack_result *result, struct pomona_error *error) {
    struct pomona_pack_result own;
    struct pack_folder folder = PACK_FOLDER_INIT;
    struct arena arena = ARENA_INIT(1 << 20);
    double started = clock_seconds();
    if (!result) result = &own;
    *result = (struct pomona_pack_result){0};
    struct checking c = {.options = options,
                         .result = result,
                         .folder = &folder,
                         .shard = {.path = BUFFER_INIT(1 << 20), .file = PHOTO_FILE_INIT},
                         .name = BUFFER_INIT(HEADER_MAX),
                         .encoded = BUFFER_INIT(4 * HEADER_MAX)};
    const char *absolute = path_absolute(&arena, path);
    pomona_status status = absolute ? check(&c, absolute, error) : fail_memory(error, "path");
    if (status == POMONA_OK && result->failed > 0)
        status = fail(error, POMONA_E_CORRUPT, path, "%lld of %lld photos are damaged",
                      (long long)result->failed, (long long)(result->failed + result->photos));
    else if (status == POMONA_OK && c.shards_damaged > 0)
        status = fail(error, POMONA_E_CORRUPT, path, "%lld of %d shards are damaged",
                      (long long)c.shards_damaged, result->shards);
    if (c.shard.open) photo_file_close(&c.shard.file);
    pack_sums_free(&c.sums);
    buffer_free(&c.shard.path);
    buffer_free(&c.name);
    buffer_free(&c.encoded);
    memory_free(c.chunk);
    pack_folder_close(&folder);
    arena_free(&arena);
    result->seconds = clock_seconds() - started;
    return status;
}
