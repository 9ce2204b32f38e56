#include "table/metadata_schema.h"

#include "base/memory.h"

enum { CONVERTED_DECIMAL = 5, CONVERTED_UINT32 = 13, CONVERTED_UINT64 = 14, LOGICAL_TYPE_LIST = 3 };

/* SchemaElement, as far as it counts here. */
struct element {
    struct thrift_bytes name;
    int32_t physical, repetition, converted, children;
    bool is_list;
};

/* State of the walk through the tree. */
struct walk {
    const struct element *elements;
    size_t count, next;
    const char *file;
    struct parquet_metadata *metadata;
    struct buffer path; /* the dotted name down to here */
    struct pomona_error *error;
};

/* Levels down to a node. */
struct levels {
    int definition, repetition, element_definition, depth;
    bool in_list; /* inside a LIST: the nodes down to its element add no name */
};

/* LogicalType: a union, the field that is set says which. */
static bool read_logical_list(struct thrift_reader *reader, const struct thrift_field *field) {
    bool is_list = false;
    if (!thrift_is_struct(reader, field)) return false;
    for (struct thrift_field inner = {0}; thrift_next(reader, &inner);) {
        is_list = is_list || inner.id == LOGICAL_TYPE_LIST;
        thrift_skip(reader, &inner);
    }
    return is_list;
}

static struct element read_element(struct thrift_reader *reader) {
    struct element element = {.physical = PHYSICAL_GROUP, .converted = CONVERTED_NONE};
    for (struct thrift_field field = {0}; thrift_next(reader, &field);) {
        switch (field.id) {
        case 1: element.physical = thrift_read_i32(reader, &field); break;
        case 3: element.repetition = thrift_read_i32(reader, &field); break;
        case 4: element.name = thrift_read_bytes(reader, &field); break;
        case 5: element.children = thrift_read_i32(reader, &field); break;
        case 6: element.converted = thrift_read_i32(reader, &field); break;
        case 10: element.is_list = read_logical_list(reader, &field); break;
        default: thrift_skip(reader, &field);
        }
    }
    element.is_list = element.is_list || element.converted == CONVERTED_LIST;
    return element;
}

static enum table_type type_of(const struct element *element, int repetition) {
    if (repetition > 1 || element->converted == CONVERTED_DECIMAL || element->converted == CONVERTED_UINT32 ||
        element->converted == CONVERTED_UINT64)
        return TABLE_OTHER;
    bool list = repetition == 1;
    switch (element->physical) {
    case PHYSICAL_BOOLEAN: return list ? TABLE_OTHER : TABLE_BOOLEAN;
    case PHYSICAL_INT32:
    case PHYSICAL_INT64: return list ? TABLE_INT64_LIST : TABLE_INT64;
    case PHYSICAL_FLOAT: return list ? TABLE_FLOAT_LIST : TABLE_FLOAT;
    case PHYSICAL_DOUBLE: return list ? TABLE_DOUBLE_LIST : TABLE_DOUBLE;
    case PHYSICAL_BYTE_ARRAY: return list ? TABLE_OTHER : TABLE_TEXT;
    default: return TABLE_OTHER;
    }
}

static pomona_status bad_schema(const struct walk *walk, const char *what) {
    return fail(walk->error, POMONA_E_CORRUPT, walk->file, "the schema %s", what);
}

static pomona_status add_leaf(struct walk *walk, const struct element *element, struct levels at) {
    struct parquet_metadata *metadata = walk->metadata;
    struct parquet_leaf *leaf = &metadata->leaves[metadata->leaf_count];
    if (metadata->leaf_count == METADATA_LEAVES_MAX)
        return fail(walk->error, POMONA_E_LIMIT, walk->file, "more than %d columns", METADATA_LEAVES_MAX);
    if (element->physical < PHYSICAL_BOOLEAN || element->physical > PHYSICAL_FIXED_BYTES)
        return bad_schema(walk, "has a column of an unknown type");
    leaf->name = arena_copy_text(&metadata->arena, (const char *)walk->path.data, walk->path.size);
    if (!leaf->name) return fail_memory(walk->error, "Parquet schema");
    leaf->physical = (enum parquet_physical)element->physical;
    leaf->type = type_of(element, at.repetition);
    leaf->max_definition = at.definition;
    leaf->max_repetition = at.repetition;
    leaf->element_definition = at.element_definition;
    metadata->leaf_count++;
    return POMONA_OK;
}

