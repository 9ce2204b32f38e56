/* Runs a plan step by step and shows what each step makes, for calibration. Internal to the quantise room and job.
 *
 * No chains, no bands, one picture at a time. Clamps are taken off the kernels, so that a step can be seen before and
 * after its clamp; what the callbacks change is what later steps read, so a quantised network can be simulated. */
#ifndef QUANTISE_OBSERVE_H
#define QUANTISE_OBSERVE_H

#include "net/plan.h"

/* A packed copy of an unpacked plan without clamps. The plan must outlive it (lists of inputs and walks stay there); its
 * weights and biases are copied. Shared by observers, read only. */
struct observable {
    struct plan plan;
    const struct kernels *kernels;
    float *low, *high; /* [step_count], the clamps */
};

/* Errors: POMONA_E_MEMORY. */
pomona_status observable_make(const struct plan *plan, const struct kernels *kernels,
                              struct observable *observable, struct pomona_error *error);
void observable_free(struct observable *observable);

/* Each may be NULL. `y` is the output of step `step`, [rows][channels] for images. */
struct observe_calls {
    void (*before)(void *user, int step, float *y); /* before the clamp */
    void (*after)(void *user, int step, float *y);
    void *user;
};

/* Memory to run in, for one thread. */
struct observer {
    const struct observable *observable;
    size_t *placed, *slots; /* [tensor_count] offsets: of the whole plan, of one step's operands */
    size_t slot;            /* bytes of each of the three slots */
    char *tensors;
    float *scratch;
};

pomona_status observer_make(const struct observable *observable, struct observer *observer,
                            struct pomona_error *error);
void observer_free(struct observer *observer);

/* The input of the plan, to be filled before observer_run: normalised pixels [height][width][3]. */
float *observer_pixels(struct observer *observer);

/* Runs step `index`, all before it having run, and returns its output behind the clamp; what the caller changes in it is what
 * later steps read. `calls` may be NULL. */
float *observer_next(struct observer *observer, int index, const struct observe_calls *calls);

/* Runs the whole plan. */
void observer_run(struct observer *observer, const struct observe_calls *calls);

/* One step alone: fill what it reads (slot 0: input, 1: second), then observer_step returns its output before the clamp. */
float *observer_slot(struct observer *observer, int slot);
float *observer_step(struct observer *observer, int index);

/* y = min(max(y, low), high); without effect where both are infinite. */
void observe_clamp(float *y, size_t count, float low, float high);

#endif
