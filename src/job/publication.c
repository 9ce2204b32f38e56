#include "pomona/publication.h"

#include "base/clock.h"
#include "base/file_sink.h"
#include "base/memory.h"
#include "job/publication_files.h"
#include "job/publication_lock.h"
#include "job/publication_put.h"
#include "job/scratch.h"
#include "store/folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RECEIPT_MAX = 4 << 20 };

/* A finished file that waits to be staged; the queue is a list. `descriptor` holds the file whatever its name becomes. */
struct waiting {
    int descriptor;
    char *name;
    struct waiting *next;
};

struct pomona_publication {
    struct pomona_places *places;
    struct place *place; /* of the calling thread */
    bool single;         /* one object */
    bool look_only;
    char *uri, *folder, *path, *note_before, *note_staged;
    int scratch_lock;              /* flock */
    struct published_files before; /* what was in the stand-in when the command began */
    struct publication_lock lock;

    pthread_t thread; /* stages in the background and keeps the lock alive */
    bool started;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t change;
    struct waiting *first, **last;
    bool stopping;
    struct published_files staged; /* with receipts */
    pomona_status failed;
    struct pomona_error cause;
};

/* ---- the background */

static pomona_status stage_file(struct pomona_publication *p, struct place *place, const char *path,
                                const char *name, struct pomona_error *error) {
    struct buffer receipt = BUFFER_INIT(RECEIPT_MAX);
    struct published_file file = {.name = name};
    pomona_status status = published_file_stat(path, &file, error);
    if (status == POMONA_OK) status = place_stage(place, name, path, &receipt, error);
    if (status == POMONA_OK) status = buffer_terminate(&receipt, &file.text, error);
    if (status == POMONA_OK) status = published_files_append(p->note_staged, &file, error);
    if (status == POMONA_OK) {
        pthread_mutex_lock(&p->mutex);
        status = published_files_add(&p->staged, &file, error);
        pthread_mutex_unlock(&p->mutex);
    }
    buffer_free(&receipt);
    return status;
}

static void waiting_free(struct waiting *waiting) {
    close(waiting->descriptor);
    memory_free(waiting->name);
    memory_free(waiting);
}

/* With the mutex held: the next file, or NULL after a wait of at most the time between two renewals. */
static struct waiting *next_waiting(struct pomona_publication *p) {
    struct timespec until = clock_deadline(LOCK_RENEW_SECONDS * 1000);
    while (!p->first && !p->stopping && pthread_cond_timedwait(&p->change, &p->mutex, &until) == 0) {}
    struct waiting *waiting = p->first;
    if (waiting && !(p->first = waiting->next)) p->last = &p->first;
    return waiting;
}

static void *work(void *argument) {
    struct pomona_publication *p = argument;
    struct place *place = NULL;
    struct pomona_error error = {0};
    double renewed = clock_seconds();
    pomona_status status = place_open(p->places, p->uri, &place, &error);
    for (bool over = false; !over;) {
        pthread_mutex_lock(&p->mutex);
        struct waiting *waiting = next_waiting(p);
        over = !waiting && p->stopping;
        pthread_mutex_unlock(&p->mutex);
        if (status == POMONA_OK && p->lock.etag[0] && clock_seconds() - renewed > LOCK_RENEW_SECONDS) {
            status = publication_lock_renew(place, &p->lock, &error);
            renewed = clock_seconds();
        }
        if (waiting) {
            char path[64];
            snprintf(path, sizeof path, "/proc/self/fd/%d", waiting->descriptor);
            if (status == POMONA_OK) status = stage_file(p, place, path, waiting->name, &error);
            waiting_free(waiting);
        }
    }
    pthread_mutex_lock(&p->mutex);
    p->failed = status;
    p->cause = error;
    pthread_mutex_unlock(&p->mutex);
    place_free(&place);
    return NULL;
}

/* Waits until all is staged; the thread's failure is the caller's. */
static pomona_status finish_background(struct pomona_publication *p, struct pomona_error *error) {
    if (!p->started) return POMONA_OK;
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_signal(&p->change);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    p->started = false;
    if (p->failed != POMONA_OK && error) *error = p->cause;
    return p->failed;
}

void pomona_publication_stage(struct pomona_publication *p, const char *path, const char *name) {
    struct waiting *waiting = memory_new(1, sizeof *waiting);
    if (!waiting) return; /* then the commit stages it */
    waiting->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    waiting->name = memory_copy_string(name);
    if (waiting->descriptor < 0 || !waiting->name) {
        if (waiting->descriptor >= 0) close(waiting->descriptor);
        memory_free(waiting->name);
        memory_free(waiting);
        return;
    }
    pthread_mutex_lock(&p->mutex);
    *p->last = waiting;
    p->last = &waiting->next;
    pthread_cond_signal(&p->change);
    pthread_mutex_unlock(&p->mutex);
}

