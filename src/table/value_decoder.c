#include "table/value_decoder.h"

#include "base/memory.h"

#include <string.h>

static pomona_status corrupt(const char *name, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, name, "%s", what);
}

/* Takes a PLAIN text, its length in four bytes in front, off data[*at, end). */
static bool take_text(const uint8_t **at, const uint8_t *end, struct text_view *text) {
    uint32_t length;
    if ((size_t)(end - *at) < sizeof length) return false;
    memcpy(&length, *at, sizeof length);
    if (length > (size_t)(end - *at) - sizeof length) return false;
    *text = (struct text_view){*at + sizeof length, length};
    *at += sizeof length + length;
    return true;
}

static pomona_status index_texts(struct value_dictionary *dictionary, uint32_t count, const char *name,
                                 struct pomona_error *error) {
    const uint8_t *at = dictionary->bytes.data, *end = at + dictionary->bytes.size;
    if (count > dictionary->bytes.size / 4) return corrupt(name, "its dictionary is truncated", error);
    struct text_view *texts = memory_resize(dictionary->texts, (size_t)count + 1, sizeof *texts);
    if (!texts) return fail_memory(error, "Parquet dictionary");
    dictionary->texts = texts;
    for (uint32_t i = 0; i < count; i++)
        if (!take_text(&at, end, &texts[i])) return corrupt(name, "its dictionary is truncated", error);
    return POMONA_OK;
}

pomona_status value_dictionary_read(struct value_dictionary *dictionary, enum parquet_physical physical,
                                    int32_t encoding, const uint8_t *data, size_t size, uint32_t count,
                                    const char *name, struct pomona_error *error) {
    dictionary->present = false;
    if (encoding != ENCODING_PLAIN && encoding != ENCODING_PLAIN_DICTIONARY)
        return fail(error, POMONA_E_UNSUPPORTED, name, "a dictionary of encoding %d", encoding);
    dictionary->bytes.limit = VALUE_DICTIONARY_LIMIT;
    buffer_clear(&dictionary->bytes);
    TRY(buffer_reserve(&dictionary->bytes, size ? size : 1, error));
    TRY(buffer_append(&dictionary->bytes, data, size, error));
    if (physical == PHYSICAL_BYTE_ARRAY) {
        TRY(index_texts(dictionary, count, name, error));
    } else {
        size_t width = physical_size(physical);
        if (width < 4 || size_multiply(width, count) > size)
            return corrupt(name, "its dictionary is truncated", error);
    }
    dictionary->count = count;
    dictionary->present = true;
    return POMONA_OK;
}

void value_dictionary_free(struct value_dictionary *dictionary) {
    buffer_free(&dictionary->bytes);
    memory_free(dictionary->texts);
    dictionary->texts = NULL;
    dictionary->present = false;
}

static pomona_status unsupported(const struct value_decoder *decoder, struct pomona_error *error) {
    static const char *const names[] = {"PLAIN",
                                        "1",
                                        "PLAIN_DICTIONARY",
                                        "RLE",
                                        "BIT_PACKED",
                                        "DELTA_BINARY_PACKED",
                                        "DELTA_LENGTH_BYTE_ARRAY",
                                        "DELTA_BYTE_ARRAY",
                                        "RLE_DICTIONARY",
                                        "BYTE_STREAM_SPLIT"};
    int32_t encoding = decoder->encoding;
    if (encoding < 0 || encoding >= (int32_t)(sizeof names / sizeof *names))
        return fail(error, POMONA_E_UNSUPPORTED, decoder->name, "encoding %d can't be read", encoding);
    return fail(error, POMONA_E_UNSUPPORTED, decoder->name, "encoding %s can't be read for its type",
                names[encoding]);
}

static pomona_status start_indices(struct value_decoder *decoder, struct pomona_error *error) {
    if (!decoder->dictionary->present)
        return corrupt(decoder->name, "a page needs a dictionary, but there is none", error);
    if (decoder->at == decoder->end) { /* a page of nulls only */
        decoder->rle = rle_open(decoder->at, 0, 1);
        return POMONA_OK;
    }
    int width = *decoder->at++;
    if (width > 32) return corrupt(decoder->name, "dictionary indices of more than 32 bits", error);
    decoder->rle = rle_open(decoder->at, (size_t)(decoder->end - decoder->at), width);
    return POMONA_OK;
}

