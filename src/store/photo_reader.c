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

enum {
    BLOCK_BYTES =
        1 << 20,    /* of a shard that are asked for at once: one request for hundreds of small photos */
    BLOCKS_MAX = 8, /* kept when nobody waits for them any more */
    PACKED_WIDTH = 256
};

/* A request to a remote place. */
struct request {
    struct s3_call call; /* of S3; only its transfer on the web */
    const struct listed_photo *photo;
    char bucket[PLACES_BUCKET_SIZE];
};

/* Bytes of a shard, for the photos in it. Photos come in the order of the shard, so blocks are made one after the other. */
struct block {
    struct request request;
    struct listed_photo range; /* what is asked for; strings are a photo's, which outlives the reader */
    struct buffer bytes;
    struct pomona_error cause;
    struct photo_read outcome;
    bool done;
    int waiting;
    struct block *next; /* older */
};

/* A remote read under way: by a request of its own, or as a part of a block. */
struct remote_read {
    struct request request;
    struct block *block;
    const struct listed_photo *photo;
    struct buffer *out;
    struct pomona_error *cause;
    size_t ticket;
    struct remote_read *next;
};

/* `local` is a read that ended where it began (on disk, or a name that can't be asked for), waiting to be given back. At most one: the
 * width is then 0. */
struct photo_reader {
    struct pomona_places *places;
    struct http *http;
    struct remote_read *idle, *active; /* linked by next */
    struct block *blocks;              /* newest first */
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
        if (reader->http) http_cancel(reader->http, &read->request.call.transfer);
        s3_call_free(&read->request.call);
        memory_free(read);
    }
}

static void free_block(struct photo_reader *reader, struct block *block) {
    if (!block->done && reader->http) http_cancel(reader->http, &block->request.call.transfer);
    s3_call_free(&block->request.call);
    buffer_free(&block->bytes);
    memory_free(block);
}

void photo_reader_free(struct photo_reader **reader) {
    struct photo_reader *r = *reader;
    if (!r) return;
    free_reads(r, r->active);
    free_reads(r, r->idle);
    for (struct block *block; (block = r->blocks) != NULL;) {
        r->blocks = block->next;
        free_block(r, block);
    }
    http_free(&r->http);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->woken_or_new);
    memory_free(r);
    *reader = NULL;
}

int photo_reader_width(const struct photo_reader *reader, const struct listed_photo *photo) {
    if (reader->local_done) return 0; /* there is room for one only */
    if (!reader->places || !place_is_remote(photo->path)) return 1;
    return photo->packed ? PACKED_WIDTH : reader->places->options.requests;
}

size_t photo_reader_pending(const struct photo_reader *reader) {
    return reader->remote_count + reader->local_done;
}

static pomona_status add_range(const struct listed_photo *photo, struct buffer *lines,
                               struct pomona_error *error) {
    if (!photo->packed) return POMONA_OK;
    return buffer_printf(lines, error, "Range: bytes=%" PRIu64 "-%" PRIu64 "\n", photo->offset,
                         photo->offset + photo->size - 1);
}

static pomona_status prepare_web(struct http_transfer *transfer, struct pomona_error *error) {
    const struct request *request = transfer->user;
    const char *path = request->photo->path, *host = strstr(path, "://") + 3, *name = strchr(host, '/');
    size_t site = name ? (size_t)(name - path) : strlen(path);
    TRY(buffer_append(&transfer->url, path, site, error));
    /* What is a URL already stays as it is. */
    TRY(buffer_append_text(&transfer->url, name ? name : "/", error));
    return add_range(request->photo, &transfer->headers, error);
}

