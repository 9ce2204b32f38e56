#include "base/arena.h"
#include "base/memory.h"
#include "job/scratch.h"
#include "pomona/files.h"
#include "store/folder.h"
#include "store/place.h"

#include <string.h>

/* S3 deletes so many names at once. */
enum { BATCH = 1000 };

struct doomed {
    const char *name, *id; /* of a version or an upload; "" */
};

struct removing {
    struct pomona_places *places;
    const struct pomona_remove_options *options;
    struct pomona_copy_result *done;
    struct place *place; /* deletes; another one lists meanwhile */
    const char *only;    /* NULL: all that is listed */
    bool at_once;        /* names are deleted while the listing goes on; else they are gathered first */
    struct arena texts;
    struct doomed *doomed; /* [count] */
    size_t count, capacity;
};

static pomona_status delete_batch(struct removing *r, struct pomona_error *error) {
    const char *names[BATCH];
    for (size_t i = 0; i < r->count; i++) names[i] = r->doomed[i].name;
    pomona_status status = r->options->dry_run ? POMONA_OK : place_delete(r->place, names, r->count, error);
    r->count = 0;
    arena_free(&r->texts);
    r->texts = ARENA_INIT(SIZE_MAX);
    return status;
}

static pomona_status add(struct removing *r, const char *name, const char *id, struct pomona_error *error) {
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : BATCH;
        struct doomed *more = memory_resize(r->doomed, capacity, sizeof *more);
        if (!more) return fail_memory(error, "names");
        r->doomed = more;
        r->capacity = capacity;
    }
    const char *name_copy = arena_copy_text(&r->texts, name, strlen(name));
    const char *id_copy = arena_copy_text(&r->texts, id, strlen(id));
    if (!name_copy || !id_copy) return fail_memory(error, "names");
    r->doomed[r->count++] = (struct doomed){name_copy, id_copy};
    return POMONA_OK;
}

static pomona_status tell(struct removing *r, const char *name, const char *id, uint64_t size,
                          struct pomona_error *error) {
    r->done->files++;
    r->done->bytes += size;
    if (!r->options->file) return POMONA_OK;
    char *uri = place_uri(r->place, name);
    if (!uri) return fail_memory(error, "name");
    r->options->file(r->options->user, uri, id, size);
    memory_free(uri);
    return POMONA_OK;
}

static pomona_status visit(void *user, const struct place_item *item, struct pomona_error *error) {
    struct removing *r = user;
    if (r->only && strcmp(item->name, r->only) != 0) return POMONA_OK;
    const char *id = r->options->what == POMONA_REMOVE_UPLOADS ? item->staged : item->version;
    TRY(tell(r, item->name, id, item->size, error));
    TRY(add(r, item->name, id, error));
    return r->at_once && r->count == BATCH ? delete_batch(r, error) : POMONA_OK;
}

/* Their listings go on from the name that was last: so nothing is deleted before they have ended. */
static pomona_status delete_gathered(struct removing *r, struct pomona_error *error) {
    for (size_t i = 0; i < r->count && !r->options->dry_run; i++) {
        const struct doomed *one = &r->doomed[i];
        TRY(r->options->what == POMONA_REMOVE_UPLOADS
                ? place_unstage(r->place, one->name, one->id, error)
                : place_delete_version(r->place, one->name, one->id, error));
    }
    return POMONA_OK;
}

static pomona_status list(struct removing *r, struct place *place, struct pomona_error *error) {
    const char *prefix = r->only ? r->only : "";
    switch (r->options->what) {
    case POMONA_REMOVE_VERSIONS: return place_versions(place, prefix, visit, r, error);
    case POMONA_REMOVE_UPLOADS: return place_list_staged(place, prefix, visit, r, error);
    case POMONA_REMOVE_FILES: break;
    }
    return place_list(place, prefix, false, visit, r, error);
}