/* RLE booleans have their length in front. */
static pomona_status start_booleans(struct value_decoder *decoder, struct pomona_error *error) {
    struct text_view run = {decoder->at, 0};
    if (decoder->at != decoder->end && !take_text(&decoder->at, decoder->end, &run))
        return corrupt(decoder->name, "a page's values are truncated", error);
    decoder->rle = rle_open(run.data, run.size, 1);
    return POMONA_OK;
}

/* A page of nulls only may hold nothing at all. */
static pomona_status start_delta(struct value_decoder *decoder, struct pomona_error *error) {
    size_t size = (size_t)(decoder->end - decoder->at);
    decoder->delta = decoder->suffixes = (struct delta_decoder){0};
    if (size == 0) return POMONA_OK;
    bool good = delta_open(&decoder->delta, decoder->at, size);
    if (good && decoder->encoding != ENCODING_DELTA_BINARY_PACKED) {
        decoder->at = delta_end(decoder->delta);
        good = decoder->at != NULL;
    }
    if (good && decoder->encoding == ENCODING_DELTA_BYTE_ARRAY) {
        good = delta_open(&decoder->suffixes, decoder->at, (size_t)(decoder->end - decoder->at));
        if (good) decoder->at = delta_end(decoder->suffixes);
        good = good && decoder->at != NULL;
    }
    if (good) return POMONA_OK;
    decoder->at = decoder->end;
    return corrupt(decoder->name, "a page's delta-coded values are damaged", error);
}

pomona_status value_decoder_start(struct value_decoder *decoder, enum parquet_physical physical,
                                  int32_t encoding, const uint8_t *data, size_t size,
                                  const struct value_dictionary *dictionary, const char *name,
                                  struct pomona_error *error) {
    decoder->name = name;
    decoder->physical = physical;
    decoder->encoding = encoding;
    decoder->at = data;
    decoder->end = data + size;
    decoder->bit = decoder->index = 0;
    decoder->dictionary = dictionary;
    decoder->text.limit = DECODED_TEXT_LIMIT;
    buffer_clear(&decoder->text);
    size_t width = physical_size(physical);
    switch (encoding) {
    case ENCODING_PLAIN: return POMONA_OK;
    case ENCODING_PLAIN_DICTIONARY:
    case ENCODING_RLE_DICTIONARY:
        if (physical == PHYSICAL_BOOLEAN) break;
        return start_indices(decoder, error);
    case ENCODING_RLE:
        if (physical != PHYSICAL_BOOLEAN) break;
        return start_booleans(decoder, error);
    case ENCODING_DELTA_BINARY_PACKED:
        if (physical != PHYSICAL_INT32 && physical != PHYSICAL_INT64) break;
        return start_delta(decoder, error);
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
    case ENCODING_DELTA_BYTE_ARRAY:
        if (physical != PHYSICAL_BYTE_ARRAY) break;
        return start_delta(decoder, error);
    case ENCODING_BYTE_STREAM_SPLIT:
        if (width < 4) break;
        decoder->stride = size / width;
        return size % width == 0 ? POMONA_OK : corrupt(name, "a page's split values are truncated", error);
    default: break;
    }
    return unsupported(decoder, error);
}

static pomona_status ends_early(const struct value_decoder *decoder, struct pomona_error *error) {
    return corrupt(decoder->name, "a page has fewer values than its levels ask for", error);
}

static bool read_booleans(struct value_decoder *decoder, uint8_t *values, size_t count) {
    if (decoder->encoding == ENCODING_RLE) {
        for (size_t i = 0; i < count; i++) {
            uint32_t value;
            if (!rle_read(&decoder->rle, &value, 1)) return false;
            values[i] = (uint8_t)value;
        }
        return true;
    }
    for (size_t i = 0; i < count; i++, decoder->bit++) {
        if (decoder->bit / 8 >= (size_t)(decoder->end - decoder->at)) return false;
        values[i] = decoder->at[decoder->bit / 8] >> decoder->bit % 8 & 1;
    }
    return true;
}

