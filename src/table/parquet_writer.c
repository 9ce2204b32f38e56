#include "table/parquet_writer.h"

#include "base/arena.h"
#include "base/memory.h"
#include "pomona/version.h"
#include "table/leaf_writer.h"
#include "table/utf8.h"

enum {
    DEFAULT_ROW_GROUP_BYTES = 16 << 20,
    DEFAULT_PAGE_BYTES = 1 << 20,
    DEFAULT_DICTIONARY_BYTES = 256 << 10,
    ROW_GROUP_BYTES_MAX = 1 << 30,
    PAGE_BYTES_MAX = 64 << 20,
    NAME_BYTES_MAX = 4096,
    FOOTER_BYTES_MAX = 1 << 30
};

/* Version of Spark whose types and conventions the files follow. */
#define SPARK_VERSION "3.5.1"

struct writer_column {
    struct table_column column; /* name in the arena */
    struct schema_node nodes[COLUMN_NODES_MAX];
    int node_count, leaf_count;
    struct leaf_writer leaves[COLUMN_LEAVES_MAX];
};

struct parquet_writer {
    struct chunk_output output;
    struct arena arena; /* names of columns, properties */
    struct parquet_options options;
    struct writer_column *columns; /* [column_count] */
    int column_count;
    struct buffer row_groups; /* RowGroup structs of the footer, one after the other */
    int32_t row_group_count;
    int64_t rows, group_rows;
    pomona_status broken; /* first final failure */
    bool finished;
};

static const char *const codec_names[] = {"snappy", "zstd", "none"};
static const char *const lists_names[] = {"legacy", "standard"};

pomona_status parquet_codec_parse(const char *name, enum parquet_codec *codec, struct pomona_error *error) {
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, codec_names[i]) != 0) continue;
        *codec = (enum parquet_codec)i;
        return POMONA_OK;
    }
    return fail(error, POMONA_E_USAGE, NULL, "unknown compression \"%s\": snappy, zstd or none", name);
}

pomona_status parquet_lists_parse(const char *name, enum parquet_lists *lists, struct pomona_error *error) {
    for (int i = 0; i < 2; i++) {
        if (strcmp(name, lists_names[i]) != 0) continue;
        *lists = (enum parquet_lists)i;
        return POMONA_OK;
    }
    return fail(error, POMONA_E_USAGE, NULL, "unknown list layout \"%s\": legacy or standard", name);
}

const char *parquet_codec_suffix(enum parquet_codec codec) {
    return codec == PARQUET_SNAPPY ? ".snappy.parquet" : codec == PARQUET_ZSTD ? ".zstd.parquet" : ".parquet";
}

static enum parquet_compression compression_of(enum parquet_codec codec) {
    return codec == PARQUET_SNAPPY ? COMPRESSION_SNAPPY
           : codec == PARQUET_ZSTD ? COMPRESSION_ZSTD
                                   : COMPRESSION_NONE;
}

static pomona_status check_columns(const struct table_column *columns, int count,
                                   struct pomona_error *error) {
    if (count < 1 || count > PARQUET_COLUMNS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "a table of %d columns: 1 to %d are possible", count,
                    PARQUET_COLUMNS_MAX);
    for (int i = 0; i < count; i++) {
        const char *name = columns[i].name;
        size_t size = name ? strlen(name) : 0;
        if (size == 0 || size > NAME_BYTES_MAX || !utf8_valid(name, size))
            return fail(error, POMONA_E_USAGE, name, "not a name for column %d: 1 to %d bytes of UTF-8",
                        i + 1, NAME_BYTES_MAX);
        for (int j = 0; j < i; j++)
            if (strcmp(columns[j].name, name) == 0)
                return fail(error, POMONA_E_USAGE, name, "two columns have this name");
        struct schema_node nodes[COLUMN_NODES_MAX];
        if (schema_nodes(&columns[i], PARQUET_LISTS_LEGACY, nodes) == 0)
            return fail(error, POMONA_E_USAGE, name, "columns of this type can't be written");
    }
    return POMONA_OK;
}

static pomona_status set_options(struct parquet_options *to, const struct parquet_options *from,
                                 struct pomona_error *error) {
    *to = from ? *from : (struct parquet_options){0};
    if (!to->row_group_bytes) to->row_group_bytes = DEFAULT_ROW_GROUP_BYTES;
    if (!to->page_bytes) to->page_bytes = DEFAULT_PAGE_BYTES;
    if (!to->dictionary_bytes) to->dictionary_bytes = DEFAULT_DICTIONARY_BYTES;
    if (to->row_group_bytes > ROW_GROUP_BYTES_MAX || to->page_bytes > PAGE_BYTES_MAX ||
        to->dictionary_bytes > PAGE_BYTES_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "Parquet row groups, pages or dictionaries too large");
    if ((unsigned)to->codec > PARQUET_UNCOMPRESSED || (unsigned)to->lists > PARQUET_LISTS_STANDARD)
        return fail(error, POMONA_E_USAGE, NULL, "unknown Parquet compression or list layout");
    return POMONA_OK;
}

