#include "base/memory.h"
#include "job/scratch.h"
#include "pomona/files.h"
#include "store/place.h"

#include <string.h>

struct handing {
    pomona_list_visit visit;
    void *user;
    const char *only; /* NULL, or the one name that is asked for, */
    bool over;        /* and whether the listing has gone past it */
    bool any;
};

static struct pomona_file file_of(const char *name, const struct place_item *item) {
    /* The receipt of an upload that a listing knows is "s3 ID". */
    return (struct pomona_file){.name = name,
                                .etag = item->etag,
                                .version = item->version,
                                .upload = strncmp(item->staged, "s3 ", 3) == 0 ? item->staged + 3 : "",
                                .size = item->size,
                                .modified = item->modified,
                                .is_folder = item->is_folder,
                                .is_latest = item->is_latest,
                                .is_delete_marker = item->is_delete_marker};
}

static pomona_status hand_over(void *user, const struct place_item *item, struct pomona_error *error) {
    struct handing *handing = user;
    if (handing->only && strcmp(item->name, handing->only) != 0) {
        handing->over = true; /* names are sorted: the one that is asked for came first, if at all */
        return fail(error, POMONA_E_INTERNAL, item->name, "is not what was asked for");
    }
    struct pomona_file file = file_of(item->name, item);
    handing->any = true;
    return handing->visit(handing->user, &file, error);
}

static pomona_status list_below(struct place *place, enum pomona_list_what what, const char *prefix,
                                struct handing *handing, struct pomona_error *error) {
    switch (what) {
    case POMONA_LIST_VERSIONS: return place_versions(place, prefix, hand_over, handing, error);
    case POMONA_LIST_UPLOADS: return place_list_staged(place, prefix, hand_over, handing, error);
    case POMONA_LIST_ALL:
    case POMONA_LIST_LEVEL: break;
    }
    return place_list(place, prefix, what == POMONA_LIST_LEVEL, hand_over, handing, error);
}

/* One object or file by itself. */
static pomona_status list_itself(struct place *place, const char *uri, struct handing *handing,
                                 struct pomona_error *error) {
    struct place_item item;
    TRY(place_stat(place, "", &item, error));
    struct pomona_file file = file_of(scratch_base_name(uri), &item);
    return handing->visit(handing->user, &file, error);
}

/* The versions or uploads of one key: those of its bucket that begin with it, as far as the key itself goes. */
static pomona_status list_of_key(struct pomona_places *places, const char *uri, enum pomona_list_what what,
                                 struct handing *handing, struct pomona_error *error) {
    struct place *place = NULL;
    char *parent = memory_copy_string(uri);
    if (!parent) return fail_memory(error, "listing");
    *strrchr(parent, '/') = '\0';
    handing->only = scratch_base_name(uri);
    pomona_status status = place_open(places, parent, &place, error);
    if (status == POMONA_OK) status = list_below(place, what, handing->only, handing, error);
    if (handing->over) status = POMONA_OK;
    place_free(&place);
    memory_free(parent);
    return status;
}

static pomona_status list_bucket(struct pomona_places *places, struct place *place, const char *uri,
                                 enum pomona_list_what what, struct handing *handing,
                                 struct pomona_error *error) {
    const char *key = strchr(uri + 5, '/');
    bool one = key && key[1] && key[strlen(key) - 1] != '/'; /* may be the key of an object */
    TRY(list_below(place, what, "", handing, error));
    if (handing->any || place_is_bucket(uri)) return POMONA_OK;
    if (what == POMONA_LIST_VERSIONS || what == POMONA_LIST_UPLOADS)
        return one ? list_of_key(places, uri, what, handing, error) : POMONA_OK;
    struct pomona_error cause = {0};
    pomona_status status = one ? list_itself(place, uri, handing, &cause) : POMONA_E_INPUT;
    if (status == POMONA_E_INPUT) return fail(error, POMONA_E_INPUT, uri, "there is no such thing");
    if (status != POMONA_OK && error) *error = cause;
    return status;
}

pomona_status pomona_list(struct pomona_places *places, const char *uri, enum pomona_list_what what,
                          pomona_list_visit visit, void *user, struct pomona_error *error) {
    struct handing handing = {.visit = visit, .user = user};
    struct pomona_error own;
    struct place *place = NULL;
    struct place_item item;
    if (!error) error = &own;
    TRY(place_open(places, uri, &place, error));
    pomona_status status;
    if (strncmp(uri, "s3://", 5) == 0) {
        status = list_bucket(places, place, uri, what, &handing, error);
    } else if (place_is_remote(uri)) {
        status = what == POMONA_LIST_LEVEL ? list_itself(place, uri, &handing, error)
                                           : list_below(place, what, "", &handing, error);
    } else {
        status = place_stat(place, "", &item, error);
        if (status == POMONA_OK)
            status = item.is_folder || what == POMONA_LIST_UPLOADS
                         ? list_below(place, what, "", &handing, error)
                         : list_itself(place, uri, &handing, error);
    }
    place_free(&place);
    return status;
}
