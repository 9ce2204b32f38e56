#include "store/photo_reader.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/http.h"
#include "store/photo_file.h"
#include "store/place.h"
#include "store/s3.h"
#include "store/sigv4.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A remote read under way. */
struct remote_read {
    struct s3_call call; /* of S3; only its transfer on the web */
    const struct listed_photo *photo;
    struct pomona_error *cause;
    size_t ticket;
    char bucket[PLACES_BUCKET_SIZE];
    struct remote_read *next;
};

/* A local read that is finished, waiting to be given back. At most one: the width on disk is 1. */
struct photo_reader {
    struct pomona_places *places;
    struct http *http;
    struct remote_read *idle, *active; /* linked by next */
    size_t remote_count;
    bool local_done;
    struct photo_read local;
    pthread_mutex_t lock; /* the wake of a reader without an engine */
    pthread_cond_t woken_or_new;
    bool woken;
};

pomona_status photo_reader_new(struct pomona_places *places, struct photo_reader **reader,
                               struct pomona_error *error) {
    struct photo_reader *r = *reader = memory_new(1, sizeof *r);
    if (!r) return fail_memory(error, "reader");
    r->places = places;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->woken_or_new, NULL);
    if (!places) return POMONA_OK;
    pomona_status status = places_http(places, &r->http, error);
    if (status != POMONA_OK) photo_reader_free(reader);
    return status;
}

static void free_reads(struct photo_reader *reader, struct remote_read *reads) {
    for (struct remote_read *read; (read = reads) != NULL;) {
        reads = read->next;
        if (reader->http) http_cancel(reader->http, &read->call.transfer);
        s3_call_free(&read->call);
        memory_free(read);
    }
}

void photo_reader_free(struct photo_reader **reader) {
    struct photo_reader *r = *reader;
    if (!r) return;
    free_reads(r, r->active);
    free_reads(r, r->idle);
    http_free(&r->http);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->woken_or_new);
    memory_free(r);
    *reader = NULL;
}

int photo_reader_width(const struct photo_reader *reader, const struct listed_photo *photo) {
    return reader->places && place_is_remote(photo->path) ? reader->places->options.requests : 1;
}

size_t photo_reader_pending(const struct photo_reader *reader) {
    return reader->remote_count + reader->local_done;
}

static pomona_status add_range(const struct listed_photo *photo, struct s3_call *call, struct buffer *lines,
                               struct pomona_error *error) {
    (void)call;
    if (!photo->packed) return POMONA_OK;
    return buffer_printf(lines, error, "Range: bytes=%" PRIu64 "-%" PRIu64 "\n", photo->offset,
                         photo->offset + photo->size - 1);
}

static pomona_status prepare_web(struct http_transfer *transfer, struct pomona_error *error) {
    const struct remote_read *read = transfer->user;
    const char *path = read->photo->path, *host = strstr(path, "://") + 3, *name = strchr(host, '/');
    size_t site = name ? (size_t)(name - path) : strlen(path);
    TRY(buffer_append(&transfer->url, path, site, error));
    /* What is a URL already stays as it is. */
    TRY(buffer_append_text(&transfer->url, name ? name : "/", error));
    return add_range(read->photo, NULL, &transfer->headers, error);
}

/* Aims a read at its photo. */
static pomona_status aim(struct photo_reader *reader, struct remote_read *read, struct buffer *out,
                         struct pomona_error *error) {
    const char *path = read->photo->path;
    if (strncmp(path, "s3://", 5) != 0) {
        read->call.transfer.prepare = prepare_web;
        read->call.transfer.judge = NULL;
        read->call.transfer.user = read;
        read->call.transfer.name = read->photo->uri;
        read->call.transfer.method = "GET";
        read->call.transfer.response = out;
        return POMONA_OK;
    }
    const char *slash = strchr(path + 5, '/');
    size_t size = slash ? (size_t)(slash - path) - 5 : 0;
    if (size == 0 || size >= sizeof read->bucket || !slash[1])
        return fail(error, POMONA_E_INPUT, read->photo->uri, "names no object");
    memcpy(read->bucket, path + 5, size);
    read->bucket[size] = '\0';
    s3_call_aim(&read->call, reader->places, "GET", read->bucket, slash + 1);
    read->call.transfer.response = out;
    if (read->photo->packed) return add_range(read->photo, &read->call, &read->call.lines, error);
    read->call.whole = true;
    return s3_call_header(&read->call, "x-amz-checksum-mode", "ENABLED", error);
}