/* ---- opening */

static pomona_status name_paths(struct pomona_publication *p, const char *uri, struct pomona_error *error) {
    /* Who only looks has a folder of its own: nothing is taken from a job that waits for --resume. */
    char purpose[32];
    snprintf(purpose, sizeof purpose, p->look_only ? "look-%ld" : "out", (long)getpid());
    TRY(scratch_folder(p->places, purpose, uri, &p->folder, error));
    p->uri = memory_copy_string(uri);
    char *base = path_join(p->folder, "dst");
    p->path =
        base && p->single ? path_join(base, scratch_base_name(uri)) : memory_copy_string(base ? base : "");
    p->note_before = path_join(p->folder, "before");
    p->note_staged = path_join(p->folder, "staged");
    memory_free(base);
    return base && p->uri && p->path && p->note_before && p->note_staged ? POMONA_OK
                                                                         : fail_memory(error, "paths");
}

/* The token of this scratch folder, made once. */
static pomona_status read_token(struct pomona_publication *p, struct pomona_error *error) {
    TRY(publication_lock_read_token(p->folder, p->lock.token, error));
    if (p->lock.token[0]) return POMONA_OK;
    TRY(publication_lock_make_token(p->lock.token, error));
    char *path = publication_lock_token_path(p->folder);
    pomona_status status =
        path ? file_write(path, p->lock.token, LOCK_TOKEN_SIZE - 1, error) : fail_memory(error, "path");
    memory_free(path);
    return status;
}

/* Drops what is staged; what was committed meanwhile is not an upload any more. */
static void drop_staged(struct pomona_publication *p) {
    for (size_t i = 0; i < p->staged.count; i++)
        place_unstage(p->place, p->staged.files[i].name, p->staged.files[i].text, NULL);
    published_files_free(&p->staged);
}

/* A thing in DST gets a stand-in, so that the command sees that it is there: a folder one with its `_SUCCESS`, a file an empty one. */
static pomona_status stand_in(void *user, const struct place_item *item, struct pomona_error *error) {
    struct pomona_publication *p = user;
    struct published_files *names = &p->before;
    if (strcmp(item->name, "_temporary/") == 0) return POMONA_OK;
    return published_files_add(
        names, &(struct published_file){.name = item->name, .text = "", .size = item->size}, error);
}

static pomona_status make_stand_in(struct pomona_publication *p, const struct published_file *file,
                                   struct pomona_error *error) {
    char name[2048];
    size_t length = strlen(file->name);
    bool folder = length > 0 && file->name[length - 1] == '/';
    if (length + 16 > sizeof name) return fail(error, POMONA_E_LIMIT, file->name, "is too long");
    snprintf(name, sizeof name, "%s%s", file->name, folder ? "_SUCCESS" : "");
    char *path = path_join(p->path, name);
    pomona_status status = path ? scratch_make_parents(path, error) : fail_memory(error, "path");
    struct place_item item;
    if (status == POMONA_OK && folder) {
        status = place_stat(p->place, name, &item, error);
        if (status == POMONA_OK) status = place_fetch(p->place, name, path, error);
        if (status == POMONA_E_INPUT) status = POMONA_OK; /* it has none */
    } else if (status == POMONA_OK) {
        status = file_write(path, "", 0, error); /* that it is there is all that a command asks */
    }
    memory_free(path);
    return status;
}

/* Fills a new stand-in with what is in DST and notes what that was. */
static pomona_status look_at_destination(struct pomona_publication *p, bool fetch,
                                         struct pomona_error *error) {
    struct published_files names = PUBLISHED_FILES_INIT;
    pomona_status status = folder_make(p->path, error);
    if (status == POMONA_OK && fetch) {
        status = scratch_fetch_all(p->places, p->uri, p->path, error);
    } else if (status == POMONA_OK) {
        status = place_list(p->place, "", true, stand_in, p, error);
        names = p->before;
        p->before = PUBLISHED_FILES_INIT;
        for (size_t i = 0; i < names.count && status == POMONA_OK; i++)
            status = make_stand_in(p, &names.files[i], error);
    }
    /* Folders count too: one that is gone afterwards was removed by the command. */
    for (size_t i = 0; i < names.count && status == POMONA_OK; i++)
        if (strchr(names.files[i].name, '/'))
            status = published_files_add(&p->before, &names.files[i], error);
    if (status == POMONA_OK) status = published_files_walk(&p->before, p->path, error);
    if (status == POMONA_OK) status = published_files_write(&p->before, p->note_before, error);
    published_files_free(&names);
    return status;
}