static pomona_status walk_node(struct walk *walk, struct levels at);

static pomona_status walk_children(struct walk *walk, const struct element *element, struct levels at) {
    for (int32_t child = 0; child < element->children; child++) TRY(walk_node(walk, at));
    return POMONA_OK;
}

/* The next element of the list and everything below it. Recursion ends at METADATA_DEPTH_MAX. */
static pomona_status walk_node(struct walk *walk, struct levels at) {
    if (walk->next == walk->count) return bad_schema(walk, "names more children than it has");
    if (at.depth++ == METADATA_DEPTH_MAX) return bad_schema(walk, "is nested too deep");
    const struct element *element = &walk->elements[walk->next++];
    bool leaf = element->physical != PHYSICAL_GROUP, repeated = element->repetition == REPETITION_REPEATED;
    if (element->repetition < REPETITION_REQUIRED || element->repetition > REPETITION_REPEATED)
        return bad_schema(walk, "has an unknown repetition");
    if (leaf ? element->children != 0 : element->children < 1)
        return bad_schema(walk, "has a group without children or a column with some");
    at.definition += element->repetition != REPETITION_REQUIRED;
    at.repetition += repeated;
    if (repeated) at.element_definition = at.definition;
    size_t length = walk->path.size;
    bool wraps = at.in_list && (leaf || (repeated && element->children == 1));
    if (!wraps) {
        if (length) TRY(buffer_append_byte(&walk->path, '.', walk->error));
        TRY(buffer_append(&walk->path, element->name.data, element->name.size, walk->error));
    }
    at.in_list = element->is_list || (at.in_list && wraps);
    TRY(leaf ? add_leaf(walk, element, at) : walk_children(walk, element, at));
    walk->path.size = length;
    return POMONA_OK;
}

static pomona_status walk_tree(struct walk *walk) {
    const struct element *root = &walk->elements[walk->next++];
    if (root->children < 0 || (size_t)root->children >= walk->count)
        return bad_schema(walk, "names more children than it has");
    TRY(walk_children(walk, root, (struct levels){0}));
    return walk->next == walk->count ? POMONA_OK : bad_schema(walk, "has nodes outside its tree");
}

pomona_status metadata_read_schema(struct thrift_reader *reader, size_t count, const char *name,
                                   struct parquet_metadata *metadata, struct pomona_error *error) {
    if (metadata->leaves || count == 0)
        return fail(error, POMONA_E_CORRUPT, name, "the footer has no schema, or two");
    if (count > 2 * METADATA_LEAVES_MAX)
        return fail(error, POMONA_E_LIMIT, name, "a schema of %zu nodes", count);
    struct element *elements = memory_new(count, sizeof *elements);
    if (!elements) return fail_memory(error, "Parquet schema");
    struct walk walk = {elements, count, 0, name, metadata, BUFFER_INIT(1 << 20), error};
    pomona_status status = POMONA_OK;
    for (size_t i = 0; i < count; i++) elements[i] = read_element(reader);
    size_t leaves = count < METADATA_LEAVES_MAX ? count : METADATA_LEAVES_MAX;
    metadata->leaves = arena_new(&metadata->arena, leaves + 1, sizeof *metadata->leaves);
    if (reader->failed)
        status = bad_schema(&walk, "is damaged");
    else
        status = metadata->leaves ? walk_tree(&walk) : fail_memory(error, "Parquet schema");
    buffer_free(&walk.path);
    memory_free(elements);
    return status;
}
