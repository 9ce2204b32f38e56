#include "base/memory.h"
#include "pomona/cpu.h"
#include "pomona/image.h"
#include "pomona/sample.h"
#include "sample/files.h"
#include "sample/metadata.h"
#include "sample/scene.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { QUALITY = 90, CHUNK = 16, MAX_THREADS = 256, MAX_FILE = 1 << 28 };

/* A corpus being drawn. `lock` guards what is below it. */
struct corpus {
    struct pomona_sample_options options; /* defaults filled in */
    pthread_mutex_t lock;
    int64_t next, done;
    pomona_status status; /* the first failure */
    struct pomona_error error;
};

/* What one thread draws with. */
struct painter {
    struct pomona_image image;
    struct buffer file, path;
};

static pomona_status check_range(const char *what, int64_t value, int64_t low, int64_t high,
                                 struct pomona_error *error) {
    if (value >= low && value <= high) return POMONA_OK;
    return fail(error, POMONA_E_USAGE, NULL, "%s %" PRId64 ": must be %" PRId64 " to %" PRId64, what, value,
                low, high);
}

static pomona_status check_options(struct pomona_sample_options *o, struct pomona_error *error) {
    if (!o->out || !*o->out) return fail(error, POMONA_E_USAGE, NULL, "no folder to write to");
    if (o->size == 0) o->size = 100;
    if (o->classes == 0) o->classes = RECIPES;
    if (o->threads == 0) o->threads = pomona_cpu_threads();
    if (o->threads > MAX_THREADS) o->threads = MAX_THREADS;
    TRY(check_range("count", o->count, 1, 10000000, error));
    TRY(check_range("size", o->size, 32, 4096, error));
    TRY(check_range("classes", o->classes, 1, 1000, error));
    TRY(check_range("threads", o->threads, 1, MAX_THREADS, error));
    if (!(o->gps_share >= 0 && o->gps_share <= 1))
        return fail(error, POMONA_E_USAGE, NULL, "GPS share %g: must be 0 to 1", o->gps_share);
    return POMONA_OK;
}

static pomona_status set_path(struct buffer *path, const char **text, struct pomona_error *error,
                              const char *out, const char *name) {
    buffer_clear(path);
    TRY(buffer_printf(path, error, "%s/%s", out, name));
    return buffer_terminate(path, text, error);
}

/* Photo i is frame i / classes of class i % classes. */
static pomona_status make_photo(const struct pomona_sample_options *o, int64_t i, struct painter *painter,
                                struct pomona_error *error) {
    int class_index = (int)(i % o->classes);
    int64_t frame = i / o->classes;
    struct scene scene;
    scene_make(o->seed, class_index, frame, o->size, &scene);
    scene_draw(&scene, painter->image.pixels);
    uint8_t *jpeg = NULL;
    size_t size = 0;
    TRY(pomona_image_encode(&painter->image, QUALITY, &jpeg, &size, error));
    struct random random = random_for(o->seed, (uint64_t)i, 3);
    bool located = (double)random_range(&random, 0, 1) < o->gps_share;
    pomona_status status = metadata_add(jpeg, size, located ? &random : NULL, &painter->file, error);
    pomona_bytes_free(&jpeg);
    TRY(status);
    char label[LABEL_SIZE], name[LABEL_SIZE + 32];
    const char *path;
    recipe_label(class_index, label);
    snprintf(name, sizeof name, "%s/%" PRId64 "_100.jpg", label, frame);
    TRY(set_path(&painter->path, &path, error, o->out, name));
    return sample_write(path, painter->file.data, painter->file.size, o->overwrite, error);
}

