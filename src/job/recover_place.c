/* Recovering a DST in S3: what can be left there is a lock, uploads that can't be seen, and parts of a commit that did not reach its
 * `_SUCCESS`; and on this machine the scratch folder in which the result was being made. */
#include "base/memory.h"
#include "job/json_value.h"
#include "job/leftovers.h"
#include "job/publication_files.h"
#include "job/publication_lock.h"
#include "job/scratch.h"
#include "pomona/maintenance.h"
#include "pomona/publication.h"
#include "store/folder.h"
#include "table/parquet_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUCCESS_MAX = 512 << 20 };

struct recovering {
    struct pomona_places *places;
    const struct pomona_recover_options *options;
    struct pomona_recover_result *result;
    struct place *place;
    char *scratch; /* the folder of this DST, there or not */
    int scratch_lock;
    struct publication_lock lock;
    time_t renewed;
    struct published_files found; /* names, with receipts for uploads */
    struct pomona_error *error;
};

/* Of something in DST by its name. */
static void tell(struct recovering *r, const char *action, const char *name, const char *reason) {
    char *uri = place_uri(r->place, name);
    if (r->options->item) r->options->item(r->options->user, action, uri ? uri : name, reason);
    memory_free(uri);
}

static void tell_path(struct recovering *r, const char *action, const char *path, const char *reason) {
    if (r->options->item) r->options->item(r->options->user, action, path, reason);
}

static void keep(struct recovering *r, const char *name, const char *reason) {
    r->result->kept++;
    tell(r, "keep", name, reason);
}

/* ---- locks */

/* A job of this machine holds the scratch folder while it lives. */
static pomona_status lock_scratch(struct recovering *r) {
    if (!path_exists(r->scratch)) return POMONA_OK;
    char *path = path_join(r->scratch, "lock");
    pomona_status status =
        path ? folder_lock(path, &r->scratch_lock, r->error) : fail_memory(r->error, "path");
    memory_free(path);
    return status == POMONA_OK ? publication_lock_read_token(r->scratch, r->lock.token, r->error) : status;
}

/* Nothing at all is touched while a job is at work; after this, none can begin. */
static pomona_status take_lock(struct recovering *r) {
    struct publication_lock_holder holder;
    struct pomona_error cause = {0};
    TRY(lock_scratch(r));
    pomona_status status = publication_lock_look(r->place, &holder, &cause);
    if (status == POMONA_OK) {
        if (!publication_lock_is_dead(&holder, r->lock.token))
            return publication_lock_refuse(&holder, r->error);
        tell(r, "remove", "_temporary/lock", "the lock of a job that died");
        r->result->removed++;
    } else if (status != POMONA_E_INPUT) {
        *r->error = cause;
        return status;
    }
    if (r->options->dry_run) return POMONA_OK;
    /* A token of no scratch folder, for a machine that has none of this DST. */
    if (!r->lock.token[0]) TRY(publication_lock_make_token(r->lock.token, r->error));
    r->renewed = time(NULL);
    return publication_lock_take(r->place, &r->lock, r->error);
}

static pomona_status renew_lock(struct recovering *r) {
    if (r->options->dry_run || time(NULL) - r->renewed < LOCK_RENEW_SECONDS) return POMONA_OK;
    r->renewed = time(NULL);
    return publication_lock_renew(r->place, &r->lock, r->error);
}

/* ---- scratch */

/* Whether the stand-in holds a `_SUCCESS` that DST does not have. */
static bool has_unpublished(struct recovering *r, const char *dst, const char *name) {
    struct published_files before = PUBLISHED_FILES_INIT;
    struct published_file now = {.name = name, .text = ""};
    char *note = path_join(r->scratch, "before"), *path = path_join(dst, name);
    bool fresh = false;
    if (note && path && path_exists(path) && published_file_stat(path, &now, NULL) == POMONA_OK &&
        published_files_read(&before, note, NULL) == POMONA_OK) {
        const struct published_file *old = published_files_find(&before, name);
        fresh = !old || !published_file_same(old, &now);
    }
    published_files_free(&before);
    memory_free(note);
    memory_free(path);
    return fresh;
}

static pomona_status count_scratch(struct recovering *r) {
    struct published_files files = PUBLISHED_FILES_INIT;
    pomona_status status = published_files_walk(&files, r->scratch, r->error);
    for (size_t i = 0; i < files.count; i++) r->result->bytes += files.files[i].size;
    r->result->removed += (int64_t)files.count;
    published_files_free(&files);
    return status;
}

