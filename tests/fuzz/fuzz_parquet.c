/* The Parquet reader on any bytes: opens, selects what can be read, reads up to a bound of rows. Run in a corpus folder:
 *
 *   tests/fuzz/seeds_parquet.py CORPUS
 *   build/tests/fuzz/fuzz_parquet -max_len=65536 -rss_limit_mb=2048 CORPUS
 */
#include "table/parquet_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 32, ROWS_MAX = 3000 };

/* Looks at every byte that a cell points to, so that the sanitizers check them. */
static uint64_t touch(const struct table_cell *cell, enum table_type type) {
    if (cell->null) return 0;
    size_t width = type == TABLE_TEXT ? 1 : type == TABLE_FLOAT_LIST ? 4 : 8;
    bool list = type == TABLE_FLOAT_LIST || type == TABLE_DOUBLE_LIST || type == TABLE_INT64_LIST;
    uint64_t sum = (uint64_t)cell->integer;
    if (!list && type != TABLE_TEXT) return sum;
    sum = 0;
    for (size_t i = 0; i < cell->count * width; i++) sum += (uint8_t)cell->text[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pomona_error error;
    struct parquet_reader *reader;
    struct source_memory memory;
    int chosen[COLUMNS_MAX], count = 0;
    if (parquet_reader_open(source_from_memory("fuzz", data, size, &memory), &reader, &error) != POMONA_OK)
        return 0;
    for (int i = 0; i < parquet_reader_columns(reader) && count < COLUMNS_MAX; i++)
        if (parquet_reader_column(reader, i).type != TABLE_OTHER) chosen[count++] = i;
    volatile uint64_t sum = 0;
    /* One column after the other, because the first damaged one ends a read. */
    for (int i = 0; i < count; i++) {
        struct table_cell cell;
        bool has_row = parquet_reader_select(reader, &chosen[i], 1, &error) == POMONA_OK;
        for (int row = 0; has_row && row < ROWS_MAX; row++) {
            if (parquet_reader_next(reader, &cell, &has_row, &error) != POMONA_OK) break;
            if (has_row) sum += touch(&cell, parquet_reader_column(reader, chosen[i]).type);
        }
    }
    (void)sum;
    parquet_reader_free(&reader);
    return 0;
}