static pomona_status start_remote(struct photo_reader *reader, const struct listed_photo *photo,
                                  struct buffer *out, struct pomona_error *cause, size_t ticket) {
    if (!reader->places) return fail(cause, POMONA_E_INPUT, photo->uri, "is not on this machine");
    struct remote_read *read = reader->idle;
    if (read)
        reader->idle = read->next;
    else if (!(read = memory_new(1, sizeof *read)))
        return fail_memory(cause, "reader");
    else
        read->call = S3_CALL_INIT;
    read->photo = photo;
    read->cause = cause;
    read->ticket = ticket;
    pomona_status status = aim(reader, read, out, cause);
    read->next = status == POMONA_OK ? reader->active : reader->idle;
    *(status == POMONA_OK ? &reader->active : &reader->idle) = read;
    if (status != POMONA_OK) return status;
    reader->remote_count++;
    http_start(reader->http, &read->call.transfer);
    return POMONA_OK;
}

void photo_reader_start(struct photo_reader *reader, const struct listed_photo *photo, struct buffer *out,
                        struct pomona_error *cause, size_t ticket) {
    double start = clock_seconds();
    buffer_clear(out);
    pomona_status status = POMONA_OK;
    if (place_is_remote(photo->path)) {
        status = start_remote(reader, photo, out, cause, ticket);
        if (status == POMONA_OK) return;
    } else {
        status = photo_file_read(photo, out, cause);
    }
    reader->local =
        (struct photo_read){.ticket = ticket, .status = status, .seconds = clock_seconds() - start};
    reader->local_done = true;
}

/* What a remote read came to. Failures of the network and the server are the place's; an object that is missing, forbidden or larger
 * than allowed is the photo's own fault. */
static struct photo_read settle(struct photo_reader *reader, struct http_transfer *transfer) {
    struct remote_read **at = &reader->active;
    while (&(*at)->call.transfer != transfer) at = &(*at)->next;
    struct remote_read *read = *at;
    *at = read->next;
    read->next = reader->idle;
    reader->idle = read;
    reader->remote_count--;
    struct photo_read result = {.ticket = read->ticket, .status = transfer->status};
    const struct buffer *out = transfer->response;
    if (result.status != POMONA_OK)
        *read->cause = transfer->cause;
    else if (read->photo->packed && (transfer->code != 206 || out->size != read->photo->size))
        result.status = fail(read->cause, POMONA_E_CORRUPT, read->photo->uri, "the shard ends early");
    bool other_place = strcmp(read->call.code, "NoSuchBucket") == 0 ||
                       strcmp(read->call.code, "SignatureDoesNotMatch") == 0 ||
                       strcmp(read->call.code, "InvalidAccessKeyId") == 0;
    result.is_place_fault = result.status == POMONA_E_IO || result.status == POMONA_E_INTERNAL ||
                            other_place ||
                            (result.status == POMONA_E_INPUT && transfer->code == 0); /* no credentials */
    return result;
}

bool photo_reader_next(struct photo_reader *reader, int milliseconds, struct photo_read *read) {
    if (reader->local_done) {
        reader->local_done = false;
        *read = reader->local;
        return true;
    }
    if (reader->http) {
        struct http_transfer *transfer = http_next(reader->http, milliseconds);
        if (transfer) *read = settle(reader, transfer);
        return transfer != NULL;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
    pthread_mutex_lock(&reader->lock);
    while (!reader->woken && pthread_cond_timedwait(&reader->woken_or_new, &reader->lock, &until) == 0) {}
    reader->woken = false;
    pthread_mutex_unlock(&reader->lock);
    return false;
}

void photo_reader_wake(struct photo_reader *reader) {
    if (reader->http) {
        http_wake(reader->http);
        return;
    }
    pthread_mutex_lock(&reader->lock);
    reader->woken = true;
    pthread_cond_signal(&reader->woken_or_new);
    pthread_mutex_unlock(&reader->lock);
}

pomona_status photo_read(struct pomona_places *places, const struct listed_photo *photo, struct buffer *out,
                         struct pomona_error *error) {
    enum { LOOK_MILLISECONDS = 100 };
    if (!place_is_remote(photo->path)) return photo_file_read(photo, out, error);
    struct photo_reader *reader = NULL;
    struct photo_read read = {.status = POMONA_E_INTERNAL};
    struct pomona_error cause = {0};
    TRY(photo_reader_new(places, &reader, error));
    photo_reader_start(reader, photo, out, &cause, 0);
    while (!photo_reader_next(reader, LOOK_MILLISECONDS, &read)) {}
    photo_reader_free(&reader);
    if (read.status != POMONA_OK && error) *error = cause;
    return read.status;
}