static pomona_status look_at_object(struct pomona_publication *p, struct pomona_error *error) {
    struct place_item item;
    TRY(scratch_make_parents(p->path, error));
    pomona_status status = place_stat(p->place, "", &item, error);
    if (status == POMONA_E_INPUT) return published_files_write(&p->before, p->note_before, error);
    TRY(status);
    TRY(file_write(p->path, "", 0, error)); /* there is one: a command refuses to overwrite it */
    TRY(published_files_add(&p->before, &(struct published_file){.name = "", .text = ""}, error));
    TRY(published_file_stat(p->path, &p->before.files[0], error));
    return published_files_write(&p->before, p->note_before, error);
}

static pomona_status prepare(struct pomona_publication *p, const struct pomona_publication_options *options,
                             struct pomona_error *error) {
    TRY(name_paths(p, options->uri, error));
    TRY(folder_make(p->folder, error));
    char *lock_file = path_join(p->folder, "lock");
    pomona_status status =
        lock_file ? folder_lock(lock_file, &p->scratch_lock, error) : fail_memory(error, "path");
    memory_free(lock_file);
    TRY(status);
    TRY(read_token(p, error));
    TRY(place_open(p->places, p->uri, &p->place, error));
    if (!p->single && !options->look_only) TRY(publication_lock_take(p->place, &p->lock, error));
    TRY(published_files_read(&p->staged, p->note_staged, error));
    bool go_on = options->resumable && !options->overwrite && path_exists(p->note_before);
    if (go_on) return published_files_read(&p->before, p->note_before, error);
    drop_staged(p);
    TRY(path_remove(p->note_staged, error));
    TRY(path_remove(p->note_before, error));
    char *dst = path_join(p->folder, "dst");
    status = dst ? path_remove(dst, error) : fail_memory(error, "path");
    memory_free(dst);
    TRY(status);
    return p->single ? look_at_object(p, error) : look_at_destination(p, options->fetch, error);
}

pomona_status pomona_publication_open(struct pomona_places *places,
                                      const struct pomona_publication_options *options,
                                      struct pomona_publication **publication, struct pomona_error *error) {
    struct pomona_publication *p = *publication = memory_new(1, sizeof *p);
    if (!p) return fail_memory(error, "publication");
    p->places = places;
    p->single = options->kind == POMONA_PUBLISH_FILE;
    p->look_only = options->look_only;
    p->scratch_lock = -1;
    p->before = p->staged = PUBLISHED_FILES_INIT;
    p->last = &p->first;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->change, NULL);
    pomona_status status = POMONA_OK;
    if (strncmp(options->uri, "s3://", 5) != 0)
        status = fail(error, POMONA_E_UNSUPPORTED, options->uri, "a web server can't be written to");
    if (status == POMONA_OK) status = prepare(p, options, error);
    if (status == POMONA_OK && pthread_create(&p->thread, NULL, work, p) != 0)
        status = fail(error, POMONA_E_INTERNAL, NULL, "cannot start a thread");
    if (status == POMONA_OK)
        p->started = true;
    else
        pomona_publication_close(publication, true);
    return status;
}

const char *pomona_publication_path(const struct pomona_publication *publication) {
    return publication->path;
}

bool pomona_publication_has_work(const struct pomona_publication *publication) {
    char *path = path_join(publication->path, "_temporary");
    bool has = path && !publication->look_only && path_exists(path);
    memory_free(path);
    return has;
}

/* ---- committing */

static bool is_success(const char *name) {
    size_t length = strlen(name);
    return length >= 8 && strcmp(name + length - 8, "_SUCCESS") == 0 &&
           (length == 8 || name[length - 9] == '/');
}

/* What is new in the stand-in, with receipts for what is large. */
static pomona_status gather(struct pomona_publication *p, struct published_files *fresh,
                            struct pomona_error *error) {
    struct published_files now = PUBLISHED_FILES_INIT;
    pomona_status status = POMONA_OK;
    if (p->single) {
        struct published_file file = {.name = "", .text = ""};
        status = path_exists(p->path) ? published_file_stat(p->path, &file, error) : POMONA_OK;
        if (status == POMONA_OK && path_exists(p->path)) status = published_files_add(&now, &file, error);
    } else {
        status = published_files_walk(&now, p->path, error);
    }
    for (size_t i = 0; i < now.count && status == POMONA_OK; i++) {
        const struct published_file *file = &now.files[i],
                                    *old = published_files_find(&p->before, file->name);
        if (!old || !published_file_same(old, file)) status = published_files_add(fresh, file, error);
    }
    published_files_free(&now);
    return status;
}