/* Counts `made` photos as done and takes the next chunk; false when there is none or something has failed. */
static bool next_chunk(struct corpus *corpus, int64_t made, pomona_status status,
                       const struct pomona_error *error, int64_t *first, int64_t *end) {
    const struct pomona_sample_options *o = &corpus->options;
    pthread_mutex_lock(&corpus->lock);
    if (status != POMONA_OK && corpus->status == POMONA_OK) {
        corpus->status = status;
        corpus->error = *error;
    }
    corpus->done += made;
    if (made > 0 && o->progress) o->progress(o->user, corpus->done, o->count);
    *first = corpus->next;
    *end = *first + CHUNK < o->count ? *first + CHUNK : o->count;
    bool more = corpus->status == POMONA_OK && *first < *end;
    if (more) corpus->next = *end;
    pthread_mutex_unlock(&corpus->lock);
    return more;
}

static void *paint(void *argument) {
    struct corpus *corpus = argument;
    size_t side = (size_t)corpus->options.size;
    struct painter painter = {.image = {memory_new(3 * side, side), (int)side, (int)side},
                              .file = BUFFER_INIT(MAX_FILE),
                              .path = BUFFER_INIT(MAX_FILE)};
    struct pomona_error error = {0};
    pomona_status status = painter.image.pixels ? POMONA_OK : fail_memory(&error, "picture");
    int64_t first, end, made = 0;
    while (next_chunk(corpus, made, status, &error, &first, &end))
        for (made = 0; first < end && status == POMONA_OK; first++, made += status == POMONA_OK)
            status = make_photo(&corpus->options, first, &painter, &error);
    memory_free(painter.image.pixels);
    buffer_free(&painter.file);
    buffer_free(&painter.path);
    return NULL;
}

/* Draws everything, on this thread and as many more as can be started. */
static pomona_status paint_all(struct corpus *corpus, struct pomona_error *error) {
    int helpers = corpus->options.threads - 1, started = 0;
    pthread_t threads[MAX_THREADS];
    if (pthread_mutex_init(&corpus->lock, NULL) != 0) return fail_memory(error, "lock");
    while (started < helpers && pthread_create(&threads[started], NULL, paint, corpus) == 0) started++;
    paint(corpus);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&corpus->lock);
    if (corpus->status != POMONA_OK && error) *error = corpus->error;
    return corpus->status;
}

static pomona_status write_readme(const struct pomona_sample_options *o, struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(MAX_FILE), path = BUFFER_INIT(MAX_FILE);
    const char *file;
    pomona_status status;
    TRY_GOTO(
        buffer_printf(
            &text, error,
            "These pictures are synthetic: drawn by pomona sample, not photographed.\n"
            "No fruit, camera, place or person is behind them; the positions in some of them are random "
            "points\n"
            "in the South Pacific. Each file carries the comment \"synthetic, drawn by pomona sample\".\n\n"
            "photos: %" PRId64 "\nsize: %d x %d\nclasses: %d\nseed: %" PRIu64 "\nshare with GPS: %g\n\n"
            "The same options give the same bytes on every machine.\n",
            o->count, o->size, o->size, o->classes, o->seed, o->gps_share),
        status, done);
    TRY_GOTO(set_path(&path, &file, error, o->out, "README.txt"), status, done);
    status = sample_write(file, text.data, text.size, o->overwrite, error);
done:
    buffer_free(&text);
    buffer_free(&path);
    return status;
}

static pomona_status make_folders(const struct pomona_sample_options *o, struct pomona_error *error) {
    struct buffer path = BUFFER_INIT(MAX_FILE);
    pomona_status status = sample_folder(o->out, error);
    for (int i = 0; i < o->classes && i < o->count && status == POMONA_OK; i++) {
        char label[LABEL_SIZE];
        const char *folder;
        recipe_label(i, label);
        TRY_GOTO(set_path(&path, &folder, error, o->out, label), status, done);
        status = sample_folder(folder, error);
    }
done:
    buffer_free(&path);
    return status;
}

pomona_status pomona_sample_make(const struct pomona_sample_options *options, struct pomona_error *error) {
    struct corpus corpus = {.options = *options};
    TRY(check_options(&corpus.options, error));
    TRY(sample_folder(corpus.options.out, error));
    TRY(write_readme(&corpus.options, error)); /* first: it exists where a corpus was drawn before */
    TRY(make_folders(&corpus.options, error));
    return paint_all(&corpus, error);
}
