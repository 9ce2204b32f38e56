/* The geometry of a sliding window (convolution, pooling), shared by the families that have one. */
#ifndef KERNELS_WINDOW_H
#define KERNELS_WINDOW_H

struct window {
    int in_height, in_width;
    int out_height, out_width;
    int kernel_height, kernel_width;
    int stride_y, stride_x;
    int pad_top, pad_left; /* bottom and right padding follow from the output size */
    int dilation_y, dilation_x;
};

/* Where the window of one output index lies on one axis. Tap t reads input index start + t * dilation; the taps
 * [first, last) are inside the input. first == last when the window lies in the padding altogether. */
struct window_span {
    int start, first, last;
};

static inline struct window_span window_span(int out, int stride, int pad, int dilation, int kernel, int in) {
    int start = out * stride - pad;
    if (start >= 0 && start + (kernel - 1) * dilation < in) return (struct window_span){start, 0, kernel};
    int first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    int last = start < in ? (in - start + dilation - 1) / dilation : 0;
    if (last > kernel) last = kernel;
    if (last < first) first = last;
    return (struct window_span){start, first, last};
}

static inline struct window_span window_rows(const struct window *w, int out_y) {
    return window_span(out_y, w->stride_y, w->pad_top, w->dilation_y, w->kernel_height, w->in_height);
}

static inline struct window_span window_columns(const struct window *w, int out_x) {
    return window_span(out_x, w->stride_x, w->pad_left, w->dilation_x, w->kernel_width, w->in_width);
}

#endif
