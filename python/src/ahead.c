#include "ahead.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/photo_reader.h"

#include <pthread.h>

enum {
    LOOK_MILLISECONDS = 100,
    PHOTO_BYTES_MAX = 256 << 20, /* as the pipeline has it */
    UNKNOWN_BYTES = 256 << 10    /* what a photo of unknown size is taken for until it is there */
};

struct slot {
    struct ahead_photo photo;
    bool done;
};

struct ahead {
    struct listing photos;
    struct photo_reader *reader;
    size_t window;
    uint64_t bytes_max;
    uint64_t expected; /* bytes under way; of the thread alone */
    bool started;
    pthread_t thread;
    pthread_mutex_t lock;  /* guards the rest */
    pthread_cond_t change; /* a photo came or was taken, or it is over */
    struct slot *slots;    /* [window]; photo i is in slot i % window */
    size_t asked, given;
    uint64_t held; /* bytes read and not taken */
    bool starved;  /* the thread would ask for more if there were room */
    bool stopping;
    pomona_status failed;
    struct pomona_error failure;
};

static uint64_t size_of(const struct ahead *ahead, size_t index) {
    uint64_t size = ahead->photos.photos[index].size;
    return size > 0 ? size : UNKNOWN_BYTES;
}

/* With the lock held. */
static bool has_room(const struct ahead *ahead) {
    if (ahead->asked - ahead->given >= ahead->window) return false;
    uint64_t size = size_of(ahead, ahead->asked), used = ahead->held + ahead->expected;
    return ahead->asked == ahead->given || (used < ahead->bytes_max && size <= ahead->bytes_max - used);
}

/* Whether to ask for another photo now. Waits for room when nothing is under way. */
static bool may_start(struct ahead *ahead, size_t under_way, bool *stopping) {
    bool more = ahead->asked < ahead->photos.count &&
                under_way < (size_t)photo_reader_width(ahead->reader, &ahead->photos.photos[ahead->asked]);
    pthread_mutex_lock(&ahead->lock);
    while (more && under_way == 0 && !ahead->stopping && !has_room(ahead))
        pthread_cond_wait(&ahead->change, &ahead->lock);
    bool start = more && has_room(ahead);
    ahead->starved = more && !start;
    if (start) ahead->slots[ahead->asked++ % ahead->window].done = false;
    *stopping = ahead->stopping;
    pthread_mutex_unlock(&ahead->lock);
    return start;
}

static void settle(struct ahead *ahead, const struct photo_read *read) {
    struct slot *slot = &ahead->slots[read->ticket % ahead->window];
    ahead->expected -= size_of(ahead, read->ticket);
    pthread_mutex_lock(&ahead->lock);
    slot->photo.index = read->ticket;
    slot->photo.status = read->status;
    slot->done = true;
    ahead->held += slot->photo.bytes.size;
    if (read->is_place_fault && ahead->failed == POMONA_OK) {
        ahead->failed = read->status;
        ahead->failure = slot->photo.cause;
        ahead->stopping = true;
    }
    pthread_cond_broadcast(&ahead->change);
    pthread_mutex_unlock(&ahead->lock);
}

static void *read_photos(void *argument) {
    struct ahead *ahead = argument;
    for (;;) {
        bool stopping;
        size_t next = ahead->asked; /* this thread alone writes it */
        bool start = may_start(ahead, photo_reader_pending(ahead->reader), &stopping);
        if (stopping) return NULL;
        if (start) {
            struct ahead_photo *photo = &ahead->slots[next % ahead->window].photo;
            ahead->expected += size_of(ahead, next);
            photo_reader_start(ahead->reader, &ahead->photos.photos[next], &photo->bytes, &photo->cause,
                               next);
        } else if (photo_reader_pending(ahead->reader) == 0) {
            return NULL; /* all were read */
        }
        /* After a start no time is spent, but it is asked: a read that failed at once has to be taken before the next is begun. */
        struct photo_read read;
        if (photo_reader_next(ahead->reader, start ? 0 : LOOK_MILLISECONDS, &read)) settle(ahead, &read);
    }
}

pomona_status ahead_new(struct pomona_places *places, struct listing *photos, size_t window, uint64_t bytes,
                        struct ahead **ahead, struct pomona_error *error) {
    struct ahead *a = *ahead = memory_new(1, sizeof *a);
    if (!a) {
        listing_free(photos);
        return fail_memory(error, "reader");
    }
    a->photos = *photos;
    *photos = LISTING_INIT;
    a->window = window;
    a->bytes_max = bytes;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->change, NULL);
    a->slots = memory_new(window, sizeof *a->slots);
    pomona_status status =
        a->slots ? photo_reader_new(places, &a->reader, error) : fail_memory(error, "reader");
    for (size_t i = 0; status == POMONA_OK && i < window; i++)
        a->slots[i].photo.bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
    if (status == POMONA_OK) {
        int cause = pthread_create(&a->thread, NULL, read_photos, a);
        a->started = cause == 0;
        if (cause) status = fail_errno(error, cause, 0, NULL, "cannot start a thread");
    }
    if (status != POMONA_OK) ahead_free(ahead);
    return status;
}

void ahead_free(struct ahead **ahead) {
    struct ahead *a = *ahead;
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_broadcast(&a->change);
    pthread_mutex_unlock(&a->lock);
    if (a->started) {
        photo_reader_wake(a->reader);
        pthread_join(a->thread, NULL);
    }
    photo_reader_free(&a->reader); /* before what it writes to */
    for (size_t i = 0; a->slots && i < a->window; i++) buffer_free(&a->slots[i].photo.bytes);
    memory_free(a->slots);
    listing_free(&a->photos);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->change);
    memory_free(a);
    *ahead = NULL;
}

/* With the lock held: what there is for a caller. */
static enum ahead_state look(const struct ahead *ahead) {
    if (ahead->failed != POMONA_OK) return AHEAD_FAILED;
    if (ahead->given == ahead->photos.count) return AHEAD_END;
    bool done = ahead->given < ahead->asked && ahead->slots[ahead->given % ahead->window].done;
    return done ? AHEAD_PHOTO : AHEAD_WAIT;
}

/* With the lock held: moves the next photo out. */
static void take(struct ahead *ahead, struct ahead_photo *photo) {
    struct slot *slot = &ahead->slots[ahead->given++ % ahead->window];
    *photo = slot->photo;
    slot->photo.bytes = BUFFER_INIT(photo->bytes.limit);
    ahead->held -= photo->bytes.size;
    pthread_cond_broadcast(&ahead->change);
    if (ahead->starved) {
        ahead->starved = false; /* once is enough */
        photo_reader_wake(ahead->reader);
    }
}

enum ahead_state ahead_next(struct ahead *ahead, int milliseconds, struct ahead_photo *photo,
                            pomona_status *status, struct pomona_error *error) {
    struct timespec until = clock_deadline(milliseconds);
    pthread_mutex_lock(&ahead->lock);
    enum ahead_state state = look(ahead);
    while (state == AHEAD_WAIT && pthread_cond_timedwait(&ahead->change, &ahead->lock, &until) == 0)
        state = look(ahead);
    if (state == AHEAD_PHOTO) take(ahead, photo);
    if (state == AHEAD_FAILED) {
        *status = ahead->failed;
        *error = ahead->failure;
    }
    pthread_mutex_unlock(&ahead->lock);
    return state;
}
