/* One engine of bench/net.py: runs a model on request, with one thread, through the public API.
 *
 * usage: net_bench MODEL.onnx [TIER]
 *
 * Reads lines "BATCH RUNS", and answers each with the seconds that RUNS runs of BATCH photos took, on a line of its own.
 * The first line it prints is "ready TIER VERSION". Timing is inside, so the pipe costs nothing. */
#include "pomona/model.h"
#include "pomona/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_BATCH = 64 };

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Photos of noise: the time does not depend on what is in them. */
static void draw_noise(uint8_t *pixels, size_t size) {
    uint32_t random = 1;
    for (size_t i = 0; i < size; i++) {
        random = random * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(random >> 24);
    }
}

static pomona_status answer(const struct pomona_model *model, const uint8_t *pixels, float *features,
                            struct pomona_error *error) {
    int batch, runs, previous = 0;
    struct pomona_session *session = NULL;
    pomona_status status = POMONA_OK;
    while (status == POMONA_OK && scanf("%d %d", &batch, &runs) == 2) {
        if (batch != previous) {
            pomona_session_free(&session);
            status = pomona_session_new(model, batch, &session, error);
            previous = batch;
        }
        double start = seconds_now();
        for (int i = 0; i < runs && status == POMONA_OK; i++)
            status = pomona_session_run(session, pixels, batch, features, error);
        printf("%.9f\n", seconds_now() - start);
        fflush(stdout);
    }
    pomona_session_free(&session);
    return status;
}

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    struct pomona_model_info info;
    pomona_tier tier = POMONA_TIER_AUTO;
    pomona_status status = POMONA_E_USAGE;
    uint8_t *pixels = NULL;
    float *features = NULL;
    if (argc < 2 || argc > 3) {
        fputs("usage: net_bench MODEL.onnx [TIER]\n", stderr);
        return 1;
    }
    if (argc == 3 && pomona_tier_parse(argv[2], &tier, &error) != POMONA_OK) goto done;
    status = pomona_context_new(tier, &context, &error);
    if (status == POMONA_OK) status = pomona_model_open(context, argv[1], NULL, &model, &error);
    if (status != POMONA_OK) goto done;
    pomona_model_get_info(model, &info);
    size_t photo = (size_t)info.input_width * (size_t)info.input_height * 3;
    pixels = malloc(MAX_BATCH * photo);
    features = malloc(MAX_BATCH * (size_t)info.features * sizeof *features);
    if (!pixels || !features) goto done;
    draw_noise(pixels, MAX_BATCH * photo);
    printf("ready %s %s\n", pomona_tier_name(pomona_context_tier(context)), pomona_version());
    fflush(stdout);
    status = answer(model, pixels, features, &error);
done:
    if (status != POMONA_OK) fprintf(stderr, "net_bench: %s\n", error.message);
    free(pixels);
    free(features);
    pomona_model_free(&model);
    pomona_context_free(&context);
    return pomona_status_exit_code(status);
}
