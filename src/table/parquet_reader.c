#include "table/parquet_reader.h"

#include "base/memory.h"
#include "table/leaf_reader.h"

struct parquet_reader {
    struct source source;
    struct parquet_metadata metadata;
    struct leaf_reader *leaves; /* [selected_count], owned */
    int selected_count;
    size_t next_group;  /* row group that follows the current one */
    int64_t row;        /* number of the next row in the file */
    int64_t group_left; /* rows of the current row group not read yet */
    bool in_group, failed;
};

pomona_status parquet_reader_open(struct source source, struct parquet_reader **reader,
                                  struct pomona_error *error) {
    *reader = NULL;
    struct parquet_reader *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "Parquet reader");
    made->source = source;
    pomona_status status = parquet_metadata_read(&made->source, &made->metadata, error);
    if (status != POMONA_OK) parquet_reader_free(&made);
    *reader = made;
    return status;
}

int64_t parquet_reader_rows(const struct parquet_reader *reader) { return reader->metadata.rows; }

int parquet_reader_columns(const struct parquet_reader *reader) { return reader->metadata.leaf_count; }

struct table_column parquet_reader_column(const struct parquet_reader *reader, int index) {
    const struct parquet_leaf *leaf = &reader->metadata.leaves[index];
    return (struct table_column){leaf->name, leaf->type};
}

int parquet_reader_find(const struct parquet_reader *reader, const char *name) {
    for (int i = 0; i < reader->metadata.leaf_count; i++)
        if (strcmp(reader->metadata.leaves[i].name, name) == 0) return i;
    return -1;
}

bool parquet_reader_property_at(const struct parquet_reader *reader, size_t index,
                                struct table_property *property) {
    if (index >= reader->metadata.property_count) return false;
    *property = reader->metadata.properties[index];
    return true;
}

const char *parquet_reader_property(const struct parquet_reader *reader, const char *key) {
    for (size_t i = reader->metadata.property_count; i-- > 0;)
        if (strcmp(reader->metadata.properties[i].key, key) == 0) return reader->metadata.properties[i].value;
    return NULL;
}

static void free_leaves(struct parquet_reader *reader) {
    for (int i = 0; i < reader->selected_count; i++) leaf_reader_free(&reader->leaves[i]);
    memory_free(reader->leaves);
    reader->leaves = NULL;
    reader->selected_count = 0;
}

pomona_status parquet_reader_select(struct parquet_reader *reader, const int *columns, int count,
                                    struct pomona_error *error) {
    for (int i = 0; i < count; i++) {
        if (columns[i] < 0 || columns[i] >= reader->metadata.leaf_count)
            return fail(error, POMONA_E_USAGE, reader->source.name, "no column %d", columns[i]);
        const struct parquet_leaf *leaf = &reader->metadata.leaves[columns[i]];
        if (leaf->type == TABLE_OTHER)
            return fail(error, POMONA_E_UNSUPPORTED, reader->source.name,
                        "column %s: columns of its type can't be read", leaf->name);
    }
    free_leaves(reader);
    reader->leaves = memory_new((size_t)count, sizeof *reader->leaves);
    if (!reader->leaves) return fail_memory(error, "Parquet reader");
    for (int i = 0; i < count; i++)
        leaf_reader_start(&reader->leaves[i], &reader->source, &reader->metadata.leaves[columns[i]]);
    reader->selected_count = count;
    reader->next_group = 0;
    reader->row = reader->group_left = 0;
    reader->in_group = reader->failed = false;
    return POMONA_OK;
}

/* Ends the current row group and goes to the next one that has rows; group_left stays 0 after the last. */
static pomona_status next_group(struct parquet_reader *reader, struct pomona_error *error) {
    const struct parquet_metadata *metadata = &reader->metadata;
    for (int i = 0; reader->in_group && i < reader->selected_count; i++)
        TRY(leaf_reader_end(&reader->leaves[i], error));
    reader->in_group = false;
    while (reader->next_group < metadata->group_count && metadata->group_rows[reader->next_group] == 0)
        reader->next_group++;
    if (reader->next_group == metadata->group_count) return POMONA_OK;
    const struct parquet_chunk *chunks = metadata->chunks + reader->next_group * (size_t)metadata->leaf_count;
    for (int i = 0; i < reader->selected_count; i++)
        TRY(leaf_reader_seek(&reader->leaves[i], &chunks[reader->leaves[i].leaf - metadata->leaves], error));
    reader->group_left = metadata->group_rows[reader->next_group++];
    reader->in_group = true;
    return POMONA_OK;
}

static pomona_status read_row(struct parquet_reader *reader, struct table_cell *cells, bool *has_row,
                              struct pomona_error *error) {
    if (reader->group_left == 0) TRY(next_group(reader, error));
    if (reader->group_left == 0) return POMONA_OK;
    for (int i = 0; i < reader->selected_count; i++)
        TRY(leaf_reader_next(&reader->leaves[i], reader->row, &cells[i], error));
    reader->group_left--;
    reader->row++;
    *has_row = true;
    return POMONA_OK;
}

pomona_status parquet_reader_next(struct parquet_reader *reader, struct table_cell *cells, bool *has_row,
                                  struct pomona_error *error) {
    *has_row = false;
    if (reader->failed || !reader->leaves)
        return fail(error, POMONA_E_USAGE, reader->source.name, "no columns are selected, or reading failed");
    pomona_status status = read_row(reader, cells, has_row, error);
    reader->failed = status != POMONA_OK;
    return status;
}

void parquet_reader_free(struct parquet_reader **reader) {
    if (!reader || !*reader) return;
    free_leaves(*reader);
    parquet_metadata_free(&(*reader)->metadata);
    memory_free(*reader);
    *reader = NULL;
}
