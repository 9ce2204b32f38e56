#include "net/band.h"

#include "base/memory.h"
#include "net/calls.h"

#include <string.h>

enum {
    CHAIN_MAX = 3,
    WIDE_BYTES = 192 << 10, /* a middle smaller than this stays in the cache anyway */
    BAND_BYTES = 192 << 10  /* of a band's rows together: what a core's L2 cache has beside the weights */
};

static int minimum(int a, int b) { return a < b ? a : b; }
static int maximum(int a, int b) { return a > b ? a : b; }

/* Bytes of one element of what a step writes, and of one row. */
static size_t element_size(const struct step *step) { return step->integer ? 1 : sizeof(float); }
static size_t row_bytes(const struct step *step) {
    return (size_t)step->window.out_width * (size_t)step->out_channels * element_size(step);
}

static int extent(const struct window *window) {
    return (window->kernel_height - 1) * window->dilation_y + 1;
}

/* Rows of input that the output rows [first, last) of a window read, within the image. */
struct rows {
    int first, last;
};

static struct rows rows_needed(const struct window *window, int first, int last) {
    int from = first * window->stride_y - window->pad_top;
    int to = (last - 1) * window->stride_y - window->pad_top + extent(window);
    return (struct rows){maximum(from, 0), minimum(to, window->in_height)};
}

/* The window for output rows [first, last) over input rows `in` only. Windows that begin past the end of the image read
 * nothing, so at least one row is kept. */
static struct window band_window(const struct window *window, int first, int last, struct rows in) {
    struct window band = *window;
    band.in_height = in.last - in.first;
    band.out_height = last - first;
    band.pad_top = window->pad_top + in.first - first * window->stride_y;
    return band;
}

static bool is_depthwise_then_project(const struct step *depthwise, const struct step *project) {
    const struct window *window = &depthwise->window;
    int last_start = (window->out_height - 1) * window->stride_y - window->pad_top;
    return depthwise->kind == STEP_DEPTHWISE && project->kind == STEP_GEMM &&
           project->input == depthwise->output && project->window.kernel_height == 1 &&
           project->second != depthwise->output && window->pad_top < extent(window) &&
           last_start < window->in_height && window->out_height > 1;
}

static bool is_expand(const struct step *step, const struct step *depthwise) {
    const struct window *window = &step->window;
    bool image =
        step->kind == STEP_GEMM ? window->kernel_height == 1 : step->kind == STEP_CONV && step->groups == 1;
    return image && step->second < 0 && depthwise->input == step->output &&
           window->pad_top < extent(window) &&
           (window->out_height - 1) * window->stride_y - window->pad_top < window->in_height;
}

/* Rows of the expanded image that a band of `rows` output rows spans at most. */
static int expanded_rows(const struct step *depthwise, int rows) {
    const struct window *window = &depthwise->window;
    return minimum((rows - 1) * window->stride_y + extent(window), window->in_height);
}

static size_t chain_bytes(const struct step *first, int chain, int rows) {
    const struct step *depthwise = first + chain - 2;
    size_t bytes = row_bytes(depthwise) * (size_t)rows;
    if (chain == 3) bytes += row_bytes(first) * (size_t)expanded_rows(depthwise, rows);
    return bytes;
}

static int choose_band_rows(const struct step *first, int chain) {
    int rows = 1, height = first[chain - 1].window.out_height;
    while (rows < height && chain_bytes(first, chain, rows + 1) <= BAND_BYTES) rows++;
    int bands = (height + rows - 1) / rows;
    return (height + bands - 1) / bands; /* bands of even height */
}

static void count_use(void *user, int tensor) { ((int *)user)[tensor]++; }

pomona_status plan_find_chains(struct plan *plan, struct pomona_error *error) {
    int *uses = memory_new((size_t)plan->tensor_count, sizeof *uses);
    if (!uses) return fail_memory(error, "plan");
    uses[plan->output]++;
    for (int i = 0; i < plan->step_count; i++) step_each_input(&plan->steps[i], count_use, uses);
    for (int i = 0; i < plan->step_count; i++) {
        struct step *step = &plan->steps[i];
        int left = plan->step_count - i, chain = 1;
        if (left >= 3 && is_depthwise_then_project(step + 1, step + 2) && is_expand(step, step + 1) &&
            uses[step->output] == 1 && uses[step[1].output] == 1)
            chain = 3;
        else if (left >= 2 && is_depthwise_then_project(step, step + 1) && uses[step->output] == 1)
            chain = 2;
        if (chain == 1 || tensor_size(&plan->tensors[step->output]) < WIDE_BYTES) continue;
        step->chain = chain;
        step->band_rows = choose_band_rows(step, chain);
        for (int j = 0; j < chain - 1; j++) plan->tensors[step[j].output].banded = true;
        i += chain - 1;
    }
    memory_free(uses);
    return POMONA_OK;
}

