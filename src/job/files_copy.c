#include "base/io.h"
#include "base/memory.h"
#include "job/files_plan.h"
#include "job/scratch.h"
#include "pomona/files.h"
#include "store/folder.h"
#include "store/places.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SMALL_BYTES =
        8 << 20, /* written in one request; S3 allows larger ones, but they could not be sent side by side */
    RECEIPT_MAX = 4 << 20,
    SHOWN_MAX = 4096, /* a path */
    THREADS_REMOTE = 8,
    THREADS_MAX = 64
};

struct copying {
    struct pomona_places *places;
    const struct pomona_copy_options *options;
    const char *from, *to; /* of the places */
    bool from_remote, to_remote;
    char *scratch; /* folder for what goes from one server to another; NULL until it is needed */
    struct files_plan plan;
    _Atomic size_t next;
    _Atomic bool stop;
    pthread_mutex_t mutex; /* guards the rest */
    struct pomona_copy_result done;
    pomona_status status;
    struct pomona_error cause;
};

/* One thread's view. */
struct copier {
    struct copying *copying;
    struct place *from, *to;
};

static pomona_status put_bytes(struct copier *copier, const char *name, const struct buffer *bytes,
                               struct pomona_error *error) {
    return place_write(copier->to, name, bytes->data, bytes->size, PLACE_ANY, NULL, NULL, error);
}

/* A file of this machine to a server: seen when all of it is there. */
static pomona_status put_file(struct copier *copier, const char *name, const char *path,
                              struct pomona_error *error) {
    struct buffer receipt = BUFFER_INIT(RECEIPT_MAX);
    const char *text = "";
    pomona_status status = place_stage(copier->to, name, path, &receipt, error);
    if (status == POMONA_OK) {
        status = buffer_terminate(&receipt, &text, error);
        if (status == POMONA_OK) status = place_commit(copier->to, name, text, error);
        if (status != POMONA_OK) place_unstage(copier->to, name, text, NULL);
    }
    buffer_free(&receipt);
    return status;
}

/* From one server to another: small things through memory, large ones through a file. */
static pomona_status relay(struct copier *copier, size_t index, const struct planned_file *file,
                           struct pomona_error *error) {
    /* A web server need not say how large a thing is: 0 may be anything. */
    bool known = file->size > 0 || strncmp(copier->copying->from, "s3://", 5) == 0;
    struct buffer bytes = BUFFER_INIT(SMALL_BYTES);
    if (known && file->size <= SMALL_BYTES) {
        pomona_status status = place_read(copier->from, file->name, &bytes, NULL, error);
        if (status == POMONA_OK) status = put_bytes(copier, file->name, &bytes, error);
        buffer_free(&bytes);
        return status;
    }
    char name[32];
    snprintf(name, sizeof name, "%zu", index);
    char *path = path_join(copier->copying->scratch, name);
    if (!path) return fail_memory(error, "path");
    pomona_status status = folder_make(copier->copying->scratch, error);
    if (status == POMONA_OK) status = place_fetch(copier->from, file->name, path, error);
    if (status == POMONA_OK) status = put_file(copier, file->name, path, error);
    unlink(path);
    memory_free(path);
    return status;
}

static pomona_status upload(struct copier *copier, const struct planned_file *file,
                            struct pomona_error *error) {
    struct buffer bytes = BUFFER_INIT(SMALL_BYTES);
    char *path = place_uri(copier->from, file->name);
    pomona_status status = path ? POMONA_OK : fail_memory(error, "path");
    if (status == POMONA_OK && file->size > SMALL_BYTES) {
        status = put_file(copier, file->name, path, error);
    } else if (status == POMONA_OK) {
        status = file_read(path, &bytes, error);
        if (status == POMONA_OK) status = put_bytes(copier, file->name, &bytes, error);
    }
    buffer_free(&bytes);
    memory_free(path);
    return status;
}

/* "FOLDER/.pomona-cp-PROCESS-INDEX" beside a file: "NAME.tmp", which place_fetch would take, may be the name of another file. */
static char *temporary_beside(const char *path, size_t index) {
    char name[64];
    const char *slash = strrchr(path, '/');
    snprintf(name, sizeof name, ".pomona-cp-%ld-%zu", (long)getpid(), index);
    if (!slash) return memory_copy_string(name);
    char *folder = memory_new((size_t)(slash - path) + 2, 1);
    if (!folder) return NULL;
    memcpy(folder, path, (size_t)(slash - path) + 1);
    char *temporary = path_join(folder, name);
    memory_free(folder);
    return temporary;
}

