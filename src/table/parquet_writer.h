/* Writes Parquet, row by row, to a sink that never seeks.
 *
 * The file is what Spark 3.5 writes: data pages V1, PLAIN values, dictionaries for texts that repeat, RLE levels,
 * one CRC a page, Spark's row metadata in the footer, so that Spark, pandas, DuckDB and Arrow get the types back
 * exactly. Equal rows and options give equal bytes (for one version of the compression library).
 *
 * Rows are gathered into pages of about page_bytes, which are compressed at once, and into row groups of about
 * row_group_bytes before compression, which are then written. Memory at any time: at most one compressed row group,
 * three pages and a dictionary for each column, the row being added, and about 150 bytes of footer a column and row
 * group: about 24 MiB for paths, labels and features with the defaults.
 *
 * Source: https://github.com/apache/parquet-format (README, Encodings.md, LogicalTypes.md, parquet.thrift). */
#ifndef TABLE_PARQUET_WRITER_H
#define TABLE_PARQUET_WRITER_H

#include "base/io.h"
#include "table/table.h"

enum parquet_codec { PARQUET_SNAPPY, PARQUET_ZSTD, PARQUET_UNCOMPRESSED };

/* Names of the nodes inside a list. */
enum parquet_lists {
    PARQUET_LISTS_LEGACY, /* bag/array: Spark's spark.sql.parquet.writeLegacyFormat, as the reference has it */
    PARQUET_LISTS_STANDARD /* list/element */
};

/* Zero-initialise for the defaults. */
struct parquet_options {
    enum parquet_codec codec;
    enum parquet_lists lists;
    size_t row_group_bytes;  /* before compression; default 16 MiB; at most 1 GiB */
    size_t page_bytes;       /* before compression; default 1 MiB; at most 64 MiB */
    size_t dictionary_bytes; /* a larger dictionary is given up; default 256 KiB; 1: no dictionaries */
    bool omit_crc;           /* pages without a checksum, as most writers leave it out */
    const struct table_property *properties; /* [property_count] for the footer, copied */
    size_t property_count;
};

enum {
    PARQUET_COLUMNS_MAX = 64,          /* columns of a table that is written */
    PARQUET_CELL_BYTES_MAX = 64 << 20, /* a text or a list's values */
};

struct parquet_writer;

/* "snappy", "zstd", "none" and "legacy", "standard". POMONA_E_USAGE names the known ones. */
pomona_status parquet_codec_parse(const char *name, enum parquet_codec *codec, struct pomona_error *error);
pomona_status parquet_lists_parse(const char *name, enum parquet_lists *lists, struct pomona_error *error);

/* The file name's middle: ".snappy.parquet", ".zstd.parquet", ".parquet". */
const char *parquet_codec_suffix(enum parquet_codec codec);

/* Starts a file on `sink` (copied; what its `self` points to must outlive the writer). Column names are copied.
 * POMONA_E_USAGE: no columns or more than PARQUET_COLUMNS_MAX, an empty name or one used twice or that is not
 * UTF-8, a type that can't be written, options out of range. POMONA_E_MEMORY. Nothing is written yet. */
pomona_status parquet_writer_new(struct sink sink, const struct table_column *columns, int column_count,
                                 const struct parquet_options *options, struct parquet_writer **writer,
                                 struct pomona_error *error);

/* Adds one row: cells[column_count]. POMONA_E_INPUT: a text that is not UTF-8 (nothing of the row is added and the
 * writer can go on). POMONA_E_LIMIT: a cell larger than PARQUET_CELL_BYTES_MAX (likewise). POMONA_E_MEMORY and the
 * sink's own errors: the file is broken and every later call fails with the same code. */
pomona_status parquet_writer_add(struct parquet_writer *writer, const struct table_cell *cells,
                                 struct pomona_error *error);

/* Rows added so far, and bytes given to the sink so far. */
int64_t parquet_writer_rows(const struct parquet_writer *writer);
uint64_t parquet_writer_bytes(const struct parquet_writer *writer);

/* Writes what is left and the footer. The sink is the caller's to close. Nothing can be added afterwards. */
pomona_status parquet_writer_finish(struct parquet_writer *writer, struct pomona_error *error);

/* Frees the writer and sets *writer to NULL; without _finish the bytes written so far are no Parquet file. Accepts
 * NULL and pointers to NULL. */
void parquet_writer_free(struct parquet_writer **writer);

#endif