size_t band_floats(const struct step *first) {
    size_t rows = first->chain < 2 ? 0 : chain_bytes(first, first->chain, first->band_rows) / sizeof(float);
    return rows > 0 ? rows + 48 : 0; /* each part aligned, and what kernels may read past the last */
}

/* A chain at work on one photo. */
struct band {
    const struct plan *plan;
    const struct step *first, *depthwise, *project;
    const struct kernels *kernels;
    float *kernel_scratch, *pixels;
    char *expanded; /* rows `have` of the expanded image */
    struct rows have;
    char *filtered; /* the band's rows behind the depthwise convolution */
};

static struct call call_of(const struct band *band, const struct step *step, const void *x, void *y) {
    return (struct call){
        step,        band->kernels, band->plan->packed + step->packed, x, NULL, y, band->kernel_scratch,
        band->pixels};
}

/* Makes the expanded rows `need` the ones at band->expanded; rows that are there already move up. */
static void expand_rows(struct band *band, const char *x, struct rows need) {
    const struct step *step = band->first;
    const struct window *window = &step->window;
    size_t row = row_bytes(step);
    size_t in_row = (size_t)window->in_width * (size_t)step->in_channels * element_size(step);
    int kept = maximum(band->have.last - need.first, 0), from = need.first + kept;
    if (kept > 0 && need.first > band->have.first)
        memmove(band->expanded, band->expanded + (size_t)(need.first - band->have.first) * row,
                (size_t)kept * row);
    band->have = need;
    if (from >= need.last) return;
    char *y = band->expanded + (size_t)kept * row;
    if (step_reads_pixels(step)) {
        struct call call = call_of(band, step, x, y);
        call_first_conv(&call, from, need.last);
        return;
    }
    if (step->kind == STEP_GEMM) {
        struct call call = call_of(band, step, x + (size_t)from * in_row, y);
        call_gemm(&call, (size_t)(need.last - from) * (size_t)window->out_width);
        return;
    }
    struct rows in = rows_needed(window, from, need.last);
    struct window part = band_window(window, from, need.last, in);
    struct call call = call_of(band, step, x + (size_t)in.first * in_row, y);
    call_conv(&call, &part, 1);
}

void band_run(const struct plan *plan, const struct step *first, const struct kernels *kernels, const void *x,
              const void *residual, void *y, float *scratch) {
    const struct step *depthwise = first + first->chain - 2, *project = depthwise + 1;
    const struct window *window = &depthwise->window;
    size_t in_row = (size_t)window->in_width * (size_t)depthwise->in_channels * element_size(depthwise);
    size_t out_row = row_bytes(project), filtered = row_bytes(depthwise) * (size_t)first->band_rows;
    float *pixels = scratch + plan->kernel_scratch_floats;
    char *rows = (char *)(pixels + plan->pixels_floats);
    struct band band = {.plan = plan,
                        .first = first,
                        .depthwise = depthwise,
                        .project = project,
                        .kernels = kernels,
                        .kernel_scratch = scratch,
                        .pixels = pixels,
                        .expanded = rows + (filtered + MEMORY_ALIGN - 1) / MEMORY_ALIGN * MEMORY_ALIGN,
                        .filtered = rows};
    if (step_reads_pixels(first)) {
        struct call call = call_of(&band, first, x, NULL);
        call_pixels(&call);
    }
    for (int top = 0; top < window->out_height; top += first->band_rows) {
        int bottom = minimum(top + first->band_rows, window->out_height);
        struct rows need = rows_needed(window, top, bottom);
        if (first->chain == 3) expand_rows(&band, x, need);
        struct window part = band_window(window, top, bottom, need);
        const char *wide = first->chain == 3 ? band.expanded : (const char *)x + (size_t)need.first * in_row;
        struct call filter = call_of(&band, depthwise, wide, band.filtered);
        call_depthwise(&filter, &part, 1);
        struct call mix = call_of(&band, project, band.filtered, (char *)y + (size_t)top * out_row);
        mix.residual = residual ? (const char *)residual + (size_t)top * out_row : NULL;
        call_gemm(&mix, (size_t)(bottom - top) * (size_t)window->out_width);
    }
}
