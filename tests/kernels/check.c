#include "check.h"

#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = MEMORY_ALIGN, FILL = 0xA5 };

void check_case(struct check *check, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->what, sizeof check->what, format, arguments);
    va_end(arguments);
    check->cases++;
}

void check_that(struct check *check, bool condition, const char *message) {
    if (condition) return;
    if (check->failures++ < 20 && !check->quiet) fprintf(stderr, "FAILED %s: %s\n", check->what, message);
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next_random(struct check *check) {
    uint64_t z = check->random += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int check_random(struct check *check, int low, int high) {
    return low + (int)(next_random(check) % (uint64_t)(high - low + 1));
}

bool check_coin(struct check *check) { return next_random(check) & 1; }

/* A block of GUARD bytes, [one float], count floats, GUARD bytes. */
static struct tensor tensor_new(size_t count, bool shifted) {
    size_t bytes = (2 * GUARD + (count + shifted) * sizeof(float) + GUARD - 1) / GUARD * GUARD;
    struct tensor tensor = {NULL, count, aligned_alloc(GUARD, bytes)};
    if (!tensor.block) abort();
    memset(tensor.block, FILL, bytes);
    tensor.data = (float *)(void *)(tensor.block + GUARD) + shifted;
    return tensor;
}

void tensor_free(struct tensor *tensor) {
    free(tensor->block);
    *tensor = (struct tensor){NULL, 0, NULL};
}

struct tensor tensor_output(size_t count, bool shifted) {
    return tensor_new(count, shifted);
}

struct tensor tensor_aligned(size_t count) {
    return tensor_new(count, false);
}

/* Inputs end where the block ends, so that the sanitizer sees the first byte that is read too far. */
static struct tensor input_new(size_t count, bool shifted) {
    struct tensor tensor = {NULL, count, NULL};
    void *block = NULL;
    size_t bytes = (count + shifted) * sizeof(float);
    if (posix_memalign(&block, MEMORY_ALIGN, bytes + MEMORY_ALIGN) != 0) abort();
    memset((unsigned char *)block + bytes, 0xFF, MEMORY_ALIGN); /* NaN */
    tensor.block = block;
    tensor.data = (float *)block + shifted;
    return tensor;
}

static float random_float(struct check *check, int kind) {
    static const float specials[] = {0.0f, -0.0f, 1e-40f, -3e-42f, 1e15f, -1e15f, 1.0f, -6.0f, 0x1p-126f};
    uint64_t bits = next_random(check);
    float uniform = (float)((double)(bits >> 40) * 0x1p-23 - 1.0);
    if (kind == 1) return ldexpf(uniform, (int)(bits % 41) - 20);
    if (kind == 2 && bits % 4 == 0) return specials[(bits >> 8) % (sizeof specials / sizeof *specials)];
    return uniform;
}

struct tensor tensor_input(struct check *check, size_t count, bool shifted) {
    struct tensor tensor = input_new(count, shifted);
    int kind = check_random(check, 0, 2);
    for (size_t i = 0; i < count; i++) tensor.data[i] = random_float(check, kind);
    return tensor;
}

struct tensor tensor_absolute(const struct tensor *input) {
    struct tensor tensor = input_new(input->count, false);
    for (size_t i = 0; i < input->count; i++) tensor.data[i] = fabsf(input->data[i]);
    return tensor;
}

static bool all_fill(const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        if (p[i] != FILL) return false;
    return true;
}

void check_guards(struct check *check, const struct tensor *tensor) {
    const unsigned char *data = (const unsigned char *)tensor->data;
    check_that(check, all_fill(tensor->block, (size_t)(data - tensor->block)), "wrote before the output");
    check_that(check, all_fill(data + tensor->count * sizeof(float), GUARD), "wrote past the output");
}

static bool close_enough(float got, float want, double bound) {
    if (isnan(want)) return isnan(got);
    return got == want || fabs((double)got - (double)want) <= bound;
}

/* Spoils `got` as --self-test asks; `bound` is that of its first element. */
static void sabotage_output(const struct check *check, struct tensor *got, double bound) {
    unsigned char *bytes = (unsigned char *)got->data;
    if (check->sabotage == SABOTAGE_VALUE)
        got->data[0] = nextafterf((float)(got->data[0] + 2 * bound), INFINITY);
    if (check->sabotage == SABOTAGE_BEFORE) bytes[-1] = 0;
    if (check->sabotage == SABOTAGE_AFTER) bytes[got->count * sizeof(float)] = 0;
}

void check_output(struct check *check, struct tensor *got, const struct tensor *want, const float *scale,
                  double factor, size_t rows, size_t n, size_t stride) {
    const double tiny = 0x1p-126; /* sums of denormals round absolutely, by less than this in 2^20 terms */
    sabotage_output(check, got, scale ? factor * (double)scale[0] + tiny : 0.0);
    check_guards(check, got);
    char message[128];
    for (size_t row = 0; row < rows; row++) {
        for (size_t j = 0, i = row * stride; j < n; j++, i++) {
            double bound = scale ? factor * (double)scale[i] + tiny : 0.0;
            if (close_enough(got->data[i], want->data[i], bound)) continue;
            snprintf(message, sizeof message, "row %zu, column %zu: %.9g instead of %.9g (bound %.3g)", row,
                     j, (double)got->data[i], (double)want->data[i], bound);
            check_that(check, false, message);
            return;
        }
        if (row + 1 < rows)
            check_that(check, all_fill(got->data + row * stride + n, (stride - n) * sizeof(float)),
                       "wrote between rows");
    }
}

void check_bits(struct check *check, const float *a, const float *b, size_t count) {
    bool same = memcmp(a, b, count * sizeof *a) == 0;
    if (check->sabotage == SABOTAGE_BIT) {
        uint32_t spoilt, other;
        memcpy(&spoilt, a, sizeof spoilt);
        memcpy(&other, b, sizeof other);
        same = same && (spoilt ^ 1) == other;
    }
    check_that(check, same, "the result depends on the tile or the batch");
}

/* One axis: picks stride, dilation and paddings until there is an output. */
static int random_axis(struct check *check, int in, int kernel, int *stride, int *pad, int *dilation) {
    for (;;) {
        *stride = check_random(check, 1, check_coin(check) ? 2 : 3);
        *dilation = check_random(check, 0, 4) ? 1 : check_random(check, 2, 3);
        *pad = check_random(check, 0, kernel - 1);
        int reach = (kernel - 1) * *dilation + 1, padded = in + *pad + check_random(check, 0, kernel - 1);
        if (padded >= reach) return (padded - reach) / *stride + 1;
    }
}

struct window check_window(struct check *check, int in_height, int in_width, int kernel_height,
                           int kernel_width) {
    struct window w = {.in_height = in_height,
                       .in_width = in_width,
                       .kernel_height = kernel_height,
                       .kernel_width = kernel_width};
    w.out_height = random_axis(check, in_height, kernel_height, &w.stride_y, &w.pad_top, &w.dilation_y);
    w.out_width = random_axis(check, in_width, kernel_width, &w.stride_x, &w.pad_left, &w.dilation_x);
    return w;
}

void window_text(const struct window *w, char text[128]) {
    snprintf(text, 128, "%dx%d s%dx%d p%d,%d d%dx%d in %dx%d out %dx%d", w->kernel_height, w->kernel_width,
             w->stride_y, w->stride_x, w->pad_top, w->pad_left, w->dilation_y, w->dilation_x, w->in_height,
             w->in_width, w->out_height, w->out_width);
}
