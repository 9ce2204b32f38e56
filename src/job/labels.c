#include "job/labels.h"

#include "base/io.h"
#include "job/photo_uri.h"
#include "table/csv.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS_BYTES_MAX = 1 << 30, ARENA_KEPT = 1 << 20 };

static int compare_uri(const void *key, const void *photo) {
    return strcmp(key, ((const struct listed_photo *)photo)->uri);
}

static pomona_status apply_record(const struct csv_reader *csv, const char *path, const char *label,
                                  const char *source, struct listing *listing, struct arena *arena,
                                  struct pomona_error *error) {
    struct listed_photo named;
    struct pomona_error cause = {0};
    pomona_status status = photo_from_text(arena, source, path, &named, &cause);
    if (status != POMONA_OK) return fail(error, status, csv->name, "line %zu: %s", csv->line, cause.message);
    struct listed_photo *photo =
        bsearch(named.uri, listing->photos, listing->count, sizeof *listing->photos, compare_uri);
    if (!photo) return POMONA_OK;
    if (photo->label && strcmp(photo->label, label) != 0)
        return fail(error, POMONA_E_INPUT, csv->name, "line %zu: '%s' has two labels, '%s' and '%s'",
                    csv->line, path, photo->label, label);
    if (!photo->label) photo->label = arena_copy_text(&listing->arena, label, strlen(label));
    return photo->label ? POMONA_OK : fail_memory(error, "labels");
}

static pomona_status apply_records(struct csv_reader *csv, const char *source, struct listing *listing,
                                   struct arena *arena, struct pomona_error *error) {
    size_t path, label;
    TRY(csv_find(csv, "path", &path, error));
    TRY(csv_find(csv, "label", &label, error));
    for (size_t i = 0; i < listing->count; i++) listing->photos[i].label = NULL;
    for (;;) {
        bool has_record;
        TRY(csv_next(csv, &has_record, error));
        if (!has_record) return POMONA_OK;
        TRY(apply_record(csv, csv_field(csv, path), csv_field(csv, label), source, listing, arena, error));
        if (arena->used > ARENA_KEPT) {
            arena_free(arena);
            *arena = ARENA_INIT(SIZE_MAX);
        }
    }
}

pomona_status labels_apply(const char *file, const char *source, struct listing *listing, int64_t *unlabelled,
                           struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LABELS_BYTES_MAX);
    struct arena arena = ARENA_INIT(SIZE_MAX); /* of the name at hand */
    struct csv_reader csv = {0};
    pomona_status status = file_read(file, &text, error);
    if (status == POMONA_OK) status = csv_open(&csv, file, (const char *)text.data, text.size, error);
    if (status == POMONA_OK) status = apply_records(&csv, source, listing, &arena, error);
    csv_close(&csv);
    arena_free(&arena);
    buffer_free(&text);
    *unlabelled = 0;
    for (size_t i = 0; i < listing->count; i++) *unlabelled += !listing->photos[i].label;
    return status;
}
