#include "job/pipeline.h"

#include "base/clock.h"
#include "base/memory.h"
#include "pomona/extractor.h"
#include "store/photo_reader.h"
#include "store/place.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    READ_AHEAD_BYTES = 32 << 20, /* of files read and not yet decoded */
    PHOTO_BYTES_MAX = 256 << 20, /* a larger file is an error row */
    KEEP_BYTES = 1 << 20,        /* a slot gives a larger buffer back */
    REMOTE_SLOTS = 768,          /* so that a photo that is tried again does not hold up the others */
    REMOTE_BURST =
        32, /* slots free before a reader that had none goes on: waking it for each photo costs as much as the request */
    REMOTE_LOOK_MILLISECONDS = 100,
    TICK_MILLISECONDS = 100
};

enum slot_state { SLOT_EMPTY, SLOT_READ, SLOT_DONE };

/* A photo on its way. The state is guarded by the lock; the rest belongs to whoever the state says. */
struct slot {
    enum slot_state state;
    pomona_status status; /* of this photo so far */
    struct buffer bytes;
    struct pomona_error cause;
    float *features;
    double *values;
};

/* Photo i lives in slot i % slot_count. Always taken <= claimed <= filled <= count, filled - taken <= slot_count. */
struct pipeline {
    const struct pipeline_options *options;
    struct slot *slots;
    size_t slot_count;
    struct photo_reader *reader;
    bool remote;     /* some photo is: the reader waits for the network, not for `space` */
    float *features; /* [slot_count][feature_count] */
    double *values;  /* [slot_count][options->values], if they are made */
    int feature_count;

    pthread_mutex_t lock;
    pthread_cond_t space; /* the reader may go on */
    pthread_cond_t work;  /* a worker may go on */
    pthread_cond_t done;  /* the next photo in order may be done */
    size_t filled, claimed, taken;
    size_t asked;          /* what follows is the remote reader's: the photo it would begin next, */
    bool starved, resting; /* whether it may not yet, and whether because it waits for REMOTE_BURST slots */
    uint64_t bytes_ahead;  /* in slots read and not decoded */
    bool stopping;
    pomona_status fatal; /* first failure that is not one photo's */
    struct pomona_error fatal_error;
    struct pipeline_stats stats;
};

struct worker {
    struct pipeline *pipeline;
    int number;
    struct pomona_extractor *extractor;
    struct pomona_photo *photos; /* [batch], of the slots at hand */
    float *features;             /* [batch][feature_count], where they only become values */
    pthread_t thread;
    bool started;
};

static struct slot *slot_of(struct pipeline *pipeline, size_t photo) {
    return &pipeline->slots[photo % pipeline->slot_count];
}

/* With the lock held: remembers the first failure and wakes everybody to leave. */
static void stop_all(struct pipeline *pipeline, pomona_status status, const struct pomona_error *error) {
    pipeline->stopping = true;
    if (status != POMONA_OK && pipeline->fatal == POMONA_OK) {
        pipeline->fatal = status;
        if (error) pipeline->fatal_error = *error;
    }
    pthread_cond_broadcast(&pipeline->space);
    pthread_cond_broadcast(&pipeline->work);
    pthread_cond_broadcast(&pipeline->done);
}

/* With the lock held: whether the reader may begin photo `next`, with `under_way` reads of `bytes` not finished. */
static bool may_read(const struct pipeline *pipeline, size_t next, size_t under_way, uint64_t bytes) {
    return next - pipeline->taken < pipeline->slot_count &&
           (pipeline->bytes_ahead + bytes < READ_AHEAD_BYTES ||
            (next == pipeline->claimed && under_way == 0));
}

static size_t free_slots(const struct pipeline *pipeline, size_t asked) {
    return pipeline->slot_count - (asked - pipeline->taken);
}

/* The same for the remote reader, which begins requests in bursts. */
static bool may_ask(struct pipeline *pipeline, size_t next, size_t under_way, uint64_t bytes) {
    size_t room = free_slots(pipeline, next);
    if (room == 0)
        pipeline->resting = true;
    else if (room >= REMOTE_BURST)
        pipeline->resting = false;
    pipeline->asked = next;
    pipeline->starved = pipeline->resting || !may_read(pipeline, next, under_way, bytes);
    return !pipeline->starved;
}

