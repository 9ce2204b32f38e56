#include "table/leaf_writer.h"

#include "table/codec.h"
#include "table/rle.h"

#include <string.h>
#include <zlib.h>

/* Sizes inside a file are int32; the options keep pages and row groups well below. */
enum { BUFFER_LIMIT = INT32_MAX, PAGE_SLOTS_MAX = 1 << 20 };

static void start_chunk(struct leaf_writer *writer) {
    buffer_clear(&writer->pages);
    dictionary_clear(&writer->dictionary);
    writer->dictionary_in_use = writer->dictionary_allowed;
    writer->plain_pages = writer->dictionary_pages = 0;
    writer->slots = writer->nulls = writer->pages_uncompressed = 0;
    writer->bounds_known = writer->bounds_lost = false;
}

void leaf_writer_start(struct leaf_writer *writer, const struct schema_leaf *leaf,
                       enum parquet_compression codec, const struct parquet_options *options) {
    struct buffer empty = BUFFER_INIT(BUFFER_LIMIT);
    writer->leaf = *leaf;
    writer->codec = codec;
    writer->page_bytes = options->page_bytes;
    writer->omit_crc = options->omit_crc;
    writer->dictionary_allowed = leaf->physical == PHYSICAL_BYTE_ARRAY;
    writer->repetitions = writer->definitions = writer->values = writer->indices = writer->pages = empty;
    writer->dictionary = DICTIONARY_INIT(options->dictionary_bytes);
    start_chunk(writer);
}

void leaf_writer_free(struct leaf_writer *writer) {
    buffer_free(&writer->repetitions);
    buffer_free(&writer->definitions);
    buffer_free(&writer->values);
    buffer_free(&writer->indices);
    buffer_free(&writer->pages);
    dictionary_free(&writer->dictionary);
}

size_t leaf_bytes(const struct leaf_writer *writer) {
    return (size_t)writer->pages_uncompressed + writer->definitions.size + writer->values.size +
           writer->indices.size + writer->dictionary.entries.size;
}

static pomona_status append_levels(struct buffer *levels, int level, size_t count,
                                   struct pomona_error *error) {
    TRY(buffer_reserve(levels, count, error));
    memset(levels->data + levels->size, level, count);
    levels->size += count;
    return POMONA_OK;
}

static pomona_status add_slot(struct leaf_writer *writer, int definition, struct pomona_error *error) {
    if (writer->leaf.max_repetition) TRY(buffer_append_byte(&writer->repetitions, 0, error));
    return buffer_append_byte(&writer->definitions, (uint8_t)definition, error);
}

pomona_status leaf_add_null(struct leaf_writer *writer, int definition, struct pomona_error *error) {
    writer->nulls++;
    return add_slot(writer, definition, error);
}

static void set_bound(struct bound *bound, const void *value, size_t size) {
    if (size) memcpy(bound->bytes, value, size);
    bound->size = size;
}

/* Texts are ordered by their bytes, unsigned; integers by value. */
static int compare(enum parquet_physical physical, const struct bound *bound, const void *value,
                   size_t size) {
    if (physical == PHYSICAL_INT64) {
        int64_t a, b;
        memcpy(&a, bound->bytes, sizeof a);
        memcpy(&b, value, sizeof b);
        return a < b ? -1 : a > b;
    }
    int order = memcmp(bound->bytes, value, bound->size < size ? bound->size : size);
    return order ? order : bound->size < size ? -1 : bound->size > size;
}

static void widen_bounds(struct leaf_writer *writer, const void *value, size_t size) {
    if (writer->bounds_lost) return;
    if (size > BOUND_BYTES_MAX) {
        writer->bounds_lost = true;
        return;
    }
    enum parquet_physical physical = writer->leaf.physical;
    if (!writer->bounds_known || compare(physical, &writer->low, value, size) > 0)
        set_bound(&writer->low, value, size);
    if (!writer->bounds_known || compare(physical, &writer->high, value, size) < 0)
        set_bound(&writer->high, value, size);
    writer->bounds_known = true;
}

static pomona_status append_text(struct buffer *values, const char *text, size_t size,
                                 struct pomona_error *error) {
    uint32_t length = (uint32_t)size;
    TRY(buffer_append(values, &length, sizeof length, error));
    return buffer_append(values, text, size, error);
}

