#include "job/labels.h"

#include "base/io.h"
#include "base/memory.h"
#include "table/csv.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS_BYTES_MAX = 1 << 30 };

static int compare_uri(const void *key, const void *photo) {
    return strcmp(key, ((const struct listed_photo *)photo)->uri);
}

/* The URI that a path of the file stands for, in `uri`. */
static pomona_status to_uri(const char *path, const char *source, struct buffer *uri,
                            struct pomona_error *error) {
    buffer_clear(uri);
    if (strncmp(path, "file:", 5) == 0) return buffer_append(uri, path, strlen(path) + 1, error);
    struct arena arena = ARENA_INIT(SIZE_MAX);
    char *joined = NULL;
    if (path[0] != '/') {
        size_t prefix = strlen(source), size = strlen(path);
        joined = arena_new(&arena, prefix + size + 2, 1);
        if (joined) {
            memcpy(joined, source, prefix);
            joined[prefix] = '/';
            memcpy(joined + prefix + 1, path, size);
        }
    }
    const char *absolute = path[0] == '/' || joined ? path_absolute(&arena, joined ? joined : path) : NULL;
    pomona_status status = absolute ? buffer_append(uri, "file:", 5, error) : fail_memory(error, "labels");
    if (status == POMONA_OK) status = buffer_append(uri, absolute, strlen(absolute) + 1, error);
    arena_free(&arena);
    return status;
}

static pomona_status apply_record(const struct csv_reader *csv, const char *path, const char *label,
                                  const char *source, struct listing *listing, struct buffer *uri,
                                  struct pomona_error *error) {
    TRY(to_uri(path, source, uri, error));
    struct listed_photo *photo =
        bsearch(uri->data, listing->photos, listing->count, sizeof *listing->photos, compare_uri);
    if (!photo) return POMONA_OK;
    if (photo->label && strcmp(photo->label, label) != 0)
        return fail(error, POMONA_E_INPUT, csv->name, "line %zu: '%s' has two labels, '%s' and '%s'",
                    csv->line, path, photo->label, label);
    if (!photo->label) photo->label = arena_copy_text(&listing->arena, label, strlen(label));
    return photo->label ? POMONA_OK : fail_memory(error, "labels");
}

static pomona_status apply_records(struct csv_reader *csv, const char *source, struct listing *listing,
                                   struct buffer *uri, struct pomona_error *error) {
    size_t path, label;
    TRY(csv_find(csv, "path", &path, error));
    TRY(csv_find(csv, "label", &label, error));
    for (size_t i = 0; i < listing->count; i++) listing->photos[i].label = NULL;
    for (;;) {
        bool has_record;
        TRY(csv_next(csv, &has_record, error));
        if (!has_record) return POMONA_OK;
        TRY(apply_record(csv, csv_field(csv, path), csv_field(csv, label), source, listing, uri, error));
    }
}

pomona_status labels_apply(const char *file, const char *source, struct listing *listing, int64_t *unlabelled,
                           struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LABELS_BYTES_MAX), uri = BUFFER_INIT(1 << 20);
    struct csv_reader csv = {0};
    pomona_status status = file_read(file, &text, error);
    if (status == POMONA_OK) status = csv_open(&csv, file, (const char *)text.data, text.size, error);
    if (status == POMONA_OK) status = apply_records(&csv, source, listing, &uri, error);
    csv_close(&csv);
    buffer_free(&uri);
    buffer_free(&text);
    *unlabelled = 0;
    for (size_t i = 0; i < listing->count; i++) *unlabelled += !listing->photos[i].label;
    return status;
}
