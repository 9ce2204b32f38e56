#include "base/memory.h"
#include "base/text.h"
#include "store/pack_index.h"
#include "store/tar.h"
#include "table/parquet_reader.h"

#include <inttypes.h>
#include <string.h>

enum column { PATH, SHARD, OFFSET, SIZE, MODIFIED, SUM, COLUMNS };

struct pack_reader {
    struct parquet_reader *table;
    const struct pack_place *place;
    const char *name; /* of the index, for messages */
    bool with_sums;
    int64_t row;           /* of the current entry, from 1 */
    struct buffer path[2]; /* the current one is path[row & 1], the other one is that of the row before */
    char shard[PACK_SHARD_MAX + 1];
    uint64_t shard_size, end; /* of the last photo in the shard, padding included */
};

static pomona_status damaged(const struct pack_reader *reader, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, reader->name, "row %" PRId64 ": %s", reader->row, what);
}

static pomona_status choose_columns(struct pack_reader *reader, struct pomona_error *error) {
    static const struct table_column wanted[COLUMNS] = {{"path", TABLE_TEXT},      {"shard", TABLE_TEXT},
                                                        {"offset", TABLE_INT64},   {"size", TABLE_INT64},
                                                        {"modified", TABLE_INT64}, {"sha256", TABLE_TEXT}};
    int columns[COLUMNS], count = reader->with_sums ? COLUMNS : COLUMNS - 1;
    const char *version = parquet_reader_property(reader->table, "pomona.pack");
    if (!version) return fail(error, POMONA_E_INPUT, reader->name, "is not the index of a packed folder");
    if (strcmp(version, "1") != 0)
        return fail(error, POMONA_E_UNSUPPORTED, reader->name, "was written by a newer version of pomona");
    for (int i = 0; i < count; i++) {
        columns[i] = parquet_reader_find(reader->table, wanted[i].name);
        if (columns[i] < 0 || parquet_reader_column(reader->table, columns[i]).type != wanted[i].type)
            return fail(error, POMONA_E_CORRUPT, reader->name, "has no column %s of the right type",
                        wanted[i].name);
    }
    return parquet_reader_select(reader->table, columns, count, error);
}

pomona_status pack_reader_open(struct source index, const struct pack_place *place, bool with_sums,
                               struct pack_reader **out, int64_t *rows, struct pomona_error *error) {
    struct pack_reader *reader = *out = memory_new(1, sizeof *reader);
    if (!reader) return fail_memory(error, "index");
    reader->place = place, reader->name = index.name, reader->with_sums = with_sums;
    for (int i = 0; i < 2; i++) reader->path[i] = BUFFER_INIT(PACK_PATH_MAX + 1);
    pomona_status status = parquet_reader_open(index, &reader->table, error);
    if (status == POMONA_OK) status = choose_columns(reader, error);
    if (status == POMONA_OK)
        *rows = parquet_reader_rows(reader->table);
    else
        pack_reader_free(out);
    return status;
}

void pack_reader_free(struct pack_reader **reader) {
    if (!*reader) return;
    parquet_reader_free(&(*reader)->table);
    for (int i = 0; i < 2; i++) buffer_free(&(*reader)->path[i]);
    memory_free(*reader);
    *reader = NULL;
}

static bool is_utf8(const char *text, size_t size) {
    for (size_t at = 0, length; at < size; at += length)
        if (!(length = utf8_sequence(text + at, size - at))) return false;
    return true;
}

/* Nothing that could lead out of the folder: no empty, `.` or `..` level, so neither a slash at an end; no NUL. */
static bool is_relative(const char *path, size_t size) {
    for (size_t start = 0; start <= size;) {
        const char *slash = memchr(path + start, '/', size - start);
        size_t length = slash ? (size_t)(slash - path) - start : size - start;
        const char *level = path + start;
        if (length == 0 || (level[0] == '.' && (length == 1 || (length == 2 && level[1] == '.'))))
            return false;
        start += length + 1;
    }
    return !memchr(path, '\0', size);
}

bool pack_path_is_tame(const char *path, size_t size) {
    return size <= PACK_PATH_MAX && is_utf8(path, size) && is_relative(path, size);
}

static bool is_shard_name(const char *name, size_t size) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (size == 0 || size > PACK_SHARD_MAX || name[0] == '.' || name[0] == '_') return false;
    for (size_t i = 0; i < size; i++)
        if (name[i] == '\0' || !strchr(allowed, name[i])) return false;
    return true;
}

