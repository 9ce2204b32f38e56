/* The values of a data page, in any of Parquet's encodings, without their nulls. */
#ifndef TABLE_VALUE_DECODER_H
#define TABLE_VALUE_DECODER_H

#include "base/buffer.h"
#include "table/delta.h"
#include "table/parquet_format.h"
#include "table/rle.h"

#include <stdbool.h>

/* A text inside a page, a dictionary or the decoder's own memory. */
struct text_view {
    const uint8_t *data;
    size_t size;
};

/* The entries of a chunk's dictionary page. */
struct value_dictionary {
    struct buffer bytes;     /* the page's values */
    struct text_view *texts; /* [count] for BYTE_ARRAY, owned */
    uint32_t count;
    bool present;
};

enum { VALUE_DICTIONARY_LIMIT = 256 << 20 };

/* Reads a dictionary page of `count` PLAIN values; replaces what was there. */
pomona_status value_dictionary_read(struct value_dictionary *dictionary, enum parquet_physical physical,
                                    int32_t encoding, const uint8_t *data, size_t size, uint32_t count,
                                    const char *name, struct pomona_error *error);
void value_dictionary_free(struct value_dictionary *dictionary);

struct value_decoder {
    const char *name; /* for messages */
    enum parquet_physical physical;
    int32_t encoding;
    const uint8_t *at, *end;
    size_t stride, index;          /* BYTE_STREAM_SPLIT: number of values, those read */
    size_t bit;                    /* PLAIN booleans */
    struct rle_decoder rle;        /* dictionary indices, RLE booleans */
    struct delta_decoder delta;    /* integers, lengths of texts */
    struct delta_decoder suffixes; /* DELTA_BYTE_ARRAY: lengths behind the shared prefix */
    struct buffer text;            /* DELTA_BYTE_ARRAY: the last text */
    const struct value_dictionary *dictionary;
};

enum { DECODED_TEXT_LIMIT = 256 << 20 };

/* Starts a page. `decoder->text` is kept from page to page; free it with buffer_free. POMONA_E_UNSUPPORTED names an
 * encoding that the type does not have here. */
pomona_status value_decoder_start(struct value_decoder *decoder, enum parquet_physical physical,
                                  int32_t encoding, const uint8_t *data, size_t size,
                                  const struct value_dictionary *dictionary, const char *name,
                                  struct pomona_error *error);

/* The next `count` values as they are stored: 4 bytes for INT32 and FLOAT, 8 for INT64 and DOUBLE, 1 for BOOLEAN.
 * POMONA_E_CORRUPT when the page ends before, or an index lies outside the dictionary. */
pomona_status value_decoder_read(struct value_decoder *decoder, void *values, size_t count,
                                 struct pomona_error *error);

/* The next text of a BYTE_ARRAY column; lives until the next call or page. */
pomona_status value_decoder_text(struct value_decoder *decoder, struct text_view *text,
                                 struct pomona_error *error);

#endif