/* Stops using the dictionary for the rest of the chunk. Pages that are done keep theirs. */
static void drop_dictionary(struct leaf_writer *writer) {
    writer->dictionary_in_use = false;
    if (writer->dictionary_pages == 0) dictionary_clear(&writer->dictionary);
}

pomona_status leaf_add_text(struct leaf_writer *writer, const char *text, size_t size,
                            struct chunk_output *output, struct pomona_error *error) {
    bool full = true;
    uint32_t index = 0;
    if (writer->dictionary_in_use) {
        TRY(dictionary_find(&writer->dictionary, text, size, &index, &full, error));
        if (full) TRY(leaf_end_page(writer, true, output, error));
        if (full) drop_dictionary(writer);
    }
    TRY(add_slot(writer, writer->leaf.max_definition, error));
    widen_bounds(writer, text, size);
    if (full) return append_text(&writer->values, text, size, error);
    return buffer_append(&writer->indices, &index, sizeof index, error);
}

pomona_status leaf_add_value(struct leaf_writer *writer, const void *value, struct pomona_error *error) {
    size_t size = physical_size(writer->leaf.physical);
    TRY(add_slot(writer, writer->leaf.max_definition, error));
    if (writer->leaf.physical == PHYSICAL_INT64) widen_bounds(writer, value, size);
    return buffer_append(&writer->values, value, size, error);
}

pomona_status leaf_add_list(struct leaf_writer *writer, const void *values, size_t count,
                            struct pomona_error *error) {
    if (count == 0) return leaf_add_null(writer, writer->leaf.empty_definition, error);
    TRY(append_levels(&writer->repetitions, 0, 1, error));
    TRY(append_levels(&writer->repetitions, 1, count - 1, error));
    TRY(append_levels(&writer->definitions, writer->leaf.max_definition, count, error));
    return buffer_append(&writer->values, values, count * physical_size(writer->leaf.physical), error);
}

static pomona_status append_bits(struct buffer *out, const struct buffer *flags, struct pomona_error *error) {
    size_t bytes = (flags->size + 7) / 8;
    TRY(append_levels(out, 0, bytes, error));
    uint8_t *bits = out->data + out->size - bytes;
    for (size_t i = 0; i < flags->size; i++) bits[i / 8] |= (uint8_t)((flags->data[i] != 0) << i % 8);
    return POMONA_OK;
}

/* At least one bit wide, also for a single entry: some readers refuse a width of zero. */
static int index_width(const struct dictionary *dictionary) {
    return dictionary->count > 1 ? bit_width(dictionary->count - 1) : 1;
}

static pomona_status build_payload(const struct leaf_writer *writer, struct buffer *payload,
                                   struct pomona_error *error) {
    const struct buffer *definitions = &writer->definitions, *repetitions = &writer->repetitions;
    buffer_clear(payload);
    if (writer->leaf.max_repetition)
        TRY(rle_encode_levels(repetitions->data, repetitions->size, 1, payload, error));
    int width = bit_width((uint32_t)writer->leaf.max_definition);
    if (width) TRY(rle_encode_levels(definitions->data, definitions->size, width, payload, error));
    if (writer->dictionary_in_use) {
        int bits = index_width(&writer->dictionary);
        TRY(buffer_append_byte(payload, (uint8_t)bits, error));
        return rle_encode((const uint32_t *)(const void *)writer->indices.data,
                          writer->indices.size / sizeof(uint32_t), bits, payload, error);
    }
    if (writer->leaf.physical == PHYSICAL_BOOLEAN) return append_bits(payload, &writer->values, error);
    return buffer_append(payload, writer->values.data, writer->values.size, error);
}

