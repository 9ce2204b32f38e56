#include "table/parquet_schema.h"

static struct schema_node group(const char *name, enum parquet_repetition repetition,
                                enum parquet_converted converted, int children) {
    return (struct schema_node){name, PHYSICAL_GROUP, repetition, converted, children};
}

static struct schema_node leaf(const char *name, enum parquet_repetition repetition,
                               enum parquet_physical physical) {
    return (struct schema_node){name, physical, repetition, CONVERTED_NONE, 0};
}

/* A nullable list of nullable elements. */
static int list_nodes(const char *name, enum parquet_physical physical, enum parquet_lists lists,
                      struct schema_node *nodes) {
    bool legacy = lists == PARQUET_LISTS_LEGACY;
    nodes[0] = group(name, REPETITION_OPTIONAL, CONVERTED_LIST, 1);
    nodes[1] = group(legacy ? "bag" : "list", REPETITION_REPEATED, CONVERTED_NONE, 1);
    nodes[2] = leaf(legacy ? "array" : "element", REPETITION_OPTIONAL, physical);
    return 3;
}

/* A nullable list of elements that are never null: Spark's legacy form has no middle group then. */
static int solid_list_nodes(const char *name, enum parquet_physical physical, enum parquet_lists lists,
                            struct schema_node *nodes) {
    nodes[0] = group(name, REPETITION_OPTIONAL, CONVERTED_LIST, 1);
    if (lists == PARQUET_LISTS_LEGACY) {
        nodes[1] = leaf("array", REPETITION_REPEATED, physical);
        return 2;
    }
    nodes[1] = group("list", REPETITION_REPEATED, CONVERTED_NONE, 1);
    nodes[2] = leaf("element", REPETITION_REQUIRED, physical);
    return 3;
}

static int vector_nodes(const char *name, enum parquet_lists lists, struct schema_node *nodes) {
    int count = 0;
    nodes[count++] = group(name, REPETITION_OPTIONAL, CONVERTED_NONE, 4);
    nodes[count] = leaf("type", REPETITION_REQUIRED, PHYSICAL_INT32);
    nodes[count++].converted = CONVERTED_INT8;
    nodes[count++] = leaf("size", REPETITION_OPTIONAL, PHYSICAL_INT32);
    count += solid_list_nodes("indices", PHYSICAL_INT32, lists, nodes + count);
    count += solid_list_nodes("values", PHYSICAL_DOUBLE, lists, nodes + count);
    return count;
}

int schema_nodes(const struct table_column *column, enum parquet_lists lists,
                 struct schema_node nodes[COLUMN_NODES_MAX]) {
    const char *name = column->name;
    switch (column->type) {
    case TABLE_FLOAT_LIST: return list_nodes(name, PHYSICAL_FLOAT, lists, nodes);
    case TABLE_DOUBLE_LIST: return list_nodes(name, PHYSICAL_DOUBLE, lists, nodes);
    case TABLE_SPARK_VECTOR: return vector_nodes(name, lists, nodes);
    case TABLE_INT64: nodes[0] = leaf(name, REPETITION_OPTIONAL, PHYSICAL_INT64); return 1;
    case TABLE_DOUBLE: nodes[0] = leaf(name, REPETITION_OPTIONAL, PHYSICAL_DOUBLE); return 1;
    case TABLE_BOOLEAN: nodes[0] = leaf(name, REPETITION_OPTIONAL, PHYSICAL_BOOLEAN); return 1;
    case TABLE_TEXT:
        nodes[0] = leaf(name, REPETITION_OPTIONAL, PHYSICAL_BYTE_ARRAY);
        nodes[0].converted = CONVERTED_UTF8;
        return 1;
    case TABLE_FLOAT:
    case TABLE_INT64_LIST:
    case TABLE_OTHER: break;
    }
    return 0;
}

/* Walks one node and what is below it; returns the node after that. `at` holds levels and path down to here. */
static const struct schema_node *walk(const struct schema_node *node, struct schema_leaf at,
                                      struct schema_leaf *leaves, int *count) {
    at.path[at.path_size++] = node->name;
    if (node->repetition == REPETITION_REPEATED) {
        at.max_repetition++;
        at.empty_definition = at.max_definition;
    }
    at.max_definition += node->repetition != REPETITION_REQUIRED;
    if (node->physical != PHYSICAL_GROUP) {
        at.physical = node->physical;
        leaves[(*count)++] = at;
        return node + 1;
    }
    const struct schema_node *next = node + 1;
    for (int child = 0; child < node->children; child++) next = walk(next, at, leaves, count);
    return next;
}