/* Aims a request at a photo. */
static pomona_status aim(struct photo_reader *reader, struct request *request,
                         const struct listed_photo *photo, struct buffer *out, struct pomona_error *error) {
    const char *path = photo->path;
    request->photo = photo;
    if (strncmp(path, "s3://", 5) != 0) {
        request->call.transfer.prepare = prepare_web;
        request->call.transfer.judge = NULL;
        request->call.transfer.user = request;
        request->call.transfer.name = photo->uri;
        request->call.transfer.method = "GET";
        request->call.transfer.response = out;
        request->call.code[0] = '\0';
        return POMONA_OK;
    }
    const char *slash = strchr(path + 5, '/');
    size_t size = slash ? (size_t)(slash - path) - 5 : 0;
    if (size == 0 || size >= sizeof request->bucket || !slash[1])
        return fail(error, POMONA_E_INPUT, photo->uri, "names no object");
    memcpy(request->bucket, path + 5, size);
    request->bucket[size] = '\0';
    s3_call_aim(&request->call, reader->places, "GET", request->bucket, slash + 1);
    request->call.transfer.response = out;
    if (photo->packed) return add_range(photo, &request->call.lines, error);
    request->call.whole = true;
    return s3_call_header(&request->call, "x-amz-checksum-mode", "ENABLED", error);
}

static bool holds(const struct block *block, const struct listed_photo *photo) {
    return photo->offset >= block->range.offset && photo->size <= block->range.size &&
           photo->offset - block->range.offset <= block->range.size - photo->size &&
           strcmp(photo->path, block->range.path) == 0;
}

/* Blocks that nobody waits for go, but for the newest ones. */
static void drop_old_blocks(struct photo_reader *reader) {
    int kept = 0;
    for (struct block **at = &reader->blocks; *at;) {
        struct block *block = *at;
        if (kept++ < BLOCKS_MAX || !block->done || block->waiting > 0) {
            at = &block->next;
            continue;
        }
        *at = block->next;
        free_block(reader, block);
    }
}

/* The block of a packed photo, asked for if there is none. */
static pomona_status find_block(struct photo_reader *reader, const struct listed_photo *photo,
                                struct block **found, struct pomona_error *error) {
    for (struct block *block = reader->blocks; block; block = block->next) {
        *found = block;
        if (holds(block, photo) && !(block->done && block->outcome.status != POMONA_OK)) return POMONA_OK;
    }
    struct block *block = memory_new(1, sizeof *block);
    if (!block) return fail_memory(error, "reader");
    block->request.call = S3_CALL_INIT;
    block->range = *photo;
    if (block->range.size < BLOCK_BYTES) block->range.size = BLOCK_BYTES;
    block->bytes = BUFFER_INIT(block->range.size);
    pomona_status status = aim(reader, &block->request, &block->range, &block->bytes, error);
    if (status != POMONA_OK) {
        s3_call_free(&block->request.call);
        memory_free(block);
        return status;
    }
    drop_old_blocks(reader);
    block->next = reader->blocks;
    reader->blocks = *found = block;
    http_start(reader->http, &block->request.call.transfer);
    return POMONA_OK;
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
        read->request.call = S3_CALL_INIT;
    read->photo = photo;
    read->out = out;
    read->cause = cause;
    read->ticket = ticket;
    read->block = NULL;
    pomona_status status = photo->packed ? find_block(reader, photo, &read->block, cause)
                                         : aim(reader, &read->request, photo, out, cause);
    read->next = status == POMONA_OK ? reader->active : reader->idle;
    *(status == POMONA_OK ? &reader->active : &reader->idle) = read;
    if (status != POMONA_OK) return status;
    reader->remote_count++;
    if (read->block)
        read->block->waiting++;
    else
        http_start(reader->http, &read->request.call.transfer);
    return POMONA_OK;
}

void photo_reader_start(struct photo_reader *reader, const struct listed_photo *photo, struct buffer *out,
                        struct pomona_error *cause, size_t ticket) {
    double start = clock_seconds();
    buffer_clear(out);
    pomona_status status = POMONA_OK;
    if (photo->packed && photo->size == 0) {
        /* No range names nothing, and nothing is what there is. */
    } else if (place_is_remote(photo->path)) {
        status = start_remote(reader, photo, out, cause, ticket);
        if (status == POMONA_OK) return;
    } else {
        status = photo_file_read(photo, out, cause);
    }
    reader->local =
        (struct photo_read){.ticket = ticket, .status = status, .seconds = clock_seconds() - start};
    reader->local_done = true;
}

/* What a request came to. Failures of the network and the server are the place's; an object that is missing, forbidden or larger
 * than allowed is the photo's own fault. */