/* *ends: the scratch folder holds what --resume would publish in a moment; then everything stays as it is. */
static pomona_status settle_scratch(struct recovering *r, bool *ends) {
    struct pomona_recover_result *result = r->result, local;
    *ends = false;
    if (!path_exists(r->scratch)) return POMONA_OK;
    char *dst = path_join(r->scratch, "dst");
    if (!dst) return fail_memory(r->error, "path");
    /* What is in there is a folder like any other: its state is told by the recover of folders. */
    struct pomona_recover_options look = {.dry_run = true};
    if (path_exists(dst) && pomona_recover(dst, &look, &local, NULL) == POMONA_OK) {
        result->interrupted |= local.interrupted;
        result->complete = local.complete;
        memcpy(result->job, local.job, sizeof result->job);
        result->parts = local.parts, result->parts_done = local.parts_done;
        result->photos = local.photos, result->photos_done = local.photos_done;
        *ends = local.complete || local.committing;
    }
    if (has_unpublished(r, dst, "Results/_SUCCESS") || has_unpublished(r, dst, "PCA_Results/_SUCCESS"))
        *ends = result->complete = true;
    memory_free(dst);
    if (*ends && !r->options->drop) {
        result->kept++;
        tell_path(r, "keep", r->scratch,
                  "a result that only has to be published, so nothing else is touched: the same command with "
                  "--resume ends it, --drop removes it");
        return POMONA_OK;
    }
    *ends = false;
    tell_path(r, "remove", r->scratch, "what a job was making for this DST on this machine");
    return count_scratch(r);
}

/* ---- uploads */

static bool is_below(const char *name, const char *folder) {
    size_t length = strlen(folder);
    return strncmp(name, folder, length) == 0 && name[length] == '/';
}

/* Whether pomona writes files of this name. */
static bool is_ours(const char *name) {
    static const char *const folders[] = {"Results", "Errors", "PCA_Results"};
    for (int i = 0; i < 3; i++)
        if (is_below(name, folders[i])) return leftover_is_staged_file(name + strlen(folders[i]) + 1);
    return leftover_is_staged(name) && !leftover_is_staged_folder(name);
}

static pomona_status note_upload(void *user, const struct place_item *item, struct pomona_error *error) {
    struct recovering *r = user;
    return published_files_add(&r->found, &(struct published_file){.name = item->name, .text = item->staged},
                               error);
}

static pomona_status remove_uploads(struct recovering *r) {
    TRY(place_list_staged(r->place, "", note_upload, r, r->error));
    for (size_t i = 0; i < r->found.count; i++) {
        const struct published_file *upload = &r->found.files[i];
        if (!is_ours(upload->name)) {
            keep(r, upload->name, "an unfinished upload of a name that pomona does not give");
            continue;
        }
        tell(r, "remove", upload->name, "an upload that was never finished");
        r->result->removed++;
        TRY(renew_lock(r));
        if (!r->options->dry_run) TRY(place_unstage(r->place, upload->name, upload->text, r->error));
    }
    published_files_free(&r->found);
    return POMONA_OK;
}

/* ---- parts */

/* The names that a `_SUCCESS` lists, of features or of scores. *there: there is one; *read: it says which parts there are. */
static pomona_status read_success(struct recovering *r, const char *name, struct published_files *names,
                                  bool *there, bool *read) {
    struct buffer text = BUFFER_INIT(SUCCESS_MAX);
    struct json_value *root = NULL;
    struct pomona_error cause = {0};
    pomona_status status = place_read(r->place, name, &text, NULL, &cause);
    *there = status == POMONA_OK;
    *read = false;
    if (status == POMONA_OK && json_value_parse(name, text.data, text.size, &root, NULL) == POMONA_OK) {
        const struct json_value *parts = json_value_member(root, "parts");
        *read = parts != NULL;
        for (size_t i = 0; i < json_value_count(parts) && status == POMONA_OK; i++) {
            const char *part = json_value_text(json_value_member(json_value_item(parts, i), "name"));
            *read = *read && part;
            if (part)
                status =
                    published_files_add(names, &(struct published_file){.name = part, .text = ""}, &cause);
        }
    }
    json_value_free(&root);
    buffer_free(&text);
    if (status == POMONA_E_INPUT) return POMONA_OK;
    if (status != POMONA_OK) *r->error = cause;
    return status;
}

/* An object as a source of bytes. */
struct object {
    struct place *place;
    const struct published_file *file; /* text: its ETag */
};

static pomona_status read_object(void *self, uint64_t offset, void *data, size_t size,
                                 struct pomona_error *error) {
    const struct object *object = self;
    return place_read_range(object->place, object->file->name, offset, size, object->file->text, data, error);
}

/* Whether the footer says that pomona wrote it: Spark gives its parts the same names, and has no `_SUCCESS` while it works. */
static bool is_of_pomona(struct recovering *r, const struct published_file *file) {
    struct object object = {r->place, file};
    struct source source = {.self = &object, .name = file->name, .size = file->size, .read = read_object};
    struct parquet_reader *reader = NULL;
    bool ours = parquet_reader_open(source, &reader, NULL) == POMONA_OK &&
                parquet_reader_property(reader, "pomona.feature_space");
    parquet_reader_free(&reader);
    return ours;
}

