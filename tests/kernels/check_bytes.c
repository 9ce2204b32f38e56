#include "check_bytes.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64, GUARD = 64, FILL = 0xA5 };

static struct bytes bytes_new(size_t count, bool shifted, size_t tail, int fill) {
    size_t before = ALIGN + (shifted ? 1 : 0), size = before + count + tail;
    /* no rounding up, so that the address sanitizer sees the end */
    struct bytes bytes = {.count = count, .block = NULL};
    void *block = NULL;
    if (posix_memalign(&block, ALIGN, size) != 0) abort();
    bytes.block = block;
    bytes.data = bytes.block + before;
    memset(bytes.block, fill, size);
    return bytes;
}

struct bytes bytes_input(struct check *check, size_t count, bool shifted) {
    struct bytes bytes = bytes_new(count, shifted, MEMORY_ALIGN, 255);
    int kind = check_random(check, 0, 5);
    for (size_t i = 0; i < count; i++)
        bytes.data[i] = (uint8_t)(kind == 0   ? 0
                                  : kind == 1 ? 255
                                  : kind == 2 ? 255 * check_random(check, 0, 1)
                                              : check_random(check, 0, 255));
    return bytes;
}

struct bytes bytes_output(size_t count, bool shifted) {
    return bytes_new(count, shifted, GUARD, FILL);
}

void bytes_free(struct bytes *bytes) {
    free(bytes->block);
    *bytes = (struct bytes){0};
}

static bool all_fill(const uint8_t *p, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (p[i] != FILL) return false;
    return true;
}

void check_bytes_guards(struct check *check, const struct bytes *bytes) {
    check_that(check, all_fill(bytes->block, (size_t)(bytes->data - bytes->block)),
               "wrote before the output");
    check_that(check, all_fill(bytes->data + bytes->count, GUARD), "wrote past the output");
}

void check_bytes(struct check *check, struct bytes *got, const struct bytes *want, size_t rows, size_t n,
                 size_t stride) {
    if (check->sabotage == SABOTAGE_VALUE) got->data[n - 1] ^= 1;
    if (check->sabotage == SABOTAGE_BEFORE) got->data[-1] ^= 1;
    if (check->sabotage == SABOTAGE_AFTER) got->data[got->count] ^= 1;
    check_bytes_guards(check, got);
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *a = got->data + row * stride, *b = want->data + row * stride;
        size_t j = 0;
        while (j < n && a[j] == b[j]) j++;
        if (j < n) {
            char message[128];
            snprintf(message, sizeof message, "row %zu, column %zu: %d instead of %d", row, j, a[j], b[j]);
            check_that(check, false, message);
            return;
        }
        if (row + 1 < rows) check_that(check, all_fill(a + n, stride - n), "wrote between rows");
    }
}

void check_same_bytes(struct check *check, const uint8_t *a, const uint8_t *b, size_t count) {
    bool same = memcmp(a, b, count) == 0;
    if (check->sabotage == SABOTAGE_BIT) same = same && (a[0] ^ 1) == b[0];
    check_that(check, same, "the result depends on the tile or the batch");
}

struct integer_layer layer_new(struct check *check, int channels, int inputs) {
    size_t n = (size_t)channels, count = n * (size_t)inputs;
    struct integer_layer layer = {memory_new(count, 1), memory_new(n, sizeof(int32_t)),
                                  memory_new(n, sizeof(float))};
    int kind = check_random(check, 0, 5);
    for (size_t i = 0; i < count; i++)
        layer.w[i] = (int8_t)(kind == 0   ? -128
                              : kind == 1 ? 127
                              : kind == 2 ? check_random(check, 0, 1) * 255 - 128
                                          : check_random(check, -128, 127));
    for (size_t i = 0; i < n; i++) {
        int most = 0x7fffffff - 255 * 128 * inputs;
        int reach = check_random(check, 0, 3) ? 4000 * inputs : most;
        if (reach > most) reach = most;
        layer.bias[i] = check_random(check, -(reach / 2), reach / 2) * 2;
        /* sums of random terms are about 9,000 times the root of their number */
        layer.multiplier[i] = (float)check_random(check, 1, 4096) / 4096 / (float)(64 + 8 * inputs);
        if (!check_random(check, 0, 7)) layer.multiplier[i] = 0.9f;
    }
    return layer;
}

void layer_free(struct integer_layer *layer) {
    memory_free(layer->w);
    memory_free(layer->bias);
    memory_free(layer->multiplier);
}

struct requantise_output random_output(struct check *check) {
    static const int zero_points[] = {0, 0, 128, 255, 1, 77};
    struct requantise_output output = {check_pick(check, zero_points), 0, 255};
    if (!check_random(check, 0, 2)) {
        output.low = check_random(check, 0, 255);
        output.high = check_random(check, output.low, 255);
    }
    return output;
}