/* Keys and values of the caller live on in the arena. */
static pomona_status copy_properties(struct parquet_writer *writer, struct pomona_error *error) {
    size_t count = writer->options.property_count;
    struct table_property *copies = arena_new(&writer->arena, count + 1, sizeof *copies);
    if (!copies) return fail_memory(error, "Parquet writer");
    for (size_t i = 0; i < count; i++) {
        const struct table_property *from = &writer->options.properties[i];
        copies[i].key = arena_copy_text(&writer->arena, from->key, strlen(from->key));
        copies[i].value = arena_copy_text(&writer->arena, from->value, strlen(from->value));
        if (!copies[i].key || !copies[i].value) return fail_memory(error, "Parquet writer");
    }
    writer->options.properties = copies;
    return POMONA_OK;
}

static pomona_status start_column(struct parquet_writer *writer, struct writer_column *to,
                                  const struct table_column *from, struct pomona_error *error) {
    to->column.type = from->type;
    to->column.name = arena_copy_text(&writer->arena, from->name, strlen(from->name));
    if (!to->column.name) return fail_memory(error, "Parquet writer");
    to->node_count = schema_nodes(&to->column, writer->options.lists, to->nodes);
    struct schema_leaf leaves[COLUMN_LEAVES_MAX];
    to->leaf_count = schema_leaves(to->nodes, leaves);
    for (int i = 0; i < to->leaf_count; i++)
        leaf_writer_start(&to->leaves[i], &leaves[i], compression_of(writer->options.codec),
                          &writer->options);
    return POMONA_OK;
}

pomona_status parquet_writer_new(struct sink sink, const struct table_column *columns, int column_count,
                                 const struct parquet_options *options, struct parquet_writer **writer,
                                 struct pomona_error *error) {
    *writer = NULL;
    TRY(check_columns(columns, column_count, error));
    struct parquet_options checked;
    TRY(set_options(&checked, options, error));
    struct parquet_writer *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "Parquet writer");
    pomona_status status = POMONA_OK;
    struct buffer scratch = BUFFER_INIT(INT32_MAX);
    made->arena = ARENA_INIT(FOOTER_BYTES_MAX);
    made->options = checked;
    made->output =
        (struct chunk_output){.sink = sink, .payload = scratch, .compressed = scratch, .header = scratch};
    made->row_groups = BUFFER_INIT(FOOTER_BYTES_MAX);
    made->columns = memory_new((size_t)column_count, sizeof *made->columns);
    if (!made->columns) {
        status = fail_memory(error, "Parquet writer");
        goto done;
    }
    TRY_GOTO(copy_properties(made, error), status, done);
    for (; made->column_count < column_count; made->column_count++)
        TRY_GOTO(start_column(made, &made->columns[made->column_count], &columns[made->column_count], error),
                 status, done);
done:
    if (status != POMONA_OK) parquet_writer_free(&made);
    *writer = made;
    return status;
}

static pomona_status check_cell(const struct table_column *column, const struct table_cell *cell,
                                struct pomona_error *error) {
    if (cell->null) return POMONA_OK;
    size_t size = 0;
    if (column->type == TABLE_TEXT) size = cell->count;
    if (column->type == TABLE_FLOAT_LIST) size = size_multiply(cell->count, sizeof(float));
    if (column->type == TABLE_DOUBLE_LIST || column->type == TABLE_SPARK_VECTOR)
        size = size_multiply(cell->count, sizeof(double));
    if (size > PARQUET_CELL_BYTES_MAX)
        return fail(error, POMONA_E_LIMIT, column->name, "a value of %zu bytes is larger than %d", size,
                    PARQUET_CELL_BYTES_MAX);
    if (column->type == TABLE_TEXT && !utf8_valid(cell->text, cell->count))
        return fail(error, POMONA_E_INPUT, column->name, "text is not UTF-8");
    return POMONA_OK;
}

static pomona_status add_vector(struct leaf_writer *leaves, const struct table_cell *cell,
                                struct pomona_error *error) {
    int32_t dense = 1;
    int present = cell->null ? 0 : 1; /* size and indices are null in a dense vector */
    TRY(cell->null ? leaf_add_null(&leaves[0], 0, error) : leaf_add_value(&leaves[0], &dense, error));
    TRY(leaf_add_null(&leaves[1], present, error));
    TRY(leaf_add_null(&leaves[2], present, error));
    if (cell->null) return leaf_add_null(&leaves[3], 0, error);
    return leaf_add_list(&leaves[3], cell->doubles, cell->count, error);
}

