#include "quantise/observe.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { SLOTS = 3 };

pomona_status observable_make(const struct plan *plan, const struct kernels *kernels,
                              struct observable *observable, struct pomona_error *error) {
    size_t steps = (size_t)plan->step_count, tensors = (size_t)plan->tensor_count;
    *observable = (struct observable){.kernels = kernels};
    struct plan *copy = &observable->plan;
    copy->steps = memory_new(steps, sizeof *copy->steps);
    copy->tensors = memory_new(tensors, sizeof *copy->tensors);
    observable->low = memory_new(steps, sizeof(float));
    observable->high = memory_new(steps, sizeof(float));
    pomona_status status = POMONA_OK;
    if (!copy->steps || !copy->tensors || !observable->low || !observable->high) {
        status = fail_memory(error, "observed plan");
        goto end;
    }
    memcpy(copy->steps, plan->steps, steps * sizeof *copy->steps);
    memcpy(copy->tensors, plan->tensors, tensors * sizeof *copy->tensors);
    copy->step_count = plan->step_count;
    copy->tensor_count = plan->tensor_count;
    copy->input = plan->input;
    copy->output = plan->output;
    copy->batched_from = plan->step_count;
    for (size_t i = 0; i < steps; i++) {
        observable->low[i] = copy->steps[i].low;
        observable->high[i] = copy->steps[i].high;
        copy->steps[i].low = -INFINITY;
        copy->steps[i].high = INFINITY;
    }
    status = plan_pack(copy, kernels, error);
end:
    if (status != POMONA_OK) observable_free(observable);
    return status;
}

void observable_free(struct observable *observable) {
    plan_free(&observable->plan);
    memory_free(observable->low);
    memory_free(observable->high);
    observable->low = observable->high = NULL;
}

pomona_status observer_make(const struct observable *observable, struct observer *observer,
                            struct pomona_error *error) {
    const struct plan *plan = &observable->plan;
    size_t bytes = 0, largest = 0;
    pomona_status status = POMONA_OK;
    *observer = (struct observer){.observable = observable};
    observer->placed = memory_new((size_t)plan->tensor_count, sizeof(size_t));
    observer->slots = memory_new((size_t)plan->tensor_count, sizeof(size_t));
    if (!observer->placed || !observer->slots) {
        status = fail_memory(error, "observer");
        goto end;
    }
    TRY_GOTO(plan_place(plan, 1, observer->placed, &bytes, error), status, end);
    for (int i = 0; i < plan->tensor_count; i++)
        if (tensor_size(&plan->tensors[i]) > largest) largest = tensor_size(&plan->tensors[i]);
    observer->slot = (largest + MEMORY_ALIGN - 1) / MEMORY_ALIGN * MEMORY_ALIGN;
    if (bytes < SLOTS * observer->slot) bytes = SLOTS * observer->slot;
    observer->tensors = memory_new_aligned(bytes, 1);
    observer->scratch = memory_new_aligned(plan->scratch_floats, sizeof(float));
    if (!observer->tensors || !observer->scratch) status = fail_memory(error, "observer");
end:
    if (status != POMONA_OK) observer_free(observer);
    return status;
}

void observer_free(struct observer *observer) {
    memory_free(observer->placed);
    memory_free(observer->slots);
    memory_free(observer->tensors);
    memory_free(observer->scratch);
    memset(observer, 0, sizeof *observer);
}

static struct run_state state_of(const struct observer *observer, const size_t *offsets) {
    const struct observable *observable = observer->observable;
    return (struct run_state){&observable->plan, observable->kernels, offsets,
                              observer->tensors, observer->scratch,   NULL};
}

float *observer_pixels(struct observer *observer) {
    struct run_state state = state_of(observer, observer->placed);
    return run_tensor(&state, observer->observable->plan.input, 0);
}

void observe_clamp(float *y, size_t count, float low, float high) {
    if (!(low > -INFINITY) && !(high < INFINITY)) return;
    for (size_t i = 0; i < count; i++) {
        float value = y[i] > low ? y[i] : low;
        y[i] = value < high ? value : high;
    }
}

float *observer_next(struct observer *observer, int index, const struct observe_calls *calls) {
    const struct observable *observable = observer->observable;
    const struct plan *plan = &observable->plan;
    struct run_state state = state_of(observer, observer->placed);
    int output = plan->steps[index].output;
    float *y = run_tensor(&state, output, 0);
    (void)run_step(&state, index, 0, 1);
    if (calls && calls->before) calls->before(calls->user, index, y);
    observe_clamp(y, plan->tensors[output].elements, observable->low[index], observable->high[index]);
    if (calls && calls->after) calls->after(calls->user, index, y);
    return y;
}

void observer_run(struct observer *observer, const struct observe_calls *calls) {
    for (int i = 0; i < observer->observable->plan.step_count; i++) (void)observer_next(observer, i, calls);
}

float *observer_slot(struct observer *observer, int slot) {
    return (float *)(void *)(observer->tensors + (size_t)slot * observer->slot);
}

float *observer_step(struct observer *observer, int index) {
    const struct step *step = &observer->observable->plan.steps[index];
    struct run_state state = state_of(observer, observer->slots);
    observer->slots[step->input] = 0;
    if (step->second >= 0) observer->slots[step->second] = observer->slot;
    observer->slots[step->output] = 2 * observer->slot;
    (void)run_step(&state, index, 0, 1);
    return observer_slot(observer, 2);
}
