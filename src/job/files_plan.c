#include "job/files_plan.h"

#include "base/memory.h"
#include "job/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Up to so many names are asked for one by one; for more the place is listed. */
enum { ASKED_ONE_BY_ONE = 64 };

struct gathering {
    struct files_plan *plan;
    struct place *from;
    bool to_folder;
};

static pomona_status add(struct files_plan *plan, const char *name, uint64_t size,
                         struct pomona_error *error) {
    if (plan->count == plan->capacity) {
        size_t capacity = plan->capacity ? 2 * plan->capacity : 256;
        struct planned_file *more = memory_resize(plan->files, capacity, sizeof *more);
        if (!more) return fail_memory(error, "files");
        plan->files = more;
        plan->capacity = capacity;
    }
    char *copy = arena_copy_text(&plan->texts, name, strlen(name));
    if (!copy) return fail_memory(error, "files");
    plan->files[plan->count++] = (struct planned_file){copy, size};
    return POMONA_OK;
}

/* What a file of this machine is behind its links: opening a pipe would wait for ever. */
static pomona_status look_behind(const struct place *place, const char *name, uint64_t *size,
                                 struct pomona_error *error) {
    struct stat info;
    char *path = place_uri(place, name);
    if (!path) return fail_memory(error, "path");
    pomona_status status = stat(path, &info) != 0  ? fail_errno(error, errno, 1, path, "cannot open")
                           : S_ISREG(info.st_mode) ? POMONA_OK
                           : S_ISDIR(info.st_mode) ? fail(error, POMONA_E_INPUT, path, "is a folder")
                                                   : fail(error, POMONA_E_INPUT, path, "is no file");
    *size = (uint64_t)info.st_size;
    memory_free(path);
    return status;
}

static pomona_status gather(void *user, const struct place_item *item, struct pomona_error *error) {
    struct gathering *gathering = user;
    uint64_t size = item->size;
    size_t length = strlen(item->name);
    bool mark = length > 0 && item->name[length - 1] == '/';
    if (mark && gathering->to_folder) return POMONA_OK;
    if (gathering->to_folder && !scratch_is_tame(item->name))
        return fail(error, POMONA_E_UNSUPPORTED, item->name, "can't be the name of a file");
    if (!place_is_remote(place_root(gathering->from)))
        TRY(look_behind(gathering->from, item->name, &size, error));
    return add(gathering->plan, item->name, size, error);
}

static int compare_files(const void *a, const void *b) {
    return strcmp(((const struct planned_file *)a)->name, ((const struct planned_file *)b)->name);
}

static struct planned_file *find(const struct files_plan *plan, const char *name) {
    const struct planned_file wanted = {name, 0};
    if (plan->count == 0) return NULL;
    return bsearch(&wanted, plan->files, plan->count, sizeof wanted, compare_files);
}

/* In S3 "a" and "a/b" may both be; on a disk the one is a file and the other needs a folder. */
static pomona_status refuse_files_as_folders(const struct files_plan *plan, struct pomona_error *error) {
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = plan->files[i].name;
        for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
            char *above = memory_new((size_t)(slash - name) + 1, 1);
            if (!above) return fail_memory(error, "path");
            memcpy(above, name, (size_t)(slash - name));
            bool both = find(plan, above) != NULL;
            memory_free(above);
            if (both) return fail(error, POMONA_E_UNSUPPORTED, name, "lies below the name of another file");
        }
    }
    return POMONA_OK;
}

pomona_status files_plan_all(struct place *from, bool to_folder, struct files_plan *plan,
                             struct pomona_error *error) {
    struct gathering gathering = {plan, from, to_folder};
    TRY(place_list(from, "", false, gather, &gathering, error));
    if (plan->count == 0) return fail(error, POMONA_E_INPUT, place_root(from), "has nothing below it");
    qsort(plan->files, plan->count, sizeof *plan->files, compare_files);
    return to_folder ? refuse_files_as_folders(plan, error) : POMONA_OK;
}

pomona_status files_plan_one(struct place *from, struct files_plan *plan, struct pomona_error *error) {
    struct place_item item = {.size = 0};
    uint64_t size;
    if (place_is_bucket(place_root(from)))
        return fail(error, POMONA_E_INPUT, place_root(from), "is a bucket");
    if (place_is_remote(place_root(from))) {
        TRY(place_stat(from, "", &item, error));
        size = item.size;
    } else {
        TRY(look_behind(from, "", &size, error));
    }
    return add(plan, "", size, error);
}

static pomona_status exists(const struct place *to, const char *name, struct pomona_error *error) {
    char *uri = place_uri(to, name);
    if (!uri) return fail_memory(error, "path");
    pomona_status status = fail(error, POMONA_E_EXISTS, uri, "exists already; --overwrite replaces it");
    memory_free(uri);
    return status;
}

struct comparing {
    const struct files_plan *plan;
    const struct place *to;
};

static pomona_status refuse(void *user, const struct place_item *item, struct pomona_error *error) {
    const struct comparing *comparing = user;
    return find(comparing->plan, item->name) ? exists(comparing->to, item->name, error) : POMONA_OK;
}

static pomona_status refuse_one(struct place *to, const char *name, struct pomona_error *error) {
    struct place_item item;
    struct pomona_error cause = {0};
    pomona_status status = place_stat(to, name, &item, &cause);
    if (status == POMONA_OK) return exists(to, name, error);
    if (status == POMONA_E_INPUT) return POMONA_OK; /* there is none, or writing will say what is wrong */
    if (error) *error = cause;
    return status;
}

pomona_status files_plan_refuse_existing(const struct files_plan *plan, struct place *to,
                                         struct pomona_error *error) {
    struct comparing comparing = {plan, to};
    if (plan->count > ASKED_ONE_BY_ONE && place_is_remote(place_root(to)))
        return place_list(to, "", false, refuse, &comparing, error);
    for (size_t i = 0; i < plan->count; i++) TRY(refuse_one(to, plan->files[i].name, error));
    return POMONA_OK;
}

void files_plan_free(struct files_plan *plan) {
    arena_free(&plan->texts);
    memory_free(plan->files);
    *plan = FILES_PLAN_INIT;
}
