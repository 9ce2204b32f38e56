#include "table/feature_parts.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PARTS_MAX = 1000000 };

static char *join(struct arena *arena, const char *folder, const char *name) {
    size_t size = size_add(strlen(folder), strlen(name)) + 2;
    char *path = arena_new(arena, size, 1);
    if (path) snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static bool ends_with(const char *name, const char *end) {
    size_t size = strlen(name), end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* Spark and Hive take names that start with `_` or `.` for markers and unfinished files. */
static bool is_part_name(const char *name) {
    return name[0] != '_' && name[0] != '.' && (ends_with(name, ".parquet") || ends_with(name, ".parq"));
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static pomona_status add_part(struct feature_parts *parts, const char *path, size_t *capacity,
                              struct pomona_error *error) {
    if (parts->count == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : 64;
        const char **grown = memory_resize(parts->paths, larger, sizeof *grown);
        if (!grown) return fail_memory(error, "list of parts");
        parts->paths = grown;
        *capacity = larger;
    }
    parts->paths[parts->count++] = path;
    return POMONA_OK;
}

static pomona_status list_entries(struct feature_parts *parts, DIR *folder, const char *path,
                                  struct pomona_error *error) {
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) break;
        if (!is_part_name(entry->d_name)) continue;
        if (parts->count == PARTS_MAX)
            return fail(error, POMONA_E_LIMIT, path, "more than %d parts", PARTS_MAX);
        struct stat info;
        char *part = join(&parts->arena, path, entry->d_name);
        if (!part) return fail_memory(error, "list of parts");
        if (stat(part, &info) != 0) return fail_errno(error, errno, 1, part, "cannot stat");
        if (S_ISREG(info.st_mode)) TRY(add_part(parts, part, &capacity, error));
    }
    return errno == 0 ? POMONA_OK : fail_errno(error, errno, 1, path, "cannot list");
}

static pomona_status list_folder(struct feature_parts *parts, const char *path, struct pomona_error *error) {
    DIR *folder = opendir(path);
    if (!folder) return fail_errno(error, errno, 1, path, "cannot open");
    pomona_status status = list_entries(parts, folder, path, error);
    closedir(folder);
    if (status == POMONA_OK && parts->count > 0)
        qsort((void *)parts->paths, parts->count, sizeof *parts->paths, by_name);
    return status;
}

static pomona_status list(struct feature_parts *parts, const char *path, struct pomona_error *error) {
    struct stat info;
    if (stat(path, &info) != 0) return fail_errno(error, errno, 1, path, "cannot open");
    if (!S_ISDIR(info.st_mode)) {
        size_t capacity = 0;
        const char *copy = arena_copy_text(&parts->arena, path, strlen(path));
        return copy ? add_part(parts, copy, &capacity, error) : fail_memory(error, "list of parts");
    }
    TRY(list_folder(parts, path, error));
    if (parts->count > 0) return POMONA_OK;
    const char *results = join(&parts->arena, path, "Results");
    if (!results) return fail_memory(error, "list of parts");
    if (stat(results, &info) == 0 && S_ISDIR(info.st_mode)) TRY(list_folder(parts, results, error));
    if (parts->count > 0) return POMONA_OK;
    return fail(error, POMONA_E_INPUT, path, "no Parquet files in this folder");
}

pomona_status feature_parts_list(struct feature_parts *parts, const char *path, struct pomona_error *error) {
    *parts = (struct feature_parts){.arena = ARENA_INIT(SIZE_MAX)};
    pomona_status status = list(parts, path, error);
    if (status != POMONA_OK) feature_parts_free(parts);
    return status;
}

void feature_parts_free(struct feature_parts *parts) {
    memory_free((void *)parts->paths);
    arena_free(&parts->arena);
    parts->paths = NULL;
    parts->count = 0;
}

/* Adds a column to the selection. */
static void choose(struct feature_part *part, int *columns, int column, int cell) {
    part->cell[cell] = part->selected;
    columns[part->selected++] = column;
}

static pomona_status choose_text(struct feature_part *part, int *columns, const char *name, int cell,
                                 bool needed, struct pomona_error *error) {
    int column = parquet_reader_find(part->reader, name);
    if (column < 0 && !needed) return POMONA_OK;
    if (column < 0) return fail(error, POMONA_E_INPUT, part->file.path, "has no column \"%s\"", name);
    if (parquet_reader_column(part->reader, column).type != TABLE_TEXT)
        return fail(error, POMONA_E_INPUT, part->file.path, "column \"%s\" holds no texts", name);
    choose(part, columns, column, cell);
    return POMONA_OK;
}

/* A list of floats or doubles, or Spark's vector: a struct whose `values` count when its `type` is 1. */
static pomona_status choose_features(struct feature_part *part, int *columns, struct pomona_error *error) {
    int column = parquet_reader_find(part->reader, "features");
    int kind = -1;
    if (column < 0) {
        column = parquet_reader_find(part->reader, "features.values");
        kind = parquet_reader_find(part->reader, "features.type");
        if (column < 0 || kind < 0)
            return fail(error, POMONA_E_INPUT, part->file.path, "has no column \"features\"");
    }
    enum table_type type = parquet_reader_column(part->reader, column).type;
    if ((type != TABLE_FLOAT_LIST && type != TABLE_DOUBLE_LIST) ||
        (kind >= 0 && parquet_reader_column(part->reader, kind).type != TABLE_INT64))
        return fail(error, POMONA_E_INPUT, part->file.path,
                    "column \"features\" holds no lists of floats or doubles");
    part->doubles = type == TABLE_DOUBLE_LIST;
    choose(part, columns, column, CELL_FEATURES);
    if (kind >= 0) choose(part, columns, kind, CELL_VECTOR_TYPE);
    return POMONA_OK;
}

static pomona_status open_part(struct feature_part *part, const char *path, struct pomona_error *error) {
    struct source source;
    int columns[CELLS_MAX];
    TRY(file_source_open(&part->file, path, &source, error));
    TRY(parquet_reader_open(source, &part->reader, error));
    for (int i = 0; i < CELLS_MAX; i++) part->cell[i] = -1;
    TRY(choose_text(part, columns, "path", CELL_PATH, true, error));
    TRY(choose_text(part, columns, "label", CELL_LABEL, false, error));
    TRY(choose_features(part, columns, error));
    return parquet_reader_select(part->reader, columns, part->selected, error);
}

pomona_status feature_part_open(struct feature_part *part, const char *path, struct pomona_error *error) {
    *part = FEATURE_PART_INIT;
    pomona_status status = open_part(part, path, error);
    if (status != POMONA_OK) feature_part_close(part);
    return status;
}

void feature_part_close(struct feature_part *part) {
    parquet_reader_free(&part->reader);
    file_source_close(&part->file);
}