static pomona_status add_cell(struct parquet_writer *writer, struct writer_column *column,
                              const struct table_cell *cell, struct pomona_error *error) {
    struct leaf_writer *leaf = column->leaves;
    if (column->column.type == TABLE_SPARK_VECTOR) return add_vector(leaf, cell, error);
    if (cell->null) return leaf_add_null(leaf, 0, error);
    switch (column->column.type) {
    case TABLE_TEXT:
        return leaf_add_text(leaf, cell->count ? cell->text : "", cell->count, &writer->output, error);
    case TABLE_FLOAT_LIST: return leaf_add_list(leaf, cell->floats, cell->count, error);
    case TABLE_DOUBLE_LIST: return leaf_add_list(leaf, cell->doubles, cell->count, error);
    case TABLE_INT64: return leaf_add_value(leaf, &cell->integer, error);
    case TABLE_DOUBLE: return leaf_add_value(leaf, &cell->number, error);
    case TABLE_BOOLEAN: return leaf_add_value(leaf, &(uint8_t){cell->boolean}, error);
    case TABLE_SPARK_VECTOR:
    case TABLE_FLOAT:
    case TABLE_INT64_LIST:
    case TABLE_OTHER: break;
    }
    return fail(error, POMONA_E_INTERNAL, column->column.name, "column of an unwritable type");
}

static int leaf_total(const struct parquet_writer *writer) {
    int total = 0;
    for (int i = 0; i < writer->column_count; i++) total += writer->columns[i].leaf_count;
    return total;
}

static pomona_status write_magic(struct parquet_writer *writer, struct pomona_error *error) {
    if (writer->output.offset > 0) return POMONA_OK;
    return chunk_output_write(&writer->output, PARQUET_MAGIC, PARQUET_MAGIC_SIZE, error);
}

static pomona_status end_row_group(struct parquet_writer *writer, struct pomona_error *error) {
    if (writer->group_rows == 0) return POMONA_OK;
    TRY(write_magic(writer, error));
    struct chunk_output *output = &writer->output;
    uint64_t start = output->offset;
    output->group_uncompressed = output->group_compressed = 0;
    struct thrift_writer group = thrift_start(&writer->row_groups, error);
    thrift_list(&group, 1, THRIFT_STRUCT, (size_t)leaf_total(writer));
    for (int i = 0; i < writer->column_count; i++)
        for (int j = 0; j < writer->columns[i].leaf_count; j++)
            TRY(leaf_end_chunk(&writer->columns[i].leaves[j], output, &group, error));
    thrift_i64(&group, 2, output->group_uncompressed);
    thrift_i64(&group, 3, writer->group_rows);
    thrift_i64(&group, 5, (int64_t)start);
    thrift_i64(&group, 6, output->group_compressed);
    if (writer->row_group_count <= INT16_MAX) thrift_i16(&group, 7, (int16_t)writer->row_group_count);
    TRY(thrift_finish(&group));
    writer->row_group_count++;
    writer->group_rows = 0;
    return POMONA_OK;
}

static pomona_status add_row(struct parquet_writer *writer, const struct table_cell *cells,
                             struct pomona_error *error) {
    size_t bytes = 0;
    for (int i = 0; i < writer->column_count; i++) {
        struct writer_column *column = &writer->columns[i];
        TRY(add_cell(writer, column, &cells[i], error));
        for (int j = 0; j < column->leaf_count; j++) {
            TRY(leaf_end_page(&column->leaves[j], false, &writer->output, error));
            bytes += leaf_bytes(&column->leaves[j]);
        }
    }
    writer->rows++;
    writer->group_rows++;
    return bytes >= writer->options.row_group_bytes ? end_row_group(writer, error) : POMONA_OK;
}

static pomona_status check_usable(const struct parquet_writer *writer, struct pomona_error *error) {
    if (writer->broken != POMONA_OK)
        return fail(error, writer->broken, NULL, "the Parquet file failed before (%s)",
                    pomona_status_name(writer->broken));
    if (writer->finished) return fail(error, POMONA_E_USAGE, NULL, "the Parquet file is finished already");
    return POMONA_OK;
}

pomona_status parquet_writer_add(struct parquet_writer *writer, const struct table_cell *cells,
                                 struct pomona_error *error) {
    TRY(check_usable(writer, error));
    for (int i = 0; i < writer->column_count; i++)
        TRY(check_cell(&writer->columns[i].column, &cells[i], error));
    writer->broken = add_row(writer, cells, error);
    return writer->broken;
}

