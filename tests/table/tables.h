/* Small tables for the tests: rows by a formula, written to memory, read back and compared. */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#include "table/parquet_reader.h"
#include "table/parquet_writer.h"

enum { TEST_COLUMNS = 7, TEST_FEATURES = 6 };

/* path, label, features, pca, number, score, good: with nulls, empty lists, NaN, infinities and long texts. */
extern const struct table_column test_columns[TEST_COLUMNS];

/* The cells of a row; they live until the next call. */
void test_row(int64_t row, struct table_cell cells[TEST_COLUMNS]);

/* Appends a file of `rows` rows to `out`. */
pomona_status test_write(struct sink sink, int64_t rows, const struct parquet_options *options,
                         struct pomona_error *error);

/* Reads a file; when all is well it must hold exactly the rows of test_row. *same says whether it does. */
pomona_status test_read(const void *data, size_t size, int64_t rows, bool *same, struct pomona_error *error);

#endif