static struct photo_read judge(const struct request *request, struct pomona_error *cause) {
    const struct http_transfer *transfer = &request->call.transfer;
    const char *code = request->call.code;
    struct photo_read result = {.status = transfer->status};
    if (result.status != POMONA_OK)
        *cause = transfer->cause;
    else if (request->photo->packed && transfer->code != 206)
        result.status =
            fail(cause, POMONA_E_UNSUPPORTED, request->photo->path, "the server does not give parts of it");
    bool other_place = strcmp(code, "NoSuchBucket") == 0 || strcmp(code, "SignatureDoesNotMatch") == 0 ||
                       strcmp(code, "InvalidAccessKeyId") == 0;
    result.is_place_fault = result.status == POMONA_E_IO || result.status == POMONA_E_INTERNAL ||
                            other_place ||
                            (result.status == POMONA_E_INPUT && transfer->code == 0); /* no credentials */
    return result;
}

/* Takes a read out of the active ones; it is over. */
static struct photo_read give_back(struct photo_reader *reader, struct remote_read **at,
                                   struct photo_read result) {
    struct remote_read *read = *at;
    *at = read->next;
    read->next = reader->idle;
    reader->idle = read;
    reader->remote_count--;
    result.ticket = read->ticket;
    return result;
}

/* A read whose block has come. False: there is none. */
static bool take_from_block(struct photo_reader *reader, struct photo_read *result) {
    struct remote_read **at = &reader->active;
    while (*at && !((*at)->block && (*at)->block->done)) at = &(*at)->next;
    if (!*at) return false;
    struct remote_read *read = *at;
    struct block *block = read->block;
    struct photo_read outcome = block->outcome;
    block->waiting--;
    size_t from = (size_t)(read->photo->offset - block->range.offset), size = (size_t)read->photo->size;
    if (outcome.status != POMONA_OK)
        *read->cause = block->cause;
    else if (from > block->bytes.size || size > block->bytes.size - from)
        outcome.status = fail(read->cause, POMONA_E_CORRUPT, read->photo->uri, "the shard ends early");
    else
        outcome.status = buffer_append(read->out, block->bytes.data + from, size, read->cause);
    *result = give_back(reader, at, outcome);
    return true;
}

static bool settle_block(struct photo_reader *reader, const struct http_transfer *transfer) {
    struct block *block = reader->blocks;
    while (block && &block->request.call.transfer != transfer) block = block->next;
    if (!block) return false;
    block->done = true;
    block->outcome = judge(&block->request, &block->cause);
    return true;
}

static bool next_remote(struct photo_reader *reader, int milliseconds, struct photo_read *result) {
    if (take_from_block(reader, result)) return true;
    struct http_transfer *transfer = http_next(reader->http, milliseconds);
    if (!transfer) return false;
    if (settle_block(reader, transfer)) return take_from_block(reader, result);
    struct remote_read **at = &reader->active;
    while (*at && &(*at)->request.call.transfer != transfer) at = &(*at)->next;
    if (!*at) return false; /* can't be: the engine is this reader's own */
    *result = give_back(reader, at, judge(&(*at)->request, (*at)->cause));
    return true;
}

bool photo_reader_next(struct photo_reader *reader, int milliseconds, struct photo_read *read) {
    if (reader->local_done) {
        reader->local_done = false;
        *read = reader->local;
        return true;
    }
    if (reader->http) return next_remote(reader, milliseconds, read);
    struct timespec until = clock_deadline(milliseconds);
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

pomona_status photo_reader_read(struct photo_reader *reader, const struct listed_photo *photo,
                                struct buffer *out, struct pomona_error *error) {
    enum { LOOK_MILLISECONDS = 100 };
    struct photo_read read = {.status = POMONA_E_INTERNAL};
    struct pomona_error cause = {0};
    photo_reader_start(reader, photo, out, &cause, 0);
    while (!photo_reader_next(reader, LOOK_MILLISECONDS, &read)) {}
    if (read.status != POMONA_OK && error) *error = cause;
    return read.status;
}

pomona_status photo_read(struct pomona_places *places, const struct listed_photo *photo, struct buffer *out,
                         struct pomona_error *error) {
    if (!place_is_remote(photo->path)) return photo_file_read(photo, out, error);
    struct photo_reader *reader = NULL;
    TRY(photo_reader_new(places, &reader, error));
    pomona_status status = photo_reader_read(reader, photo, out, error);
    photo_reader_free(&reader);
    return status;
}