static pomona_status remove_listed(struct removing *r, const char *root, struct pomona_error *error) {
    struct place *place = NULL;
    r->at_once = r->options->what == POMONA_REMOVE_FILES;
    pomona_status status = place_open(r->places, root, &place, error);
    if (status == POMONA_OK) status = place_open(r->places, root, &r->place, error);
    if (status == POMONA_OK) status = list(r, place, error);
    if (status == POMONA_OK) status = r->at_once ? delete_batch(r, error) : delete_gathered(r, error);
    place_free(&place);
    return status;
}

static pomona_status remove_one(struct removing *r, const char *uri, struct pomona_error *error) {
    static const char *const itself[] = {""};
    struct place_item item;
    if (place_is_bucket(uri)) return fail(error, POMONA_E_INPUT, uri, "is a bucket");
    TRY(place_open(r->places, uri, &r->place, error));
    TRY(place_stat(r->place, "", &item, error));
    if (item.is_folder) return fail(error, POMONA_E_INPUT, uri, "is a folder; --recursive removes it");
    TRY(tell(r, "", "", item.size, error));
    return r->options->dry_run ? POMONA_OK : place_delete(r->place, itself, 1, error);
}

/* The versions or uploads of one key are listed from the level above. */
static pomona_status remove_of_one(struct removing *r, const char *uri, struct pomona_error *error) {
    const char *key = strchr(uri + 5, '/');
    if (!key || !key[1] || key[strlen(key) - 1] == '/')
        return fail(error, POMONA_E_INPUT, uri, "is a prefix; --recursive removes what is below");
    char *parent = memory_copy_string(uri);
    if (!parent) return fail_memory(error, "name");
    *strrchr(parent, '/') = '\0';
    r->only = scratch_base_name(uri);
    pomona_status status = remove_listed(r, parent, error);
    memory_free(parent);
    return status;
}

/* "/", "..", "a/.": a slip of the hand costs too much. */
static bool is_named(const char *path) {
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    size_t dots = strspn(path + start, ".");
    return end > start && !(dots == end - start && dots <= 2);
}

/* Folders on disk are things themselves, and go too. */
static pomona_status remove_folder(struct removing *r, const char *path, struct pomona_error *error) {
    if (!is_named(path)) return fail(error, POMONA_E_UNSUPPORTED, path, "is not removed: name the folder");
    pomona_status status = place_open(NULL, path, &r->place, error);
    struct removing counting = *r;
    struct pomona_remove_options look = *r->options;
    look.dry_run = true;
    counting.options = &look;
    if (status == POMONA_OK) status = place_list(r->place, "", false, visit, &counting, error);
    arena_free(&counting.texts);
    memory_free(counting.doomed);
    return status != POMONA_OK || r->options->dry_run ? status : path_remove(path, error);
}

static pomona_status choose(struct removing *r, const char *uri, struct pomona_error *error) {
    bool s3 = strncmp(uri, "s3://", 5) == 0, files = r->options->what == POMONA_REMOVE_FILES;
    if (!s3 && place_is_remote(uri))
        return fail(error, POMONA_E_UNSUPPORTED, NULL, "a web server can't be written to");
    if (!s3 && !files) return fail(error, POMONA_E_UNSUPPORTED, uri, "versions and uploads are things of S3");
    if (!r->options->recursive) return files ? remove_one(r, uri, error) : remove_of_one(r, uri, error);
    TRY(s3 ? remove_listed(r, uri, error) : remove_folder(r, uri, error));
    if (s3 && files && r->done->files == 0) return fail(error, POMONA_E_INPUT, uri, "has nothing below it");
    return POMONA_OK;
}

pomona_status pomona_remove(struct pomona_places *places, const char *uri,
                            const struct pomona_remove_options *options, struct pomona_copy_result *result,
                            struct pomona_error *error) {
    static const struct pomona_remove_options defaults = {.recursive = false};
    struct pomona_copy_result own;
    if (!result) result = &own;
    *result = (struct pomona_copy_result){0};
    struct removing r = {.places = places,
                         .options = options ? options : &defaults,
                         .done = result,
                         .texts = ARENA_INIT(SIZE_MAX)};
    pomona_status status = choose(&r, uri, error);
    place_free(&r.place);
    arena_free(&r.texts);
    memory_free(r.doomed);
    return status;
}
