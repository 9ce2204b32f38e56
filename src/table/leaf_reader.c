#include "table/leaf_reader.h"

#include <stdio.h>
#include <string.h>

static pomona_status corrupt(const struct leaf_reader *reader, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, reader->name, "%s", what);
}

void leaf_reader_start(struct leaf_reader *reader, const struct source *source,
                       const struct parquet_leaf *leaf) {
    memset(reader, 0, sizeof *reader);
    reader->leaf = leaf;
    reader->list = BUFFER_INIT(LIST_BYTES_MAX);
    snprintf(reader->name, sizeof reader->name, "%s: column %s", source->name, leaf->name);
    page_reader_start(&reader->pages, source, reader->name, leaf);
}

void leaf_reader_free(struct leaf_reader *reader) {
    page_reader_free(&reader->pages);
    value_dictionary_free(&reader->dictionary);
    buffer_free(&reader->values.text);
    buffer_free(&reader->list);
}

pomona_status leaf_reader_seek(struct leaf_reader *reader, const struct parquet_chunk *chunk,
                               struct pomona_error *error) {
    reader->dictionary.present = false;
    reader->batch_at = reader->batch_end = 0;
    reader->page_slots = 0;
    reader->values.at = reader->values.end = NULL; /* no page */
    reader->chunk_slots = chunk->slots;
    return page_reader_seek(&reader->pages, chunk, error);
}

static pomona_status start_data_page(struct leaf_reader *reader, const struct page *page,
                                     struct pomona_error *error) {
    if (page->slots > reader->chunk_slots)
        return corrupt(reader, "more values than the footer counts", error);
    reader->page_slots = page->slots;
    reader->chunk_slots -= page->slots;
    reader->repetitions = rle_open(page->repetitions, page->repetitions_size,
                                   bit_width((uint32_t)reader->leaf->max_repetition));
    reader->definitions = rle_open(page->definitions, page->definitions_size,
                                   bit_width((uint32_t)reader->leaf->max_definition));
    return value_decoder_start(&reader->values, reader->leaf->physical, page->encoding, page->values,
                               page->values_size, &reader->dictionary, reader->name, error);
}

/* A page whose values and levels disagree is damaged, or the footer is, which has no checksum. */
static pomona_status end_data_page(const struct leaf_reader *reader, struct pomona_error *error) {
    const struct value_decoder *values = &reader->values;
    bool counted = values->encoding == ENCODING_PLAIN && values->physical != PHYSICAL_BOOLEAN;
    return counted && values->at != values->end
               ? corrupt(reader, "a page has more values than its levels", error)
               : POMONA_OK;
}

/* Goes on to the next data page that has slots; *found is false at the end of the chunk. */
static pomona_status next_data_page(struct leaf_reader *reader, bool *found, struct pomona_error *error) {
    *found = reader->page_slots > 0;
    if (*found) return POMONA_OK;
    TRY(end_data_page(reader, error));
    while (reader->page_slots == 0) {
        struct page page;
        bool has_page;
        TRY(page_reader_next(&reader->pages, &page, &has_page, error));
        if (!has_page) return POMONA_OK;
        if (page.type == PAGE_DICTIONARY)
            TRY(value_dictionary_read(&reader->dictionary, reader->leaf->physical, page.encoding, page.values,
                                      page.values_size, (uint32_t)page.slots, reader->name, error));
        else
            TRY(start_data_page(reader, &page, error));
    }
    *found = true;
    return POMONA_OK;
}

/* Makes sure that a slot's levels are in the batch; *found is false at the end of the chunk. The page may change, so
 * the values of the slots before must have been read. */
static pomona_status need_slot(struct leaf_reader *reader, bool *found, struct pomona_error *error) {
    *found = true;
    if (reader->batch_at < reader->batch_end) return POMONA_OK;
    TRY(next_data_page(reader, found, error));
    if (!*found) return POMONA_OK;
    size_t count = reader->page_slots < LEVEL_BATCH ? (size_t)reader->page_slots : LEVEL_BATCH;
    uint32_t highest_repetition = 0, highest_definition = 0;
    if (!rle_read(&reader->repetitions, reader->repetition_batch, count) ||
        !rle_read(&reader->definitions, reader->definition_batch, count))
        return corrupt(reader, "a page's levels are truncated", error);
    for (size_t i = 0; i < count; i++) {
        highest_repetition |= reader->repetition_batch[i]; /* one bit wide, so that "or" is the greatest */
        if (reader->definition_batch[i] > highest_definition)
            highest_definition = reader->definition_batch[i];
    }
    if (highest_repetition > (uint32_t)reader->leaf->max_repetition ||
        highest_definition > (uint32_t)reader->leaf->max_definition)
        return corrupt(reader, "a page's levels are out of range", error);
    reader->page_slots -= (int64_t)count;
    reader->batch_at = 0;
    reader->batch_end = count;
    return POMONA_OK;
}

