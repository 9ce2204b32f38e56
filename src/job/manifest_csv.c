#include "base/memory.h"
#include "job/manifest_rows.h"
#include "table/csv.h"

#include <string.h>
#include <zlib.h>

enum { PIECE = 256 * 1024, RECORD_MAX = 1 << 20, COLUMNS_MAX = 1024 };
static const uint64_t TEXT_MAX = (uint64_t)64 << 30;

/* A text file, gzipped or not, read in pieces of whole records. */
struct text_file {
    struct manifest *manifest;
    gzFile file;
    struct buffer text; /* from the first byte that is not parsed yet */
    size_t taken;       /* of it, parsed */
    uint64_t total;
    bool ended;
};

static pomona_status read_piece(struct text_file *text, struct pomona_error *error) {
    const char *name = text->manifest->name;
    TRY(buffer_reserve(&text->text, PIECE, error));
    int got = gzread(text->file, text->text.data + text->text.size, PIECE), code = Z_OK;
    const char *cause = gzerror(text->file, &code);
    if (got < 0 || code == Z_BUF_ERROR)
        return fail(error, code == Z_ERRNO ? POMONA_E_IO : POMONA_E_CORRUPT, name, "cannot be unpacked: %s",
                    code == Z_BUF_ERROR ? "it is cut short" : cause);
    text->text.size += (size_t)got;
    text->total += (uint64_t)got;
    text->ended = got == 0;
    return text->total > TEXT_MAX ? fail(error, POMONA_E_LIMIT, name, "more than 64 GiB of text") : POMONA_OK;
}

/* The next piece of whole records; *size is 0 at the end. */
static pomona_status next_piece(struct text_file *text, const struct csv_reader *csv, const char **data,
                                size_t *size, struct pomona_error *error) {
    const struct manifest_request *request = text->manifest->request;
    if (request->should_stop && request->should_stop(request->user))
        return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
    size_t left = text->text.size - text->taken;
    if (left > 0) memmove(text->text.data, text->text.data + text->taken, left);
    text->text.size = left;
    text->taken = 0;
    for (;;) {
        if (!text->ended) TRY(read_piece(text, error));
        *data = text->text.size ? (const char *)text->text.data : "";
        *size = csv_whole_records(*data, text->text.size, text->ended);
        if (*size > 0 || text->ended) break;
        if (text->text.size > RECORD_MAX)
            return fail(error, POMONA_E_LIMIT, text->manifest->name, "line %zu: longer than 1 MiB",
                        csv->next_line ? csv->next_line : 1);
    }
    text->taken = *size;
    return POMONA_OK;
}

static pomona_status add_records(struct manifest *manifest, struct csv_reader *csv,
                                 const int index[MANIFEST_COLUMNS], struct pomona_error *error) {
    for (;;) {
        bool has_record;
        struct manifest_row row = {0};
        TRY(csv_next(csv, &has_record, error));
        if (!has_record) return POMONA_OK;
        row.line = csv->line;
        for (int i = 0; i < MANIFEST_COLUMNS; i++)
            if (index[i] >= 0) row.text[i] = csv_field(csv, (size_t)index[i]);
        TRY(manifest_add(manifest, &row, error));
    }
}

/* The header, or the names that stand for it. */
static pomona_status match_header(struct manifest *manifest, const struct csv_reader *csv,
                                  int index[MANIFEST_COLUMNS], struct pomona_error *error) {
    const char *names[COLUMNS_MAX];
    if (csv->columns > COLUMNS_MAX)
        return fail(error, POMONA_E_LIMIT, manifest->name, "line 1: more than %d columns", COLUMNS_MAX);
    for (size_t i = 0; i < csv->columns; i++) names[i] = csv_field(csv, i);
    return manifest_match(manifest, names, csv->columns, index, error);
}

static pomona_status read_all(struct text_file *text, struct csv_reader *csv, const char *const *columns,
                              size_t count, struct pomona_error *error) {
    int index[MANIFEST_COLUMNS];
    const char *data;
    size_t size;
    TRY(next_piece(text, csv, &data, &size, error));
    if (columns) {
        csv_open_rows(csv, text->manifest->name, count);
        csv_more(csv, data, size);
        TRY(manifest_match(text->manifest, columns, count, index, error));
    } else {
        TRY(csv_open(csv, text->manifest->name, data, size, error));
        TRY(match_header(text->manifest, csv, index, error));
    }
    while (size > 0) {
        TRY(add_records(text->manifest, csv, index, error));
        TRY(next_piece(text, csv, &data, &size, error));
        csv_more(csv, data, size);
    }
    return POMONA_OK;
}

pomona_status manifest_read_csv(struct manifest *manifest, const char *file, const char *const *columns,
                                size_t count, struct pomona_error *error) {
    struct text_file text = {.manifest = manifest, .text = BUFFER_INIT(2 * RECORD_MAX)};
    struct csv_reader csv = {0};
    text.file = gzopen(file, "rbe");
    if (!text.file) return fail(error, POMONA_E_INPUT, manifest->name, "cannot open");
    pomona_status status = read_all(&text, &csv, columns, count, error);
    csv_close(&csv);
    gzclose(text.file);
    buffer_free(&text.text);
    return status;
}
