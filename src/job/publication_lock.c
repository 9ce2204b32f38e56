#include "job/publication_lock.h"

#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/folder.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char lock_name[] = "_temporary/lock";

enum { LOCK_MAX = 4096 };

char *publication_lock_token_path(const char *scratch) { return path_join(scratch, "token"); }

pomona_status publication_lock_read_token(const char *scratch, char token[LOCK_TOKEN_SIZE],
                                          struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LOCK_TOKEN_SIZE);
    char *path = publication_lock_token_path(scratch);
    memset(token, 0, LOCK_TOKEN_SIZE);
    if (!path) return fail_memory(error, "path");
    bool known =
        path_exists(path) && file_read(path, &text, NULL) == POMONA_OK && text.size == LOCK_TOKEN_SIZE - 1;
    if (known) memcpy(token, text.data, text.size);
    buffer_free(&text);
    memory_free(path);
    return POMONA_OK;
}

pomona_status publication_lock_make_token(char token[LOCK_TOKEN_SIZE], struct pomona_error *error) {
    uint8_t random[(LOCK_TOKEN_SIZE - 1) / 2];
    if (getentropy(random, sizeof random) != 0) return fail_errno(error, errno, 0, NULL, "no random numbers");
    text_hex(random, sizeof random, token);
    return POMONA_OK;
}

/* By hand: jansson and base/json.h give the same names to different things. */
static pomona_status write_text(const struct publication_lock *lock, struct buffer *out,
                                struct pomona_error *error) {
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c < '-' || *c == '\\' || *c > 'z') *c = '-';
    return buffer_printf(out, error,
                         "{\"token\": \"%s\", \"host\": \"%s\", \"process\": %ld, \"renewed\": %lld}\n",
                         lock->token, host, (long)getpid(), (long long)time(NULL));
}

static void copy(char *out, size_t size, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text ? text : "");
}

static pomona_status put(struct place *place, struct publication_lock *lock, enum place_condition condition,
                         const char *etag, struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LOCK_MAX);
    pomona_status status = write_text(lock, &text, error);
    char before[LOCK_ETAG_SIZE];
    snprintf(before, sizeof before, "%s", etag);
    if (status == POMONA_OK)
        status = place_write(place, lock_name, text.data, text.size, condition, before, lock->etag, error);
    buffer_free(&text);
    return status;
}

static void parse(const struct buffer *text, struct publication_lock_holder *holder) {
    json_t *root = json_loadb((const char *)text->data, text->size, 0, NULL);
    copy(holder->token, sizeof holder->token, root, "token");
    copy(holder->host, sizeof holder->host, root, "host");
    holder->process = json_integer_value(json_object_get(root, "process"));
    json_decref(root);
}

pomona_status publication_lock_look(struct place *place, struct publication_lock_holder *holder,
                                    struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(LOCK_MAX);
    struct place_item item;
    memset(holder, 0, sizeof *holder);
    pomona_status status = place_read(place, lock_name, &text, holder->etag, error);
    if (status == POMONA_OK) status = place_stat(place, lock_name, &item, error);
    if (status == POMONA_OK) {
        parse(&text, holder);
        /* Both times by the server's clock, as ours may be wrong. */
        holder->age = (item.now ? item.now : (int64_t)time(NULL)) - item.modified;
    }
    buffer_free(&text);
    return status;
}

bool publication_lock_is_dead(const struct publication_lock_holder *holder, const char *token) {
    return strcmp(holder->token, token) == 0 || holder->age > LOCK_STALE_SECONDS;
}

pomona_status publication_lock_refuse(const struct publication_lock_holder *holder,
                                      struct pomona_error *error) {
    return fail(
        error, POMONA_E_EXISTS, NULL,
        "another job is writing there (process %lld on %s, last sign %lld s ago; a dead one's lock can "
        "be taken over after %d s)",
        holder->process, holder->host, (long long)holder->age, LOCK_STALE_SECONDS);
}

/* The lock is there: its ETag, if it may be taken over. */
static pomona_status look(struct place *place, const struct publication_lock *lock, char etag[LOCK_ETAG_SIZE],
                          struct pomona_error *error) {
    struct publication_lock_holder holder;
    TRY(publication_lock_look(place, &holder, error));
    memcpy(etag, holder.etag, LOCK_ETAG_SIZE);
    return publication_lock_is_dead(&holder, lock->token) ? POMONA_OK
                                                          : publication_lock_refuse(&holder, error);
}

pomona_status publication_lock_take(struct place *place, struct publication_lock *lock,
                                    struct pomona_error *error) {
    enum { TRIES = 4 };
    char etag[LOCK_ETAG_SIZE];
    lock->etag[0] = '\0';
    for (int i = 0; i < TRIES; i++) {
        struct pomona_error refused = {0};
        pomona_status status = put(place, lock, PLACE_IF_NEW, "", &refused);
        if (status == POMONA_OK) return POMONA_OK;
        if (status != POMONA_E_EXISTS) {
            if (error) *error = refused;
            return status;
        }
        status = look(place, lock, etag, error);
        if (status == POMONA_E_INPUT) continue; /* gone meanwhile */
        TRY(status);
        status = put(place, lock, PLACE_IF_SAME, etag, error);
        if (status == POMONA_OK) return POMONA_OK;
        if (status != POMONA_E_EXISTS && status != POMONA_E_INPUT) return status;
    }
    return fail(error, POMONA_E_EXISTS, NULL, "several jobs want to write there at once");
}

pomona_status publication_lock_renew(struct place *place, struct publication_lock *lock,
                                     struct pomona_error *error) {
    char etag[LOCK_ETAG_SIZE];
    struct pomona_error refused = {0};
    pomona_status status = put(place, lock, PLACE_IF_SAME, lock->etag, &refused);
    if (status == POMONA_E_EXISTS || status == POMONA_E_INPUT) {
        /* Our own write whose answer was lost has changed it as well. */
        status = look(place, lock, etag, error);
        if (status == POMONA_OK) status = put(place, lock, PLACE_IF_SAME, etag, error);
        if (status == POMONA_E_EXISTS) lock->etag[0] = '\0'; /* another's now: not ours to drop */
    } else if (status != POMONA_OK && error) {
        *error = refused;
    }
    return status;
}

void publication_lock_drop(struct place *place, struct publication_lock *lock) {
    const char *const names[] = {lock_name};
    if (lock->etag[0]) place_delete(place, names, 1, NULL);
    lock->etag[0] = '\0';
}