/* Keeps the path; it must follow the one before. */
static pomona_status take_path(struct pack_reader *reader, const struct table_cell *cell,
                               struct pack_entry *entry, struct pomona_error *error) {
    const struct buffer *before = &reader->path[(reader->row - 1) & 1];
    struct buffer *path = &reader->path[reader->row & 1];
    if (cell->count > PACK_PATH_MAX) return damaged(reader, "the path is too long", error);
    if (!pack_path_is_tame(cell->text, cell->count))
        return damaged(reader, "the path is not that of a photo below the folder", error);
    buffer_clear(path);
    TRY(buffer_append(path, cell->text, cell->count, error));
    TRY(buffer_terminate(path, &entry->path, error));
    if (reader->row > 1 && strcmp((const char *)before->data, entry->path) >= 0)
        return damaged(reader, "the paths are not in order", error);
    return POMONA_OK;
}

static pomona_status take_shard(struct pack_reader *reader, const struct table_cell *cell,
                                struct pack_entry *entry, struct pomona_error *error) {
    const struct pack_place *place = reader->place;
    entry->first = reader->row == 1 || cell->count != strlen(reader->shard) ||
                   memcmp(cell->text, reader->shard, cell->count) != 0;
    entry->shard = reader->shard;
    if (!entry->first) return POMONA_OK;
    char name[PACK_SHARD_MAX + 1] = {0};
    if (!is_shard_name(cell->text, cell->count))
        return damaged(reader, "the shard's name is not that of a file in the folder", error);
    memcpy(name, cell->text, cell->count);
    /* In ascending order no shard can come back, so that the offsets of one shard are all seen one after the other. */
    if (strcmp(reader->shard, name) >= 0) return damaged(reader, "the shards are not in order", error);
    memcpy(reader->shard, name, sizeof name);
    reader->end = 0;
    reader->shard_size = UINT64_MAX;
    return place->shard_size ? place->shard_size(place->user, name, &reader->shard_size, error) : POMONA_OK;
}

/* Inside the shard, behind a header, apart from the photo before. */
static pomona_status take_range(struct pack_reader *reader, int64_t offset, int64_t size,
                                struct pack_entry *entry, struct pomona_error *error) {
    if (offset < 0 || size < 0) return damaged(reader, "offset or size is negative", error);
    entry->offset = (uint64_t)offset, entry->size = (uint64_t)size; /* their sum fits 64 bits */
    entry->shard_size = reader->shard_size;
    if (entry->offset % TAR_BLOCK != 0 || entry->offset < reader->end + TAR_BLOCK)
        return damaged(reader, "the photo overlaps another one", error);
    if (entry->offset + entry->size > reader->shard_size || entry->offset + entry->size > INT64_MAX)
        return damaged(reader, "the photo lies beyond the end of its shard", error);
    reader->end = entry->offset + entry->size + tar_padding(entry->size);
    return POMONA_OK;
}

static pomona_status take_sum(struct pack_reader *reader, const struct table_cell *cell,
                              struct pack_entry *entry, struct pomona_error *error) {
    memset(entry->sha256, 0, sizeof entry->sha256);
    if (cell->count != SHA256_HEX_SIZE - 1) return damaged(reader, "the SHA-256 is none", error);
    memcpy(entry->sha256, cell->text, cell->count);
    if (strspn(entry->sha256, "0123456789abcdef") != cell->count)
        return damaged(reader, "the SHA-256 is none", error);
    return POMONA_OK;
}

pomona_status pack_reader_next(struct pack_reader *reader, struct pack_entry *entry, bool *has_entry,
                               struct pomona_error *error) {
    const struct pack_place *place = reader->place;
    struct table_cell cells[COLUMNS];
    if (place->should_stop && reader->row % 4096 == 0 && place->should_stop(place->user))
        return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while reading an index");
    TRY(parquet_reader_next(reader->table, cells, has_entry, error));
    if (!*has_entry) return POMONA_OK;
    reader->row++;
    for (int i = 0; i < (reader->with_sums ? COLUMNS : COLUMNS - 1); i++)
        if (cells[i].null) return damaged(reader, "a value is null", error);
    TRY(take_path(reader, &cells[PATH], entry, error));
    TRY(take_shard(reader, &cells[SHARD], entry, error));
    TRY(take_range(reader, cells[OFFSET].integer, cells[SIZE].integer, entry, error));
    entry->modified = cells[MODIFIED].integer;
    entry->sha256[0] = '\0';
    return reader->with_sums ? take_sum(reader, &cells[SUM], entry, error) : POMONA_OK;
}
