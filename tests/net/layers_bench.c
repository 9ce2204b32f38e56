/* Where a network's time goes: each step of its plan (a block that runs in bands counts as one), one thread, one photo at a time.
 *
 * usage: layers_bench MODEL.onnx [fp32|int8]
 *
 * Prints a line a step, separated by tabs: microseconds (the best of many runs of the whole network), multiply-adds, what it is. Goes past
 * the public API, to the plan itself. */
#include "base/memory.h"
#include "net/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 200 };

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int steps_of(const struct plan *plan, int index) {
    return plan->steps[index].chain > 0 ? plan->steps[index].chain : 1;
}

/* best[step]: seconds; whole: of a run. */
static void measure(const struct run_state *state, double *best, double *whole) {
    const struct plan *plan = state->plan;
    for (int run = 0; run < RUNS; run++) {
        double start = seconds_now(), before = start;
        for (int i = 0; i < plan->step_count;) {
            int next = run_step(state, i, 0, 1);
            double after = seconds_now();
            if (run == 0 || after - before < best[i]) best[i] = after - before;
            before = after;
            i = next;
        }
        if (run == 0 || before - start < *whole) *whole = before - start;
    }
}

static void print(const struct plan *plan, const double *best, double whole) {
    for (int i = 0; i < plan->step_count; i += steps_of(plan, i)) {
        char text[200];
        uint64_t macs = 0;
        for (int j = 0; j < steps_of(plan, i); j++) macs += plan->steps[i + j].macs;
        step_describe(plan, &plan->steps[i], text, sizeof text);
        printf("%.2f\t%llu\t%s%s\n", best[i] * 1e6, (unsigned long long)macs, text,
               steps_of(plan, i) == 3   ? ", depthwise and conv 1x1"
               : steps_of(plan, i) == 2 ? ", conv 1x1"
                                        : "");
    }
    printf("%.2f\t0\twhole\n", whole * 1e6);
}

int main(int argc, char **argv) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    const struct pomona_model_options options = {.precision = argc > 2 ? argv[2] : NULL};
    if (argc < 2 || pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK ||
        pomona_model_open(context, argv[1], &options, &model, &error) != POMONA_OK) {
        fprintf(stderr, "layers_bench: %s\n",
                argc < 2 ? "layers_bench MODEL.onnx [fp32|int8]" : error.message);
        return 1;
    }
    const struct plan *plan = &model->plan;
    size_t bytes = 0;
    double *best = calloc((size_t)plan->step_count, sizeof *best), whole = 0;
    size_t *offsets = calloc((size_t)plan->tensor_count, sizeof *offsets);
    uint8_t *pixels = calloc(model->info.photo_bytes, 1);
    if (!best || !offsets || !pixels || plan_place(plan, 1, offsets, &bytes, &error) != POMONA_OK) return 1;
    for (size_t i = 0; i < model->info.photo_bytes; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    const struct run_state state = {plan,
                                    model->kernels,
                                    offsets,
                                    memory_new_aligned(bytes, 1),
                                    memory_new_aligned(plan->scratch_floats, sizeof(float)),
                                    pixels};
    if (!state.tensors || !state.scratch) return 1;
    measure(&state, best, &whole);
    print(plan, best, whole);
    memory_free(state.tensors);
    memory_free(state.scratch);
    free(best), free(offsets), free(pixels);
    pomona_model_free(&model);
    pomona_context_free(&context);
    return 0;
}