static void write_schema(const struct parquet_writer *writer, struct thrift_writer *footer) {
    size_t count = 1;
    for (int i = 0; i < writer->column_count; i++) count += (size_t)writer->columns[i].node_count;
    thrift_list(footer, 2, THRIFT_STRUCT, count);
    thrift_item_struct(footer);
    thrift_text(footer, 4, "spark_schema");
    thrift_i32(footer, 5, writer->column_count);
    thrift_end(footer);
    for (int i = 0; i < writer->column_count; i++)
        for (int j = 0; j < writer->columns[i].node_count; j++)
            schema_write_node(footer, &writer->columns[i].nodes[j]);
}

static void write_property(struct thrift_writer *footer, const char *key, const char *value) {
    thrift_item_struct(footer);
    thrift_text(footer, 1, key);
    thrift_text(footer, 2, value);
    thrift_end(footer);
}

static pomona_status write_properties(struct parquet_writer *writer, struct thrift_writer *footer,
                                      struct pomona_error *error) {
    struct buffer *json = &writer->output.payload;
    struct table_column columns[PARQUET_COLUMNS_MAX];
    const char *text;
    for (int i = 0; i < writer->column_count; i++) columns[i] = writer->columns[i].column;
    buffer_clear(json);
    TRY(schema_spark_json(columns, writer->column_count, json, error));
    TRY(buffer_terminate(json, &text, error));
    thrift_list(footer, 5, THRIFT_STRUCT, writer->options.property_count + 2);
    write_property(footer, "org.apache.spark.version", SPARK_VERSION);
    write_property(footer, "org.apache.spark.sql.parquet.row.metadata", text);
    for (size_t i = 0; i < writer->options.property_count; i++)
        write_property(footer, writer->options.properties[i].key, writer->options.properties[i].value);
    return POMONA_OK;
}

/* FileMetaData. */
static pomona_status build_footer(struct parquet_writer *writer, struct buffer *out,
                                  struct pomona_error *error) {
    struct thrift_writer footer = thrift_start(out, error);
    thrift_i32(&footer, 1, 1); /* format version: no encoding of version 2 is used */
    write_schema(writer, &footer);
    thrift_i64(&footer, 3, writer->rows);
    thrift_list(&footer, 4, THRIFT_STRUCT, (size_t)writer->row_group_count);
    thrift_raw(&footer, writer->row_groups.data, writer->row_groups.size);
    TRY(write_properties(writer, &footer, error));
    thrift_text(&footer, 6, "pomona version " POMONA_VERSION);
    int leaves = leaf_total(writer);
    thrift_list(&footer, 7, THRIFT_STRUCT, (size_t)leaves);
    for (int i = 0; i < leaves; i++) { /* ColumnOrder: the order of the type, which the statistics follow */
        thrift_item_struct(&footer);
        thrift_struct(&footer, 1);
        thrift_end(&footer);
        thrift_end(&footer);
    }
    return thrift_finish(&footer);
}

static pomona_status finish(struct parquet_writer *writer, struct pomona_error *error) {
    TRY(end_row_group(writer, error));
    TRY(write_magic(writer, error));
    struct buffer *footer = &writer->output.compressed;
    buffer_clear(footer);
    TRY(build_footer(writer, footer, error));
    uint32_t length = (uint32_t)footer->size;
    TRY(buffer_append(footer, &length, sizeof length, error));
    TRY(buffer_append(footer, PARQUET_MAGIC, PARQUET_MAGIC_SIZE, error));
    return chunk_output_write(&writer->output, footer->data, footer->size, error);
}

pomona_status parquet_writer_finish(struct parquet_writer *writer, struct pomona_error *error) {
    TRY(check_usable(writer, error));
    writer->broken = finish(writer, error);
    writer->finished = true;
    return writer->broken;
}

int64_t parquet_writer_rows(const struct parquet_writer *writer) { return writer->rows; }

uint64_t parquet_writer_bytes(const struct parquet_writer *writer) { return writer->output.offset; }

void parquet_writer_free(struct parquet_writer **writer) {
    if (!writer || !*writer) return;
    struct parquet_writer *old = *writer;
    for (int i = 0; i < old->column_count; i++)
        for (int j = 0; j < old->columns[i].leaf_count; j++) leaf_writer_free(&old->columns[i].leaves[j]);
    arena_free(&old->arena);
    memory_free(old->columns);
    buffer_free(&old->output.payload);
    buffer_free(&old->output.compressed);
    buffer_free(&old->output.header);
    buffer_free(&old->row_groups);
    memory_free(old);
    *writer = NULL;
}
