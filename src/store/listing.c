#include "store/listing.h"

#include "base/memory.h"
#include "base/text.h"
#include "store/pack_finder.h"
#include "store/pack_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 256 };

/* What stays the same through one walk. */
struct walk {
    struct listing *listing;
    const char *glob;
    bool (*should_stop)(void *);
    void *user;
    struct pomona_error *error;
    struct {
        dev_t device;
        ino_t inode;
    } ancestors[DEPTH_MAX]; /* open folders, to see loops */
};

char *path_absolute(struct arena *arena, const char *path) {
    char *folder = path[0] == '/' ? NULL : getcwd(NULL, 0); /* from malloc: freed below */
    if (path[0] != '/' && !folder) return NULL;
    size_t prefix = folder ? strlen(folder) : 0, size = strlen(path);
    char *out = arena_new(arena, prefix + size + 3, 1);
    char *joined = memory_new(prefix + size + 2, 1);
    if (out && joined) {
        if (folder) memcpy(joined, folder, prefix);
        joined[prefix] = '/';
        memcpy(joined + prefix + 1, path, size);
        size_t used = 0;
        for (const char *at = joined; *at;) {
            while (*at == '/') at++;
            size_t length = strcspn(at, "/");
            if (length == 2 && memcmp(at, "..", 2) == 0) {
                while (used > 0 && out[--used] != '/') {}
            } else if (length > 0 && !(length == 1 && *at == '.')) {
                out[used++] = '/';
                memcpy(out + used, at, length);
                used += length;
            }
            at += length;
        }
        if (used == 0) out[used++] = '/';
        out[used] = '\0';
    } else {
        out = NULL;
    }
    memory_free(joined);
    free(folder);
    return out;
}

/* "PREFIX" + text, percent-encoded where it is not UTF-8. */
static char *encode(struct arena *arena, const char *prefix, const char *text) {
    size_t start = strlen(prefix), length = text_percent_encode_invalid(text, NULL, 0);
    char *out = arena_new(arena, start + length + 1, 1);
    if (!out) return NULL;
    memcpy(out, prefix, start);
    text_percent_encode_invalid(text, out + start, length + 1);
    return out;
}

static const char *folder_label(struct arena *arena, const char *folder) {
    const char *slash = strrchr(folder, '/');
    return encode(arena, "", slash ? slash + 1 : folder);
}

char *path_to_uri(struct arena *arena, const char *path) { return encode(arena, "file:", path); }

pomona_status listing_append(struct listing *listing, const struct listed_photo *photo,
                             struct pomona_error *error) {
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? 2 * listing->capacity : 1024;
        struct listed_photo *grown = memory_resize(listing->photos, capacity, sizeof *grown);
        if (!grown) return fail_memory(error, "listing");
        listing->photos = grown;
        listing->capacity = capacity;
    }
    listing->photos[listing->count++] = *photo;
    return POMONA_OK;
}

static pomona_status add_photo(struct listing *listing, const char *path, const char *label,
                               const struct stat *info, struct pomona_error *error) {
    const char *uri = path_to_uri(&listing->arena, path);
    if (!uri) return fail_memory(error, "listing");
    /* The path is the tail of the URI unless something was encoded: one string serves both. */
    const char *native =
        strcmp(uri + 5, path) == 0 ? uri + 5 : arena_copy_text(&listing->arena, path, strlen(path));
    if (!native) return fail_memory(error, "listing");
    return listing_append(listing,
                          &(struct listed_photo){.path = native,
                                                 .uri = uri,
                                                 .label = label,
                                                 .size = info ? (uint64_t)info->st_size : 0,
                                                 .modified = info ? info->st_mtime : 0},
                          error);
}

static pomona_status walk_folder(struct walk *walk, int parent, const char *name, const char *path,
                                 int depth);

static bool is_loop(const struct walk *walk, const struct stat *info, int depth) {
    for (int i = 0; i < depth; i++)
        if (walk->ancestors[i].device == info->st_dev && walk->ancestors[i].inode == info->st_ino)
            return true;
    return false;
}

/* One entry of an open folder. `hidden`: the name begins with `_` or `.`. */
static pomona_status visit(struct walk *walk, int folder, const char *folder_path, const char *label,
                           const char *name, int depth) {
    struct stat info;
    bool hidden = name[0] == '_' || name[0] == '.';
    bool found = fstatat(folder, name, &info, 0) == 0;
    if (found && S_ISDIR(info.st_mode)) {
        if (hidden || is_loop(walk, &info, depth)) return POMONA_OK;
    } else if (hidden || !text_glob(walk->glob, name) || (found && !S_ISREG(info.st_mode))) {
        walk->listing->skipped++;
        return POMONA_OK;
    }
    size_t size = size_add(strlen(folder_path), strlen(name) + 2);
    char *path = memory_new(size, 1);
    if (!path) return fail_memory(walk->error, "listing");
    size_t prefix = strlen(folder_path);
    memcpy(path, folder_path, prefix);
    if (prefix != 1) path[prefix++] = '/'; /* the root folder ends in one already */
    memcpy(path + prefix, name, strlen(name));
    pomona_status status = found && S_ISDIR(info.st_mode)
                               ? walk_folder(walk, folder, name, path, depth)
                               : add_photo(walk->listing, path, label, found ? &info : NULL, walk->error);
    memory_free(path);
    return status;
}

