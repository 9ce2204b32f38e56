#include "pomona/pack.h"

#include "base/clock.h"
#include "base/file_sink.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/photos.h"
#include "store/folder.h"
#include "store/pack_folder.h"
#include "store/photo_reader.h"
#include "store/place.h"
#include "store/tar.h"
#include "table/parquet_writer.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SHARD_BYTES_DEFAULT = 256 << 20,
    SHARD_BYTES_MIN = 1 << 20,
    SHARDS_MAX = 100000,
    PHOTO_BYTES_MAX = 1 << 30,
    AHEAD_MAX = 64,              /* photos that are read ahead, where reading is waiting */
    AHEAD_BYTES_MAX = 256 << 20, /* of them together */
    LOOK_MILLISECONDS = 100,
    KEEP_BYTES = 1 << 20,
    SHARD_NAME_SIZE = 64
};

/* A photo being read ahead. */
struct ahead {
    struct buffer bytes;
    struct pomona_error cause;
    pomona_status status;
    bool done;
};

/* Its name has the beginning of its SHA-256: shards of one name are equal, so that a new one may take the place of an old one that is being
 * read. Until it is whole it has a name without. */
struct shard {
    char staged[SHARD_NAME_SIZE], name[SHARD_NAME_SIZE];
    int64_t bytes;
    char sha256[SHA256_HEX_SIZE];
};

/* Where a photo went: rows of the index are written when the shards have their names. */
struct packed {
    uint64_t offset, size;
    size_t shard; /* SIZE_MAX: left out */
    uint8_t digest[SHA256_SIZE];
};

struct packing {
    const struct pomona_pack_options *options;
    struct pomona_pack_result *result;
    struct pomona_error *error;
    struct listing photos;
    size_t root; /* length of what stands before the relative name of each URI */
    char *staging, *lock_file;
    int lock;
    int64_t shard_bytes;
    /* The shard being written. */
    struct file_sink file;
    bool open;
    struct shard *shards;  /* [shard_count] */
    struct packed *packed; /* [photos.count] */
    size_t shard_count, shard_capacity;
    struct file_sink index_file;
    struct parquet_writer *index;
    struct buffer header;
    /* Reading. */
    struct photo_reader *reader;
    struct ahead ahead[AHEAD_MAX]; /* photo i is in i % AHEAD_MAX */
    size_t asked;
    uint64_t bytes_ahead;
};

/* ---- names */

/* A name that no index may have, from a bucket ("a//b.jpg"), and two that become one: "%FF.jpg" and that byte. */
static pomona_status check_names(const struct packing *p) {
    for (size_t i = 0; i < p->photos.count; i++) {
        const char *name = p->photos.photos[i].uri + p->root;
        if (!pack_path_is_tame(name, strlen(name)))
            return fail(p->error, POMONA_E_INPUT, p->photos.photos[i].uri,
                        "a packed photo can't have this name");
        if (i > 0 && strcmp(p->photos.photos[i - 1].uri + p->root, name) == 0)
            return fail(p->error, POMONA_E_INPUT, p->photos.photos[i].uri, "is the name of two photos");
    }
    return POMONA_OK;
}

static pomona_status list(struct packing *p) {
    const struct pomona_pack_options *options = p->options;
    int64_t unlabelled;
    TRY(photos_list(options->places, options->source, options->glob ? options->glob : "*.jpg", NULL, 0,
                    options->should_stop, options->user, &p->photos, &unlabelled, p->error));
    p->result->skipped = p->photos.skipped;
    const char *first = p->photos.photos[0].uri, *root;
    if (place_is_remote(options->source)) {
        root = options->source;
    } else {
        char *path = path_absolute(&p->photos.arena, options->source);
        root = path ? path_to_uri(&p->photos.arena, path) : NULL;
        if (!root) return fail_memory(p->error, "path");
    }
    size_t length = strlen(root);
    while (length > 0 && root[length - 1] == '/') length--;
    bool below = strncmp(first, root, length) == 0 && first[length] == '/';
    p->root = below ? length + 1 : (size_t)(strrchr(first, '/') - first) + 1; /* SRC is one photo */
    p->packed = memory_new(p->photos.count, sizeof *p->packed);
    return p->packed ? check_names(p) : fail_memory(p->error, "photos");
}

