#include "net/loops.h"

#include <math.h>
#include <string.h>

static float apply(enum binary_kind kind, float a, float b) {
    switch (kind) {
    case BINARY_ADD: return a + b;
    case BINARY_SUBTRACT: return a - b;
    case BINARY_MULTIPLY: return a * b;
    case BINARY_DIVIDE: return a / b;
    }
    return 0;
}

/* Calls for each innermost row: offsets of a and b, and where y is. */
struct cursor {
    size_t index[PLAN_AXES_MAX];
    size_t a, b;
};

/* Steps to the next innermost row; false past the last. */
static bool next_row(const struct walk *walk, struct cursor *cursor) {
    for (int i = walk->rank - 2; i >= 0; i--) {
        cursor->a += walk->a_strides[i];
        cursor->b += walk->b_strides[i];
        if (++cursor->index[i] < walk->dims[i]) return true;
        cursor->a -= walk->dims[i] * walk->a_strides[i];
        cursor->b -= walk->dims[i] * walk->b_strides[i];
        cursor->index[i] = 0;
    }
    return false;
}

void loop_transpose(const struct walk *walk, const float *x, float *y) {
    struct cursor cursor = {{0}, 0, 0};
    size_t columns = walk->dims[walk->rank - 1], stride = walk->a_strides[walk->rank - 1];
    do {
        for (size_t i = 0; i < columns; i++) *y++ = x[cursor.a + i * stride];
    } while (next_row(walk, &cursor));
}

void loop_binary(const struct walk *walk, const float *a, const float *b, float *y) {
    struct cursor cursor = {{0}, 0, 0};
    size_t columns = walk->dims[walk->rank - 1];
    size_t a_stride = walk->a_strides[walk->rank - 1], b_stride = walk->b_strides[walk->rank - 1];
    do {
        for (size_t i = 0; i < columns; i++) {
            float left = a[cursor.a + i * a_stride], right = b[cursor.b + i * b_stride];
            *y++ = walk->constant_first ? apply(walk->kind, right, left) : apply(walk->kind, left, right);
        }
    } while (next_row(walk, &cursor));
}

void loop_pad(const struct window *window, size_t channels, float border, const float *x, float *y) {
    size_t row = (size_t)window->out_width * channels, in_row = (size_t)window->in_width * channels;
    size_t count = (size_t)window->out_height * row;
    for (size_t i = 0; i < count; i++) y[i] = border;
    for (size_t i = 0; i < (size_t)window->in_height; i++)
        memcpy(y + (i + (size_t)window->pad_top) * row + (size_t)window->pad_left * channels, x + i * in_row,
               in_row * sizeof *y);
}

void loop_softmax(size_t rows, size_t columns, const float *x, float *y) {
    for (; rows > 0; rows--, x += columns, y += columns) {
        float high = x[0];
        double sum = 0;
        for (size_t i = 1; i < columns; i++) high = fmaxf(high, x[i]);
        for (size_t i = 0; i < columns; i++) sum += exp((double)x[i] - (double)high);
        for (size_t i = 0; i < columns; i++) y[i] = (float)(exp((double)x[i] - (double)high) / sum);
    }
}

void loop_copy_rows(size_t rows, size_t columns, const float *x, float *y, size_t y_stride) {
    for (size_t i = 0; i < rows; i++) memcpy(y + i * y_stride, x + i * columns, columns * sizeof *y);
}
