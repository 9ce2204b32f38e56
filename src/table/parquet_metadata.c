#include "table/parquet_metadata.h"

#include "base/memory.h"
#include "table/metadata_schema.h"

/* The footer while it is read. */
struct footer {
    const char *name;
    uint64_t limit; /* chunks end before this offset */
    struct thrift_reader reader;
    struct parquet_metadata *metadata;
    struct pomona_error *error;
    bool has_rows;
};

static pomona_status damaged(const struct footer *footer, const char *what) {
    return fail(footer->error, POMONA_E_CORRUPT, footer->name, "the footer %s", what);
}

static void read_column_metadata(struct thrift_reader *reader, struct parquet_chunk *chunk) {
    int64_t data = -1, dictionary = -1, size = -1;
    chunk->slots = -1;
    for (struct thrift_field field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 4: chunk->compression = thrift_read_i32(reader, &field); break;
        case 5: chunk->slots = thrift_read_integer(reader, &field); break;
        case 7: size = thrift_read_integer(reader, &field); break;
        case 9: data = thrift_read_integer(reader, &field); break;
        case 11: dictionary = thrift_read_integer(reader, &field); break;
        default: thrift_skip(reader, &field);
        }
    }
    /* Some writers give 0 for "no dictionary page". */
    int64_t start = dictionary > 0 && dictionary < data ? dictionary : data;
    chunk->present = start >= 0 && size >= 0 && chunk->slots >= 0;
    chunk->start = chunk->present ? (uint64_t)start : 0;
    chunk->size = chunk->present ? (uint64_t)size : 0;
}

static struct parquet_chunk read_chunk(struct thrift_reader *reader) {
    struct parquet_chunk chunk = {0};
    for (struct thrift_field field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 1: chunk.elsewhere = thrift_read_bytes(reader, &field).size > 0 || chunk.elsewhere; break;
        case 3:
            if (thrift_is_struct(reader, &field)) read_column_metadata(reader, &chunk);
            break;
        case 8:
        case 9:
            chunk.elsewhere = true;
            thrift_skip(reader, &field);
            break;
        default: thrift_skip(reader, &field);
        }
    }
    return chunk;
}

static pomona_status read_chunks(struct footer *footer, size_t count, struct parquet_chunk *chunks) {
    if (count != (size_t)footer->metadata->leaf_count)
        return damaged(footer, "has a row group of other columns than the schema");
    for (size_t i = 0; i < count; i++) {
        chunks[i] = read_chunk(&footer->reader);
        if (chunks[i].elsewhere || !chunks[i].present) continue;
        if (chunks[i].start > footer->limit || chunks[i].size > footer->limit - chunks[i].start)
            return damaged(footer, "has a column outside the file");
    }
    return POMONA_OK;
}

static pomona_status read_row_group(struct footer *footer, size_t group) {
    struct parquet_metadata *metadata = footer->metadata;
    int64_t rows = -1;
    bool has_chunks = false;
    for (struct thrift_field field = {0}; thrift_next(&footer->reader, &field);) {
        if (field.id == 1) {
            size_t count = thrift_read_list(&footer->reader, &field, THRIFT_STRUCT);
            TRY(read_chunks(footer, count, metadata->chunks + group * (size_t)metadata->leaf_count));
            has_chunks = true;
        } else if (field.id == 3) {
            rows = thrift_read_integer(&footer->reader, &field);
        } else {
            thrift_skip(&footer->reader, &field);
        }
    }
    if (footer->reader.failed) return damaged(footer, "is damaged");
    if (rows < 0 || !has_chunks) return damaged(footer, "has a row group without rows or columns");
    metadata->group_rows[group] = rows;
    return POMONA_OK;
}

static pomona_status read_row_groups(struct footer *footer, size_t count) {
    struct parquet_metadata *metadata = footer->metadata;
    if (!metadata->leaves || metadata->chunks) return damaged(footer, "has row groups before the schema");
    /* A row group takes at least a byte for each of its columns, which bounds what follows by the footer's size. */
    size_t leaves = (size_t)metadata->leaf_count;
    if (count > 0 && leaves > (footer->reader.size - footer->reader.at) / count)
        return damaged(footer, "is too short for its row groups");
    metadata->chunks =
        arena_new(&metadata->arena, size_multiply(count, leaves) + 1, sizeof *metadata->chunks);
    metadata->group_rows = arena_new(&metadata->arena, count + 1, sizeof *metadata->group_rows);
    if (!metadata->chunks || !metadata->group_rows) return fail_memory(footer->error, "Parquet footer");
    metadata->group_count = count;
    for (size_t i = 0; i < count; i++) TRY(read_row_group(footer, i));
    return POMONA_OK;
}

static pomona_status read_property(struct footer *footer, struct table_property *property) {
    struct thrift_bytes key = {0}, value = {0};
    for (struct thrift_field field = {0}; thrift_next(&footer->reader, &field);) {
        if (field.id == 1)
            key = thrift_read_bytes(&footer->reader, &field);
        else if (field.id == 2)
            value = thrift_read_bytes(&footer->reader, &field);
        else
            thrift_skip(&footer->reader, &field);
    }
    if (footer->reader.failed) return damaged(footer, "is damaged");
    property->key = arena_copy_text(&footer->metadata->arena, (const char *)key.data, key.size);
    property->value = arena_copy_text(&footer->metadata->arena, (const char *)value.data, value.size);
    return property->key && property->value ? POMONA_OK : fail_memory(footer->error, "Parquet footer");
}

