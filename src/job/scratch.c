#include "job/scratch.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "pomona/publication.h"
#include "store/folder.h"
#include "store/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *scratch_root(const struct pomona_places *places) {
    const char *chosen = places->options.scratch ? places->options.scratch : getenv("POMONA_SCRATCH");
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (chosen && *chosen) return memory_copy_string(chosen);
    if (cache && *cache) return path_join(cache, "pomona");
    if (home && *home) return path_join(home, ".cache/pomona");
    char own[64];
    snprintf(own, sizeof own, "/var/tmp/pomona-%ld", (long)getuid());
    return memory_copy_string(own);
}

pomona_status scratch_folder(const struct pomona_places *places, const char *purpose, const char *uri,
                             char **folder, struct pomona_error *error) {
    enum { NAME_HASH_DIGITS = 24 };
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE], name[64];
    /* The endpoint is part of the name: two servers may have buckets of one name. */
    const char *endpoint = places->options.endpoint_url ? places->options.endpoint_url : "";
    size_t length = strlen(uri);
    while (length > 0 && uri[length - 1] == '/') length--;
    sha256_start(&hash);
    sha256_add_field(&hash, endpoint, strlen(endpoint));
    sha256_add_field(&hash, uri, length);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    snprintf(name, sizeof name, "%s-%.*s", purpose, NAME_HASH_DIGITS, hex);
    char *root = scratch_root(places);
    *folder = root ? path_join(root, name) : NULL;
    memory_free(root);
    return *folder ? POMONA_OK : fail_memory(error, "scratch");
}

const char *scratch_base_name(const char *uri) {
    const char *slash = strrchr(uri, '/');
    return slash && slash[1] ? slash + 1 : "object";
}

pomona_status scratch_make_parents(const char *path, struct pomona_error *error) {
    char *copy = memory_copy_string(path);
    if (!copy) return fail_memory(error, "path");
    char *slash = strrchr(copy, '/');
    pomona_status status = POMONA_OK;
    if (slash && slash != copy) {
        *slash = '\0';
        status = folder_make(copy, error);
    }
    memory_free(copy);
    return status;
}

/* Names of a listing, to be fetched when it is complete. */
struct names {
    struct arena texts;
    char **names;
    size_t count, capacity;
};