static pomona_status read_indexed(struct value_decoder *decoder, uint8_t *values, size_t count, size_t width,
                                  struct pomona_error *error) {
    uint32_t indices[256];
    const struct value_dictionary *dictionary = decoder->dictionary;
    for (size_t done = 0; done < count;) {
        size_t now = count - done < 256 ? count - done : 256;
        if (!rle_read(&decoder->rle, indices, now)) return ends_early(decoder, error);
        for (size_t i = 0; i < now; i++, values += width) {
            if (indices[i] >= dictionary->count)
                return corrupt(decoder->name, "an index outside its dictionary", error);
            const uint8_t *from = dictionary->bytes.data + indices[i] * width;
            if (width == 4)
                memcpy(values, from, 4);
            else
                memcpy(values, from, 8);
        }
        done += now;
    }
    return POMONA_OK;
}

static bool read_split(struct value_decoder *decoder, uint8_t *values, size_t count, size_t width) {
    if (count > decoder->stride - decoder->index) return false;
    for (size_t byte = 0; byte < width; byte++) {
        const uint8_t *from = decoder->at + byte * decoder->stride + decoder->index;
        for (size_t i = 0; i < count; i++) values[i * width + byte] = from[i];
    }
    decoder->index += count;
    return true;
}

static bool read_delta(struct value_decoder *decoder, uint8_t *values, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        int64_t value; /* of an INT32 column the low half counts */
        if (!delta_next(&decoder->delta, &value)) return false;
        memcpy(values + i * width, &value, width);
    }
    return true;
}

static bool read_plain(struct value_decoder *decoder, uint8_t *values, size_t count, size_t width) {
    if (count > (size_t)(decoder->end - decoder->at) / width) return false;
    memcpy(values, decoder->at, count * width);
    decoder->at += count * width;
    return true;
}

pomona_status value_decoder_read(struct value_decoder *decoder, void *values, size_t count,
                                 struct pomona_error *error) {
    size_t width = physical_size(decoder->physical);
    bool good;
    if (decoder->physical == PHYSICAL_BOOLEAN)
        good = read_booleans(decoder, values, count);
    else if (decoder->encoding == ENCODING_PLAIN)
        good = read_plain(decoder, values, count, width);
    else if (decoder->encoding == ENCODING_BYTE_STREAM_SPLIT)
        good = read_split(decoder, values, count, width);
    else if (decoder->encoding == ENCODING_DELTA_BINARY_PACKED)
        good = read_delta(decoder, values, count, width);
    else
        return read_indexed(decoder, values, count, width, error);
    return good ? POMONA_OK : ends_early(decoder, error);
}

/* Front-coded text: the first `prefix` bytes are those of the text before. */
static pomona_status read_front_coded(struct value_decoder *decoder, struct text_view *text,
                                      struct pomona_error *error) {
    int64_t prefix, suffix;
    if (!delta_next(&decoder->delta, &prefix) || !delta_next(&decoder->suffixes, &suffix))
        return ends_early(decoder, error);
    if (prefix < 0 || (uint64_t)prefix > decoder->text.size || suffix < 0 ||
        suffix > decoder->end - decoder->at)
        return corrupt(decoder->name, "a text's delta-coded length is damaged", error);
    decoder->text.size = (size_t)prefix;
    TRY(buffer_reserve(&decoder->text, (size_t)suffix + 1, error));
    TRY(buffer_append(&decoder->text, decoder->at, (size_t)suffix, error));
    decoder->at += suffix;
    *text = (struct text_view){decoder->text.data, decoder->text.size};
    return POMONA_OK;
}

pomona_status value_decoder_text(struct value_decoder *decoder, struct text_view *text,
                                 struct pomona_error *error) {
    int64_t length;
    uint32_t index;
    switch (decoder->encoding) {
    case ENCODING_PLAIN:
        return take_text(&decoder->at, decoder->end, text) ? POMONA_OK : ends_early(decoder, error);
    case ENCODING_DELTA_BYTE_ARRAY: return read_front_coded(decoder, text, error);
    case ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        if (!delta_next(&decoder->delta, &length)) return ends_early(decoder, error);
        if (length < 0 || length > decoder->end - decoder->at)
            return corrupt(decoder->name, "a text's delta-coded length is damaged", error);
        *text = (struct text_view){decoder->at, (size_t)length};
        decoder->at += length;
        return POMONA_OK;
    default: break;
    }
    if (!rle_read(&decoder->rle, &index, 1)) return ends_early(decoder, error);
    if (index >= decoder->dictionary->count)
        return corrupt(decoder->name, "an index outside its dictionary", error);
    *text = decoder->dictionary->texts[index];
    return POMONA_OK;
}
