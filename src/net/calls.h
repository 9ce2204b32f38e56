/* Kernel calls of the steps that run whole (run.c) or in bands of rows (band.c). Internal to the net room. */
#ifndef NET_CALLS_H
#define NET_CALLS_H

#include "net/plan.h"

/* What a step's kernel reads and writes; `packed` are the step's constants. */
struct call {
    const struct step *step;
    const struct kernels *kernels;
    const float *packed;
    const void *x, *residual; /* residual: NULL for none; floats, or bytes where the step runs in 8 bits */
    void *y;
    float *scratch, *pixels; /* pixels: plan->pixels_floats of them */
};

/* `rows` pixels of STEP_GEMM. */
void call_gemm(const struct call *call, size_t rows);

/* Rows [first, last) of the first convolution of an integer plan, for one photo x; call_pixels() once before. */
void call_pixels(const struct call *call);
void call_first_conv(const struct call *call, int first, int last);

/* STEP_CONV (of floats) and STEP_DEPTHWISE through `window`, which is the step's own or a band of it. */
void call_conv(const struct call *call, const struct window *window, int images);
void call_depthwise(const struct call *call, const struct window *window, int images);

#endif
