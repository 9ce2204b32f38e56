#include "store/pack_finder.h"

#include "base/memory.h"
#include "store/folder.h"
#include "store/pack_folder.h"
#include "store/pack_prefix.h"
#include "store/place.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 256 };

/* A place above a name that was looked at. */
struct looked {
    char *root; /* "/data/packed", "s3://bucket/packed" */
    bool packed, opened;
    struct pack_folder folder;
    struct pack_prefix prefix;
    const struct source *index;
    const struct pack_place *place;
    int lookups;
    bool loaded;
    struct listing photos; /* of the index, from the second lookup on */
};

struct pack_finder {
    struct pack_finder_options options;
    struct looked **looked; /* [count], sorted by root */
    size_t count, capacity;
    struct place *bucket; /* of the last name, without a prefix */
};

pomona_status pack_finder_new(const struct pack_finder_options *options, struct pack_finder **finder,
                              struct pomona_error *error) {
    *finder = memory_new(1, sizeof **finder);
    if (!*finder) return fail_memory(error, "finder");
    (*finder)->options = *options;
    return POMONA_OK;
}

static void free_looked(struct looked *looked) {
    if (looked->opened) pack_folder_close(&looked->folder);
    pack_prefix_close(&looked->prefix);
    listing_free(&looked->photos);
    memory_free(looked->root);
    memory_free(looked);
}

void pack_finder_free(struct pack_finder **finder) {
    struct pack_finder *f = *finder;
    if (!f) return;
    for (size_t i = 0; i < f->count; i++) free_looked(f->looked[i]);
    memory_free((void *)f->looked);
    place_free(&f->bucket);
    memory_free(f);
    *finder = NULL;
}

/* ---- places that were looked at */

