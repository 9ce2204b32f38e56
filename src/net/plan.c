#include "net/plan.h"

#include "base/memory.h"

#include <math.h>

int plan_add_tensor(struct plan *plan, size_t elements) {
    if (plan->tensor_count == plan->tensor_capacity) {
        int capacity = plan->tensor_capacity ? 2 * plan->tensor_capacity : 64;
        struct plan_tensor *grown = memory_resize(plan->tensors, (size_t)capacity, sizeof *grown);
        if (!grown) return -1;
        plan->tensors = grown;
        plan->tensor_capacity = capacity;
    }
    plan->tensors[plan->tensor_count] = (struct plan_tensor){.elements = elements, .producer = -1};
    return plan->tensor_count++;
}

struct step *plan_add_step(struct plan *plan, enum step_kind kind) {
    if (plan->step_count == plan->step_capacity) {
        int capacity = plan->step_capacity ? 2 * plan->step_capacity : 64;
        struct step *grown = memory_resize(plan->steps, (size_t)capacity, sizeof *grown);
        if (!grown) return NULL;
        plan->steps = grown;
        plan->step_capacity = capacity;
    }
    struct step *step = &plan->steps[plan->step_count++];
    *step = (struct step){.kind = kind,
                          .input = -1,
                          .output = -1,
                          .second = -1,
                          .groups = 1,
                          .low = -INFINITY,
                          .high = INFINITY};
    return step;
}

void plan_free(struct plan *plan) {
    if (!plan) return;
    arena_free(&plan->arena);
    memory_free(plan->tensors);
    memory_free(plan->steps);
    memory_free(plan->packed);
    *plan = (struct plan){0};
}

void step_each_input(const struct step *step, void (*visit)(void *user, int tensor), void *user) {
    if (step->kind == STEP_NONE) return;
    if (step->input >= 0) visit(user, step->input);
    if (step->second >= 0) visit(user, step->second);
    for (int i = 0; i < step->input_count; i++) visit(user, step->inputs[i]);
}

enum { BATCHED_BYTES = 1 << 19 }; /* of a tensor, a photo; 14x14 and below in MobileNets */

struct size_note {
    const struct plan *plan;
    bool large;
};

static void note_large(void *user, int tensor) {
    struct size_note *note = user;
    if (tensor_size(&note->plan->tensors[tensor]) > BATCHED_BYTES) note->large = true;
}

static void mark_batched(void *user, int tensor) { ((struct plan *)user)->tensors[tensor].batched = true; }

void plan_split(struct plan *plan) {
    struct size_note note = {plan, false};
    plan->batched_from = plan->step_count;
    for (int i = plan->step_count; i-- > 0;) {
        const struct step *step = &plan->steps[i];
        step_each_input(step, note_large, &note);
        note_large(&note, step->output);
        if (note.large) break;
        plan->batched_from = i;
    }
    for (int i = 0; i < plan->batched_from; i++) /* a chain is not cut in two */
        if (i + plan->steps[i].chain > plan->batched_from) plan->batched_from = i + plan->steps[i].chain;
    mark_batched(plan, plan->output);
    for (int i = plan->batched_from; i < plan->step_count; i++) {
        step_each_input(&plan->steps[i], mark_batched, plan);
        mark_batched(plan, plan->steps[i].output);
    }
}
