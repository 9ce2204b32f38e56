/* Runs a model on raw pixels: run_model MODEL LAYER PIXELS BATCH FEATURES [SIZE [VIEWS]], with LAYER "-" for the default.
 * PIXELS holds whole photos of the model's size (or of SIZE x SIZE), all views of a photo one after the other, uint8 RGB; FEATURES
 * receives fp32. Prints "features layer" on success; one line on
 * stderr and exit code 2 on failure. With BATCH "steps", prints the plan instead. */
#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "pomona/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_steps(const struct pomona_model *model) {
    char text[160];
    for (int i = 0; pomona_model_step(model, i, text, sizeof text); i++) puts(text);
}

static pomona_status run_all(const struct pomona_model *model, const struct buffer *pixels, int batch,
                             const char *path, struct pomona_error *error) {
    struct pomona_model_info info;
    pomona_model_get_info(model, &info);
    size_t photo = info.photo_bytes;
    size_t photos = pixels->size / photo, features = (size_t)info.features;
    if (photos * photo != pixels->size)
        return fail(error, POMONA_E_INPUT, path, "%zu bytes are no whole photos of %zu", pixels->size, photo);
    struct pomona_session *session = NULL;
    float *out = memory_new(photos * features, sizeof *out);
    pomona_status status =
        out ? pomona_session_new(model, batch, &session, error) : fail_memory(error, "features");
    for (size_t i = 0; status == POMONA_OK && i < photos; i += (size_t)batch) {
        size_t left = photos - i;
        int n = left < (size_t)batch ? (int)left : batch;
        status = pomona_session_run(session, pixels->data + i * photo, n, out + i * features, error);
    }
    pomona_session_free(&session);
    FILE *file = status == POMONA_OK ? fopen(path, "wb") : NULL;
    if (status == POMONA_OK &&
        (!file || fwrite(out, sizeof *out, photos * features, file) != photos * features))
        status = fail(error, POMONA_E_IO, path, "can't be written");
    if (file) fclose(file);
    memory_free(out);
    if (status == POMONA_OK) printf("%d %s\n", info.features, info.layer);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 6 || argc > 8) return 1;
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    struct buffer pixels = BUFFER_INIT(SIZE_MAX / 2);
    struct pomona_model_options options = {.layer = strcmp(argv[2], "-") ? argv[2] : NULL,
                                           .size = argc > 6 ? (int)strtol(argv[6], NULL, 10) : 0,
                                           .views = argc > 7 ? argv[7] : NULL};
    pomona_status status = pomona_context_new(POMONA_TIER_AUTO, &context, &error);
    if (status == POMONA_OK) status = pomona_model_open(context, argv[1], &options, &model, &error);
    if (status == POMONA_OK && strcmp(argv[4], "steps") == 0)
        print_steps(model);
    else if (status == POMONA_OK) {
        status = file_read(argv[3], &pixels, &error);
        if (status == POMONA_OK)
            status = run_all(model, &pixels, (int)strtol(argv[4], NULL, 10), argv[5], &error);
    }
    if (status != POMONA_OK) fprintf(stderr, "%d %s\n", (int)status, error.message);
    buffer_free(&pixels);
    pomona_model_free(&model);
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : 2;
}
