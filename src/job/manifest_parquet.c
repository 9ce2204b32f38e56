#include "base/memory.h"
#include "job/manifest_rows.h"
#include "table/file_source.h"
#include "table/parquet_reader.h"

enum { COLUMNS_MAX = 1024 };

/* Texts of one row with a NUL behind each; the reader's have none. */
static pomona_status keep_text(struct buffer *texts, size_t offset[MANIFEST_COLUMNS], int column,
                               const struct table_cell *cell, struct pomona_error *error) {
    offset[column] = texts->size;
    TRY(buffer_append(texts, cell->text, cell->count, error));
    return buffer_append_byte(texts, 0, error);
}

struct columns {
    int selected[MANIFEST_COLUMNS]; /* which column of the file each cell is */
    enum manifest_column meaning[MANIFEST_COLUMNS];
    enum table_type type[MANIFEST_COLUMNS];
    int count;
};

static pomona_status fill_row(const struct columns *columns, const struct table_cell *cells,
                              struct buffer *texts, struct manifest_row *row, struct pomona_error *error) {
    size_t offset[MANIFEST_COLUMNS];
    bool has_text[MANIFEST_COLUMNS] = {false};
    buffer_clear(texts);
    for (int i = 0; i < columns->count; i++) {
        const struct table_cell *cell = &cells[i];
        enum manifest_column column = columns->meaning[i];
        if (cell->null) continue;
        switch (columns->type[i]) {
        case TABLE_TEXT:
            TRY(keep_text(texts, offset, (int)column, cell, error));
            has_text[column] = true;
            break;
        case TABLE_BOOLEAN: row->text[column] = cell->boolean ? "true" : "false"; break;
        case TABLE_INT64:
            row->number[column] = cell->integer;
            row->has_number[column] = true;
            break;
        default: break;
        }
    }
    for (int i = 0; i < MANIFEST_COLUMNS; i++)
        if (has_text[i]) row->text[i] = (const char *)texts->data + offset[i];
    return POMONA_OK;
}

static bool type_fits(enum manifest_column column, enum table_type type) {
    if (column == MANIFEST_SIZE || column == MANIFEST_MODIFIED)
        return type == TABLE_INT64 || type == TABLE_TEXT;
    if (column == MANIFEST_LATEST || column == MANIFEST_DELETED)
        return type == TABLE_BOOLEAN || type == TABLE_TEXT;
    return type == TABLE_TEXT;
}

static pomona_status choose(struct manifest *manifest, struct parquet_reader *reader, struct columns *columns,
                            struct pomona_error *error) {
    const char *names[COLUMNS_MAX];
    int index[MANIFEST_COLUMNS], count = parquet_reader_columns(reader);
    if (count > COLUMNS_MAX)
        return fail(error, POMONA_E_LIMIT, manifest->name, "more than %d columns", COLUMNS_MAX);
    for (int i = 0; i < count; i++) names[i] = parquet_reader_column(reader, i).name;
    TRY(manifest_match(manifest, names, (size_t)count, index, error));
    for (int i = 0; i < MANIFEST_COLUMNS; i++) {
        if (index[i] < 0) continue;
        enum table_type type = parquet_reader_column(reader, index[i]).type;
        if (!type_fits((enum manifest_column)i, type)) {
            /* A time that pomona can't read (INT96) is as good as none. */
            if (i == MANIFEST_MODIFIED) continue;
            return fail(error, POMONA_E_INPUT, manifest->name, "column \"%s\" is of another type",
                        names[index[i]]);
        }
        columns->selected[columns->count] = index[i];
        columns->type[columns->count] = type;
        columns->meaning[columns->count++] = (enum manifest_column)i;
    }
    return parquet_reader_select(reader, columns->selected, columns->count, error);
}

static pomona_status read_rows(struct manifest *manifest, struct parquet_reader *reader,
                               struct pomona_error *error) {
    enum { TEXTS_MAX = 4 << 20, ROWS_BETWEEN_QUESTIONS = 4096 };
    struct columns columns = {.count = 0};
    struct buffer texts = BUFFER_INIT(TEXTS_MAX);
    const struct manifest_request *request = manifest->request;
    pomona_status status = choose(manifest, reader, &columns, error);
    for (size_t line = 1; status == POMONA_OK; line++) {
        struct table_cell cells[MANIFEST_COLUMNS];
        struct manifest_row row = {.line = line};
        bool has_row;
        status = parquet_reader_next(reader, cells, &has_row, error);
        if (status != POMONA_OK || !has_row) break;
        status = fill_row(&columns, cells, &texts, &row, error);
        if (status == POMONA_OK) status = manifest_add(manifest, &row, error);
        if (line % ROWS_BETWEEN_QUESTIONS == 0 && request->should_stop && request->should_stop(request->user))
            status = fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
    }
    buffer_free(&texts);
    return status;
}

pomona_status manifest_read_parquet(struct manifest *manifest, const char *file, struct pomona_error *error) {
    struct file_source source_file = FILE_SOURCE_INIT;
    struct source source;
    struct parquet_reader *reader = NULL;
    TRY(file_source_open(&source_file, file, &source, error));
    source.name = manifest->name;
    pomona_status status = parquet_reader_open(source, &reader, error);
    if (status == POMONA_OK) status = read_rows(manifest, reader, error);
    parquet_reader_free(&reader);
    file_source_close(&source_file);
    return status;
}