/* ---- reading ahead */

static void start_reads(struct packing *p, size_t next) {
    while (p->asked < p->photos.count && p->asked - next < AHEAD_MAX) {
        const struct listed_photo *photo = &p->photos.photos[p->asked];
        bool room = p->bytes_ahead + photo->size <= AHEAD_BYTES_MAX || p->asked == next;
        if (!room || photo_reader_pending(p->reader) >= (size_t)photo_reader_width(p->reader, photo)) return;
        struct ahead *ahead = &p->ahead[p->asked % AHEAD_MAX];
        ahead->done = false;
        p->bytes_ahead += photo->size;
        photo_reader_start(p->reader, photo, &ahead->bytes, &ahead->cause, p->asked++);
    }
}

/* Waits for photo `next`; *ahead has it or says why not. */
static pomona_status take_read(struct packing *p, size_t next, struct ahead **ahead) {
    struct photo_read read;
    *ahead = &p->ahead[next % AHEAD_MAX];
    while (start_reads(p, next), !(*ahead)->done) {
        if (p->options->should_stop && p->options->should_stop(p->options->user))
            return fail(p->error, POMONA_E_INTERRUPTED, NULL, "interrupted after %zu of %zu photos", next,
                        p->photos.count);
        if (!photo_reader_next(p->reader, LOOK_MILLISECONDS, &read)) continue;
        struct ahead *other = &p->ahead[read.ticket % AHEAD_MAX];
        other->done = true;
        other->status = read.status;
        if (!read.is_place_fault) continue;
        if (p->error) *p->error = other->cause;
        return read.status;
    }
    p->bytes_ahead -= p->photos.photos[next].size;
    return POMONA_OK;
}

/* ---- writing */

static pomona_status open_shard(struct packing *p) {
    if (p->shard_count == SHARDS_MAX)
        return fail(p->error, POMONA_E_LIMIT, NULL, "more than %d shards", SHARDS_MAX);
    if (p->shard_count == p->shard_capacity) {
        size_t capacity = p->shard_capacity ? 2 * p->shard_capacity : 16;
        struct shard *more = memory_resize(p->shards, capacity, sizeof *more);
        if (!more) return fail_memory(p->error, "shards");
        p->shards = more;
        p->shard_capacity = capacity;
    }
    struct shard *shard = &p->shards[p->shard_count];
    snprintf(shard->staged, sizeof shard->staged, "shard-%05zu.tar", p->shard_count);
    char *path = path_join(p->staging, shard->staged);
    pomona_status status = path ? file_sink_open(&p->file, path, p->error) : fail_memory(p->error, "path");
    memory_free(path);
    p->open = status == POMONA_OK;
    return status;
}

static pomona_status close_shard(struct packing *p) {
    static const uint8_t end[TAR_END];
    struct sink sink = file_sink_as_sink(&p->file);
    struct shard *shard = &p->shards[p->shard_count];
    uint8_t digest[SHA256_SIZE];
    TRY(sink_write(&sink, end, sizeof end, p->error));
    shard->bytes = (int64_t)p->file.size;
    TRY(file_sink_commit(&p->file, digest, p->error));
    file_sink_close(&p->file);
    sha256_hex(digest, shard->sha256);
    snprintf(shard->name, sizeof shard->name, "shard-%05zu-%.16s.tar", p->shard_count, shard->sha256);
    p->open = false;
    p->shard_count++;
    return POMONA_OK;
}

/* The photo's name in the archive: the bytes that it has on disk, where it lies on one. In the URI they may be percent-encoded, but never the
 * slashes: the names have as many. */
