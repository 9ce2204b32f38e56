/* The plan: what a model does, as a list of steps over tensors, each step one kernel call or a plain loop.
 *
 * A tensor of the plan is one contiguous block of fp32, or of bytes where it is quantised, per photo; a batch is that block repeated. Every step handles
 * any number of photos, and a photo's result never depends on the others. Images are NHWC whatever the file says: how
 * an ONNX value maps to a tensor (which axis order) is known while lowering and forgotten afterwards.
 *
 * Life of a plan: lower.c appends steps, fuse.c merges them, pack.c turns weights into the kernels' packing; from then
 * on it is immutable and shared by threads. */
#ifndef NET_PLAN_H
#define NET_PLAN_H

#include "base/arena.h"
#include "base/error.h"
#include "kernels/kernels.h"
#include "kernels/requantise.h"
#include "kernels/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLAN_AXES_MAX = 8,
    PLAN_STEPS_MAX = 1 << 16,    /* before fusion */
    PLAN_ELEMENTS_MAX = 1 << 28, /* of one tensor, one photo: 1 GiB */
    PLAN_DIM_MAX = 1 << 24,      /* of one axis, so that kernels count in int */
    PLAN_WINDOW_MAX = 1 << 12    /* kernel size, stride, dilation or padding along one axis */
};
#define PLAN_MACS_MAX ((uint64_t)1 << 40) /* of one step, one photo: minutes of one core */

enum step_kind {
    STEP_NONE,         /* merged into another step */
    STEP_GEMM,         /* y = clamp(x . w + bias + residual), rows x in_channels */
    STEP_CONV,         /* the same through a window, `groups` times */
    STEP_DEPTHWISE,    /* clamp(window . w + bias), a filter a channel */
    STEP_MAX_POOL,     /* */
    STEP_AVERAGE_POOL, /* */
    STEP_MEAN,         /* mean over rows, channels stay */
    STEP_SCALE,        /* y = clamp(x * scale[c] + shift[c]), constants */
    STEP_SCALE_BY,     /* y = clamp(x * second[c]), one vector a photo */
    STEP_CLAMP,        /* */
    STEP_SIGMOID,      /* */
    STEP_HARD_SIGMOID, /* clamp(alpha x + beta, 0, 1) */
    STEP_HARD_SWISH,   /* x clamp(x/6 + 1/2, 0, 1) */
    STEP_ADD,          /* x + second, same shape */
    STEP_MULTIPLY,     /* x * second, same shape */
    STEP_BINARY,       /* any broadcast of x with second or with a constant */
    STEP_COPY,         /* a transposition */
    STEP_CONCAT,       /* rows of all inputs side by side */
    STEP_PAD,          /* a border of alpha around an image */
    STEP_SOFTMAX,      /* over the channels of each row */
    STEP_QUANTIZE,     /* fp32 to bytes; integer.c merges it into others, but for those behind the mean */
    STEP_DEQUANTIZE,   /* and back, likewise */
    STEP_HEAD,         /* y = mean over rows of clamp(x . w + bias): bytes to fp32 */
    STEP_TABLE         /* y = table[x], bytes */
};

enum binary_kind { BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_DIVIDE };

/* How STEP_BINARY and STEP_COPY walk: output elements in order, axis by axis, with a stride into each operand
 * (0 where it is broadcast). */
struct walk {
    enum binary_kind kind;
    int rank;
    size_t dims[PLAN_AXES_MAX];
    size_t a_strides[PLAN_AXES_MAX], b_strides[PLAN_AXES_MAX];
    bool constant_first; /* the constant operand is the left one */
};

/* What bytes stand for: (q - zero_point) * scale. */
struct quantisation {
    float scale;    /* 0 for a tensor of fp32; else in [2^-40, 2^40] */
    int zero_point; /* 0..255 */
};

struct plan_tensor {
    size_t elements; /* of one photo */
    struct quantisation quantisation;
    int producer; /* step that writes it, valid until steps are merged; -1 for the pixels */
    bool banded;  /* lives row by row inside a chain of steps (net/band.h), never whole */
    bool batched; /* there is one for each photo of a group; the others are used photo after photo */
};

/* Weights as a quantised file has them. */
struct integer_weights {
    const int8_t *values; /* like step->weights */
    const float *scales;  /* [scale_count]: 1, or one for each output channel */
    size_t scale_count;
};

/* What a step that runs in 8 bits needs besides its shape (docs/internals/int8.md). */
struct integer_step {
    const int8_t *weights;   /* these three: NULL after packing, and for steps without weights */
    const int32_t *bias;     /* [out] with the input's zero point in it */
    const float *multiplier; /* [out] */
    struct requantise_output output;
    struct requantise_residual first, second; /* STEP_ADD: both operands; residuals: second */
    int padding;                              /* the byte outside an image */
    const uint8_t *table;                     /* STEP_TABLE [256]; first convolution [3][256] or NULL */
};

struct step {
    enum step_kind kind;
    int input, output;
    int second;        /* residual, scale vector or right operand; -1 for none */
    const int *inputs; /* STEP_CONCAT: [input_count] */
    int input_count;
    struct window window; /* of windows; STEP_PAD: in and out sizes, pad_top, pad_left */
    int in_channels, out_channels, groups;
    size_t rows; /* of one photo */
    float low, high, alpha, beta;
    bool count_padding;
    const struct walk *walk;