/* Files a finished read. Photos are claimed in their order: `filled` goes up to the first that is not there yet. */
static void file_read_photo(struct pipeline *pipeline, const struct photo_read *read) {
    struct slot *slot = slot_of(pipeline, read->ticket);
    pthread_mutex_lock(&pipeline->lock);
    slot->status = read->status;
    slot->state = SLOT_READ;
    pipeline->bytes_ahead += slot->bytes.size;
    pipeline->stats.bytes += slot->bytes.size;
    pipeline->stats.read += read->seconds;
    if (read->is_place_fault) stop_all(pipeline, read->status, &slot->cause);
    size_t end = pipeline->taken + pipeline->slot_count;
    if (end > pipeline->options->count) end = pipeline->options->count;
    while (pipeline->filled < end && slot_of(pipeline, pipeline->filled)->state == SLOT_READ)
        pipeline->filled++;
    pthread_cond_broadcast(&pipeline->work);
    pthread_mutex_unlock(&pipeline->lock);
}

static void *read_photos(void *argument) {
    struct pipeline *pipeline = argument;
    const struct pipeline_options *options = pipeline->options;
    struct photo_reader *reader = pipeline->reader;
    uint64_t expected = 0; /* bytes that are under way */
    for (size_t next = 0; next < options->count || photo_reader_pending(reader) > 0;) {
        const struct listed_photo *photo = &options->photos[options->first + next];
        size_t under_way = photo_reader_pending(reader);
        bool more = next < options->count && under_way < (size_t)photo_reader_width(reader, photo);
        pthread_mutex_lock(&pipeline->lock);
        while (more && !pipeline->stopping && under_way == 0 && !pipeline->remote &&
               !may_read(pipeline, next, under_way, expected))
            pthread_cond_wait(&pipeline->space, &pipeline->lock);
        bool stopping = pipeline->stopping;
        pipeline->starved = false;
        bool begin = more && (pipeline->remote ? may_ask(pipeline, next, under_way, expected)
                                               : may_read(pipeline, next, under_way, expected));
        pthread_mutex_unlock(&pipeline->lock);
        if (stopping) break;
        if (begin) {
            struct slot *slot = slot_of(pipeline, next);
            photo_reader_start(reader, photo, &slot->bytes, &slot->cause, next);
            expected += photo->size;
            next++;
            if (photo_reader_pending(reader) < (size_t)photo_reader_width(reader, photo)) continue;
        }
        struct photo_read read;
        if (!photo_reader_next(reader, REMOTE_LOOK_MILLISECONDS, &read)) continue;
        expected -= options->photos[options->first + read.ticket].size;
        file_read_photo(pipeline, &read);
    }
    return NULL;
}

/* With the lock held: the reader may be waiting for space in either way. */
static void signal_space(struct pipeline *pipeline) {
    if (!pipeline->remote) {
        pthread_cond_signal(&pipeline->space);
        return;
    }
    bool rests = pipeline->resting && free_slots(pipeline, pipeline->asked) < REMOTE_BURST;
    if (!pipeline->stopping && (!pipeline->starved || rests)) return;
    pipeline->starved = false; /* once is enough */
    photo_reader_wake(pipeline->reader);
}

/* Claims the next photos for one worker: an even share of what is read, at most a batch. 0: time to leave. */
static int claim(struct pipeline *pipeline, size_t *first) {
    const struct pipeline_options *options = pipeline->options;
    pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->stopping && pipeline->claimed == pipeline->filled && pipeline->claimed < options->count)
        pthread_cond_wait(&pipeline->work, &pipeline->lock);
    size_t ready = pipeline->stopping ? 0 : pipeline->filled - pipeline->claimed;
    size_t share = (ready + (size_t)options->threads - 1) / (size_t)options->threads;
    int count = share > (size_t)options->batch ? options->batch : (int)share;
    *first = pipeline->claimed;
    pipeline->claimed += (size_t)count;
    if (pipeline->claimed == options->count)
        pthread_cond_broadcast(&pipeline->work); /* the others may leave */
    pthread_mutex_unlock(&pipeline->lock);
    return count;
}