static pomona_status read_properties(struct footer *footer, size_t count) {
    struct parquet_metadata *metadata = footer->metadata;
    enum { PROPERTIES_MAX = 100000 };
    if (count > PROPERTIES_MAX || metadata->properties)
        return fail(footer->error, POMONA_E_LIMIT, footer->name, "%zu key-values in the footer", count);
    metadata->properties = arena_new(&metadata->arena, count + 1, sizeof *metadata->properties);
    if (!metadata->properties) return fail_memory(footer->error, "Parquet footer");
    for (size_t i = 0; i < count; i++) {
        TRY(read_property(footer, &metadata->properties[i]));
        metadata->property_count++;
    }
    return POMONA_OK;
}

/* One field of FileMetaData. */
static pomona_status read_field(struct footer *footer, const struct thrift_field *field) {
    struct thrift_reader *reader = &footer->reader;
    switch (field->id) {
    case 2:
        return metadata_read_schema(reader, thrift_read_list(reader, field, THRIFT_STRUCT), footer->name,
                                    footer->metadata, footer->error);
    case 3:
        footer->metadata->rows = thrift_read_integer(reader, field);
        footer->has_rows = true;
        return POMONA_OK;
    case 4: return read_row_groups(footer, thrift_read_list(reader, field, THRIFT_STRUCT));
    case 5: return read_properties(footer, thrift_read_list(reader, field, THRIFT_STRUCT));
    case 8: return fail(footer->error, POMONA_E_UNSUPPORTED, footer->name, "the file is encrypted");
    default: thrift_skip(reader, field); return POMONA_OK;
    }
}

static pomona_status read_file_metadata(struct footer *footer) {
    struct parquet_metadata *metadata = footer->metadata;
    for (struct thrift_field field = {0}; thrift_next(&footer->reader, &field);)
        TRY(read_field(footer, &field));
    if (footer->reader.failed) return damaged(footer, "is damaged");
    if (!metadata->leaves || !metadata->chunks || !footer->has_rows)
        return damaged(footer, "lacks its schema, rows or row groups");
    int64_t rows = 0;
    for (size_t i = 0; i < metadata->group_count; i++)
        if (__builtin_add_overflow(rows, metadata->group_rows[i], &rows)) rows = -1;
    return rows == metadata->rows ? POMONA_OK : damaged(footer, "counts other rows than its row groups");
}

static pomona_status read_tail(const struct source *source, uint32_t *length, struct pomona_error *error) {
    uint8_t tail[PARQUET_TAIL_SIZE], head[PARQUET_MAGIC_SIZE];
    if (source->size < PARQUET_MAGIC_SIZE + PARQUET_TAIL_SIZE)
        return fail(error, POMONA_E_INPUT, source->name, "not a Parquet file: only %llu bytes",
                    (unsigned long long)source->size);
    TRY(source_read(source, 0, head, sizeof head, error));
    TRY(source_read(source, source->size - sizeof tail, tail, sizeof tail, error));
    if (memcmp(tail + 4, "PARE", PARQUET_MAGIC_SIZE) == 0)
        return fail(error, POMONA_E_UNSUPPORTED, source->name, "the file is encrypted");
    bool starts = memcmp(head, PARQUET_MAGIC, PARQUET_MAGIC_SIZE) == 0;
    if (memcmp(tail + 4, PARQUET_MAGIC, PARQUET_MAGIC_SIZE) != 0)
        return fail(error, starts ? POMONA_E_CORRUPT : POMONA_E_INPUT, source->name,
                    starts ? "truncated: no Parquet footer at its end" : "not a Parquet file");
    if (!starts) return fail(error, POMONA_E_CORRUPT, source->name, "does not start as a Parquet file does");
    memcpy(length, tail, sizeof *length);
    if (*length > source->size - PARQUET_MAGIC_SIZE - PARQUET_TAIL_SIZE)
        return fail(error, POMONA_E_CORRUPT, source->name, "names a footer larger than the file");
    if (*length > METADATA_BYTES_MAX)
        return fail(error, POMONA_E_LIMIT, source->name, "a footer of %u bytes", *length);
    return POMONA_OK;
}

pomona_status parquet_metadata_read(const struct source *source, struct parquet_metadata *metadata,
                                    struct pomona_error *error) {
    uint32_t length = 0;
    *metadata = (struct parquet_metadata){.arena = ARENA_INIT(METADATA_MEMORY_MAX)};
    TRY(read_tail(source, &length, error));
    struct buffer bytes = BUFFER_INIT(METADATA_BYTES_MAX);
    uint64_t start = source->size - PARQUET_TAIL_SIZE - length;
    pomona_status status = buffer_reserve(&bytes, length, error);
    if (status == POMONA_OK) status = source_read(source, start, bytes.data, length, error);
    if (status == POMONA_OK) {
        struct footer footer = {source->name, start, thrift_open(bytes.data, length), metadata, error, false};
        status = read_file_metadata(&footer);
    }
    buffer_free(&bytes);
    if (status != POMONA_OK) parquet_metadata_free(metadata);
    return status;
}

void parquet_metadata_free(struct parquet_metadata *metadata) {
    arena_free(&metadata->arena);
    *metadata = (struct parquet_metadata){0};
}