/* Where root[0..size) is or belongs; *found is NULL where it is not. */
static size_t search(const struct pack_finder *finder, const char *root, size_t size, struct looked **found) {
    size_t low = 0, high = finder->count;
    *found = NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct looked *looked = finder->looked[middle];
        int order = strncmp(looked->root, root, size);
        if (order == 0 && looked->root[size] != '\0') order = 1;
        if (order == 0) *found = looked;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static pomona_status remember(struct pack_finder *finder, size_t at, struct looked *looked,
                              struct pomona_error *error) {
    if (finder->count == finder->capacity) {
        size_t capacity = finder->capacity ? 2 * finder->capacity : 16;
        struct looked **more = memory_resize((void *)finder->looked, capacity, sizeof *more);
        if (!more) return fail_memory(error, "finder");
        finder->looked = more;
        finder->capacity = capacity;
    }
    memmove((void *)(finder->looked + at + 1), (void *)(finder->looked + at),
            (finder->count - at) * sizeof *finder->looked);
    finder->looked[at] = looked;
    finder->count++;
    return POMONA_OK;
}

static bool should_stop(void *user) {
    const struct pack_finder *finder = user;
    return finder->options.should_stop && finder->options.should_stop(finder->options.user);
}

/* ---- looking */

static pomona_status look_in_folder(struct pack_finder *finder, struct looked *looked,
                                    struct pomona_error *error) {
    char *index = path_join(looked->root, PACK_INDEX);
    if (!index) return fail_memory(error, "path");
    looked->packed = path_exists(index);
    memory_free(index);
    if (!looked->packed) return POMONA_OK;
    looked->opened = true;
    looked->index = &looked->folder.index;
    looked->place = &looked->folder.place;
    return pack_folder_open(&looked->folder, looked->root, should_stop, finder, error);
}

/* Opens the bucket of a root, unless it is open. */
static pomona_status open_bucket(struct pack_finder *finder, const char *root, struct pomona_error *error) {
    size_t size = 5 + strcspn(root + 5, "/");
    const char *open = finder->bucket ? place_root(finder->bucket) : "";
    if (strlen(open) == size && strncmp(open, root, size) == 0) return POMONA_OK;
    place_free(&finder->bucket);
    char *uri = memory_new(size + 1, 1);
    if (!uri) return fail_memory(error, "path");
    memcpy(uri, root, size);
    pomona_status status = place_open(finder->options.places, uri, &finder->bucket, error);
    memory_free(uri);
    return status;
}

static pomona_status look_in_bucket(struct pack_finder *finder, struct looked *looked,
                                    struct pomona_error *error) {
    struct place_item item;
    TRY(open_bucket(finder, looked->root, error));
    const char *slash = strchr(looked->root + 5, '/');
    char *index = slash ? path_join(slash + 1, PACK_INDEX) : memory_copy_string(PACK_INDEX);
    if (!index) return fail_memory(error, "path");
    pomona_status status = place_stat(finder->bucket, index, &item, error);
    looked->packed = status == POMONA_OK;
    looked->index = &looked->prefix.index;
    looked->place = &looked->prefix.place;
    if (status == POMONA_OK)
        status = pack_prefix_open(&looked->prefix, finder->bucket, index, error);
    else if (status == POMONA_E_INPUT)
        status = POMONA_OK; /* missing or forbidden */
    memory_free(index);
    return status;
}

/* Whether places in buckets that are not on the way to options.within are passed over, and this is one. */
static bool is_passed_over(const struct pack_finder *finder, const char *root, size_t size) {
    const char *within = finder->options.within;
    if (strncmp(root, "s3://", 5) != 0) return false;
    return !finder->options.places ||
           (within && (strncmp(within, root, size) != 0 || (within[size] != '/' && within[size] != '\0')));
}

/* What is known of root[0..size); *found is NULL where it is not packed. */
static pomona_status look(struct pack_finder *finder, const char *root, size_t size, struct looked **found,
                          struct pomona_error *error) {
    if (is_passed_over(finder, root, size)) return *found = NULL, POMONA_OK;
    size_t at = search(finder, root, size, found);
    struct looked *looked = *found;
    if (looked) {
        if (!looked->packed) *found = NULL;
        return POMONA_OK;
    }
    bool remote = place_is_remote(root);
    if (!(looked = memory_new(1, sizeof *looked))) return fail_memory(error, "finder");
    looked->folder = PACK_FOLDER_INIT;
    looked->prefix = PACK_PREFIX_INIT;
    looked->photos = LISTING_INIT;
    looked->root = memory_new(size + 1, 1);
    pomona_status status = looked->root ? POMONA_OK : fail_memory(error, "finder");
    if (looked->root) memcpy(looked->root, root, size);
    if (status == POMONA_OK)
        status = remote ? look_in_bucket(finder, looked, error) : look_in_folder(finder, looked, error);
    /* Asking a disk once more costs less than remembering. */
    bool keep = status == POMONA_OK && (looked->packed || remote);
    if (keep) status = remember(finder, at, looked, error);
    if (status == POMONA_OK && looked->packed) *found = looked;
    if (!keep || status != POMONA_OK) free_looked(looked);
    return status;
}

/* ---- finding */

static int compare_path(const void *key, const void *photo) {
    const char *const *path = key; /* and what stands before it in a URI */
    return strcmp(path[0], ((const struct listed_photo *)photo)->uri + strlen(path[1]) + 1);
}

/* A text as the listing's own; neighbours share it. */
static const char *share(struct listing *listing, const char *last, const char *text) {
    return last && strcmp(last, text) == 0 ? last : arena_copy_text(&listing->arena, text, strlen(text));
}

static pomona_status add_copy(struct listing *listing, const struct listed_photo *photo,
                              struct pomona_error *error) {
    static const struct listed_photo none;
    struct listed_photo copy = *photo;
    const struct listed_photo *last = listing->count ? &listing->photos[listing->count - 1] : &none;
    copy.path = share(listing, last->path, photo->path);
    copy.label = share(listing, last->label, photo->label);
    copy.uri = arena_copy_text(&listing->arena, photo->uri, strlen(photo->uri));
    if (!copy.path || !copy.label || !copy.uri) return fail_memory(error, "listing");
    return listing_append(listing, &copy, error);
}

static pomona_status find_photo(struct looked *looked, const char *path, struct listing *listing, bool *found,
                                struct pomona_error *error) {
    if (looked->lookups++ == 0)
        return pack_index_find(*looked->index, looked->place, path, listing, found, error);
    bool any;
    if (!looked->loaded)
        TRY(pack_index_list_below(*looked->index, looked->place, "", NULL, &looked->photos, &any, error));
    looked->loaded = true;
    const char *const key[] = {path, looked->place->uri};
    const struct listed_photo *photo =
        looked->photos.count
            ? bsearch(key, looked->photos.photos, looked->photos.count, sizeof *photo, compare_path)
            : NULL;
    *found = photo != NULL;
    return photo ? add_copy(listing, photo, error) : POMONA_OK;
}

/* `uri` and `name` have as many slashes: what differs is percent-encoded. */
static pomona_status find_above(struct pack_finder *finder, const char *name, const char *uri,
                                const char *glob, struct listing *listing, bool *found,
                                struct pomona_error *error) {
    const char *root = name + (place_is_remote(name) ? 5 : 1), *path = uri + (root - name);
    for (int level = 0; level < LEVELS_MAX && !*found; level++) {
        struct looked *looked;
        if (!(root = strchr(root, '/')) || !(path = strchr(path, '/'))) break;
        path++;
        TRY(look(finder, name, (size_t)(root++ - name), &looked, error));
        if (looked) TRY(find_photo(looked, path, listing, found, error));
        if (looked && glob && !*found)
            TRY(pack_index_list_below(*looked->index, looked->place, path, glob, listing, found, error));
    }
    return POMONA_OK;
}

pomona_status pack_finder_find(struct pack_finder *finder, const char *name, const char *glob,
                               struct listing *listing, bool *found, struct pomona_error *error) {
    *found = false;
    bool remote = place_is_remote(name);
    if (remote && strncmp(name, "s3://", 5) != 0) return POMONA_OK;
    struct arena arena = ARENA_INIT(1 << 20);
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/') length--;
    char *own = arena_copy_text(&arena, name, length);
    const char *uri = own && !remote ? path_to_uri(&arena, own) : own;
    pomona_status status =
        uri ? find_above(finder, own, uri + (remote ? 0 : strlen("file:")), glob, listing, found, error)
            : fail_memory(error, "path");
    arena_free(&arena);
    return status;
}