/* Compresses the payload and builds its header (PageHeader). `values` counts slots, or dictionary entries. */
static pomona_status build_page(const struct leaf_writer *writer, enum parquet_page type,
                                enum parquet_encoding encoding, size_t values, struct chunk_output *output,
                                struct pomona_error *error) {
    buffer_clear(&output->compressed);
    buffer_clear(&output->header);
    TRY(page_compress(writer->codec, output->payload.data, output->payload.size, &output->compressed, error));
    const struct buffer *bytes = &output->compressed;
    struct thrift_writer header = thrift_start(&output->header, error);
    thrift_i32(&header, 1, type);
    thrift_i32(&header, 2, (int32_t)output->payload.size);
    thrift_i32(&header, 3, (int32_t)bytes->size);
    if (!writer->omit_crc) thrift_i32(&header, 4, (int32_t)crc32(0, bytes->data, (uInt)bytes->size));
    thrift_struct(&header, type == PAGE_DATA ? 5 : 7);
    thrift_i32(&header, 1, (int32_t)values);
    thrift_i32(&header, 2, encoding);
    if (type == PAGE_DATA) {
        thrift_i32(&header, 3, ENCODING_RLE);
        thrift_i32(&header, 4, ENCODING_RLE);
    }
    thrift_end(&header);
    return thrift_finish(&header);
}

/* The page's values as PLAIN instead of indices. */
static pomona_status spell_out(struct leaf_writer *writer, struct pomona_error *error) {
    for (size_t at = 0; at < writer->indices.size; at += sizeof(uint32_t)) {
        uint32_t index;
        memcpy(&index, writer->indices.data + at, sizeof index);
        size_t size;
        const uint8_t *entry = dictionary_entry(&writer->dictionary, index, &size);
        TRY(buffer_append(&writer->values, entry, size, error));
    }
    buffer_clear(&writer->indices);
    return POMONA_OK;
}

/* Whether the first page would be no larger without its dictionary (texts that do not repeat, such as paths). What
 * spell_out() then makes is at most a dictionary and its indices long. */
static bool dictionary_is_useless(const struct leaf_writer *writer) {
    const struct dictionary *dictionary = &writer->dictionary;
    size_t count = writer->indices.size / sizeof(uint32_t), plain = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index;
        size_t size;
        memcpy(&index, writer->indices.data + i * sizeof index, sizeof index);
        dictionary_entry(dictionary, index, &size);
        plain += size;
    }
    size_t packed = (count * (size_t)index_width(dictionary) + 7) / 8;
    return dictionary->entries.size + packed >= plain;
}

pomona_status leaf_end_page(struct leaf_writer *writer, bool force, struct chunk_output *output,
                            struct pomona_error *error) {
    size_t slots = writer->definitions.size;
    if (slots == 0) return POMONA_OK;
    if (!force && writer->values.size + writer->indices.size < writer->page_bytes && slots < PAGE_SLOTS_MAX)
        return POMONA_OK;
    if (writer->dictionary_in_use && writer->dictionary_pages == 0 && dictionary_is_useless(writer)) {
        TRY(spell_out(writer, error));
        drop_dictionary(writer);
    }
    TRY(build_payload(writer, &output->payload, error));
    bool indexed = writer->dictionary_in_use;
    TRY(build_page(writer, PAGE_DATA, indexed ? ENCODING_PLAIN_DICTIONARY : ENCODING_PLAIN, slots, output,
                   error));
    TRY(buffer_append(&writer->pages, output->header.data, output->header.size, error));
    TRY(buffer_append(&writer->pages, output->compressed.data, output->compressed.size, error));
    writer->pages_uncompressed += (int64_t)(output->header.size + output->payload.size);
    writer->slots += (int64_t)slots;
    *(indexed ? &writer->dictionary_pages : &writer->plain_pages) += 1;
    buffer_clear(&writer->repetitions);
    buffer_clear(&writer->definitions);
    buffer_clear(&writer->values);
    buffer_clear(&writer->indices);
    return POMONA_OK;
}

/* Where a chunk's pages lie in the file. */
struct chunk_place {
    uint64_t dictionary, data; /* offsets; dictionary only counts when there are dictionary pages */
    int64_t uncompressed, compressed;
};

pomona_status chunk_output_write(struct chunk_output *output, const void *data, size_t size,
                                 struct pomona_error *error) {
    TRY(sink_write(&output->sink, data, size, error));
    output->offset += size;
    return POMONA_OK;
}

static pomona_status put_bytes(struct chunk_output *output, const struct buffer *bytes,
                               struct pomona_error *error) {
    return chunk_output_write(output, bytes->data, bytes->size, error);
}