static pomona_status walk_entries(struct walk *walk, DIR *stream, const char *path, int depth) {
    if (faccessat(dirfd(stream), PACK_INDEX, F_OK, 0) == 0)
        return pack_folder_list(path, walk->glob, walk->should_stop, walk->user, walk->listing, walk->error);
    const char *label = folder_label(&walk->listing->arena, path);
    if (!label) return fail_memory(walk->error, "listing");
    for (;;) {
        if (walk->should_stop && walk->should_stop(walk->user))
            return fail(walk->error, POMONA_E_INTERRUPTED, NULL, "interrupted while listing");
        errno = 0;
        struct dirent *entry = readdir(stream);
        if (!entry && errno) return fail_errno(walk->error, errno, 0, path, "cannot list");
        if (!entry) return POMONA_OK;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        TRY(visit(walk, dirfd(stream), path, label, entry->d_name, depth));
    }
}

static pomona_status walk_folder(struct walk *walk, int parent, const char *name, const char *path,
                                 int depth) {
    struct stat info;
    if (depth == DEPTH_MAX)
        return fail(walk->error, POMONA_E_LIMIT, path, "folders nested deeper than %d", DEPTH_MAX);
    int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return fail_errno(walk->error, errno, 1, path, "cannot open folder");
    DIR *stream = fstat(descriptor, &info) == 0 ? fdopendir(descriptor) : NULL;
    if (!stream) {
        int cause = errno;
        close(descriptor);
        return fail_errno(walk->error, cause, 1, path, "cannot list");
    }
    walk->ancestors[depth].device = info.st_dev;
    walk->ancestors[depth].inode = info.st_ino;
    pomona_status status = walk_entries(walk, stream, path, depth + 1);
    closedir(stream);
    return status;
}

static int compare_uri(const void *a, const void *b) {
    return strcmp(((const struct listed_photo *)a)->uri, ((const struct listed_photo *)b)->uri);
}

/* A root that is not there may be a photo or a folder of a packed folder above. */
static pomona_status walk_packed(struct walk *walk, const char *path, bool *found) {
    const struct pack_finder_options options = {.should_stop = walk->should_stop, .user = walk->user};
    struct pack_finder *finder;
    TRY(pack_finder_new(&options, &finder, walk->error));
    pomona_status status = pack_finder_find(finder, path, walk->glob, walk->listing, found, walk->error);
    pack_finder_free(&finder);
    return status;
}

static pomona_status walk_root(struct walk *walk, const char *root, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        int cause = errno;
        bool packed;
        TRY(walk_packed(walk, path, &packed));
        return packed ? POMONA_OK : fail_errno(walk->error, cause, 1, root, "cannot list");
    }
    if (S_ISDIR(info.st_mode)) return walk_folder(walk, AT_FDCWD, path, path, 0);
    char *folder = arena_copy_text(&walk->listing->arena, path, (size_t)(strrchr(path, '/') - path));
    const char *label = folder ? folder_label(&walk->listing->arena, folder) : NULL;
    if (!label) return fail_memory(walk->error, "listing");
    return add_photo(walk->listing, path, label, &info, walk->error);
}

pomona_status listing_walk(const char *root, const char *glob, bool (*should_stop)(void *), void *user,
                           struct listing *listing, struct pomona_error *error) {
    char *path = path_absolute(&listing->arena, root);
    struct walk *walk = memory_new(1, sizeof *walk);
    size_t before = listing->count;
    pomona_status status = POMONA_E_MEMORY;
    if (!path || !walk) {
        status = fail_memory(error, "listing");
    } else {
        walk->listing = listing, walk->glob = glob, walk->error = error;
        walk->should_stop = should_stop, walk->user = user;
        status = walk_root(walk, root, path);
    }
    if (status == POMONA_OK && listing->count - before > 1)
        qsort(listing->photos + before, listing->count - before, sizeof *listing->photos, compare_uri);
    memory_free(walk);
    return status;
}

pomona_status listing_add(struct listing *listing, const char *path, struct pomona_error *error) {
    char *absolute = path_absolute(&listing->arena, path);
    if (!absolute) return fail_memory(error, "listing");
    return add_photo(listing, absolute, NULL, NULL, error);
}

pomona_status listing_add_copy(struct listing *listing, const struct listed_photo *photo,
                               struct pomona_error *error) {
    struct listed_photo copy = *photo;
    copy.path = arena_copy_text(&listing->arena, photo->path, strlen(photo->path));
    copy.uri = arena_copy_text(&listing->arena, photo->uri, strlen(photo->uri));
    copy.label = NULL;
    return copy.path && copy.uri ? listing_append(listing, &copy, error) : fail_memory(error, "listing");
}

void listing_free(struct listing *listing) {
    arena_free(&listing->arena);
    memory_free(listing->photos);
    *listing = LISTING_INIT;
}