static pomona_status read_scalar(struct leaf_reader *reader, struct table_cell *cell,
                                 struct pomona_error *error) {
    struct value_decoder *values = &reader->values;
    if (reader->leaf->physical == PHYSICAL_BYTE_ARRAY) {
        struct text_view text;
        TRY(value_decoder_text(values, &text, error));
        *cell = cell_text_of((const char *)text.data, text.size);
        return POMONA_OK;
    }
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
        uint8_t flag;
    } value;
    TRY(value_decoder_read(values, &value, 1, error));
    switch (reader->leaf->physical) {
    case PHYSICAL_BOOLEAN: *cell = cell_boolean(value.flag != 0); break;
    case PHYSICAL_INT32: *cell = cell_integer(value.i32); break;
    case PHYSICAL_INT64: *cell = cell_integer(value.i64); break;
    case PHYSICAL_FLOAT: *cell = cell_number((double)value.f32); break;
    default: *cell = cell_number(value.f64);
    }
    return POMONA_OK;
}

/* The slots from batch_at on that are present elements of the current list; `first`: the list starts here. */
static size_t element_run(const struct leaf_reader *reader, bool first) {
    const uint32_t *repetitions = reader->repetition_batch, *definitions = reader->definition_batch;
    uint32_t present = (uint32_t)reader->leaf->max_definition;
    size_t at = reader->batch_at;
    if (first && definitions[at] == present) at++;
    if (first && at == reader->batch_at) return 0;
    while (at < reader->batch_end && repetitions[at] == 1 && definitions[at] == present) at++;
    return at - reader->batch_at;
}

static pomona_status append_elements(struct leaf_reader *reader, size_t count, struct pomona_error *error) {
    size_t size = count * physical_size(reader->leaf->physical);
    if (size > reader->list.limit - reader->list.size)
        return fail(error, POMONA_E_LIMIT, reader->name, "a list of more than %d bytes", LIST_BYTES_MAX);
    TRY(buffer_reserve(&reader->list, size, error));
    TRY(value_decoder_read(&reader->values, reader->list.data + reader->list.size, count, error));
    reader->list.size += size;
    reader->batch_at += count;
    return POMONA_OK;
}

/* INT32 elements become int64, from the last to the first because they grow in place. */
static pomona_status widen_elements(struct buffer *list, struct pomona_error *error) {
    size_t count = list->size / 4;
    TRY(buffer_reserve(list, list->size, error));
    for (size_t i = count; i-- > 0;) {
        int32_t narrow;
        memcpy(&narrow, list->data + i * 4, sizeof narrow);
        int64_t wide = narrow;
        memcpy(list->data + i * 8, &wide, sizeof wide);
    }
    list->size *= 2;
    return POMONA_OK;
}

static pomona_status read_elements(struct leaf_reader *reader, int64_t row, struct pomona_error *error) {
    buffer_clear(&reader->list);
    for (bool first = true;; first = false) {
        bool found;
        TRY(need_slot(reader, &found, error));
        if (!found || (!first && reader->repetition_batch[reader->batch_at] == 0)) return POMONA_OK;
        size_t run = element_run(reader, first);
        if (run == 0 &&
            reader->definition_batch[reader->batch_at] >= (uint32_t)reader->leaf->element_definition)
            return fail(error, POMONA_E_INPUT, reader->name, "row %lld has a null inside its list",
                        (long long)row);
        if (run == 0) return corrupt(reader, "an empty list inside a list", error);
        TRY(append_elements(reader, run, error));
    }
}

static pomona_status read_list(struct leaf_reader *reader, int64_t row, struct table_cell *cell,
                               struct pomona_error *error) {
    const struct parquet_leaf *leaf = reader->leaf;
    if (reader->repetition_batch[reader->batch_at] != 0)
        return corrupt(reader, "a row group starts inside a row", error);
    int definition = (int)reader->definition_batch[reader->batch_at];
    if (definition <
        leaf->element_definition) { /* one level below the elements: the list is there, but empty */
        *cell = (struct table_cell){.null = definition < leaf->element_definition - 1};
        reader->batch_at++;
        return POMONA_OK;
    }
    TRY(read_elements(reader, row, error));
    if (leaf->physical == PHYSICAL_INT32) TRY(widen_elements(&reader->list, error));
    size_t width = leaf->physical == PHYSICAL_FLOAT ? sizeof(float) : sizeof(double);
    *cell = (struct table_cell){.count = reader->list.size / width};
    cell->floats = (const float *)(const void *)reader->list.data;
    return POMONA_OK;
}

pomona_status leaf_reader_next(struct leaf_reader *reader, int64_t row, struct table_cell *cell,
                               struct pomona_error *error) {
    bool found;
    TRY(need_slot(reader, &found, error));
    if (!found) return corrupt(reader, "fewer rows than the footer counts", error);
    if (reader->leaf->max_repetition) return read_list(reader, row, cell, error);
    uint32_t definition = reader->definition_batch[reader->batch_at++];
    if (definition == (uint32_t)reader->leaf->max_definition) return read_scalar(reader, cell, error);
    *cell = cell_null();
    return POMONA_OK;
}

pomona_status leaf_reader_end(struct leaf_reader *reader, struct pomona_error *error) {
    bool found;
    TRY(need_slot(reader, &found, error));
    if (found) return corrupt(reader, "more rows than the footer counts", error);
    if (reader->chunk_slots != 0) return corrupt(reader, "fewer values than the footer counts", error);
    return POMONA_OK;
}