static const char *member_name(const struct packing *p, const struct listed_photo *photo) {
    const char *name = photo->uri + p->root, *at = photo->path + strlen(photo->path);
    if (photo->packed || place_is_remote(photo->path)) return name;
    for (const char *slash = name - 1; slash && at > photo->path; slash = strchr(slash + 1, '/'))
        while (at > photo->path && *--at != '/') {}
    return *at == '/' ? at + 1 : at;
}

static pomona_status add_photo(struct packing *p, const struct listed_photo *photo,
                               const struct buffer *bytes, struct packed *packed) {
    static const uint8_t zeroes[TAR_BLOCK];
    buffer_clear(&p->header);
    TRY(tar_append_header(&p->header, member_name(p, photo), bytes->size, photo->modified, p->error));
    size_t padding = tar_padding(bytes->size);
    uint64_t whole = p->header.size + bytes->size + padding;
    if (p->open && p->file.size + whole + TAR_END > (uint64_t)p->shard_bytes) TRY(close_shard(p));
    if (!p->open) TRY(open_shard(p));
    struct sink sink = file_sink_as_sink(&p->file);
    TRY(sink_write(&sink, p->header.data, p->header.size, p->error));
    *packed = (struct packed){.offset = p->file.size, .size = bytes->size, .shard = p->shard_count};
    sha256_of(bytes->data, bytes->size, packed->digest);
    p->result->photos++;
    p->result->bytes += (int64_t)bytes->size;
    TRY(sink_write(&sink, bytes->data, bytes->size, p->error));
    return sink_write(&sink, zeroes, padding, p->error);
}

static pomona_status open_index(struct packing *p) {
    static const struct table_column columns[] = {{"path", TABLE_TEXT},      {"shard", TABLE_TEXT},
                                                  {"offset", TABLE_INT64},   {"size", TABLE_INT64},
                                                  {"modified", TABLE_INT64}, {"sha256", TABLE_TEXT}};
    static const struct table_property version = {"pomona.pack", "1"};
    const struct parquet_options options = {.properties = &version, .property_count = 1};
    char *path = path_join(p->staging, PACK_INDEX);
    pomona_status status =
        path ? file_sink_open(&p->index_file, path, p->error) : fail_memory(p->error, "path");
    memory_free(path);
    TRY(status);
    return parquet_writer_new(file_sink_as_sink(&p->index_file), columns, 6, &options, &p->index, p->error);
}

static pomona_status write_index(struct packing *p) {
    TRY(open_index(p));
    for (size_t i = 0; i < p->photos.count; i++) {
        const struct listed_photo *photo = &p->photos.photos[i];
        const struct packed *packed = &p->packed[i];
        char hex[SHA256_HEX_SIZE];
        if (packed->shard == SIZE_MAX) continue;
        sha256_hex(packed->digest, hex);
        const struct table_cell cells[] = {
            cell_text(photo->uri + p->root),       cell_text(p->shards[packed->shard].name),
            cell_integer((int64_t)packed->offset), cell_integer((int64_t)packed->size),
            cell_integer(photo->modified),         cell_text(hex)};
        TRY(parquet_writer_add(p->index, cells, p->error));
    }
    TRY(parquet_writer_finish(p->index, p->error));
    return file_sink_commit(&p->index_file, NULL, p->error);
}

static void show_progress(const struct packing *p, size_t done, double started, double *last) {
    double now = clock_seconds();
    if (!p->options->progress || (now - *last < 0.2 && done < p->photos.count)) return;
    *last = now;
    double speed = now > started ? (double)done / (now - started) : 0;
    const struct pomona_features_progress progress = {
        (int64_t)done, (int64_t)p->photos.count, p->result->failed, speed,
        speed > 0 ? (double)(p->photos.count - done) / speed : -1};
    p->options->progress(p->options->user, &progress);
}