    /* Constants as lowered, NULL after packing: weights [out][in / groups][kh][kw] (STEP_GEMM: [out][in]), bias or
     * shift [out], scale [out]; STEP_BINARY: scale is the constant operand, of constant_count elements. */
    float *weights, *bias, *scale;
    size_t constant_count;
    const char *name; /* of the node it began as, for messages; NULL after packing */
    bool own_weights; /* weights and bias are this step's own copy, free to be folded into */
    const struct integer_weights
        *integers; /* what weights were made from; NULL when they were not, or have changed */
    const struct integer_step *integer; /* set when the step runs in 8 bits */

    int chain;     /* steps that run as one from this step on (net/band.h), 0 for none */
    int band_rows; /* output rows at a time of such a chain */

    size_t packed;         /* first float in plan->packed */
    size_t packed_stride;  /* floats from one group's packed weights to the next */
    size_t scratch_floats; /* beyond the tensors, whatever the batch */
    uint64_t macs;         /* of one photo */
};

struct plan {
    struct arena arena; /* walks, lists of inputs */
    struct plan_tensor *tensors;
    int tensor_count, tensor_capacity;
    struct step *steps;
    int step_count, step_capacity;
    int input, output; /* tensors: normalised pixels, features */
    bool integer;      /* quantised: the first step reads the photo's bytes, nothing reads `input` */
    float *packed;     /* aligned constants of all steps */
    size_t packed_floats;
    int batched_from; /* first step that runs for a group at once; those before run photo by photo */
    size_t kernel_scratch_floats; /* the most that any kernel needs, a multiple of 16 */
    size_t pixels_floats;         /* what the first convolution keeps of a photo, behind that */
    size_t scratch_floats;        /* both and the most that any chain needs */
};

/* Appends a tensor; its index, or -1 when out of memory. */
int plan_add_tensor(struct plan *plan, size_t elements);

/* Appends a step with no operands, no clamp and room for nothing; NULL when out of memory. Valid until the next. */
struct step *plan_add_step(struct plan *plan, enum step_kind kind);

void plan_free(struct plan *plan);

/* Calls visit(user, tensor) for every tensor that a step reads. */
void step_each_input(const struct step *step, void (*visit)(void *user, int tensor), void *user);

/* Merges steps (see docs/internals/net.md for the rules) and drops what nothing reads. `arena` holds folded weights. */
pomona_status plan_fuse(struct plan *plan, struct arena *arena, struct pomona_error *error);

/* Turns a fused plan with STEP_QUANTIZE in it into one that runs in 8 bits from the photo's bytes to the features. A pixel p of
 * channel c is p * scale[c] + shift[c] for the file. Errors: POMONA_E_UNSUPPORTED for a step that has no integer kernel,
 * POMONA_E_CORRUPT for absurd numbers, each naming the step; POMONA_E_MEMORY. */
pomona_status plan_make_integer(struct plan *plan, const float scale[3], const float shift[3],
                                const char *file, struct pomona_error *error);

/* Whether a tensor holds bytes, and how many it takes for one photo. */
static inline bool tensor_is_bytes(const struct plan_tensor *tensor) {
    return tensor->quantisation.scale > 0;
}
static inline size_t tensor_size(const struct plan_tensor *tensor) {
    return tensor->elements * (tensor_is_bytes(tensor) ? 1 : sizeof(float));
}

/* Whether a step is the first convolution of an integer plan, which reads the photo's pixels, and the bytes of those. */
static inline bool step_reads_pixels(const struct step *step) {
    return step->integer && step->kind == STEP_CONV;
}
static inline size_t pixels_size(const struct window *window) {
    return 3 * (size_t)window->in_height * (size_t)window->in_width;
}

/* Packs all constants for the kernels. Errors: POMONA_E_MEMORY. */
pomona_status plan_pack(struct plan *plan, const struct kernels *kernels, struct pomona_error *error);

/* Decides where photo by photo ends and a group of photos begins (session.c). The early layers have large activations and
 * few weights: photo by photo they stay in the cache. The late ones have it the other way round: a group reads their
 * weights once. */
void plan_split(struct plan *plan);

/* Places the tensors of a batch in one arena: offsets[tensor] in bytes, each a multiple of MEMORY_ALIGN; *bytes is its size.
 * Tensors whose lives do not overlap share memory. Errors: POMONA_E_MEMORY. */
pomona_status plan_place(const struct plan *plan, int batch, size_t *offsets, size_t *bytes,
                         struct pomona_error *error);

/* What running needs besides the plan. */
struct run_state {
    const struct plan *plan;
    const struct kernels *kernels;
    const size_t *offsets; /* from plan_place() */
    char *tensors;         /* the arena */
    float *scratch;        /* plan->scratch_floats of them */
    const uint8_t *pixels; /* of the group of photos that runs, for the first step of an integer plan */
};

/* A tensor of photo `photo`: floats or bytes. */
void *run_tensor(const struct run_state *state, int tensor, int photo);

/* Runs step `index`, and those chained to it, for `photos` photos from `photo` on; more than one only from
 * plan->batched_from on. Returns the index of the next step. */
int run_step(const struct run_state *state, int index, int photo, int photos);

/* The same for a step that runs in 8 bits and is in no chain. */
void run_integer_step(const struct run_state *state, const struct step *step, int photo, int photos);

/* One line for people: "conv 3x3/2 relu6  224x224x3 -> 112x112x32  10.8 MMAC". */
void step_describe(const struct plan *plan, const struct step *step, char *text, size_t capacity);

#endif