/* Decodes and runs the claimed photos [first, first + count), at most a batch; fills their slots' features, values or causes. */
static pomona_status work_on(struct worker *worker, size_t first, int count, struct pomona_error *error) {
    struct pipeline *pipeline = worker->pipeline;
    const struct pipeline_options *options = pipeline->options;
    size_t width = (size_t)pipeline->feature_count;
    for (int i = 0; i < count; i++) {
        size_t photo = first + (size_t)i;
        struct slot *slot = slot_of(pipeline, photo);
        worker->photos[i] = (struct pomona_photo){
            .name = options->photos[options->first + photo].uri,
            .bytes = slot->bytes.data,
            .size = slot->bytes.size,
            .features = options->apply ? worker->features + (size_t)i * width : slot->features,
            .cause = &slot->cause,
            .status = slot->status};
    }
    TRY(pomona_extractor_run(worker->extractor, worker->photos, (size_t)count, error));
    for (int i = 0; i < count; i++) {
        struct slot *slot = slot_of(pipeline, first + (size_t)i);
        slot->status = worker->photos[i].status;
        if (options->apply && slot->status == POMONA_OK)
            options->apply(options->user, worker->number, worker->photos[i].features, slot->values);
    }
    return POMONA_OK;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct pipeline *pipeline = worker->pipeline;
    size_t first;
    for (int count; (count = claim(pipeline, &first)) > 0;) {
        struct pomona_error error = {0};
        pomona_status status = work_on(worker, first, count, &error);
        pthread_mutex_lock(&pipeline->lock);
        for (int i = 0; i < count; i++) {
            struct slot *slot = slot_of(pipeline, first + (size_t)i);
            slot->state = SLOT_DONE;
            pipeline->bytes_ahead -= slot->bytes.size;
        }
        if (status != POMONA_OK) stop_all(pipeline, status, &error);
        signal_space(pipeline);
        pthread_cond_signal(&pipeline->done);
        pthread_mutex_unlock(&pipeline->lock);
    }
    return NULL;
}

/* Waits until the next photo in order is done, ticking on the way. False: there is none to come. */
static bool wait_for_next(struct pipeline *pipeline) {
    const struct pipeline_options *options = pipeline->options;
    pthread_mutex_lock(&pipeline->lock);
    for (;;) {
        bool to_come =
            pipeline->stopping ? pipeline->taken < pipeline->claimed : pipeline->taken < options->count;
        if (!to_come || pipeline->fatal != POMONA_OK) {
            pthread_mutex_unlock(&pipeline->lock);
            return false;
        }
        if (slot_of(pipeline, pipeline->taken)->state == SLOT_DONE) {
            pthread_mutex_unlock(&pipeline->lock);
            return true;
        }
        struct timespec until = clock_deadline(TICK_MILLISECONDS);
        pthread_cond_timedwait(&pipeline->done, &pipeline->lock, &until);
        pthread_mutex_unlock(&pipeline->lock);
        bool stop = options->tick(options->user);
        pthread_mutex_lock(&pipeline->lock);
        if (stop) stop_all(pipeline, POMONA_OK, NULL);
    }
}

static pomona_status take_slot(struct pipeline *pipeline, const struct slot *slot,
                               struct pomona_error *error) {
    const struct pipeline_options *options = pipeline->options;
    size_t index = options->first + pipeline->taken;
    bool ok = slot->status == POMONA_OK;
    const char *reason = ok ? NULL : slot->cause.message;
    if (options->apply)
        return options->take_values(options->user, index, ok ? slot->values : NULL, reason, error);
    return options->take(options->user, index, ok ? slot->features : NULL, reason, error);
}

/* Hands results over in order until the end, a stop or a failure. */
static void take_rows(struct pipeline *pipeline) {
    const struct pipeline_options *options = pipeline->options;
    while (wait_for_next(pipeline)) {
        struct slot *slot = slot_of(pipeline, pipeline->taken);
        struct pomona_error error = {0};
        pomona_status status = take_slot(pipeline, slot, &error);
        if (slot->bytes.capacity > KEEP_BYTES) buffer_free(&slot->bytes);
        buffer_clear(&slot->bytes);
        bool stop = options->tick(options->user);
        pthread_mutex_lock(&pipeline->lock);
        slot->state = SLOT_EMPTY;
        pipeline->taken++;
        if (status != POMONA_OK || stop) stop_all(pipeline, status, &error);
        signal_space(pipeline);
        pthread_mutex_unlock(&pipeline->lock);
    }
}

static pomona_status worker_init(struct worker *worker, int number, struct pipeline *pipeline,
                                 struct pomona_error *error) {
    const struct pipeline_options *options = pipeline->options;
    size_t batch = (size_t)options->batch, width = options->apply ? (size_t)pipeline->feature_count : 0;
    worker->pipeline = pipeline;
    worker->number = number;
    worker->photos = memory_new(batch, sizeof *worker->photos);
    worker->features = memory_new(batch, width * sizeof(float));
    if (!worker->photos || !worker->features) return fail_memory(error, "worker");
    return pomona_extractor_new(options->context, options->model, options->batch, &worker->extractor, error);
}

static void worker_free(struct worker *worker) {
    pomona_extractor_free(&worker->extractor);
    memory_free(worker->photos);
    memory_free(worker->features);
}