bool scratch_is_tame(const char *name) {
    for (const char *at = name;; at++) {
        size_t length = strcspn(at, "/");
        if (length == 0 || (length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        at += length;
        if (!*at) return true;
    }
}

static pomona_status keep_name(void *user, const struct place_item *item, struct pomona_error *error) {
    struct names *names = user;
    size_t length = strlen(item->name);
    if (length > 0 && item->name[length - 1] == '/') return POMONA_OK; /* the mark of a folder */
    if (!scratch_is_tame(item->name))
        return fail(error, POMONA_E_UNSUPPORTED, item->name, "can't be the name of a file");
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 256;
        char **more = memory_resize(names->names, capacity, sizeof *more);
        if (!more) return fail_memory(error, "names");
        names->names = more;
        names->capacity = capacity;
    }
    char *copy = arena_copy_text(&names->texts, item->name, length);
    if (!copy) return fail_memory(error, "names");
    names->names[names->count++] = copy;
    return POMONA_OK;
}

static pomona_status fetch_names(struct place *place, const struct names *names, const char *folder,
                                 struct pomona_error *error) {
    for (size_t i = 0; i < names->count; i++) {
        if (strncmp(names->names[i], "_temporary/", 11) == 0) continue;
        char *path = path_join(folder, names->names[i]);
        pomona_status status = path ? scratch_make_parents(path, error) : fail_memory(error, "path");
        if (status == POMONA_OK) status = place_fetch(place, names->names[i], path, error);
        memory_free(path);
        TRY(status);
    }
    return POMONA_OK;
}

pomona_status scratch_fetch_all(struct pomona_places *places, const char *uri, const char *folder,
                                struct pomona_error *error) {
    struct place *place = NULL;
    struct names names = {.texts = ARENA_INIT(SIZE_MAX)};
    TRY(place_open(places, uri, &place, error));
    pomona_status status = place_list(place, "", false, keep_name, &names, error);
    if (status == POMONA_OK) status = folder_make(folder, error);
    if (status == POMONA_OK) status = fetch_names(place, &names, folder, error);
    arena_free(&names.texts);
    memory_free(names.names);
    place_free(&place);
    return status;
}

/* Whether `uri` is one object. */
static pomona_status is_object(struct pomona_places *places, const char *uri, bool *object,
                               struct pomona_error *error) {
    struct place *place = NULL;
    struct place_item item;
    *object = false;
    if (place_is_bucket(uri)) return POMONA_OK;
    TRY(place_open(places, uri, &place, error));
    pomona_status status = place_stat(place, "", &item, error);
    place_free(&place);
    *object = status == POMONA_OK;
    return status == POMONA_E_INPUT && strncmp(uri, "s3://", 5) == 0 ? POMONA_OK : status;
}

pomona_status pomona_fetch(struct pomona_places *places, const char *uri, char **path,
                           struct pomona_error *error) {
    char *folder = NULL;
    bool object = false;
    struct place *place = NULL;
    char purpose[32];
    *path = NULL;
    snprintf(purpose, sizeof purpose, "in-%ld", (long)getpid());
    TRY(scratch_folder(places, purpose, uri, &folder, error));
    pomona_status status = is_object(places, uri, &object, error);
    if (status == POMONA_OK) status = path_remove(folder, error);
    if (status == POMONA_OK) status = folder_make(folder, error);
    if (status == POMONA_OK) *path = path_join(folder, scratch_base_name(uri));
    if (status == POMONA_OK && !*path) status = fail_memory(error, "path");
    if (status == POMONA_OK && object) {
        status = place_open(places, uri, &place, error);
        if (status == POMONA_OK) status = place_fetch(place, "", *path, error);
        place_free(&place);
    } else if (status == POMONA_OK) {
        status = scratch_fetch_all(places, uri, *path, error);
        bool packed = true;
        if (status == POMONA_OK && rmdir(*path) == 0)
            status = scratch_fetch_packed(places, uri, *path, &packed, error);
        if (status == POMONA_OK && !packed)
            status = fail(error, POMONA_E_INPUT, uri, "there is no such thing");
    }
    if (status != POMONA_OK) {
        path_remove(folder, NULL);
        memory_free(*path);
        *path = NULL;
    }
    memory_free(folder);
    return status;
}

static bool is_parquet_name(const char *name) {
    size_t length = strlen(name);
    return length > 8 && strcmp(name + length - 8, ".parquet") == 0;
}

static pomona_status look_for_table(void *user, const struct place_item *item, struct pomona_error *error) {
    bool *is_table = user;
    (void)error;
    *is_table =
        *is_table || strcmp(item->name, "Results/") == 0 ||
        (is_parquet_name(item->name) && item->name[0] != '_'); /* _index.parquet is that of packed photos */
    return POMONA_OK;
}

pomona_status pomona_remote_is_table(struct pomona_places *places, const char *uri, bool *is_table,
                                     struct pomona_error *error) {
    struct place *place = NULL;
    *is_table = is_parquet_name(uri);
    if (*is_table || strncmp(uri, "s3://", 5) != 0) return POMONA_OK;
    TRY(place_open(places, uri, &place, error));
    pomona_status status = place_list(place, "", true, look_for_table, is_table, error);
    place_free(&place);
    return status;
}

void pomona_fetched_free(char **path) {
    if (!*path) return;
    char *slash = strrchr(*path, '/'); /* the folder was made for it alone */
    *slash = '\0';
    path_remove(*path, NULL);
    memory_free(*path);
    *path = NULL;
}
