#include "table/page_reader.h"

#include "table/codec.h"
#include "table/thrift_reader.h"

#include <zlib.h>

/* PageHeader with the header of the kind of page it is. */
struct header {
    int32_t type, uncompressed, compressed, crc;
    int32_t slots, encoding, definition_encoding, repetition_encoding;
    int32_t definitions_size, repetitions_size; /* V2 only */
    bool has_crc, plain;                        /* plain: a V2 page whose values are not compressed */
};

void page_reader_start(struct page_reader *reader, const struct source *source, const char *name,
                       const struct parquet_leaf *leaf) {
    struct buffer pages = BUFFER_INIT(PAGE_BYTES_LIMIT);
    *reader = (struct page_reader){.source = source,
                                   .name = name,
                                   .leaf = leaf,
                                   .header = BUFFER_INIT(PAGE_HEADER_LIMIT),
                                   .raw = pages,
                                   .bytes = pages};
}

void page_reader_free(struct page_reader *reader) {
    buffer_free(&reader->header);
    buffer_free(&reader->raw);
    buffer_free(&reader->bytes);
}

static pomona_status corrupt(const struct page_reader *reader, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, reader->name, "%s", what);
}

pomona_status page_reader_seek(struct page_reader *reader, const struct parquet_chunk *chunk,
                               struct pomona_error *error) {
    if (chunk->elsewhere)
        return fail(error, POMONA_E_UNSUPPORTED, reader->name, "is encrypted or kept in another file");
    if (!chunk->present) return corrupt(reader, "the footer does not say where it is", error);
    int32_t codec = chunk->compression;
    if (codec != COMPRESSION_NONE && codec != COMPRESSION_SNAPPY && codec != COMPRESSION_GZIP &&
        codec != COMPRESSION_ZSTD)
        return fail(error, POMONA_E_UNSUPPORTED, reader->name,
                    "compressed with codec %d; snappy, zstd, gzip or none can be read", codec);
    reader->compression = (enum parquet_compression)codec;
    reader->at = chunk->start;
    reader->end = chunk->start + chunk->size;
    return POMONA_OK;
}

/* DataPageHeader, DictionaryPageHeader and DataPageHeaderV2. */
static void read_inner(struct thrift_reader *reader, int kind, struct header *header) {
    for (struct thrift_field field = {0}; thrift_next(reader, &field);) {
        int id = field.id;
        int32_t *to = NULL;
        if (kind == 8) {
            int32_t *const fields[] = {
                &header->slots,           NULL, NULL, &header->encoding, &header->definitions_size,
                &header->repetitions_size};
            if (id >= 1 && id <= 6) to = fields[id - 1];
            if (id == 7) {
                header->plain = !thrift_read_bool(reader, &field);
                continue;
            }
        } else {
            int32_t *const fields[] = {&header->slots, &header->encoding, &header->definition_encoding,
                                       &header->repetition_encoding};
            if (id >= 1 && id <= (kind == 5 ? 4 : 2)) to = fields[id - 1];
        }
        if (to)
            *to = thrift_read_i32(reader, &field);
        else
            thrift_skip(reader, &field);
    }
}

static void parse_header(struct thrift_reader *reader, struct header *header) {
    *header = (struct header){.type = -1,
                              .uncompressed = -1,
                              .compressed = -1,
                              .slots = -1,
                              .encoding = -1,
                              .definition_encoding = ENCODING_RLE,
                              .repetition_encoding = ENCODING_RLE};
    for (struct thrift_field field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 1: header->type = thrift_read_i32(reader, &field); break;
        case 2: header->uncompressed = thrift_read_i32(reader, &field); break;
        case 3: header->compressed = thrift_read_i32(reader, &field); break;
        case 4:
            header->crc = thrift_read_i32(reader, &field);
            header->has_crc = true;
            break;
        case 5:
        case 7:
        case 8:
            if (thrift_is_struct(reader, &field)) read_inner(reader, field.id, header);
            break;
        default: thrift_skip(reader, &field);
        }
    }
}

/* Headers have no length in front: reads ever more of the chunk until one fits. */
static pomona_status read_header(struct page_reader *reader, struct header *header,
                                 struct pomona_error *error) {
    uint64_t left = reader->end - reader->at;
    for (size_t window = 512;; window *= 8) {
        size_t size = window < left ? window : (size_t)left;
        if (size > PAGE_HEADER_LIMIT) size = PAGE_HEADER_LIMIT;
        buffer_clear(&reader->header);
        TRY(buffer_reserve(&reader->header, size, error));
        TRY(source_read(reader->source, reader->at, reader->header.data, size, error));
        struct thrift_reader thrift = thrift_open(reader->header.data, size);
        parse_header(&thrift, header);
        if (!thrift.failed) {
            reader->at += thrift.at;
            return POMONA_OK;
        }
        if (!thrift.truncated || size == left || size == PAGE_HEADER_LIMIT)
            return corrupt(reader, "a page's header is damaged", error);
    }
}

static pomona_status check_header(const struct page_reader *reader, const struct header *header,
                                  struct pomona_error *error) {
    if (header->uncompressed < 0 || header->compressed < 0)
        return corrupt(reader, "a page's header names no size", error);
    if ((uint64_t)header->compressed > reader->end - reader->at)
        return corrupt(reader, "a page reaches beyond its column", error);
    if (header->uncompressed > PAGE_BYTES_LIMIT || header->compressed > PAGE_BYTES_LIMIT)
        return fail(error, POMONA_E_LIMIT, reader->name, "a page of %d bytes, more than %d",
                    header->uncompressed > header->compressed ? header->uncompressed : header->compressed,
                    PAGE_BYTES_LIMIT);
    return POMONA_OK;
}

