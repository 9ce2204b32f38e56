/* Numbers of the Parquet format (parquet.thrift) that reader and writer share. */
#ifndef TABLE_PARQUET_FORMAT_H
#define TABLE_PARQUET_FORMAT_H

#include <stddef.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Parquet values are little-endian and are copied as they are"
#endif

#define PARQUET_MAGIC "PAR1"
enum { PARQUET_MAGIC_SIZE = 4, PARQUET_TAIL_SIZE = 8 /* footer length and magic */ };

enum parquet_physical {
    PHYSICAL_BOOLEAN = 0,
    PHYSICAL_INT32 = 1,
    PHYSICAL_INT64 = 2,
    PHYSICAL_INT96 = 3,
    PHYSICAL_FLOAT = 4,
    PHYSICAL_DOUBLE = 5,
    PHYSICAL_BYTE_ARRAY = 6,
    PHYSICAL_FIXED_BYTES = 7,
    PHYSICAL_GROUP = -1 /* not in the format: a node with children */
};

enum parquet_repetition { REPETITION_REQUIRED = 0, REPETITION_OPTIONAL = 1, REPETITION_REPEATED = 2 };

enum parquet_converted { CONVERTED_NONE = -1, CONVERTED_UTF8 = 0, CONVERTED_LIST = 3, CONVERTED_INT8 = 15 };

enum parquet_encoding {
    ENCODING_PLAIN = 0,
    ENCODING_PLAIN_DICTIONARY = 2,
    ENCODING_RLE = 3,
    ENCODING_BIT_PACKED = 4,
    ENCODING_DELTA_BINARY_PACKED = 5,
    ENCODING_DELTA_LENGTH_BYTE_ARRAY = 6,
    ENCODING_DELTA_BYTE_ARRAY = 7,
    ENCODING_RLE_DICTIONARY = 8,
    ENCODING_BYTE_STREAM_SPLIT = 9
};

enum parquet_page { PAGE_DATA = 0, PAGE_INDEX = 1, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

enum parquet_compression {
    COMPRESSION_NONE = 0,
    COMPRESSION_SNAPPY = 1,
    COMPRESSION_GZIP = 2,
    COMPRESSION_ZSTD = 6
};

/* Bytes of one decoded value; 1 for booleans, 0 for texts and groups. */
static inline size_t physical_size(enum parquet_physical physical) {
    switch (physical) {
    case PHYSICAL_BOOLEAN: return 1;
    case PHYSICAL_INT32:
    case PHYSICAL_FLOAT: return 4;
    case PHYSICAL_INT64:
    case PHYSICAL_DOUBLE: return 8;
    case PHYSICAL_INT96: return 12;
    case PHYSICAL_BYTE_ARRAY:
    case PHYSICAL_FIXED_BYTES:
    case PHYSICAL_GROUP: break;
    }
    return 0;
}

#endif
