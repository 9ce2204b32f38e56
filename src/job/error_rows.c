#include "job/error_rows.h"

#include "base/memory.h"
#include "store/folder.h"
#include "store/listing.h"
#include "table/file_source.h"
#include "table/parquet_reader.h"

static pomona_status keep_rows(struct parquet_reader *reader, const char *file, size_t limit,
                               struct error_rows *rows, struct pomona_error *error) {
    const int columns[] = {parquet_reader_find(reader, "path"), parquet_reader_find(reader, "reason")};
    if (columns[0] < 0 || columns[1] < 0)
        return fail(error, POMONA_E_INPUT, file, "has no columns path and reason");
    TRY(parquet_reader_select(reader, columns, 2, error));
    rows->total += parquet_reader_rows(reader);
    while (rows->count < limit) {
        struct table_cell cells[2];
        bool has_row;
        TRY(parquet_reader_next(reader, cells, &has_row, error));
        if (!has_row) return POMONA_OK;
        const char *path = arena_copy_text(&rows->texts, cells[0].null ? "" : cells[0].text, cells[0].count);
        const char *reason =
            arena_copy_text(&rows->texts, cells[1].null ? "" : cells[1].text, cells[1].count);
        if (!path || !reason) return fail_memory(error, "error rows");
        rows->rows[rows->count++] = (struct pomona_report_failure){path, reason};
    }
    return POMONA_OK;
}

static pomona_status read_file(const char *path, size_t limit, struct error_rows *rows,
                               struct pomona_error *error) {
    struct file_source file = FILE_SOURCE_INIT;
    struct source source;
    struct parquet_reader *reader = NULL;
    TRY(file_source_open(&file, path, &source, error));
    pomona_status status = parquet_reader_open(source, &reader, error);
    if (status == POMONA_OK) status = keep_rows(reader, path, limit, rows, error);
    parquet_reader_free(&reader);
    file_source_close(&file);
    return status;
}

pomona_status error_rows_read(const char *folder, size_t limit, struct error_rows *rows,
                              struct pomona_error *error) {
    if (!path_exists(folder)) return POMONA_OK;
    rows->rows = memory_new(limit, sizeof *rows->rows);
    if (!rows->rows) return fail_memory(error, "error rows");
    struct listing files = LISTING_INIT;
    pomona_status status = listing_walk(folder, "*.parquet", NULL, NULL, &files, error);
    for (size_t i = 0; i < files.count && status == POMONA_OK; i++)
        status = read_file(files.photos[i].path, limit, rows, error);
    listing_free(&files);
    return status;
}

void error_rows_free(struct error_rows *rows) {
    arena_free(&rows->texts);
    memory_free(rows->rows);
    *rows = ERROR_ROWS_INIT;
}
