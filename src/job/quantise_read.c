#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "job/photos.h"
#include "job/quantiser.h"
#include "stats/fit/parallel.h"
#include "store/photo_reader.h"

#include <string.h>

enum { PHOTO_BYTES_MAX = 256 << 20 };

/* A slice of tasks: one of every block. */
struct slice {
    void (*task)(void *user, int block, int index);
    void *user;
    int from;
};

static void run_one(void *user, int block) {
    const struct slice *slice = user;
    slice->task(slice->user, block, slice->from + block);
}

pomona_status quantiser_each(struct quantiser *t, const char *what, int count,
                             void (*task)(void *user, int block, int index), void *user) {
    const struct pomona_quantise_options *options = t->options;
    for (int from = 0; from < count; from += QUANTISE_BLOCKS) {
        struct slice slice = {task, user, from};
        int blocks = count - from < QUANTISE_BLOCKS ? count - from : QUANTISE_BLOCKS;
        if (options->should_stop && options->should_stop(options->user))
            return fail(t->error, POMONA_E_INTERRUPTED, NULL, "interrupted, nothing was written");
        parallel_run(t->threads, blocks, run_one, &slice);
        t->done += blocks;
        if (!options->progress) continue;
        const struct pomona_quantise_progress progress = {t->done, t->total, what};
        options->progress(options->user, &progress);
    }
    return POMONA_OK;
}

const struct listed_photo *quantiser_draw(const struct listing *photos, int count, int index) {
    return &photos->photos[(size_t)index * photos->count / (size_t)count];
}

void pixel_reader_run(struct pixel_reader *reader, const struct listed_photo *photo) {
    buffer_clear(&reader->bytes);
    reader->status = photo_read(reader->places, photo, &reader->bytes, &reader->cause);
    if (reader->status == POMONA_OK)
        reader->status = pomona_preprocessor_run(reader->preprocessor, photo->uri, reader->bytes.data,
                                                 reader->bytes.size, reader->pixels, &reader->cause);
}

bool pixel_reader_forgives(pomona_status status) {
    return status == POMONA_OK || status == POMONA_E_INPUT || status == POMONA_E_CORRUPT ||
           status == POMONA_E_LIMIT || status == POMONA_E_UNSUPPORTED || status == POMONA_E_IO;
}

/* What happened to each photo that was drawn. */
struct reading {
    struct quantiser *t;
    int drawn;
    pomona_status *status; /* [drawn] */
};

static void read_photo(void *user, int block, int index) {
    struct reading *reading = user;
    struct quantiser *t = reading->t;
    struct pixel_reader *reader = &t->readers[block];
    if (!pixel_reader_forgives(reader->status)) return; /* the machine's fault ends it all */
    pixel_reader_run(reader, quantiser_draw(&t->photos, reading->drawn, index));
    reading->status[index] = reader->status;
    if (reader->status == POMONA_OK) /* of several views one, in turn */
        memcpy(t->pixels + (size_t)index * t->picture,
               reader->pixels + (size_t)(index % t->info.views) * t->picture, t->picture);
}

/* Closes the gaps that photos without a picture left. */
static pomona_status keep_readable(struct quantiser *t, const struct reading *reading) {
    struct pomona_quantise_result *result = t->result;
    for (int b = 0; b < QUANTISE_BLOCKS; b++)
        if (!pixel_reader_forgives(t->readers[b].status)) {
            if (t->error) *t->error = t->readers[b].cause;
            return t->readers[b].status;
        }
    for (int i = 0; i < reading->drawn; i++) {
        if (reading->status[i] != POMONA_OK) {
            result->errors++;
            continue;
        }
        if (t->count < i)
            memmove(t->pixels + (size_t)t->count * t->picture, t->pixels + (size_t)i * t->picture,
                    t->picture);
        t->count++;
    }
    result->photos = t->count;
    if (t->count > 0) return POMONA_OK;
    return fail(t->error, POMONA_E_INPUT, t->options->calibrate, "none of %d photos could be read: %s",
                reading->drawn, result->first_error);
}

static pomona_status make_readers(struct quantiser *t) {
    for (int b = 0; b < QUANTISE_BLOCKS; b++) {
        struct pixel_reader *reader = &t->readers[b];
        reader->places = t->options->places;
        reader->bytes = BUFFER_INIT(PHOTO_BYTES_MAX);
        reader->pixels = memory_new(t->info.photo_bytes, 1);
        if (!reader->pixels) return fail_memory(t->error, "pictures");
        TRY(pomona_preprocessor_new(t->context, &t->info.profile, NULL, &reader->preprocessor, t->error));
    }
    return POMONA_OK;
}

/* The cause of the first photo that can't be read, for the message: it is read once more. */
static void note_cause(struct quantiser *t, const struct reading *reading) {
    for (int i = 0; i < reading->drawn; i++) {
        if (reading->status[i] == POMONA_OK) continue;
        struct pixel_reader *reader = &t->readers[0];
        pomona_status before = reader->status;
        pixel_reader_run(reader, quantiser_draw(&t->photos, reading->drawn, i));
        (void)text_printable(reader->cause.message, t->result->first_error, sizeof t->result->first_error);
        reader->status = before;
        return;
    }
}

/* Photos of all rounds. */
static void plan_work(struct quantiser *t) {
    const struct listing *check = t->options->check ? &t->check : &t->photos;
    int checked = (size_t)t->wanted > check->count ? (int)check->count : t->wanted, rounds = 1;
    for (int i = 0; i < t->q.plan->step_count; i++) rounds += step_is_linear(&t->q.plan->steps[i]) ? 2 : 1;
    t->correct_count = quantisation_correctable(&t->q, t->count, &t->correct_each);
    t->total = t->done + 2 * t->count + checked;
    if (!t->options->no_correct) t->total += rounds * t->correct_count;
}

pomona_status quantiser_read(struct quantiser *t) {
    const struct pomona_quantise_options *options = t->options;
    const char *glob = options->glob ? options->glob : "*.jpg";
    int64_t unlabelled = 0;
    TRY(photos_list(options->places, options->calibrate, glob, options->check ? NULL : options->labels, 0,
                    options->should_stop, options->user, &t->photos, &unlabelled, t->error));
    if (options->check)
        TRY(photos_list(options->places, options->check, glob, options->labels, 0, options->should_stop,
                        options->user, &t->check, &unlabelled, t->error));
    t->result->listed = (int64_t)t->photos.count;
    struct reading reading = {.t = t, .drawn = t->wanted};
    if ((size_t)reading.drawn > t->photos.count) reading.drawn = (int)t->photos.count;
    t->total = 4 * reading.drawn; /* until it is known how many there are to correct the biases */
    t->picture = t->info.photo_bytes / (size_t)t->info.views;
    t->pixels = memory_new((size_t)reading.drawn, t->picture);
    reading.status = memory_new((size_t)reading.drawn, sizeof *reading.status);
    pomona_status status = t->pixels && reading.status ? make_readers(t) : fail_memory(t->error, "pictures");
    if (status == POMONA_OK) status = quantiser_each(t, "reading", reading.drawn, read_photo, &reading);
    if (status == POMONA_OK) note_cause(t, &reading);
    if (status == POMONA_OK) status = keep_readable(t, &reading);
    if (status == POMONA_OK) plan_work(t);
    memory_free(reading.status);
    return status;
}
