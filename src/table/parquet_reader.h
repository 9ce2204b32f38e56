/* Reads Parquet, row by row, from any source: files of Spark, Arrow, pandas, DuckDB and pomona.
 *
 * Read are: texts (any BYTE_ARRAY), booleans, INT32 and INT64 (also as lists), FLOAT and DOUBLE (also as lists, of
 * every list layout: bag/array, list/element, list/item, a repeated leaf), members of structs by dotted names; pages V1
 * and V2; all encodings of the format but the obsolete BIT_PACKED; snappy, zstd, gzip or no compression. Page CRCs are
 * verified where present. Maps, lists of texts, decimals, unsigned integers, INT96 and fixed-length bytes are TABLE_OTHER.
 *
 * The file is hostile: every size, offset, count, level and index is checked before use. Memory: the footer (at most
 * 256 MiB, in practice below 1 MiB) and for each selected column one page, compressed and not, its dictionary and one
 * list; a page may have 256 MiB, and only if its compressed bytes can hold them. */
#ifndef TABLE_PARQUET_READER_H
#define TABLE_PARQUET_READER_H

#include "base/io.h"
#include "table/table.h"

struct parquet_reader;

/* Reads the footer. `source` is copied; what its `self` and `name` point to must outlive the reader. Errors:
 * POMONA_E_INPUT (not Parquet), POMONA_E_CORRUPT, POMONA_E_LIMIT, POMONA_E_UNSUPPORTED (encrypted),
 * POMONA_E_MEMORY, the source's own. On failure *reader is NULL. */
pomona_status parquet_reader_open(struct source source, struct parquet_reader **reader,
                                  struct pomona_error *error);

int64_t parquet_reader_rows(const struct parquet_reader *reader);
int parquet_reader_columns(const struct parquet_reader *reader);

/* Name (dotted inside structs) and type of column 0 <= index < columns. The name lives as long as the reader. */
struct table_column parquet_reader_column(const struct parquet_reader *reader, int index);

/* The first column of this name, or -1. */
int parquet_reader_find(const struct parquet_reader *reader, const char *name);

/* The last footer value of this key, or NULL; property index 0, 1, ... for all of them, false past the last. */
const char *parquet_reader_property(const struct parquet_reader *reader, const char *key);
bool parquet_reader_property_at(const struct parquet_reader *reader, size_t index,
                                struct table_property *property);

/* Chooses the columns that _next gives, in this order, and goes to the first row. POMONA_E_USAGE: an index out of
 * range; POMONA_E_UNSUPPORTED: a column of type TABLE_OTHER; POMONA_E_MEMORY. */
pomona_status parquet_reader_select(struct parquet_reader *reader, const int *columns, int count,
                                    struct pomona_error *error);

/* The next row: cells[selected]; *has_row is false after the last. Pointers live until the next call. A null list,
 * an empty list and a list with a null inside are three things: the last is POMONA_E_INPUT. INT32 widens to int64,
 * FLOAT to double. After a failure the reader must be freed, or _select called again. Messages name file and column. */
pomona_status parquet_reader_next(struct parquet_reader *reader, struct table_cell *cells, bool *has_row,
                                  struct pomona_error *error);

/* Accepts NULL and pointers to NULL; sets *reader to NULL. */
void parquet_reader_free(struct parquet_reader **reader);

#endif
