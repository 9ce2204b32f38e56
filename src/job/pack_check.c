#include "base/clock.h"
#include "base/memory.h"
#include "pomona/pack.h"
#include "store/pack_folder.h"
#include "store/photo_file.h"

#include <stdio.h>
#include <string.h>

enum { PHOTO_BYTES_MAX = 1 << 30 };

static pomona_status check_entry(const struct pack_folder *folder, const struct pack_entry *entry,
                                 struct buffer *bytes, struct pomona_error *cause) {
    char uri[PACK_PATH_MAX];
    struct buffer text = BUFFER_INIT(2 * PACK_PATH_MAX);
    const char *shard;
    pomona_status status = buffer_printf(&text, cause, "%s/%s", folder->place.path, entry->shard);
    if (status == POMONA_OK) status = buffer_terminate(&text, &shard, cause);
    snprintf(uri, sizeof uri, "%s", entry->path);
    if (status == POMONA_OK) {
        const struct listed_photo photo = {
            .path = shard, .uri = uri, .size = entry->size, .offset = entry->offset, .packed = true};
        status = photo_file_read(&photo, bytes, cause);
    }
    if (status == POMONA_OK) {
        char hex[SHA256_HEX_SIZE];
        sha256_hex_of(bytes->data, bytes->size, hex);
        if (strcmp(hex, entry->sha256) != 0)
            status = fail(cause, POMONA_E_CORRUPT, entry->path,
                          "its bytes in %s are not those that were packed", entry->shard);
    }
    buffer_free(&text);
    return status;
}

static pomona_status check_all(struct pack_folder *folder, struct pack_reader *reader,
                               const struct pomona_pack_options *options, struct pomona_pack_result *result,
                               struct pomona_error *error) {
    struct buffer bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
    pomona_status status = POMONA_OK;
    while (status == POMONA_OK) {
        struct pack_entry entry;
        struct pomona_error cause = {0};
        bool more;
        status = pack_reader_next(reader, &entry, &more, error);
        if (status != POMONA_OK || !more) break;
        if (options->should_stop && options->should_stop(options->user))
            status = fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted");
        if (status != POMONA_OK) break;
        result->shards += entry.first;
        status = check_entry(folder, &entry, &bytes, &cause);
        if (status == POMONA_OK) {
            result->photos++;
            result->bytes += (int64_t)entry.size;
            continue;
        }
        if (status == POMONA_E_MEMORY || status == POMONA_E_INTERNAL) { /* not the photo's fault */
            if (error) *error = cause;
            break;
        }
        status = POMONA_OK;
        result->failed++;
        if (options->failed) options->failed(options->user, entry.path, cause.message);
    }
    buffer_free(&bytes);
    return status;
}

pomona_status pomona_pack_check(const char *path, const struct pomona_pack_options *options,
                                struct pomona_pack_result *result, struct pomona_error *error) {
    struct pomona_pack_result own;
    struct pack_folder folder = PACK_FOLDER_INIT;
    struct pack_reader *reader = NULL;
    struct arena arena = ARENA_INIT(1 << 20);
    int64_t rows;
    double started = clock_seconds();
    if (!result) result = &own;
    *result = (struct pomona_pack_result){0};
    const char *absolute = path_absolute(&arena, path);
    pomona_status status =
        absolute ? pack_folder_open(&folder, absolute, options->should_stop, options->user, error)
                 : fail_memory(error, "path");
    if (status == POMONA_OK)
        status = pack_reader_open(folder.index, &folder.place, true, &reader, &rows, error);
    if (status == POMONA_OK) status = check_all(&folder, reader, options, result, error);
    if (status == POMONA_OK && result->failed > 0)
        status = fail(error, POMONA_E_CORRUPT, path, "%lld of %lld photos are damaged",
                      (long long)result->failed, (long long)(result->failed + result->photos));
    pack_reader_free(&reader);
    pack_folder_close(&folder);
    arena_free(&arena);
    result->seconds = clock_seconds() - started;
    return status;
}
