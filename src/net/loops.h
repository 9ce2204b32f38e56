/* Plain loops for what no kernel family covers: rare, small tensors. One photo at a time. Internal to the net room. */
#ifndef NET_LOOPS_H
#define NET_LOOPS_H

#include "net/plan.h"

/* y [walk->dims] = x at walk->a_strides. */
void loop_transpose(const struct walk *walk, const float *x, float *y);

/* y [walk->dims] = a op b; when walk->constant_first, b op a. */
void loop_binary(const struct walk *walk, const float *a, const float *b, float *y);

/* x [in_height][in_width][channels] inside y [out_height][out_width][channels] full of `border`. */
void loop_pad(const struct window *window, size_t channels, float border, const float *x, float *y);

/* y [rows][columns] = exp(x - max) / sum, row by row, in double. */
void loop_softmax(size_t rows, size_t columns, const float *x, float *y);

/* x [rows][columns] to y, y_stride floats from row to row. */
void loop_copy_rows(size_t rows, size_t columns, const float *x, float *y, size_t y_stride);

#endif