static pomona_status read_payload(struct page_reader *reader, const struct header *header,
                                  struct pomona_error *error) {
    size_t size = (size_t)header->compressed;
    buffer_clear(&reader->raw);
    TRY(buffer_reserve(&reader->raw, size ? size : 1, error));
    TRY(source_read(reader->source, reader->at, reader->raw.data, size, error));
    reader->at += size;
    if (header->has_crc && (uint32_t)header->crc != (uint32_t)crc32(0, reader->raw.data, (uInt)size))
        return corrupt(reader, "a page's checksum is wrong", error);
    return POMONA_OK;
}

/* Decompresses raw[skip..] to `size` bytes; without compression there is nothing to copy. */
static pomona_status decompress(struct page_reader *reader, enum parquet_compression compression,
                                const struct header *header, size_t skip, const uint8_t **data, size_t *size,
                                struct pomona_error *error) {
    const uint8_t *from = reader->raw.data + skip;
    size_t from_size = (size_t)header->compressed - skip;
    *size = (size_t)header->uncompressed - skip;
    if (compression == COMPRESSION_NONE) {
        *data = from;
        return *size == from_size ? POMONA_OK
                                  : corrupt(reader, "a page's sizes contradict each other", error);
    }
    if (!page_size_is_possible(compression, from_size, *size))
        return corrupt(reader, "a page can't be as large as it claims", error);
    buffer_clear(&reader->bytes);
    TRY(buffer_reserve(&reader->bytes, *size ? *size : 1, error));
    *data = reader->bytes.data;
    if (*size == 0 && from_size == 0) return POMONA_OK; /* V2 pages of nulls only */
    return page_decompress(compression, reader->name, from, from_size, reader->bytes.data, *size, error);
}

/* Takes one stretch of levels, with its length in four bytes, off the front of a V1 page. */
static pomona_status take_levels(const struct page_reader *reader, const uint8_t **data, size_t *size,
                                 const uint8_t **levels, size_t *levels_size, struct pomona_error *error) {
    uint32_t length = 0;
    if (*size >= sizeof length) memcpy(&length, *data, sizeof length);
    if (*size < sizeof length || length > *size - sizeof length)
        return corrupt(reader, "a page's levels reach beyond it", error);
    *levels = *data + sizeof length;
    *levels_size = length;
    *data += sizeof length + length;
    *size -= sizeof length + length;
    return POMONA_OK;
}

static pomona_status split_v1(struct page_reader *reader, const struct header *header, struct page *page,
                              struct pomona_error *error) {
    const struct parquet_leaf *leaf = reader->leaf;
    const uint8_t *data;
    size_t size;
    if ((leaf->max_repetition && header->repetition_encoding != ENCODING_RLE) ||
        (leaf->max_definition && header->definition_encoding != ENCODING_RLE))
        return fail(error, POMONA_E_UNSUPPORTED, reader->name, "levels of an encoding other than RLE");
    TRY(decompress(reader, reader->compression, header, 0, &data, &size, error));
    if (leaf->max_repetition)
        TRY(take_levels(reader, &data, &size, &page->repetitions, &page->repetitions_size, error));
    if (leaf->max_definition)
        TRY(take_levels(reader, &data, &size, &page->definitions, &page->definitions_size, error));
    page->values = data;
    page->values_size = size;
    return POMONA_OK;
}

/* Levels of V2 pages come first and are never compressed. */
static pomona_status split_v2(struct page_reader *reader, const struct header *header, struct page *page,
                              struct pomona_error *error) {
    int64_t repetitions = header->repetitions_size, definitions = header->definitions_size;
    if (repetitions < 0 || definitions < 0 || repetitions + definitions > header->compressed ||
        repetitions + definitions > header->uncompressed)
        return corrupt(reader, "a page's levels reach beyond it", error);
    page->repetitions = reader->raw.data;
    page->repetitions_size = (size_t)repetitions;
    page->definitions = reader->raw.data + repetitions;
    page->definitions_size = (size_t)definitions;
    enum parquet_compression compression = header->plain ? COMPRESSION_NONE : reader->compression;
    return decompress(reader, compression, header, (size_t)(repetitions + definitions), &page->values,
                      &page->values_size, error);
}

pomona_status page_reader_next(struct page_reader *reader, struct page *page, bool *has_page,
                               struct pomona_error *error) {
    struct header header;
    *page = (struct page){0};
    *has_page = false;
    do { /* past pages of kinds that hold no values */
        if (reader->at == reader->end) return POMONA_OK;
        TRY(read_header(reader, &header, error));
        TRY(check_header(reader, &header, error));
        TRY(read_payload(reader, &header, error));
    } while (header.type != PAGE_DATA && header.type != PAGE_DATA_V2 && header.type != PAGE_DICTIONARY);
    if (header.slots < 0) return corrupt(reader, "a page's header does not say what is in it", error);
    *has_page = true;
    page->type = header.type == PAGE_DICTIONARY ? PAGE_DICTIONARY : PAGE_DATA;
    page->encoding = header.encoding;
    page->slots = header.slots;
    if (header.type == PAGE_DATA) return split_v1(reader, &header, page, error);
    if (header.type == PAGE_DATA_V2) return split_v2(reader, &header, page, error);
    return decompress(reader, reader->compression, &header, 0, &page->values, &page->values_size, error);
}
