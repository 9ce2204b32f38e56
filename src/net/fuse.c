#include "base/memory.h"
#include "net/plan.h"

#include <math.h>
#include <string.h>

/* One walk over the steps in order. A step merges into the one that makes its input when nothing else reads that input;
 * the merged step then stands in the later place, where all operands of both are known. */
struct fusion {
    struct plan *plan;
    struct arena *arena;
    int *uses;   /* [tensor_count] steps that read it, the output included */
    int *makers; /* [tensor_count] step that writes it, -1 for the pixels */
};

static void count_use(void *user, int tensor) { ((int *)user)[tensor]++; }

static bool is_linear(const struct step *step) {
    return step->kind == STEP_GEMM || step->kind == STEP_CONV || step->kind == STEP_DEPTHWISE;
}

static bool has_clamp(const struct step *step) { return step->low > -INFINITY || step->high < INFINITY; }

/* clamp(clamp(x, a, b), low, high) is one clamp. */
static void clamp_more(struct step *step, float low, float high) {
    step->low = fminf(fmaxf(step->low, low), high);
    step->high = fminf(fmaxf(step->high, low), high);
}

/* The step that makes a tensor, if `reader` may absorb it. */
static struct step *sole_maker(const struct fusion *fusion, int tensor) {
    if (tensor < 0 || fusion->makers[tensor] < 0 || fusion->uses[tensor] != 1) return NULL;
    return &fusion->plan->steps[fusion->makers[tensor]];
}

/* Makes `step` a step of one operand. */
static void become_unary(struct step *step, enum step_kind kind, int input) {
    *step = (struct step){
        .kind = kind, .input = input, .output = step->output, .second = -1, .groups = 1, .name = step->name};
    step->low = -INFINITY;
    step->high = INFINITY;
}

/* `from` takes the place of `step` and writes its output. */
static void replace(struct fusion *fusion, struct step *step, struct step *from) {
    int output = step->output;
    *step = *from;
    step->output = output;
    from->kind = STEP_NONE;
    fusion->makers[output] = (int)(step - fusion->plan->steps);
}

/* Gives a linear step weights and biases of its own. */
static bool own_weights(struct fusion *fusion, struct step *step) {
    if (step->own_weights && step->bias) return true;
    size_t channels = (size_t)step->out_channels;
    float *bias = arena_new(fusion->arena, channels, sizeof *bias);
    if (!bias) return false;
    if (step->bias) memcpy(bias, step->bias, channels * sizeof *bias);
    step->integers = NULL;
    step->bias = bias;
    if (step->own_weights) return true;
    size_t count = channels * (step->kind == STEP_DEPTHWISE ? 1 : (size_t)(step->in_channels / step->groups));
    if (step->kind != STEP_GEMM) count *= (size_t)(step->window.kernel_height * step->window.kernel_width);
    float *weights = arena_new(fusion->arena, count, sizeof *weights);
    if (!weights) return false;
    memcpy(weights, step->weights, count * sizeof *weights);
    step->weights = weights;
    step->own_weights = true;
    return true;
}

/* (w x + b) scale + shift = (w scale) x + (b scale + shift); one scale for all channels, or one each. */
static bool fold_into_weights(struct fusion *fusion, struct step *linear, size_t count, const float *scale,
                              const float *shift) {
    if (!own_weights(fusion, linear)) return false;
    size_t channels = (size_t)linear->out_channels, per_channel = 1;
    if (linear->kind != STEP_DEPTHWISE) per_channel = (size_t)(linear->in_channels / linear->groups);
    if (linear->kind != STEP_GEMM)
        per_channel *= (size_t)(linear->window.kernel_height * linear->window.kernel_width);
    for (size_t i = 0; i < channels; i++) {
        size_t at = count == 1 ? 0 : i;
        for (size_t j = 0; j < per_channel; j++) linear->weights[i * per_channel + j] *= scale[at];
        linear->bias[i] = linear->bias[i] * scale[at] + shift[at];
    }
    return true;
}

/* Whether all channels of a scale step have these numbers. */
static bool is_uniform_scale(const struct step *step, float scale, float shift) {
    if (step->kind != STEP_SCALE) return false;
    for (int i = 0; i < step->out_channels; i++)
        if (fabsf(step->scale[i] - scale) > 1e-6f || fabsf(step->bias[i] - shift) > 1e-6f) return false;
    return true;
}

