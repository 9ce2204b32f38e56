/* Comma-separated values, as RFC 4180 has them: read from memory, written to a sink. Always UTF-8, always with names
 * in the first record. */
#ifndef TABLE_CSV_H
#define TABLE_CSV_H

#include "base/io.h"

#include <stdbool.h>

enum { CSV_FIELDS_MAX = 16384, CSV_RECORD_BYTES_MAX = 16 << 20 };

/* Reading. Lines end in LF, CRLF or CR; empty lines are passed over; a byte order mark is dropped; fields in quotes
 * may hold commas, line ends and doubled quotes. */
struct csv_reader {
    const char *name; /* for messages, borrowed */
    const char *data; /* [size], borrowed */
    size_t size, at;
    size_t line; /* of the current record's start, from 1 */
    size_t next_line;
    struct buffer text;    /* fields of the current record, each with a NUL */
    struct buffer offsets; /* size_t of each field's start in `text` */
    size_t columns;        /* fields of the header */
};

/* Starts on data[size], which must outlive the reader, and reads the header; csv_field gives its names until csv_next.
 * On success and failure alike free with csv_close. POMONA_E_INPUT: no header, UTF-16, and the errors of csv_next. */
pomona_status csv_open(struct csv_reader *reader, const char *name, const char *data, size_t size,
                       struct pomona_error *error);

/* Place of a name in the header, which must be the current record. POMONA_E_INPUT when there is none, or two. */
pomona_status csv_find(const struct csv_reader *reader, const char *column, size_t *index,
                       struct pomona_error *error);

/* The next record; *has_record is false after the last. POMONA_E_INPUT names the line: another number of fields than
 * the header, an open quote at the end, text behind a closing quote, a quote inside a field without quotes, a NUL, a
 * field that is not UTF-8. POMONA_E_LIMIT, POMONA_E_MEMORY. */
pomona_status csv_next(struct csv_reader *reader, bool *has_record, struct pomona_error *error);

/* Reading a text piece by piece, each of whole records. csv_whole_records is how many bytes of data[size] are whole records; `last`: no
 * more follows. csv_more goes on with another piece, which must outlive its use; lines are counted on. csv_open_rows starts without
 * a header, for records of `columns` fields, and without data. */
size_t csv_whole_records(const char *data, size_t size, bool last);
void csv_more(struct csv_reader *reader, const char *data, size_t size);
void csv_open_rows(struct csv_reader *reader, const char *name, size_t columns);

/* Field 0 <= index < columns of the current record; lives until the next one. */
const char *csv_field(const struct csv_reader *reader, size_t index);

void csv_close(struct csv_reader *reader);

/* Writing. Fields are quoted where they must be; lines end in LF. The first failure sticks: calls after it do nothing
 * and csv_finish returns it. */
struct csv_writer {
    struct sink sink;
    struct buffer text; /* not given to the sink yet */
    struct pomona_error *error;
    pomona_status status;
    bool has_fields; /* in the current record */
};

struct csv_writer csv_start(struct sink sink, struct pomona_error *error);

void csv_text(struct csv_writer *writer, const char *text);
void csv_integer(struct csv_writer *writer, int64_t value);

/* Nothing at all, where an empty text is "". */
void csv_null(struct csv_writer *writer);

/* With the fewest of 15 to 17 significant digits that read back to the same double, and a point in every locale;
 * "nan", "inf", "-inf". */
void csv_number(struct csv_writer *writer, double value);
void csv_end_record(struct csv_writer *writer);

/* Gives the rest to the sink, frees, and returns the first failure. */
pomona_status csv_finish(struct csv_writer *writer);

#endif