static pomona_status write_dictionary(struct leaf_writer *writer, struct chunk_output *output,
                                      struct chunk_place *place, struct pomona_error *error) {
    const struct dictionary *dictionary = &writer->dictionary;
    buffer_clear(&output->payload);
    TRY(buffer_append(&output->payload, dictionary->entries.data, dictionary->entries.size, error));
    TRY(build_page(writer, PAGE_DICTIONARY, ENCODING_PLAIN_DICTIONARY, dictionary->count, output, error));
    TRY(put_bytes(output, &output->header, error));
    TRY(put_bytes(output, &output->compressed, error));
    place->uncompressed += (int64_t)(output->header.size + output->payload.size);
    return POMONA_OK;
}

static void write_statistics(const struct leaf_writer *writer, struct thrift_writer *footer) {
    thrift_struct(footer, 12);
    thrift_i64(footer, 3, writer->nulls);
    if (writer->bounds_known && !writer->bounds_lost) {
        thrift_binary(footer, 5, writer->high.bytes, writer->high.size);
        thrift_binary(footer, 6, writer->low.bytes, writer->low.size);
        thrift_bool(footer, 7, true); /* both are values that occur */
        thrift_bool(footer, 8, true);
    }
    thrift_end(footer);
}

static void write_encoding_stats(const struct leaf_writer *writer, struct thrift_writer *footer) {
    int32_t stats[3][3] = {{PAGE_DICTIONARY, ENCODING_PLAIN_DICTIONARY, writer->dictionary_pages ? 1 : 0},
                           {PAGE_DATA, ENCODING_PLAIN_DICTIONARY, writer->dictionary_pages},
                           {PAGE_DATA, ENCODING_PLAIN, writer->plain_pages}};
    size_t used = 0;
    for (int i = 0; i < 3; i++) used += stats[i][2] > 0;
    thrift_list(footer, 13, THRIFT_STRUCT, used);
    for (int i = 0; i < 3; i++) {
        if (stats[i][2] == 0) continue;
        thrift_item_struct(footer);
        for (int field = 0; field < 3; field++) thrift_i32(footer, field + 1, stats[i][field]);
        thrift_end(footer);
    }
}

/* ColumnChunk with its ColumnMetaData. */
static void write_column_chunk(const struct leaf_writer *writer, const struct chunk_place *place,
                               struct thrift_writer *footer) {
    bool indexed = writer->dictionary_pages > 0, plain = writer->plain_pages > 0;
    thrift_item_struct(footer);
    thrift_i64(footer, 2, (int64_t)(indexed ? place->dictionary : place->data));
    thrift_struct(footer, 3);
    thrift_i32(footer, 1, writer->leaf.physical);
    thrift_list(footer, 2, THRIFT_I32, 1 + (size_t)indexed + (size_t)plain);
    if (indexed) thrift_item_i32(footer, ENCODING_PLAIN_DICTIONARY);
    if (plain) thrift_item_i32(footer, ENCODING_PLAIN);
    thrift_item_i32(footer, ENCODING_RLE);
    thrift_list(footer, 3, THRIFT_BINARY, (size_t)writer->leaf.path_size);
    for (int i = 0; i < writer->leaf.path_size; i++) thrift_item_text(footer, writer->leaf.path[i]);
    thrift_i32(footer, 4, writer->codec);
    thrift_i64(footer, 5, writer->slots);
    thrift_i64(footer, 6, place->uncompressed);
    thrift_i64(footer, 7, place->compressed);
    thrift_i64(footer, 9, (int64_t)place->data);
    if (indexed) thrift_i64(footer, 11, (int64_t)place->dictionary);
    write_statistics(writer, footer);
    write_encoding_stats(writer, footer);
    thrift_end(footer);
    thrift_end(footer);
}

pomona_status leaf_end_chunk(struct leaf_writer *writer, struct chunk_output *output,
                             struct thrift_writer *footer, struct pomona_error *error) {
    TRY(leaf_end_page(writer, true, output, error));
    uint64_t start = output->offset;
    struct chunk_place place = {.dictionary = start, .uncompressed = writer->pages_uncompressed};
    if (writer->dictionary_pages) TRY(write_dictionary(writer, output, &place, error));
    place.data = output->offset;
    TRY(put_bytes(output, &writer->pages, error));
    place.compressed = (int64_t)(output->offset - start);
    write_column_chunk(writer, &place, footer);
    output->group_uncompressed += place.uncompressed;
    output->group_compressed += place.compressed;
    start_chunk(writer);
    return footer->status;
}
