#include "store/listing_place.h"

#include "base/memory.h"
#include "base/text.h"
#include "store/pack_finder.h"
#include "store/pack_prefix.h"
#include "store/place.h"

#include <stdlib.h>
#include <string.h>

enum { PACKED_MAX = 1024 };

struct gathering {
    struct listing *listing;
    const struct place *place;
    const char *glob;
    size_t seen;
    struct arena names;
    char *packed[PACKED_MAX]; /* names of indices: what lies beside them are shards */
    size_t packed_count;
};

/* The name of the level that an object lies in: "apple" of "s3://photos/train/apple/1.jpg", "photos" of "s3://photos/1.jpg". */
static const char *level_of(struct arena *arena, const char *uri) {
    const char *slash = strrchr(uri, '/'), *start = slash;
    if (!slash) return NULL;
    while (start > uri && start[-1] != '/') start--;
    return arena_copy_text(arena, start, (size_t)(slash - start));
}

pomona_status listing_add_uri(struct listing *listing, const char *uri, uint64_t size, int64_t modified,
                              struct pomona_error *error) {
    char *copy = arena_copy_text(&listing->arena, uri, strlen(uri));
    if (!copy) return fail_memory(error, "listing");
    const char *label = NULL;
    const struct listed_photo *last = listing->count ? &listing->photos[listing->count - 1] : NULL;
    size_t folder = (size_t)(strrchr(copy, '/') - copy);
    /* Neighbours share their label. */
    if (last && last->label && strncmp(last->uri, copy, folder + 1) == 0 &&
        !strchr(last->uri + folder + 1, '/'))
        label = last->label;
    else
        label = level_of(&listing->arena, copy);
    if (!label) return fail_memory(error, "listing");
    return listing_append(
        listing,
        &(struct listed_photo){.path = copy, .uri = copy, .label = label, .size = size, .modified = modified},
        error);
}

/* Whether a level of the name begins with `_` or `.`. */
static bool is_hidden(const char *name) {
    for (const char *at = name;; at++) {
        if (*at == '_' || *at == '.') return true;
        at = strchr(at, '/');
        if (!at) return false;
    }
}

/* The same of the levels above the last name. */
static bool is_hidden_above(const char *name) {
    for (const char *at = name, *slash; (slash = strchr(at, '/')); at = slash + 1)
        if (*at == '_' || *at == '.') return true;
    return false;
}

static pomona_status gather(void *user, const struct place_item *item, struct pomona_error *error) {
    struct gathering *gathering = user;
    const char *slash = strrchr(item->name, '/'), *last = slash ? slash + 1 : item->name;
    gathering->seen++;
    if (!*last) return POMONA_OK; /* the mark of a folder */
    if (strcmp(last, PACK_INDEX) == 0 && !is_hidden_above(item->name)) {
        if (gathering->packed_count == PACKED_MAX)
            return fail(error, POMONA_E_LIMIT, item->name, "more than %d packed folders", PACKED_MAX);
        char *copy = arena_copy_text(&gathering->names, item->name, strlen(item->name));
        if (!copy) return fail_memory(error, "listing");
        gathering->packed[gathering->packed_count++] = copy;
        return POMONA_OK;
    }
    if (is_hidden(item->name) || !text_glob(gathering->glob, last)) {
        gathering->listing->skipped++;
        return POMONA_OK;
    }
    char *uri = place_uri(gathering->place, item->name);
    if (!uri) return fail_memory(error, "listing");
    pomona_status status = listing_add_uri(gathering->listing, uri, item->size, item->modified, error);
    memory_free(uri);
    return status;
}

/* The photos of a packed prefix, by its index. */
static pomona_status expand(struct place *place, const char *index_name, const char *glob,
                            struct listing *listing, struct pomona_error *error) {
    struct pack_prefix prefix;
    pomona_status status = pack_prefix_open(&prefix, place, index_name, error);
    if (status == POMONA_OK) status = pack_index_list(prefix.index, &prefix.place, glob, listing, error);
    pack_prefix_close(&prefix);
    return status;
}

/* A name below which nothing lies: an object, or a photo or folder of a packed prefix above. */
static pomona_status add_named(struct place *place, const char *uri, const char *glob,
                               struct pack_finder *finder, struct listing *listing,
                               struct pomona_error *error) {
    struct place_item item;
    struct pomona_error missing = {0};
    if (place_is_bucket(uri)) return fail(error, POMONA_E_INPUT, uri, "is empty");
    pomona_status status = place_stat(place, "", &item, &missing);
    if (status == POMONA_OK) return listing_add_uri(listing, uri, item.size, item.modified, error);
    bool found = false;
    if (status == POMONA_E_INPUT) TRY(pack_finder_find(finder, uri, glob, listing, &found, error));
    if (found) return POMONA_OK;
    if (error) *error = missing;
    return status;
}

static int compare_uri(const void *a, const void *b) {
    return strcmp(((const struct listed_photo *)a)->uri, ((const struct listed_photo *)b)->uri);
}

pomona_status listing_place(struct pomona_places *places, const char *uri, const char *glob,
                            struct pack_finder *finder, struct listing *listing, struct pomona_error *error) {
    struct place *place = NULL;
    size_t before = listing->count;
    TRY(place_open(places, uri, &place, error));
    struct gathering gathering = {
        .listing = listing, .place = place, .glob = glob, .names = ARENA_INIT(SIZE_MAX)};
    bool web = strncmp(uri, "s3://", 5) != 0;
    pomona_status status = web ? POMONA_OK : place_list(place, "", false, gather, &gathering, error);
    if (status == POMONA_OK && gathering.seen == 0)
        status = add_named(place, uri, glob, finder, listing, error);
    for (size_t i = 0; i < gathering.packed_count && status == POMONA_OK; i++)
        status = expand(place, gathering.packed[i], glob, listing, error);
    arena_free(&gathering.names);
    if (status == POMONA_OK && listing->count - before > 1)
        qsort(listing->photos + before, listing->count - before, sizeof *listing->photos, compare_uri);
    place_free(&place);
    return status;
}
