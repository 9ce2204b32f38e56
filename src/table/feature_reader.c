#include "base/memory.h"
#include "pomona/table.h"
#include "table/feature_parts.h"
#include "table/utf8.h"

#define FEATURE_SPACE_KEY "pomona.feature_space"

struct pomona_feature_reader {
    struct feature_parts parts;
    struct feature_part part; /* the one being read, if part.reader is not NULL */
    size_t next_part;
    int64_t part_row, row; /* numbers of the next row */
    struct pomona_feature_info info;
    struct table_property *properties; /* [property_count] of the first part, in the parts' arena */
    size_t property_count;
    struct buffer path, label; /* the current row's, with a NUL */
    float *rounded;            /* [rounded_capacity] for doubles */
    size_t rounded_capacity;
    pomona_status broken;
};

static const char *part_path(const struct pomona_feature_reader *reader) { return reader->part.file.path; }

static pomona_status keep_properties(struct pomona_feature_reader *reader, struct pomona_error *error) {
    struct table_property property;
    size_t count = 0;
    struct arena *arena = &reader->parts.arena;
    while (parquet_reader_property_at(reader->part.reader, count, &property)) count++;
    reader->properties = arena_new(arena, count + 1, sizeof *reader->properties);
    if (!reader->properties) return fail_memory(error, "footer");
    for (size_t i = 0; parquet_reader_property_at(reader->part.reader, i, &property); i++) {
        property.key = arena_copy_text(arena, property.key, strlen(property.key));
        property.value = arena_copy_text(arena, property.value, strlen(property.value));
        if (!property.key || !property.value) return fail_memory(error, "footer");
        reader->properties[reader->property_count++] = property;
    }
    return POMONA_OK;
}

/* Features of different models or profiles are never mixed. */
static pomona_status check_space(const struct pomona_feature_reader *reader, struct pomona_error *error) {
    const char *first = pomona_feature_reader_property(reader, FEATURE_SPACE_KEY);
    const char *other = parquet_reader_property(reader->part.reader, FEATURE_SPACE_KEY);
    if (!first && !other) return POMONA_OK;
    if (first && other && strcmp(first, other) == 0) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, part_path(reader), "is of another feature space (%s) than %s (%s)",
                other ? other : "not named", reader->parts.paths[0], first ? first : "not named");
}

/* Reads every footer, and adds up what the parts hold. */
static pomona_status survey(struct pomona_feature_reader *reader, struct pomona_error *error) {
    reader->info.parts = (int)reader->parts.count;
    reader->info.labelled = true;
    for (size_t i = 0; i < reader->parts.count; i++) {
        struct feature_part *part = &reader->part;
        TRY(feature_part_open(part, reader->parts.paths[i], error));
        if (i == 0) TRY(keep_properties(reader, error));
        TRY(check_space(reader, error));
        if (__builtin_add_overflow(reader->info.rows, parquet_reader_rows(part->reader), &reader->info.rows))
            return fail(error, POMONA_E_CORRUPT, part->file.path, "an impossible number of rows");
        reader->info.doubles = reader->info.doubles || part->doubles;
        reader->info.labelled = reader->info.labelled && part->cell[CELL_LABEL] >= 0;
        feature_part_close(part);
    }
    return POMONA_OK;
}

/* The first row says how long the vectors are. */
static pomona_status open_table(struct pomona_feature_reader *reader, const char *path,
                                struct pomona_error *error) {
    struct pomona_feature_row row;
    bool has_row;
    TRY(feature_parts_list(&reader->parts, path, error));
    TRY(survey(reader, error));
    TRY(pomona_feature_reader_next(reader, &row, &has_row, error));
    return pomona_feature_reader_rewind(reader, error);
}

pomona_status pomona_feature_reader_open(const char *path, struct pomona_feature_reader **reader,
                                         struct pomona_error *error) {
    *reader = NULL;
    struct pomona_feature_reader *made = memory_new(1, sizeof *made);
    if (!made) return fail_memory(error, "feature reader");
    made->part = FEATURE_PART_INIT;
    made->path = made->label = BUFFER_INIT(INT32_MAX);
    pomona_status status = open_table(made, path, error);
    if (status != POMONA_OK) pomona_feature_reader_free(&made);
    *reader = made;
    return status;
}

void pomona_feature_reader_info(const struct pomona_feature_reader *reader,
                                struct pomona_feature_info *info) {
    *info = reader->info;
}

const char *pomona_feature_reader_property(const struct pomona_feature_reader *reader, const char *key) {
    for (size_t i = reader->property_count; i-- > 0;)
        if (strcmp(reader->properties[i].key, key) == 0) return reader->properties[i].value;
    return NULL;
}

static pomona_status copy_text(const struct pomona_feature_reader *reader, const struct table_cell *cell,
                               struct buffer *to, const char *column, const char **text,
                               struct pomona_error *error) {
    long long row = (long long)reader->part_row;
    if (!utf8_valid(cell->text, cell->count) || (cell->count && memchr(cell->text, '\0', cell->count)))
        return fail(error, POMONA_E_CORRUPT, part_path(reader), "row %lld: %s is not a text in UTF-8", row,
                    column);
    buffer_clear(to);
    TRY(buffer_append(to, cell->text, cell->count, error));
    return buffer_terminate(to, text, error);
}

