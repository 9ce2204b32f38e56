/* SHA-256 at 1.5 GB/s is as fast as a quick network: on the thread that feeds the connections they would stand still meanwhile. */
#include "store/part_sums.h"

#include "base/memory.h"
#include "store/checksum.h"

#include <pthread.h>

struct part_sums {
    struct part_sums_options options;
    struct part_sum *sums; /* [parts] */
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t change;
    size_t made, given;
    bool stopping;
};

static void make(struct part_sums *sums, size_t part) {
    const struct part_sums_options *options = &sums->options;
    size_t from = part * options->part_bytes, left = options->size - from;
    size_t size = left < options->part_bytes ? left : options->part_bytes;
    const uint8_t *data = options->data ? options->data + from : NULL;
    struct part_sum *sum = &sums->sums[part];
    crc_base64(crc32c(0, data, size), sum->crc);
    if (!options->hashed) return;
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    sha256_start(&hash);
    sha256_add(&hash, data, size);
    sha256_finish(&hash, digest);
    sha256_hex(digest, sum->hash);
}

static void *work(void *argument) {
    struct part_sums *sums = argument;
    for (size_t part = 0; part < sums->options.parts; part++) {
        pthread_mutex_lock(&sums->mutex);
        while (!sums->stopping && part >= sums->given + sums->options.ahead)
            pthread_cond_wait(&sums->change, &sums->mutex);
        bool stopping = sums->stopping;
        pthread_mutex_unlock(&sums->mutex);
        if (stopping) break;
        make(sums, part);
        pthread_mutex_lock(&sums->mutex);
        sums->made = part + 1;
        pthread_mutex_unlock(&sums->mutex);
        sums->options.done(sums->options.user);
    }
    return NULL;
}

pomona_status part_sums_new(const struct part_sums_options *options, struct part_sums **sums,
                            struct pomona_error *error) {
    struct part_sums *s = *sums = memory_new(1, sizeof *s);
    if (!s) return fail_memory(error, "upload");
    s->options = *options;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->change, NULL);
    s->sums = memory_new(options->parts, sizeof *s->sums);
    if (!s->sums) {
        part_sums_free(sums);
        return fail_memory(error, "upload");
    }
    if (options->hashed && options->parts > 1) s->started = pthread_create(&s->thread, NULL, work, s) == 0;
    return POMONA_OK;
}

void part_sums_free(struct part_sums **sums) {
    struct part_sums *s = *sums;
    if (!s) return;
    pthread_mutex_lock(&s->mutex);
    s->stopping = true;
    pthread_cond_signal(&s->change);
    pthread_mutex_unlock(&s->mutex);
    if (s->started) pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->change);
    memory_free(s->sums);
    memory_free(s);
    *sums = NULL;
}

const struct part_sum *part_sums_get(struct part_sums *sums, size_t part) {
    if (!sums->started && part >= sums->made) {
        make(sums, part);
        sums->made = part + 1;
    }
    pthread_mutex_lock(&sums->mutex);
    bool there = part < sums->made;
    if (there && part >= sums->given) {
        sums->given = part + 1;
        pthread_cond_signal(&sums->change);
    }
    pthread_mutex_unlock(&sums->mutex);
    return there ? &sums->sums[part] : NULL;
}
