#include "net/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char *kind_name(const struct step *step) {
    switch (step->kind) {
    case STEP_NONE: return "nothing";
    case STEP_GEMM: return step->window.kernel_height ? "conv 1x1" : "dense";
    case STEP_CONV: return "conv";
    case STEP_DEPTHWISE: return "depthwise";
    case STEP_MAX_POOL: return "max pool";
    case STEP_AVERAGE_POOL: return "average pool";
    case STEP_MEAN: return "mean";
    case STEP_SCALE: return "scale";
    case STEP_SCALE_BY: return "scale by";
    case STEP_CLAMP: return "clamp";
    case STEP_SIGMOID: return "sigmoid";
    case STEP_HARD_SIGMOID: return "hard sigmoid";
    case STEP_HARD_SWISH: return "hard swish";
    case STEP_ADD: return "add";
    case STEP_MULTIPLY: return "multiply";
    case STEP_BINARY: return "broadcast";
    case STEP_COPY: return "transpose";
    case STEP_CONCAT: return "concat";
    case STEP_PAD: return "pad";
    case STEP_SOFTMAX: return "softmax";
    case STEP_QUANTIZE: return "quantize";
    case STEP_DEQUANTIZE: return "dequantize";
    case STEP_HEAD: return "conv 1x1";
    case STEP_TABLE: return "table";
    }
    return "?";
}

/* Text that grows; what does not fit is cut. */
struct line {
    char *text;
    size_t capacity, used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line->text + line->used, line->capacity - line->used, format, arguments);
    va_end(arguments);
    if (size > 0) line->used += (size_t)size;
    if (line->used >= line->capacity) line->used = line->capacity - 1;
}

static void add_window(struct line *line, const struct window *window) {
    add(line, " %dx%d", window->kernel_height, window->kernel_width);
    if (window->stride_y != 1 || window->stride_x != 1) {
        add(line, "/%d", window->stride_y);
        if (window->stride_x != window->stride_y) add(line, "x%d", window->stride_x);
    }
    if (window->dilation_y > 1 || window->dilation_x > 1) add(line, " dilated %d", window->dilation_y);
}

static void add_clamp(struct line *line, const struct step *step) {
    bool low = step->low > -INFINITY, high = step->high < INFINITY;
    if (step->low == 0 && !high)
        add(line, " relu");
    else if (step->low == 0 && step->high == 6)
        add(line, " relu6");
    else if (low || high)
        add(line, " clamp %g..%g", (double)step->low, (double)step->high);
}

void step_describe(const struct plan *plan, const struct step *step, char *text, size_t capacity) {
    struct line line = {text, capacity, 0};
    const struct window *window = &step->window;
    bool slides = step->kind == STEP_CONV || step->kind == STEP_DEPTHWISE || step->kind == STEP_MAX_POOL ||
                  step->kind == STEP_AVERAGE_POOL;
    bool image = slides || step->kind == STEP_HEAD || (step->kind == STEP_GEMM && window->kernel_height);
    add(&line, "%s", kind_name(step));
    if (slides) add_window(&line, window);
    if (step->kind == STEP_CONV && step->groups > 1) add(&line, " in %d groups", step->groups);
    if (step->second >= 0 && (step->kind == STEP_GEMM || step->kind == STEP_CONV)) add(&line, " + residual");
    add_clamp(&line, step);
    if (step->kind == STEP_HEAD) add(&line, " + mean");
    if (image)
        add(&line, "  %dx%dx%d -> %dx%dx%d", window->in_height, window->in_width, step->in_channels,
            window->out_height, window->out_width, step->out_channels);
    else if (step->kind == STEP_GEMM)
        add(&line, "  %zux%d -> %zux%d", step->rows, step->in_channels, step->rows, step->out_channels);
    else
        add(&line, "  %zu -> %zu",
            step->input >= 0 ? plan->tensors[step->input].elements : plan->tensors[step->output].elements,
            plan->tensors[step->output].elements);
    if (step->integer) add(&line, "  int8");
    if (step->macs >= 1000000)
        add(&line, "  %.1f MMAC", (double)step->macs / 1e6);
    else if (step->macs > 0)
        add(&line, "  %.3f MMAC", (double)step->macs / 1e6);
}