static pomona_status round_features(struct pomona_feature_reader *reader, const double *values, size_t count,
                                    struct pomona_error *error) {
    if (count > reader->rounded_capacity) {
        float *grown = memory_resize(reader->rounded, count, sizeof *grown);
        if (!grown) return fail_memory(error, "feature reader");
        reader->rounded = grown;
        reader->rounded_capacity = count;
    }
    for (size_t i = 0; i < count; i++) reader->rounded[i] = (float)values[i];
    return POMONA_OK;
}

static pomona_status take_features(struct pomona_feature_reader *reader, const struct table_cell *cells,
                                   struct pomona_feature_row *row, struct pomona_error *error) {
    const struct feature_part *part = &reader->part;
    const struct table_cell *list = &cells[part->cell[CELL_FEATURES]];
    long long number = (long long)reader->part_row;
    if (list->null)
        return fail(error, POMONA_E_INPUT, part_path(reader), "row %lld: features is null", number);
    if (list->count == 0)
        return fail(error, POMONA_E_INPUT, part_path(reader), "row %lld: features is empty", number);
    if (part->cell[CELL_VECTOR_TYPE] >= 0 && cells[part->cell[CELL_VECTOR_TYPE]].integer != 1)
        return fail(error, POMONA_E_UNSUPPORTED, part_path(reader),
                    "row %lld: features is a sparse vector; only dense ones can be read", number);
    if (reader->info.features == 0) reader->info.features = (int)list->count; /* a list has at most 16 Mi */
    if (list->count != (size_t)reader->info.features)
        return fail(error, POMONA_E_INPUT, part_path(reader),
                    "row %lld has %zu features, the first row of the table %d", number, list->count,
                    reader->info.features);
    if (part->doubles) TRY(round_features(reader, list->doubles, list->count, error));
    row->features = part->doubles ? reader->rounded : list->floats;
    row->doubles = part->doubles ? list->doubles : NULL;
    return POMONA_OK;
}

static pomona_status take_row(struct pomona_feature_reader *reader, const struct table_cell *cells,
                              struct pomona_feature_row *row, struct pomona_error *error) {
    const struct feature_part *part = &reader->part;
    const struct table_cell *path = &cells[part->cell[CELL_PATH]];
    const struct table_cell *label = part->cell[CELL_LABEL] >= 0 ? &cells[part->cell[CELL_LABEL]] : NULL;
    *row = (struct pomona_feature_row){.index = reader->row};
    if (path->null)
        return fail(error, POMONA_E_INPUT, part_path(reader), "row %lld: path is null",
                    (long long)reader->part_row);
    TRY(copy_text(reader, path, &reader->path, "path", &row->path, error));
    if (label && !label->null) TRY(copy_text(reader, label, &reader->label, "label", &row->label, error));
    TRY(take_features(reader, cells, row, error));
    reader->part_row++;
    reader->row++;
    return POMONA_OK;
}

static pomona_status read_row(struct pomona_feature_reader *reader, struct pomona_feature_row *row,
                              bool *has_row, struct pomona_error *error) {
    struct table_cell cells[CELLS_MAX];
    for (;;) {
        if (reader->part.reader) {
            TRY(parquet_reader_next(reader->part.reader, cells, has_row, error));
            if (*has_row) return take_row(reader, cells, row, error);
            feature_part_close(&reader->part);
        }
        if (reader->next_part == reader->parts.count) return POMONA_OK;
        TRY(feature_part_open(&reader->part, reader->parts.paths[reader->next_part], error));
        reader->next_part++;
        reader->part_row = 0;
    }
}

pomona_status pomona_feature_reader_next(struct pomona_feature_reader *reader, struct pomona_feature_row *row,
                                         bool *has_row, struct pomona_error *error) {
    *has_row = false;
    if (reader->broken != POMONA_OK)
        return fail(error, reader->broken, NULL, "reading this table failed before (%s)",
                    pomona_status_name(reader->broken));
    reader->broken = read_row(reader, row, has_row, error);
    if (reader->broken != POMONA_OK) *has_row = false;
    return reader->broken;
}

pomona_status pomona_feature_reader_batch(struct pomona_feature_reader *reader, float *features,
                                          size_t capacity, size_t *count, struct pomona_error *error) {
    size_t width = (size_t)reader->info.features;
    for (*count = 0; *count < capacity; ++*count) {
        struct pomona_feature_row row;
        bool has_row;
        TRY(pomona_feature_reader_next(reader, &row, &has_row, error));
        if (!has_row) return POMONA_OK;
        memcpy(features + *count * width, row.features, width * sizeof *features);
    }
    return POMONA_OK;
}

pomona_status pomona_feature_reader_rewind(struct pomona_feature_reader *reader, struct pomona_error *error) {
    (void)error;
    feature_part_close(&reader->part);
    reader->next_part = 0;
    reader->part_row = reader->row = 0;
    reader->broken = POMONA_OK;
    return POMONA_OK;
}

void pomona_feature_reader_free(struct pomona_feature_reader **reader) {
    if (!reader || !*reader) return;
    feature_part_close(&(*reader)->part);
    feature_parts_free(&(*reader)->parts);
    buffer_free(&(*reader)->path);
    buffer_free(&(*reader)->label);
    memory_free((*reader)->rounded);
    memory_free(*reader);
    *reader = NULL;
}
