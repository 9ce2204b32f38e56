#include "base/memory.h"
#include "job/scratch.h"
#include "job/verify_source.h"
#include "store/folder.h"
#include "store/place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct bringing {
    struct pomona_places *places;
    struct place *place;
    char *folder;
};

static pomona_status bring_all(struct bringing *bringing, const char *name, const char *path,
                               struct pomona_error *error) {
    char *uri = place_uri(bringing->place, name);
    if (!uri) return fail_memory(error, "path");
    pomona_status status = scratch_fetch_all(bringing->places, uri, path, error);
    memory_free(uri);
    return status;
}

static pomona_status bring(void *self, const char *name, struct pomona_error *error) {
    struct bringing *bringing = self;
    char *path = path_join(bringing->folder, name);
    if (!path) return fail_memory(error, "path");
    pomona_status status = scratch_make_parents(path, error);
    if (status == POMONA_OK)
        status = name[strlen(name) - 1] == '/' ? bring_all(bringing, name, path, error)
                                               : place_fetch(bringing->place, name, path, error);
    memory_free(path);
    return status;
}

static void drop(void *self, const char *name) {
    struct bringing *bringing = self;
    char *path = path_join(bringing->folder, name);
    if (path) path_remove(path, NULL);
    memory_free(path);
}

struct naming {
    pomona_status (*visit)(void *user, const char *name, struct pomona_error *error);
    void *user;
};

static pomona_status hand_over(void *user, const struct place_item *item, struct pomona_error *error) {
    const struct naming *naming = user;
    const char *name = strchr(item->name, '/');
    return name && name[1] ? naming->visit(naming->user, name + 1, error) : POMONA_OK;
}

static pomona_status list(void *self,
                          pomona_status (*visit)(void *user, const char *name, struct pomona_error *error),
                          void *user, struct pomona_error *error) {
    struct bringing *bringing = self;
    struct naming naming = {visit, user};
    return place_list(bringing->place, "Results", true, hand_over, &naming, error);
}

/* A lock or an unfinished upload: a job is at work or was interrupted. No right to list uploads is no reason not to verify. */
static pomona_status note(void *user, const struct place_item *item, struct pomona_error *error) {
    (void)item, (void)error;
    *(bool *)user = true;
    return POMONA_OK;
}

static bool is_interrupted(struct place *place) {
    struct place_item item;
    bool any = place_stat(place, "_temporary/lock", &item, NULL) == POMONA_OK;
    if (!any) (void)place_list_staged(place, "", note, &any, NULL);
    return any;
}

static pomona_status verify_in(struct bringing *bringing, const struct pomona_context *context,
                               const char *uri, const struct pomona_verify_options *options,
                               struct pomona_verify_result *result, struct pomona_error *error) {
    const struct verify_source source = {.folder = bringing->folder,
                                         .self = bringing,
                                         .interrupted = is_interrupted(bringing->place),
                                         .bring = bring,
                                         .drop = drop,
                                         .list = list};
    return verify_source(context, uri, &source, options, result, error);
}

pomona_status pomona_verify_place(const struct pomona_context *context, struct pomona_places *places,
                                  const char *uri, const struct pomona_verify_options *options,
                                  struct pomona_verify_result *result, struct pomona_error *error) {
    struct bringing bringing = {.places = places};
    struct pomona_error own;
    char purpose[32];
    if (!error) error = &own;
    if (strncmp(uri, "s3://", 5) != 0)
        return fail(error, POMONA_E_UNSUPPORTED, uri, "a web server can't be listed");
    snprintf(purpose, sizeof purpose, "verify-%ld", (long)getpid());
    pomona_status status = place_open(places, uri, &bringing.place, error);
    if (status == POMONA_OK) status = scratch_folder(places, purpose, uri, &bringing.folder, error);
    if (status == POMONA_OK) status = path_remove(bringing.folder, error);
    if (status == POMONA_OK) status = verify_in(&bringing, context, uri, options, result, error);
    if (bringing.folder) path_remove(bringing.folder, NULL);
    place_free(&bringing.place);
    memory_free(bringing.folder);
    return status;
}