/* Whether `step` can take a scale and a shift: per channel, or behind a clamp one positive scale for all channels, by
 * which the bounds then scale too. */
static bool takes_scale(const struct step *linear, const struct step *scale) {
    if (!is_linear(linear) || linear->second >= 0) return false;
    if (linear->out_channels != scale->out_channels && scale->out_channels != 1) return false;
    if (!has_clamp(linear)) return true;
    return scale->scale[0] > 0 && is_uniform_scale(scale, scale->scale[0], scale->bias[0]);
}

/* clamp(x + 3, 0, 6) */
static bool is_relu6_of_plus_3(const struct step *step) {
    return step && is_uniform_scale(step, 1, 3) && step->low == 0 && step->high == 6;
}

static pomona_status fuse_scale(struct fusion *fusion, struct step *step, struct pomona_error *error) {
    struct step *maker = sole_maker(fusion, step->input);
    if (!maker) return POMONA_OK;
    bool sixth = is_uniform_scale(step, 1.0f / 6, 0);
    if (takes_scale(maker, step)) {
        if (!fold_into_weights(fusion, maker, (size_t)step->out_channels, step->scale, step->bias))
            return fail_memory(error, "folded weights");
        if (has_clamp(maker)) {
            maker->low = maker->low * step->scale[0] + step->bias[0];
            maker->high = maker->high * step->scale[0] + step->bias[0];
        }
        clamp_more(maker, step->low, step->high);
        replace(fusion, step, maker);
    } else if (is_relu6_of_plus_3(maker) && sixth) { /* clamp(x + 3, 0, 6) / 6 */
        if (has_clamp(step)) return POMONA_OK;
        become_unary(step, STEP_HARD_SIGMOID, maker->input);
        maker->kind = STEP_NONE;
        step->alpha = 1.0f / 6;
        step->beta = 0.5f;
    } else if (maker->kind == STEP_MULTIPLY && sixth && !has_clamp(step)) { /* x clamp(x + 3, 0, 6) / 6 */
        struct step *left = sole_maker(fusion, maker->input), *right = sole_maker(fusion, maker->second);
        struct step *gate = is_relu6_of_plus_3(right) && right->input == maker->input  ? right
                            : is_relu6_of_plus_3(left) && left->input == maker->second ? left
                                                                                       : NULL;
        if (!gate) return POMONA_OK;
        fusion->uses[gate->input]--;
        become_unary(step, STEP_HARD_SWISH, gate->input);
        gate->kind = maker->kind = STEP_NONE;
    }
    return POMONA_OK;
}

/* clamp(alpha conv(x) + beta, 0, 1) is a convolution with a clamp. */
static pomona_status fuse_hard_sigmoid(struct fusion *fusion, struct step *step, struct pomona_error *error) {
    struct step *maker = sole_maker(fusion, step->input);
    if (!maker || !is_linear(maker) || maker->second >= 0 || has_clamp(maker)) return POMONA_OK;
    if (!fold_into_weights(fusion, maker, 1, &step->alpha, &step->beta))
        return fail_memory(error, "folded weights");
    clamp_more(maker, 0, 1);
    replace(fusion, step, maker);
    return POMONA_OK;
}

static void fuse_clamp(struct fusion *fusion, struct step *step) {
    struct step *maker = sole_maker(fusion, step->input);
    if (!maker) return;
    bool clamps = is_linear(maker) || maker->kind == STEP_SCALE || maker->kind == STEP_SCALE_BY ||
                  maker->kind == STEP_CLAMP;
    if (!clamps) return;
    clamp_more(maker, step->low, step->high);
    replace(fusion, step, maker);
}

/* x + conv(z): the convolution adds x to its result. */
static void fuse_add(struct fusion *fusion, struct step *step) {
    int operands[2] = {step->input, step->second}, best = -1;
    for (int i = 0; i < 2; i++) {
        const struct step *maker = sole_maker(fusion, operands[i]);
        bool fits = maker && (maker->kind == STEP_GEMM || maker->kind == STEP_CONV) && maker->second < 0 &&
                    !has_clamp(maker);
        if (!fits) continue;
        /* of two, the later: the other one's result then still waits in the cache */
        if (best < 0 || fusion->makers[operands[i]] > fusion->makers[operands[best]]) best = i;
    }
    if (best < 0) return;
    int residual = operands[1 - best];
    replace(fusion, step, &fusion->plan->steps[fusion->makers[operands[best]]]);
    step->second = residual;
}

