#include "base/memory.h"
#include "net/plan.h"

/* A run of free bytes. The list is sorted by offset, neighbours are merged. */
struct gap {
    size_t offset, size;
};

struct placing {
    struct gap *gaps;
    int gap_count;
    size_t end;    /* bytes in use or in gaps so far */
    int *last_use; /* [tensor_count] step that reads a tensor last */
    int current;   /* step, for the visitor */
};

static void note_use(void *user, int tensor) {
    struct placing *placing = user;
    placing->last_use[tensor] = placing->current;
}

/* Best fit: the smallest gap that is large enough, else the end. */
static size_t take(struct placing *placing, size_t size) {
    int best = -1;
    for (int i = 0; i < placing->gap_count; i++) {
        const struct gap *gap = &placing->gaps[i];
        if (gap->size >= size && (best < 0 || gap->size < placing->gaps[best].size)) best = i;
    }
    if (best >= 0) {
        struct gap *gap = &placing->gaps[best];
        size_t offset = gap->offset;
        gap->offset += size;
        gap->size -= size;
        if (gap->size == 0) {
            placing->gap_count--;
            for (int i = best; i < placing->gap_count; i++) placing->gaps[i] = placing->gaps[i + 1];
        }
        return offset;
    }
    size_t offset = placing->end;
    if (placing->gap_count > 0) { /* a gap at the very end grows */
        struct gap *last = &placing->gaps[placing->gap_count - 1];
        if (last->offset + last->size == placing->end) {
            offset = last->offset;
            placing->gap_count--;
        }
    }
    placing->end = offset + size;
    return offset;
}

static void give(struct placing *placing, size_t offset, size_t size) {
    int at = 0;
    while (at < placing->gap_count && placing->gaps[at].offset < offset) at++;
    struct gap *gaps = placing->gaps;
    bool joins_before = at > 0 && gaps[at - 1].offset + gaps[at - 1].size == offset;
    bool joins_after = at < placing->gap_count && offset + size == gaps[at].offset;
    if (joins_before && joins_after) {
        gaps[at - 1].size += size + gaps[at].size;
        placing->gap_count--;
        for (int i = at; i < placing->gap_count; i++) gaps[i] = gaps[i + 1];
    } else if (joins_before) {
        gaps[at - 1].size += size;
    } else if (joins_after) {
        gaps[at].offset = offset;
        gaps[at].size += size;
    } else {
        for (int i = placing->gap_count; i > at; i--) gaps[i] = gaps[i - 1];
        gaps[at] = (struct gap){offset, size};
        placing->gap_count++;
    }
}

static size_t padded_size(const struct plan *plan, int tensor, int batch) {
    size_t bytes = tensor_size(&plan->tensors[tensor]); /* below 2^30, batch below 2^7 */
    if (plan->tensors[tensor].batched) bytes *= (size_t)batch;
    return (bytes + MEMORY_ALIGN - 1) / MEMORY_ALIGN * MEMORY_ALIGN;
}

/* What placing a tensor and releasing it need. */
struct placement {
    struct placing placing;
    const struct plan *plan;
    size_t *offsets;
    int batch;
};

static void place_tensor(struct placement *placement, int tensor) {
    if (placement->plan->tensors[tensor].banded) return;
    placement->offsets[tensor] =
        take(&placement->placing, padded_size(placement->plan, tensor, placement->batch));
}

/* Step `current` has run: what it read last is free. */
static void release_operand(void *user, int tensor) {
    struct placement *placement = user;
    struct placing *placing = &placement->placing;
    if (placing->last_use[tensor] != placing->current || tensor == placement->plan->output) return;
    placing->last_use[tensor] = -1; /* an operand may be listed twice */
    if (placement->plan->tensors[tensor].banded) return;
    give(placing, placement->offsets[tensor], padded_size(placement->plan, tensor, placement->batch));
}

/* A chain reads its operands until its last row is written, so all its steps count as one. */
static int chain_length(const struct plan *plan, int index) {
    return plan->steps[index].chain > 0 ? plan->steps[index].chain : 1;
}

static void note_uses(struct placement *placement) {
    const struct plan *plan = placement->plan;
    struct placing *placing = &placement->placing;
    for (int i = 0; i < plan->tensor_count; i++) placing->last_use[i] = -1;
    for (int i = 0; i < plan->step_count; i += chain_length(plan, i)) {
        placing->current = i;
        for (int j = 0; j < chain_length(plan, i); j++)
            step_each_input(&plan->steps[i + j], note_use, placing);
    }
}

static void place_all(struct placement *placement) {
    const struct plan *plan = placement->plan;
    /* What the photo-by-photo part leaves for the batch must outlive its next round: placed first, beside everything. */
    for (int i = 0; i < plan->batched_from; i++)
        if (plan->tensors[plan->steps[i].output].batched) place_tensor(placement, plan->steps[i].output);
    if (!plan->integer) place_tensor(placement, plan->input);
    for (int i = 0; i < plan->step_count; i += chain_length(plan, i)) {
        placement->placing.current = i;
        for (int j = i; j < i + chain_length(plan, i); j++) {
            int output = plan->steps[j].output;
            bool placed = i < plan->batched_from && plan->tensors[output].batched;
            if (!placed) place_tensor(placement, output);
        }
        for (int j = i; j < i + chain_length(plan, i); j++)
            step_each_input(&plan->steps[j], release_operand, placement);
    }
}

pomona_status plan_place(const struct plan *plan, int batch, size_t *offsets, size_t *bytes,
                         struct pomona_error *error) {
    struct placement placement = {.plan = plan, .offsets = offsets, .batch = batch};
    struct placing *placing = &placement.placing;
    placing->gaps = memory_new((size_t)plan->tensor_count + 1, sizeof(struct gap));
    placing->last_use = memory_new((size_t)plan->tensor_count, sizeof(int));
    pomona_status status = POMONA_OK;
    if (placing->gaps && placing->last_use) {
        note_uses(&placement);
        place_all(&placement);
        *bytes = placing->end;
    } else {
        status = fail_memory(error, "plan");
    }
    memory_free(placing->gaps);
    memory_free(placing->last_use);
    return status;
}
