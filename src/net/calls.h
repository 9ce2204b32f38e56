/* Kernel calls of the steps that run whole (run.c) or in bands of rows (band.c). Internal to the net room. */
#ifndef NET_CALLS_H
#define NET_CALLS_H

#include "net/plan.h"

/* What a step's kernel reads and writes; `packed` are the step's constants. */
struct call {
    const struct step *step;
    const struct kernels *kernels;
    const float *packed;
    const float *x, *residual; /* residual: NULL for none */
    float *y, *scratch;
};

/* `rows` pixels of STEP_GEMM. */
void call_gemm(const struct call *call, size_t rows);

/* STEP_CONV and STEP_DEPTHWISE through `window`, which is the step's own or a band of it. */
void call_conv(const struct call *call, const struct window *window, int images);
void call_depthwise(const struct call *call, const struct window *window, int images);

#endif