static pomona_status fetch(struct copier *copier, size_t index, const struct planned_file *file,
                           struct pomona_error *error) {
    char *path = place_uri(copier->to, file->name), *temporary = path ? temporary_beside(path, index) : NULL;
    pomona_status status = temporary ? scratch_make_parents(path, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = place_fetch(copier->from, file->name, temporary, error);
    if (status == POMONA_OK && rename(temporary, path) != 0) {
        status = fail_errno(error, errno, 0, path, "cannot rename to");
        unlink(temporary);
    }
    memory_free(temporary);
    memory_free(path);
    return status;
}

static pomona_status copy_one(struct copier *copier, size_t index, struct pomona_error *error) {
    const struct copying *copying = copier->copying;
    const struct planned_file *file = &copying->plan.files[index];
    if (!copying->to_remote) return fetch(copier, index, file, error);
    return copying->from_remote ? relay(copier, index, file, error) : upload(copier, file, error);
}

static void count(struct copying *copying, size_t index, pomona_status status,
                  const struct pomona_error *error) {
    const struct pomona_copy_options *options = copying->options;
    pthread_mutex_lock(&copying->mutex);
    if (status == POMONA_OK) {
        copying->done.files++;
        copying->done.bytes += copying->plan.files[index].size;
        if (options->progress)
            options->progress(options->user, copying->done.files, (int64_t)copying->plan.count,
                              copying->done.bytes);
    } else if (copying->status == POMONA_OK) {
        copying->status = status;
        copying->cause = *error;
    }
    if (status != POMONA_OK) atomic_store(&copying->stop, true);
    pthread_mutex_unlock(&copying->mutex);
}

static pomona_status interrupted(const struct copying *copying, struct pomona_error *error) {
    const struct pomona_places_options *options = copying->places ? &copying->places->options : NULL;
    return options && options->should_stop && options->should_stop(options->user)
               ? fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while copying")
               : POMONA_OK;
}

static void *work(void *argument) {
    struct copying *copying = argument;
    struct copier copier = {.copying = copying};
    struct pomona_error error = {0};
    pomona_status status = place_open(copying->places, copying->from, &copier.from, &error);
    if (status == POMONA_OK) status = place_open(copying->places, copying->to, &copier.to, &error);
    if (status != POMONA_OK) count(copying, 0, status, &error);
    while (!atomic_load(&copying->stop)) {
        size_t index = atomic_fetch_add(&copying->next, 1);
        if (index >= copying->plan.count) break;
        status = interrupted(copying, &error);
        if (status == POMONA_OK) status = copy_one(&copier, index, &error);
        count(copying, index, status, &error);
    }
    place_free(&copier.from);
    place_free(&copier.to);
    return NULL;
}

static void run(struct copying *copying) {
    pthread_t threads[THREADS_MAX];
    bool remote = copying->from_remote || copying->to_remote;
    size_t wanted = copying->options->threads ? (size_t)copying->options->threads
                    : remote                  ? THREADS_REMOTE
                                              : 1;
    size_t started = 0;
    if (wanted > copying->plan.count) wanted = copying->plan.count;
    /* This thread works as well, so that a machine without another thread copies too. */
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, work, copying) == 0) started++;
    work(copying);
    for (size_t i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

static pomona_status tell(const struct copying *copying, const struct place *from, const struct place *to,
                          struct pomona_error *error) {
    const struct pomona_copy_options *options = copying->options;
    for (size_t i = 0; options->file && i < copying->plan.count; i++) {
        const struct planned_file *file = &copying->plan.files[i];
        char *source = place_uri(from, file->name), *target = place_uri(to, file->name);
        char shown[SHOWN_MAX];
        if (source) place_shown(source, shown, sizeof shown);
        if (source && target) options->file(options->user, shown, target, file->size);
        bool memory = source && target;
        memory_free(source);
        memory_free(target);
        if (!memory) return fail_memory(error, "path");
    }
    return POMONA_OK;
}

static pomona_status copy_all(struct copying *copying, struct pomona_error *error) {
    struct place *from = NULL, *to = NULL;
    char purpose[32];
    pomona_status status = place_open(copying->places, copying->from, &from, error);
    if (status == POMONA_OK) status = place_open(copying->places, copying->to, &to, error);
    if (status == POMONA_OK && copying->to_remote && strncmp(copying->to, "s3://", 5) != 0)
        status = fail(error, POMONA_E_UNSUPPORTED, NULL, "a web server can't be written to");
    if (status == POMONA_OK)
        status = copying->options->recursive
                     ? files_plan_all(from, !copying->to_remote, &copying->plan, error)
                     : files_plan_one(from, &copying->plan, error);
    if (status == POMONA_OK && !copying->options->overwrite)
        status = files_plan_refuse_existing(&copying->plan, to, error);
    if (status == POMONA_OK) status = tell(copying, from, to, error);
    snprintf(purpose, sizeof purpose, "cp-%ld", (long)getpid());
    if (status == POMONA_OK && copying->from_remote && copying->to_remote)
        status = scratch_folder(copying->places, purpose, copying->to, &copying->scratch, error);
    place_free(&from);
    place_free(&to);
    if (status != POMONA_OK || copying->options->dry_run) return status;
    run(copying);
    if (copying->scratch) path_remove(copying->scratch, NULL);
    if (copying->status != POMONA_OK) *error = copying->cause;
    return copying->status;
}

static bool ends_in_slash(const char *text) {
    size_t length = strlen(text);
    return length > 0 && text[length - 1] == '/';
}

/* The last name of `from`, without what a web address says after it. */
static pomona_status last_name(const char *from, char name[1025], struct pomona_error *error) {
    bool web = place_is_remote(from) && strncmp(from, "s3://", 5) != 0;
    const char *path = strstr(from, "://") ? strstr(from, "://") + 3 : from;
    size_t length = web ? strcspn(path, "?#") : strlen(path), at = length;
    while (at > 0 && path[at - 1] != '/') at--;
    bool host_only = place_is_remote(from) && at == 0;
    if (length - at >= 1025 || host_only) at = length;
    snprintf(name, 1025, "%.*s", (int)(length - at), path + at);
    char shown[SHOWN_MAX];
    place_shown(from, shown, sizeof shown);
    if (!scratch_is_tame(name))
        return fail(error, POMONA_E_INPUT, shown, "has no last name: say what TO is to be called");
    return POMONA_OK;
}

/* Whether `to` is where files go, not what one is to be called. */
static bool is_for_files(const char *to) {
    struct place *place = NULL;
    struct place_item item = {.is_folder = false};
    if (ends_in_slash(to)) return true;
    if (place_is_remote(to)) return place_is_bucket(to);
    bool folder = place_open(NULL, to, &place, NULL) == POMONA_OK &&
                  place_stat(place, "", &item, NULL) == POMONA_OK && item.is_folder;
    place_free(&place);
    return folder;
}

pomona_status pomona_copy(struct pomona_places *places, const char *from, const char *to,
                          const struct pomona_copy_options *options, struct pomona_copy_result *result,
                          struct pomona_error *error) {
    static const struct pomona_copy_options defaults = {.recursive = false};
    struct pomona_error own;
    char name[1025];
    char *target = NULL;
    if (!error) error = &own;
    if (result) *result = (struct pomona_copy_result){0};
    if (!options) options = &defaults;
    if (options->threads < 0 || options->threads > THREADS_MAX)
        return fail(error, POMONA_E_USAGE, NULL, "threads: %d is not in 1..%d", options->threads,
                    THREADS_MAX);
    if (!options->recursive && is_for_files(to)) {
        TRY(last_name(from, name, error));
        target = path_join(to, name);
        if (!target) return fail_memory(error, "path");
    }
    struct copying copying = {.places = places,
                              .options = options,
                              .from = from,
                              .to = target ? target : to,
                              .from_remote = place_is_remote(from),
                              .to_remote = place_is_remote(to),
                              .plan = FILES_PLAN_INIT};
    pthread_mutex_init(&copying.mutex, NULL);
    pomona_status status = copy_all(&copying, error);
    if (result) *result = copying.done;
    pthread_mutex_destroy(&copying.mutex);
    files_plan_free(&copying.plan);
    memory_free(copying.scratch);
    memory_free(target);
    return status;
}