static pomona_status write_shards(struct packing *p) {
    double started = clock_seconds(), last = started;
    for (size_t i = 0; i < p->photos.count; i++) {
        const struct listed_photo *photo = &p->photos.photos[i];
        struct ahead *ahead;
        TRY(take_read(p, i, &ahead));
        if (ahead->status == POMONA_OK) {
            TRY(add_photo(p, photo, &ahead->bytes, &p->packed[i]));
        } else if (p->options->skip_unreadable && ahead->status != POMONA_E_MEMORY &&
                   ahead->status != POMONA_E_INTERNAL) {
            p->packed[i].shard = SIZE_MAX;
            p->result->failed++;
            if (p->options->failed) p->options->failed(p->options->user, photo->uri, ahead->cause.message);
        } else {
            if (p->error) *p->error = ahead->cause;
            return ahead->status;
        }
        if (ahead->bytes.capacity > KEEP_BYTES) buffer_free(&ahead->bytes);
        show_progress(p, i + 1, started, &last);
    }
    if (p->result->photos == 0)
        return fail(p->error, POMONA_E_INPUT, p->options->source, "no photo could be read");
    return close_shard(p);
}

static pomona_status write_success(struct packing *p) {
    enum { TEXT_MAX = 64 << 20 };
    struct buffer text = BUFFER_INIT(TEXT_MAX);
    struct json json = json_start(&text, p->error);
    json_object(&json, NULL);
    json_text(&json, "pack", "1");
    json_integer(&json, "photos", p->result->photos);
    json_array(&json, "shards");
    for (size_t i = 0; i < p->shard_count; i++) {
        json_object(&json, NULL);
        json_text(&json, "name", p->shards[i].name);
        json_integer(&json, "bytes", p->shards[i].bytes);
        json_text(&json, "sha256", p->shards[i].sha256);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    char *path = path_join(p->staging, PACK_SUCCESS);
    pomona_status status = json_finish(&json);
    if (status == POMONA_OK && !path) status = fail_memory(p->error, "path");
    if (status == POMONA_OK) status = file_write(path, text.data, text.size, p->error);
    memory_free(path);
    buffer_free(&text);
    return status == POMONA_OK ? folder_sync(p->staging, p->error) : status;
}

/* ---- the commit: new shards beside the old ones, which no index names yet; then the index takes the place of the old one, in one step; then
 * _SUCCESS; then the old shards go. Whoever lists the folder finds the old photos or the new ones, at any moment. */

static pomona_status move(struct packing *p, const char *staged, const char *name) {
    char *from = path_join(p->staging, staged), *to = path_join(p->options->out, name);
    pomona_status status = from && to ? POMONA_OK : fail_memory(p->error, "path");
    if (status == POMONA_OK && rename(from, to) != 0)
        status = fail_errno(p->error, errno, 0, to, "cannot move into place");
    memory_free(from);
    memory_free(to);
    return status;
}

static bool is_ours(const struct packing *p, const char *name) {
    for (size_t i = 0; i < p->shard_count; i++)
        if (strcmp(p->shards[i].name, name) == 0) return true;
    return false;
}

struct old_shards {
    struct packing *p;
    struct arena names;
    const char *list[SHARDS_MAX];
    size_t count;
};

static pomona_status find_old(void *user, const struct place_item *item, struct pomona_error *error) {
    struct old_shards *old = user;
    if (item->is_folder || !pack_is_shard(item->name) || is_ours(old->p, item->name) ||
        old->count == SHARDS_MAX)
        return POMONA_OK;
    old->list[old->count] = arena_copy_text(&old->names, item->name, strlen(item->name));
    return old->list[old->count++] ? POMONA_OK : fail_memory(error, "names");
}

static pomona_status remove_old(struct packing *p) {
    struct place *place = NULL;
    struct old_shards *old = memory_new(1, sizeof *old);
    if (!old) return fail_memory(p->error, "shards");
    old->p = p;
    old->names = ARENA_INIT(SIZE_MAX);
    pomona_status status = place_open(NULL, p->options->out, &place, p->error);
    if (status == POMONA_OK) status = place_list(place, "", true, find_old, old, p->error);
    if (status == POMONA_OK) status = place_delete(place, old->list, old->count, p->error);
    place_free(&place);
    arena_free(&old->names);
    memory_free(old);
    return status;
}

static pomona_status commit(struct packing *p) {
    const char *out = p->options->out;
    for (size_t i = 0; i < p->shard_count; i++) TRY(move(p, p->shards[i].staged, p->shards[i].name));
    TRY(folder_sync(out, p->error));
    TRY(move(p, PACK_INDEX, PACK_INDEX));
    TRY(folder_sync(out, p->error));
    TRY(move(p, PACK_SUCCESS, PACK_SUCCESS));
    TRY(folder_sync(out, p->error));
    return remove_old(p);
}

/* ---- the destination */

/* `path` with the links of what there is already of it followed, into out[0..PATH_MAX): false where that fails. */
static bool resolve(const char *path, char *out) {
    char *copy = memory_copy_string(path);
    bool found = false;
    while (copy && copy[0] && !(found = realpath(copy, out) != NULL)) {
        char *slash = strrchr(copy, '/');
        if (!slash) break;
        slash[slash == copy && copy[1]] = '\0';
    }
    if (found) {
        size_t used = strlen(out), there = strlen(copy);
        if (used == 1) used = 0; /* the root */
        if (there == 1) there = 0;
        found = (size_t)snprintf(out + used, PATH_MAX - used, "%s", path + there) < PATH_MAX - used;
        if (!out[0]) out[0] = '/', out[1] = '\0';
    }
    memory_free(copy);
    return found;
}

/* Whether listing `folder` would enter `path`: it lies there, and no level on the way is hidden. */
static bool is_entered(const char *folder, const char *path) {
    size_t length = strlen(folder);
    if (length == 1) length = 0; /* the root */
    if (strncmp(path, folder, length) != 0 || (path[length] && path[length] != '/')) return false;
    for (const char *at = path + length; *at; at++)
        if (*at == '/' && (at[1] == '_' || at[1] == '.')) return false;
    return true;
}

/* Whether an entry of DST is a photo, or a folder that may hold some. */
static bool may_hold_photos(const struct packing *p, const char *name, int folder) {
    struct stat info;
    if (name[0] == '.' || name[0] == '_' || pack_is_shard(name)) return false;
    if (text_glob(p->options->glob ? p->options->glob : "*.jpg", name)) return true;
    return fstatat(folder, name, &info, 0) == 0 && S_ISDIR(info.st_mode);
}

/* Photos that lie in DST could not be seen any more behind its index. */
static pomona_status check_others(struct packing *p) {
    const char *out = p->options->out;
    if (!path_exists(out)) return POMONA_OK;
    DIR *stream = opendir(out);
    if (!stream) return fail_errno(p->error, errno, 0, out, "cannot open folder");
    pomona_status status = POMONA_OK;
    for (struct dirent *entry; status == POMONA_OK && (entry = readdir(stream));)
        if (may_hold_photos(p, entry->d_name, dirfd(stream)))
            status = fail(p->error, POMONA_E_EXISTS, out,
                          "holds '%.100s', which a packed folder would hide: pack into another folder",
                          entry->d_name);
    closedir(stream);
    return status;
}

static pomona_status check_destination(struct packing *p) {
    const struct pomona_pack_options *options = p->options;
    char *index = path_join(options->out, PACK_INDEX);
    bool packed = index && path_exists(index);
    if (!index) return fail_memory(p->error, "path");
    memory_free(index);
    if (packed && !options->overwrite)
        return fail(p->error, POMONA_E_EXISTS, options->out,
                    "is a packed folder already: --overwrite replaces it");
    char *out = path_absolute(&p->photos.arena, options->out);
    char *uri = out ? path_to_uri(&p->photos.arena, out) : NULL;
    if (!uri) return fail_memory(p->error, "path");
    char inner[PATH_MAX], outer[PATH_MAX];
    if (!place_is_remote(options->source) && resolve(out, inner) && realpath(options->source, outer) &&
        is_entered(outer, inner))
        return fail(p->error, POMONA_E_INPUT, options->out,
                    "lies in SRC, which would hold each photo twice: pack into another folder");
    /* Photos that lie in DST would vanish behind its index. */
    for (size_t i = 0; i < p->photos.count; i++) {
        size_t length = strlen(uri);
        if (strncmp(p->photos.photos[i].uri, uri, length) == 0 && p->photos.photos[i].uri[length] == '/')
            return fail(p->error, POMONA_E_INPUT, options->out,
                        "holds photos of SRC itself: pack into another folder");
    }
    return check_others(p);
}

static pomona_status pack(struct packing *p) {
    const struct pomona_pack_options *options = p->options;
    if (!options->source || !options->out)
        return fail(p->error, POMONA_E_USAGE, NULL, "a source and a destination are needed");
    p->shard_bytes = options->shard_bytes ? options->shard_bytes : SHARD_BYTES_DEFAULT;
    if (p->shard_bytes < SHARD_BYTES_MIN)
        return fail(p->error, POMONA_E_USAGE, NULL, "shards of less than %d bytes", SHARD_BYTES_MIN);
    TRY(list(p));
    TRY(check_destination(p));
    p->staging = path_join(options->out, "_temporary_pack");
    p->lock_file = p->staging ? path_join(p->staging, "lock") : NULL;
    if (!p->lock_file) return fail_memory(p->error, "path");
    TRY(folder_make(p->staging, p->error));
    TRY(folder_lock(p->lock_file, &p->lock, p->error));
    TRY(folder_clear(p->staging, "lock", p->error));
    TRY(photo_reader_new(options->places, &p->reader, p->error));
    TRY(write_shards(p));
    TRY(write_index(p));
    p->result->shards = (int)p->shard_count;
    TRY(write_success(p));
    TRY(commit(p));
    if (options->max_errors >= 0 && p->result->failed > options->max_errors)
        return fail(p->error, POMONA_E_ERROR_ROWS, options->out, "done, but %lld of %zu photos are left out",
                    (long long)p->result->failed, p->photos.count);
    return POMONA_OK;
}

pomona_status pomona_pack_run(const struct pomona_pack_options *options, struct pomona_pack_result *result,
                              struct pomona_error *error) {
    enum { HEADER_MAX = 1 << 20 };
    struct pomona_pack_result own;
    struct packing *p = memory_new(1, sizeof *p);
    if (!p) return fail_memory(error, "pack");
    double started = clock_seconds();
    p->options = options;
    p->result = result ? result : &own;
    *p->result = (struct pomona_pack_result){0};
    p->error = error;
    p->photos = LISTING_INIT;
    p->lock = -1;
    p->file = p->index_file = FILE_SINK_INIT;
    p->header = BUFFER_INIT(HEADER_MAX);
    for (int i = 0; i < AHEAD_MAX; i++) p->ahead[i].bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
    pomona_status status = pack(p);
    p->result->seconds = clock_seconds() - started;
    photo_reader_free(&p->reader);
    parquet_writer_free(&p->index);
    file_sink_close(&p->file);
    file_sink_close(&p->index_file);
    if (p->lock >= 0) path_remove(p->staging, NULL); /* ours; with the lock held */
    folder_unlock(&p->lock);
    for (int i = 0; i < AHEAD_MAX; i++) buffer_free(&p->ahead[i].bytes);
    buffer_free(&p->header);
    listing_free(&p->photos);
    memory_free(p->shards);
    memory_free(p->packed);
    memory_free(p->staging);
    memory_free(p->lock_file);
    memory_free(p);
    return status;
}