static pomona_status pipeline_init(struct pipeline *pipeline, const struct pipeline_options *options,
                                   struct pomona_error *error) {
    struct pomona_model_info info;
    pomona_model_get_info(options->model, &info);
    pipeline->options = options;
    pipeline->feature_count = info.features;
    pipeline->slot_count = (size_t)(4 * options->threads * options->batch + 16);
    for (size_t i = 0; i < options->count && !pipeline->remote; i++)
        pipeline->remote = place_is_remote(options->photos[options->first + i].path);
    if (pipeline->remote && pipeline->slot_count < REMOTE_SLOTS) pipeline->slot_count = REMOTE_SLOTS;
    TRY(photo_reader_new(pipeline->remote ? options->places : NULL, &pipeline->reader, error));
    if (pipeline->slot_count > options->count) pipeline->slot_count = options->count ? options->count : 1;
    pipeline->slots = memory_new(pipeline->slot_count, sizeof *pipeline->slots);
    size_t features = options->apply ? 0 : (size_t)info.features;
    pipeline->features = memory_new(pipeline->slot_count, features * sizeof(float));
    pipeline->values = memory_new(pipeline->slot_count, (size_t)options->values * sizeof(double));
    if (!pipeline->slots || !pipeline->features || !pipeline->values) return fail_memory(error, "pipeline");
    for (size_t i = 0; i < pipeline->slot_count; i++) {
        pipeline->slots[i].bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
        pipeline->slots[i].features = pipeline->features + i * features;
        pipeline->slots[i].values = pipeline->values + i * (size_t)options->values;
    }
    return POMONA_OK;
}

static void pipeline_free(struct pipeline *pipeline) {
    for (size_t i = 0; pipeline->slots && i < pipeline->slot_count; i++)
        buffer_free(&pipeline->slots[i].bytes);
    photo_reader_free(&pipeline->reader);
    memory_free(pipeline->slots);
    memory_free(pipeline->features);
    memory_free(pipeline->values);
}

static pomona_status start_thread(pthread_t *thread, bool *started, void *(*body)(void *), void *argument,
                                  struct pomona_error *error) {
    if (pthread_create(thread, NULL, body, argument) != 0)
        return fail(error, POMONA_E_INTERNAL, NULL, "cannot start a thread");
    *started = true;
    return POMONA_OK;
}

/* Starts the reader and the workers, takes the rows, and waits for all of them. */
static pomona_status run_threads(struct pipeline *pipeline, struct worker *workers,
                                 struct pomona_error *error) {
    const struct pipeline_options *options = pipeline->options;
    pthread_t reader;
    bool reader_started = false;
    pomona_status status = start_thread(&reader, &reader_started, read_photos, pipeline, error);
    for (int i = 0; i < options->threads && status == POMONA_OK; i++)
        status = start_thread(&workers[i].thread, &workers[i].started, work, &workers[i], error);
    if (status == POMONA_OK) take_rows(pipeline);
    pthread_mutex_lock(&pipeline->lock);
    stop_all(pipeline, status, error);
    pthread_mutex_unlock(&pipeline->lock);
    if (reader_started) pthread_join(reader, NULL);
    for (int i = 0; i < options->threads; i++)
        if (workers[i].started) pthread_join(workers[i].thread, NULL);
    if (status == POMONA_OK && pipeline->fatal != POMONA_OK) {
        status = pipeline->fatal;
        if (error) *error = pipeline->fatal_error;
    }
    if (status == POMONA_OK && pipeline->taken < options->count)
        status = fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted after %zu of %zu photos",
                      pipeline->taken, options->count);
    return status;
}

pomona_status pipeline_run(const struct pipeline_options *options, struct pipeline_stats *stats,
                           struct pomona_error *error) {
    struct pipeline pipeline = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .space = PTHREAD_COND_INITIALIZER,
                                .work = PTHREAD_COND_INITIALIZER,
                                .done = PTHREAD_COND_INITIALIZER};
    *stats = (struct pipeline_stats){0};
    struct worker *workers = memory_new((size_t)options->threads, sizeof *workers);
    if (!workers) return fail_memory(error, "workers");
    pomona_status status = pipeline_init(&pipeline, options, error);
    for (int i = 0; i < options->threads && status == POMONA_OK; i++)
        status = worker_init(&workers[i], i, &pipeline, error);
    if (status == POMONA_OK) status = run_threads(&pipeline, workers, error);
    *stats = pipeline.stats;
    for (int i = 0; i < options->threads; i++) {
        double decode = 0, resize = 0, net = 0;
        if (workers[i].extractor) pomona_extractor_seconds(workers[i].extractor, &decode, &resize, &net);
        stats->decode += decode, stats->resize += resize, stats->net += net;
        worker_free(&workers[i]);
    }
    memory_free(workers);
    pipeline_free(&pipeline);
    pthread_mutex_destroy(&pipeline.lock);
    pthread_cond_destroy(&pipeline.space);
    pthread_cond_destroy(&pipeline.work);
    pthread_cond_destroy(&pipeline.done);
    return status;
}