/* x clamp(x/6 + 1/2, 0, 1) */
static void fuse_multiply(struct fusion *fusion, struct step *step) {
    for (int i = 0; i < 2; i++) {
        int gate_tensor = i ? step->input : step->second, x = i ? step->second : step->input;
        struct step *gate = sole_maker(fusion, gate_tensor);
        if (!gate || gate->kind != STEP_HARD_SIGMOID || gate->input != x) continue;
        if (fabsf(gate->alpha - 1.0f / 6) > 1e-6f || fabsf(gate->beta - 0.5f) > 1e-6f) continue;
        gate->kind = STEP_NONE;
        fusion->uses[x]--;
        become_unary(step, STEP_HARD_SWISH, x);
        return;
    }
}

/* Padding of zeros before a maximum, where the image is known to be >= 0: the maximum's own padding does as well. */
static void fuse_padded_max(struct fusion *fusion, struct step *step) {
    struct step *pad = sole_maker(fusion, step->input);
    if (!pad || pad->kind != STEP_PAD || pad->alpha != 0 || fusion->makers[pad->input] < 0) return;
    const struct step *maker = &fusion->plan->steps[fusion->makers[pad->input]];
    const struct window *border = &pad->window;
    struct window window = step->window;
    if (!(maker->low >= 0) || window.pad_top || window.pad_left || window.dilation_y > 1 ||
        window.dilation_x > 1)
        return;
    window.in_height = border->in_height;
    window.in_width = border->in_width;
    window.pad_top = border->pad_top;
    window.pad_left = border->pad_left;
    /* every window must touch the image */
    if (window.pad_top >= window.kernel_height || window.pad_left >= window.kernel_width ||
        (window.out_height - 1) * window.stride_y - window.pad_top >= window.in_height ||
        (window.out_width - 1) * window.stride_x - window.pad_left >= window.in_width)
        return;
    step->window = window;
    step->input = pad->input;
    pad->kind = STEP_NONE;
}

static pomona_status fuse_step(struct fusion *fusion, struct step *step, struct pomona_error *error) {
    switch (step->kind) {
    case STEP_SCALE: return fuse_scale(fusion, step, error);
    case STEP_HARD_SIGMOID: return fuse_hard_sigmoid(fusion, step, error);
    case STEP_CLAMP: fuse_clamp(fusion, step); break;
    case STEP_ADD: fuse_add(fusion, step); break;
    case STEP_MULTIPLY: fuse_multiply(fusion, step); break;
    case STEP_MAX_POOL: fuse_padded_max(fusion, step); break;
    default: break;
    }
    return POMONA_OK;
}

/* Drops steps whose output nothing reads (a Pad that convolutions took over), then the gaps. */
static void drop_unused(struct fusion *fusion) {
    struct plan *plan = fusion->plan;
    int *uses = fusion->uses;
    memset(uses, 0, (size_t)plan->tensor_count * sizeof *uses);
    uses[plan->output] = 1;
    for (int i = plan->step_count; i-- > 0;) {
        struct step *step = &plan->steps[i];
        if (step->kind == STEP_NONE || uses[step->output] == 0)
            step->kind = STEP_NONE;
        else
            step_each_input(step, count_use, uses);
    }
    int kept = 0;
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind != STEP_NONE) plan->steps[kept++] = plan->steps[i];
    plan->step_count = kept;
}

pomona_status plan_fuse(struct plan *plan, struct arena *arena, struct pomona_error *error) {
    pomona_status status = POMONA_OK;
    struct fusion fusion = {plan, arena, memory_new((size_t)plan->tensor_count, sizeof(int)),
                            memory_new((size_t)plan->tensor_count, sizeof(int))};
    if (!fusion.uses || !fusion.makers) {
        status = fail_memory(error, "plan");
        goto end;
    }
    drop_unused(&fusion);
    for (int i = 0; i < plan->tensor_count; i++) fusion.makers[i] = -1;
    for (int i = 0; i < plan->step_count; i++) fusion.makers[plan->steps[i].output] = i;
    for (int i = 0; i < plan->step_count; i++)
        TRY_GOTO(fuse_step(&fusion, &plan->steps[i], error), status, end);
    drop_unused(&fusion);
end:
    memory_free(fusion.uses);
    memory_free(fusion.makers);
    return status;
}
