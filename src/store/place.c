#include "store/place.h"

#include "base/memory.h"
#include "store/folder.h"
#include "store/place_kind.h"

#include <stdio.h>
#include <string.h>

pomona_status place_open(struct pomona_places *places, const char *uri, struct place **place,
                         struct pomona_error *error) {
    *place = NULL;
    if (!place_is_remote(uri))
        return place_folder_open(strncmp(uri, "file:/", 6) == 0 ? uri + 5 : uri, place, error);
    if (!places) return fail(error, POMONA_E_USAGE, uri, "is not on this machine, and no places were given");
    return strncmp(uri, "s3://", 5) == 0 ? place_s3_open(places, uri, place, error)
                                         : place_web_open(places, uri, place, error);
}

bool place_is_bucket(const char *uri) {
    const char *slash = strncmp(uri, "s3://", 5) == 0 ? strchr(uri + 5, '/') : uri;
    return !slash || (slash != uri && strspn(slash, "/") == strlen(slash));
}

void place_free(struct place **place) {
    struct place *p = *place;
    if (!p) return;
    *place = NULL;
    char *root = p->root;
    p->kind->free(p);
    memory_free(root);
}

const char *place_root(const struct place *place) { return place->root; }

char *place_uri(const struct place *place, const char *name) {
    return name[0] ? path_join(place->root, name) : memory_copy_string(place->root);
}

void place_shown(const char *uri, char *out, size_t capacity) {
    bool web = place_is_remote(uri) && strncmp(uri, "s3://", 5) != 0;
    const char *host = web ? strstr(uri, "://") + 3 : uri;
    size_t scheme = (size_t)(host - uri), authority = strcspn(host, "/?#"), shown = strlen(host);
    if (web) {
        shown = strcspn(host, "?#");
        for (size_t at = authority; at > 0; at--) {
            if (host[at - 1] != '@') continue;
            host += at;
            shown -= at;
            break;
        }
    }
    snprintf(out, capacity, "%.*s%.*s%s", (int)scheme, uri, (int)shown, host, host[shown] ? "?..." : "");
}

static pomona_status cannot(const struct place *place, const char *what, struct pomona_error *error) {
    char shown[1024];
    place_shown(place->root, shown, sizeof shown);
    return fail(error, POMONA_E_UNSUPPORTED, shown, "%s can't be %s", place->kind->name, what);
}

pomona_status place_list(struct place *place, const char *prefix, bool shallow, place_visit visit, void *user,
                         struct pomona_error *error) {
    if (!place->kind->list) return cannot(place, "listed: name the photos by --manifest", error);
    return place->kind->list(place, prefix, shallow, visit, user, error);
}

pomona_status place_stat(struct place *place, const char *name, struct place_item *item,
                         struct pomona_error *error) {
    return place->kind->stat(place, name, item, error);
}

pomona_status place_read(struct place *place, const char *name, struct buffer *out, char *etag,
                         struct pomona_error *error) {
    return place->kind->read(place, name, out, etag, error);
}

pomona_status place_read_range(struct place *place, const char *name, uint64_t offset, size_t size,
                               const char *etag, void *data, struct pomona_error *error) {
    return place->kind->read_range(place, name, offset, size, etag, data, error);
}

pomona_status place_fetch(struct place *place, const char *name, const char *file,
                          struct pomona_error *error) {
    return place->kind->fetch(place, name, file, error);
}

pomona_status place_write(struct place *place, const char *name, const void *data, size_t size,
                          enum place_condition condition, const char *etag, char *new_etag,
                          struct pomona_error *error) {
    if (!place->kind->write) return cannot(place, "written to", error);
    return place->kind->write(place, name, data, size, condition, etag, new_etag, error);
}

pomona_status place_stage(struct place *place, const char *name, const char *file, struct buffer *receipt,
                          struct pomona_error *error) {
    if (!place->kind->stage) return cannot(place, "written to", error);
    return place->kind->stage(place, name, file, receipt, error);
}

pomona_status place_commit(struct place *place, const char *name, const char *receipt,
                           struct pomona_error *error) {
    if (!place->kind->commit) return cannot(place, "written to", error);
    return place->kind->commit(place, name, receipt, error);
}

pomona_status place_unstage(struct place *place, const char *name, const char *receipt,
                            struct pomona_error *error) {
    if (!place->kind->unstage) return cannot(place, "written to", error);
    return place->kind->unstage(place, name, receipt, error);
}

pomona_status place_list_staged(struct place *place, const char *prefix, place_visit visit, void *user,
                                struct pomona_error *error) {
    if (!place->kind->list_staged) return cannot(place, "written to", error);
    return place->kind->list_staged(place, prefix, visit, user, error);
}

pomona_status place_delete(struct place *place, const char *const *names, size_t count,
                           struct pomona_error *error) {
    if (!place->kind->delete) return cannot(place, "written to", error);
    return count == 0 ? POMONA_OK : place->kind->delete (place, names, count, error);
}

pomona_status place_versions(struct place *place, const char *prefix, place_visit visit, void *user,
                             struct pomona_error *error) {
    if (!place->kind->versions) return cannot(place, "asked for versions", error);
    return place->kind->versions(place, prefix, visit, user, error);
}

pomona_status place_delete_version(struct place *place, const char *name, const char *version,
                                   struct pomona_error *error) {
    if (!place->kind->delete_version) return cannot(place, "written to", error);
    return place->kind->delete_version(place, name, version, error);
}