static pomona_status stage_rest(struct pomona_publication *p, const struct publication_put *put,
                                const struct published_files *fresh, struct pomona_error *error) {
    for (size_t i = 0; i < fresh->count; i++) {
        const struct published_file *file = &fresh->files[i],
                                    *staged = published_files_find(&p->staged, file->name);
        if (file->size <= PUBLICATION_SMALL_BYTES || (staged && published_file_same(staged, file))) continue;
        char *path = publication_local_path(put, file->name);
        pomona_status status =
            path ? stage_file(p, p->place, path, file->name, error) : fail_memory(error, "path");
        memory_free(path);
        TRY(status);
    }
    return POMONA_OK;
}

/* The first level of a name: "Results/" of "Results/part-0", the name itself of a file. */
static void top_level(const char *name, char out[2048]) {
    const char *slash = strchr(name, '/');
    snprintf(out, 2048, "%.*s", slash ? (int)(slash - name) + 1 : (int)strlen(name), name);
}

static bool has_new(const struct published_files *fresh, const char *top) {
    char other[2048];
    for (size_t i = 0; i < fresh->count; i++) {
        top_level(fresh->files[i].name, other);
        if (strcmp(other, top) == 0) return true;
    }
    return false;
}

struct superfluous {
    struct pomona_publication *p;
    const struct published_files *fresh;
    struct published_files names;
};

/* Something in DST that the command's result does not have any more: of a folder that it wrote anew, or of one that it removed. */
static pomona_status find_superfluous(void *user, const struct place_item *item, struct pomona_error *error) {
    struct superfluous *s = user;
    char top[2048];
    top_level(item->name, top);
    if (strcmp(top, "_temporary/") == 0 || is_success(item->name)) return POMONA_OK;
    char *path = path_join(s->p->path, item->name), *top_path = path_join(s->p->path, top);
    bool memory = path && top_path, here = memory && path_exists(path);
    bool was_seen =
        published_files_find(&s->p->before, top) || published_files_find(&s->p->before, item->name);
    bool removed = memory && !path_exists(top_path) && was_seen;
    memory_free(path);
    memory_free(top_path);
    if (!memory) return fail_memory(error, "path");
    if (here || !(removed || (strchr(item->name, '/') && has_new(s->fresh, top)))) return POMONA_OK;
    return published_files_add(&s->names, &(struct published_file){.name = item->name, .text = ""}, error);
}

static pomona_status delete_superfluous(struct pomona_publication *p, const struct published_files *fresh,
                                        int64_t *deleted, struct pomona_error *error) {
    struct superfluous s = {p, fresh, PUBLISHED_FILES_INIT};
    pomona_status status = place_list(p->place, "", false, find_superfluous, &s, error);
    const char **names = memory_new(s.names.count, sizeof *names);
    if (status == POMONA_OK && !names) status = fail_memory(error, "publication");
    for (size_t i = 0; names && i < s.names.count; i++) names[i] = s.names.files[i].name;
    if (status == POMONA_OK) status = place_delete(p->place, names, s.names.count, error);
    memory_free((void *)names);
    *deleted += (int64_t)s.names.count;
    published_files_free(&s.names);
    return status;
}

/* An upload that nobody will complete: begun by a job that died elsewhere, or by a request whose answer was lost. */
static pomona_status find_orphan(void *user, const struct place_item *item, struct pomona_error *error) {
    struct superfluous *s = user;
    char top[2048];
    top_level(item->name, top);
    if (!published_files_find(s->fresh, item->name) && !(strchr(item->name, '/') && has_new(s->fresh, top)))
        return POMONA_OK; /* of somebody else */
    return published_files_add(&s->names, &(struct published_file){.name = item->name, .text = item->staged},
                               error);
}

/* When all is published. It takes room and can't be seen, so failing here fails nothing; who may not list uploads has a rule of the bucket
 * for them. */
static void drop_orphans(struct pomona_publication *p, const struct published_files *fresh) {
    struct superfluous s = {p, fresh, PUBLISHED_FILES_INIT};
    place_list_staged(p->place, "", find_orphan, &s, NULL);
    for (size_t i = 0; i < s.names.count; i++)
        place_unstage(p->place, s.names.files[i].name, s.names.files[i].text, NULL);
    published_files_free(&s.names);
}