static pomona_status note_part(void *user, const struct place_item *item, struct pomona_error *error) {
    struct recovering *r = user;
    const char *name = strchr(item->name, '/');
    if (item->is_folder || !name || !leftover_is_part(name + 1)) return POMONA_OK;
    return published_files_add(
        &r->found, &(struct published_file){.name = item->name, .text = item->etag, .size = item->size},
        error);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct published_file *)a)->name, ((const struct published_file *)b)->name);
}

static pomona_status remove_part(struct recovering *r, const struct published_file *part,
                                 const char *reason) {
    TRY(renew_lock(r));
    if (!is_of_pomona(r, part)) {
        keep(r, part->name, "is named like a part, but its footer does not say that pomona made it");
        return POMONA_OK;
    }
    tell(r, "remove", part->name, reason);
    r->result->removed++;
    r->result->bytes += part->size;
    return r->options->dry_run ? POMONA_OK : place_delete(r->place, &part->name, 1, r->error);
}

/* The parts of a folder that the `_SUCCESS` beside (or for Errors, of Results) does not name. */
static pomona_status clean_folder(struct recovering *r, const char *folder, const char *success) {
    struct published_files names = PUBLISHED_FILES_INIT;
    bool there, read;
    pomona_status status = read_success(r, success, &names, &there, &read);
    if (status == POMONA_OK && there && !is_below(success, folder))
        goto out; /* they belong to something finished */
    if (status == POMONA_OK && there && !read) {
        keep(r, folder, "has a _SUCCESS that does not say which parts there are");
        goto out;
    }
    if (names.count > 1) qsort(names.files, names.count, sizeof *names.files, compare_names);
    if (status == POMONA_OK) status = place_list(r->place, folder, true, note_part, r, r->error);
    for (size_t i = 0; i < r->found.count && status == POMONA_OK; i++) {
        const struct published_file *part = &r->found.files[i];
        const struct published_file wanted = {.name = strchr(part->name, '/') + 1};
        if (names.count > 0 && bsearch(&wanted, names.files, names.count, sizeof wanted, compare_names))
            continue;
        status = remove_part(
            r, part, there ? "a part that _SUCCESS does not name" : "a part of a commit that did not end");
    }
    published_files_free(&r->found);
out:
    published_files_free(&names);
    return status;
}

/* The scratch folder knows uploads that a listing below DST may not show: those of a DST that is one object. */
static pomona_status remove_scratch(struct recovering *r) {
    char *note = path_join(r->scratch, "staged");
    pomona_status status = note ? POMONA_OK : fail_memory(r->error, "path");
    /* A damaged note is no reason to stop: what it named can still be listed. */
    if (status == POMONA_OK) (void)published_files_read(&r->found, note, NULL);
    for (size_t i = 0; i < r->found.count && status == POMONA_OK; i++)
        status = place_unstage(r->place, r->found.files[i].name, r->found.files[i].text, r->error);
    memory_free(note);
    return status == POMONA_OK ? path_remove(r->scratch, r->error) : status;
}

static pomona_status recover(struct recovering *r, const char *uri) {
    bool ends;
    if (strncmp(uri, "s3://", 5) != 0)
        return fail(r->error, POMONA_E_UNSUPPORTED, uri, "a web server can't be written to");
    TRY(place_open(r->places, uri, &r->place, r->error));
    TRY(scratch_folder(r->places, "out", uri, &r->scratch, r->error));
    TRY(take_lock(r));
    TRY(settle_scratch(r, &ends));
    if (ends) return POMONA_OK;
    TRY(remove_uploads(r));
    TRY(clean_folder(r, "Errors", "Results/_SUCCESS")); /* while it can be told whether Results is finished */
    TRY(clean_folder(r, "Results", "Results/_SUCCESS"));
    TRY(clean_folder(r, "PCA_Results", "PCA_Results/_SUCCESS"));
    if (r->options->dry_run) return POMONA_OK;
    return remove_scratch(r); /* last: until here a second recover finds all that is left */
}

pomona_status pomona_recover_place(struct pomona_places *places, const char *uri,
                                   const struct pomona_recover_options *options,
                                   struct pomona_recover_result *result, struct pomona_error *error) {
    static const struct pomona_recover_options none = {.dry_run = false};
    struct pomona_recover_result own;
    struct pomona_error own_error;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    struct recovering r = {.places = places,
                           .options = options ? options : &none,
                           .result = result,
                           .scratch_lock = -1,
                           .found = PUBLISHED_FILES_INIT,
                           .error = error ? error : &own_error};
    pomona_status status = recover(&r, uri);
    if (r.place) publication_lock_drop(r.place, &r.lock);
    folder_unlock(&r.scratch_lock);
    published_files_free(&r.found);
    place_free(&r.place);
    memory_free(r.scratch);
    return status;
}