int schema_leaves(const struct schema_node *nodes, struct schema_leaf leaves[COLUMN_LEAVES_MAX]) {
    int count = 0;
    walk(nodes, (struct schema_leaf){0}, leaves, &count);
    return count;
}

/* LogicalType is a union: a struct with the one field that counts. */
static void write_logical_type(struct thrift_writer *writer, enum parquet_converted converted) {
    enum { ELEMENT_LOGICAL_TYPE = 10, LOGICAL_STRING = 1, LOGICAL_LIST = 3, LOGICAL_INTEGER = 10 };
    thrift_struct(writer, ELEMENT_LOGICAL_TYPE);
    if (converted == CONVERTED_INT8) {
        uint8_t width = 8;
        thrift_struct(writer, LOGICAL_INTEGER);
        thrift_byte(writer, 1, width);
        thrift_bool(writer, 2, true); /* signed */
    } else {
        thrift_struct(writer, converted == CONVERTED_UTF8 ? LOGICAL_STRING : LOGICAL_LIST);
    }
    thrift_end(writer);
    thrift_end(writer);
}

void schema_write_node(struct thrift_writer *writer, const struct schema_node *node) {
    thrift_item_struct(writer);
    if (node->physical != PHYSICAL_GROUP) thrift_i32(writer, 1, node->physical);
    thrift_i32(writer, 3, node->repetition);
    thrift_text(writer, 4, node->name);
    if (node->children) thrift_i32(writer, 5, node->children);
    if (node->converted != CONVERTED_NONE) {
        thrift_i32(writer, 6, node->converted);
        write_logical_type(writer, node->converted);
    }
    thrift_end(writer);
}

static const char *spark_type(enum table_type type) {
    switch (type) {
    case TABLE_TEXT: return "\"string\"";
    case TABLE_FLOAT_LIST: return "{\"type\":\"array\",\"elementType\":\"float\",\"containsNull\":true}";
    case TABLE_DOUBLE_LIST: return "{\"type\":\"array\",\"elementType\":\"double\",\"containsNull\":true}";
    case TABLE_INT64: return "\"long\"";
    case TABLE_DOUBLE: return "\"double\"";
    case TABLE_BOOLEAN: return "\"boolean\"";
    case TABLE_SPARK_VECTOR:
        return "{\"type\":\"udt\",\"class\":\"org.apache.spark.ml.linalg.VectorUDT\","
               "\"pyClass\":\"pyspark.ml.linalg.VectorUDT\",\"sqlType\":{\"type\":\"struct\",\"fields\":["
               "{\"name\":\"type\",\"type\":\"byte\",\"nullable\":false,\"metadata\":{}},"
               "{\"name\":\"size\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{}},"
               "{\"name\":\"indices\",\"type\":{\"type\":\"array\",\"elementType\":\"integer\","
               "\"containsNull\":false},\"nullable\":true,\"metadata\":{}},"
               "{\"name\":\"values\",\"type\":{\"type\":\"array\",\"elementType\":\"double\","
               "\"containsNull\":false},\"nullable\":true,\"metadata\":{}}]}}";
    case TABLE_FLOAT:
    case TABLE_INT64_LIST:
    case TABLE_OTHER: break;
    }
    return "\"void\"";
}

static pomona_status append_quoted(struct buffer *out, const char *text, struct pomona_error *error) {
    TRY(buffer_append_byte(out, '"', error));
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20)
            TRY(buffer_printf(out, error, "\\u%04x", byte));
        else if (byte == '"' || byte == '\\')
            TRY(buffer_printf(out, error, "\\%c", byte));
        else
            TRY(buffer_append_byte(out, byte, error));
    }
    return buffer_append_byte(out, '"', error);
}

pomona_status schema_spark_json(const struct table_column *columns, int count, struct buffer *out,
                                struct pomona_error *error) {
    TRY(buffer_append_text(out, "{\"type\":\"struct\",\"fields\":[", error));
    for (int i = 0; i < count; i++) {
        TRY(buffer_append_text(out, i ? ",{\"name\":" : "{\"name\":", error));
        TRY(append_quoted(out, columns[i].name, error));
        TRY(buffer_append_text(out, ",\"type\":", error));
        TRY(buffer_append_text(out, spark_type(columns[i].type), error));
        TRY(buffer_append_text(out, ",\"nullable\":true,\"metadata\":{}}", error));
    }
    return buffer_append_text(out, "]}", error);
}