/* A `_SUCCESS` goes before its folder changes, or with it. */
static pomona_status hide_old(struct pomona_publication *p, const struct published_files *fresh,
                              struct pomona_error *error) {
    char top[2048];
    for (size_t i = 0; i < p->before.count; i++) {
        const char *name = p->before.files[i].name;
        if (!is_success(name)) continue;
        top_level(name, top);
        char *path = path_join(p->path, name);
        bool gone = path && !path_exists(path);
        memory_free(path);
        if (gone || has_new(fresh, top)) TRY(place_delete(p->place, &name, 1, error));
    }
    return POMONA_OK;
}

/* Everything but `_SUCCESS`, side by side. */
static pomona_status put_parts(const struct publication_put *put, const struct published_files *fresh,
                               struct pomona_error *error) {
    size_t count = 0;
    const struct published_file **files = memory_new(fresh->count, sizeof *files);
    if (!files) return fail_memory(error, "publication");
    for (size_t i = 0; i < fresh->count; i++)
        if (!is_success(fresh->files[i].name)) files[count++] = &fresh->files[i];
    pomona_status status = publication_put(put, files, count, error);
    memory_free((void *)files);
    return status;
}

static pomona_status put_success(const struct publication_put *put, const struct published_files *fresh,
                                 struct pomona_error *error) {
    for (size_t i = 0; i < fresh->count; i++) {
        const struct published_file *file = &fresh->files[i];
        if (is_success(file->name)) TRY(publication_put(put, &file, 1, error));
    }
    return POMONA_OK;
}

static pomona_status publish_all(struct pomona_publication *p, const struct published_files *fresh,
                                 struct pomona_publication_result *result, struct pomona_error *error) {
    const struct publication_put put = {.places = p->places,
                                        .place = p->place,
                                        .uri = p->uri,
                                        .path = p->path,
                                        .single = p->single,
                                        .staged = &p->staged};
    TRY(stage_rest(p, &put, fresh, error));
    if (!p->single) {
        TRY(publication_lock_renew(p->place, &p->lock, error)); /* still ours? */
        TRY(hide_old(p, fresh, error));
    }
    TRY(put_parts(&put, fresh, error));
    if (!p->single) TRY(delete_superfluous(p, fresh, &result->deleted, error));
    TRY(put_success(&put, fresh, error));
    result->files = (int64_t)fresh->count;
    for (size_t i = 0; i < fresh->count; i++) result->bytes += (int64_t)fresh->files[i].size;
    if (!p->single && result->files > 0) drop_orphans(p, fresh);
    return POMONA_OK;
}

/* What was committed is no upload any more; what was staged in vain still is, and the close drops it. */
static void forget_committed(struct pomona_publication *p, const struct published_files *fresh) {
    size_t kept = 0;
    for (size_t i = 0; i < p->staged.count; i++) {
        const struct published_file *staged = &p->staged.files[i],
                                    *file = published_files_find(fresh, staged->name);
        if (!file || !published_file_same(file, staged)) p->staged.files[kept++] = *staged;
    }
    p->staged.count = kept;
}

pomona_status pomona_publication_commit(struct pomona_publication *p,
                                        struct pomona_publication_result *result,
                                        struct pomona_error *error) {
    struct pomona_publication_result own;
    struct published_files fresh = PUBLISHED_FILES_INIT;
    if (!result) result = &own;
    *result = (struct pomona_publication_result){0};
    double start = clock_seconds();
    pomona_status status = finish_background(p, error);
    if (p->look_only) return status;
    if (status == POMONA_OK) status = gather(p, &fresh, error);
    if (status == POMONA_OK) status = publish_all(p, &fresh, result, error);
    if (status == POMONA_OK) forget_committed(p, &fresh);
    result->seconds = clock_seconds() - start;
    published_files_free(&fresh);
    return status;
}

void pomona_publication_close(struct pomona_publication **publication, bool keep) {
    struct pomona_publication *p = *publication;
    if (!p) return;
    finish_background(p, NULL);
    for (struct waiting *waiting; (waiting = p->first) != NULL;) {
        p->first = waiting->next;
        waiting_free(waiting);
    }
    if (!keep && p->place) drop_staged(p);
    if (p->place && !p->single) publication_lock_drop(p->place, &p->lock);
    /* The note goes first: a folder that is half gone is nothing to go on from. */
    if (!keep && p->note_before) path_remove(p->note_before, NULL);
    if (!keep && p->folder) path_remove(p->folder, NULL);
    place_free(&p->place);
    folder_unlock(&p->scratch_lock);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->change);
    published_files_free(&p->before);
    published_files_free(&p->staged);
    memory_free(p->uri);
    memory_free(p->folder);
    memory_free(p->path);
    memory_free(p->note_before);
    memory_free(p->note_staged);
    memory_free(p);
    *publication = NULL;
}
