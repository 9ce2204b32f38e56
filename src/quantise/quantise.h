/* Post-training quantisation of a fused plan: which tensors become 8 bits, with which scales, and the QDQ file of it.
 * docs/internals/quantise.md tells the method, docs/internals/int8.md what the numbers mean. Internal to the quantise room and job.
 *
 * The order of calls:
 *   quantisation_start       refuses what can't be expressed, takes over the pixels
 *   calibration_*            statistics of photos, by the fp32 plan, in two rounds
 *   quantisation_find_gains  which channels matter
 *   quantisation_equalise    scales channels so that a tensor's channels use its 8 bits alike
 *   quantisation_choose_*    scales of tensors and weights
 *   correction_*             step by step: biases, so that the mean output of every channel is that of fp32
 *   quantisation_simulate    a plan in float that computes what the file does
 *   quantisation_write       the file */
#ifndef QUANTISE_QUANTISE_H
#define QUANTISE_QUANTISE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "net/model.h"
#include "quantise/observe.h"

enum { CODES = 255, WEIGHT_CODES = 127, CALIBRATION_BINS = 256 };

enum tensor_role {
    TENSOR_UNUSED,
    TENSOR_CODED, /* 8 bits */
    TENSOR_FLOAT  /* before and behind the global average pool */
};

/* One tensor of the plan: value = (q - zero) scale. */
struct tensor_code {
    enum tensor_role role;
    int channels;
    size_t first; /* of its channels among those of all tensors */
    float scale;
    int zero;
};

/* One convolution. */
struct step_code {
    int8_t *weights;    /* [out][per_channel], as the plan's */
    float *scales;      /* [out] */
    size_t per_channel; /* weights of an output channel */
};

/* What calibration knows of every channel of every tensor; flat arrays over the channels of all tensors. */
struct channel_statistics {
    float *low, *high;   /* after the clamp */
    double *mean;        /* before the clamp */
    double *square;      /* mean of the squares, after the clamp */
    double *active;      /* share of values inside the clamp, or not 0 where there is none */
    uint32_t *histogram; /* [channels][CALIBRATION_BINS] from low to high, exact zeros left out */
    uint64_t *counted;   /* values that the histogram looked at, zeros included */
};

/* What the choices know of every channel, in the units of the plan as it is. */
struct channel_facts {
    double *gain; /* noise in the features, of noise of variance 1 in one value of the channel */
    double *
        reach; /* how far from 0 its values go, outliers left out where that is the better use of 255 codes */
    double *factor; /* of the channel in the plan to what it was before equalisation */
};

struct quantised_plan {
    const char *file; /* for messages */
    struct plan
        *plan; /* fused, not packed; weights and biases are the quantisation's own from the start on */
    const struct kernels *kernels;
    struct pomona_profile profile;
    const struct onnx_graph *graph;
    bool channels_first;
    struct tensor_code *tensors; /* [tensor_count]; all arrays lie in `arena` */
    struct step_code *steps;     /* [step_count] */
    size_t channels;             /* of all tensors */
    struct channel_statistics statistics;
    struct channel_facts facts;
    float reference_pixels[3][256]; /* what a byte is to the fp32 network */
    float pixels[3][256];           /* and to this plan, whose first biases make up for the difference */
    float pixel_shift[3];           /* added before QuantizeLinear; zeros: no Add */
    bool identity;                  /* q = pixel */
    struct arena arena;
    struct pomona_error *error;
};

/* Whether a step multiplies with weights. */
static inline bool step_is_linear(const struct step *step) {
    return step->kind == STEP_GEMM || step->kind == STEP_CONV || step->kind == STEP_DEPTHWISE;
}

/* Zeroed, then: file, plan, kernels, profile, graph, channels_first, error are set by the caller. POMONA_E_UNSUPPORTED names the
 * layer that has no 8-bit form. */
pomona_status quantisation_start(struct quantised_plan *q);
void quantisation_free(struct quantised_plan *q);

/* Fills the plan's input. */
void quantisation_fill(const float table[3][256], const uint8_t *pixels, size_t count, float *x);

/* ---- statistics ---- */

/* The part of one block of photos: blocks are independent of each other, and joined in order. */
struct calibration {
    const struct quantised_plan *q;
    struct observer observer;
    struct channel_statistics sums; /* mean, square and active: sums; a block of memory each */
    uint64_t photos, means;         /* so far; those whose means count */
    bool counting;                  /* the second round */
    bool mean;                      /* of the photo at hand */
};

pomona_status calibration_make(const struct quantised_plan *q, const struct observable *observable,
                               struct calibration *calibration, struct pomona_error *error);
void calibration_free(struct calibration *calibration);

/* One picture. `mean`: whether it is one of those whose means biases are corrected to. */
void calibration_add(struct calibration *calibration, const uint8_t *pixels, bool mean);

/* Joins the first round of `count` blocks into q->statistics; then the histograms of the second. */
void calibration_join_ranges(struct quantised_plan *q, const struct calibration *blocks, int count);
void calibration_join_histograms(struct quantised_plan *q, const struct calibration *blocks, int count);

/* ---- choices ---- */

/* Fills facts.gain: how noise goes through the network, from the features back, taken as independent from value to value. */
void quantisation_find_gains(struct quantised_plan *q);

/* Fills facts.reach. */
void quantisation_find_reaches(struct quantised_plan *q);

/* Scales channels: see docs/internals/quantise.md. */
pomona_status quantisation_equalise(struct quantised_plan *q);

/* Scales of tensors; `clip`: ranges that cut outliers off where the noise becomes less. Then those of weights.
 * POMONA_E_UNSUPPORTED for a layer whose values, or weights, are not finite. */
pomona_status quantisation_choose_tensors(struct quantised_plan *q, bool clip);
void quantisation_choose_weights(struct quantised_plan *q, bool clip);

/* The largest bias of a channel that stays within the file's integers. */
double quantisation_bias_limit(const struct quantised_plan *q, int step, size_t channel);

/* Mean squared error of a channel in codes of width `step` from low to high; exact zeros have none. */
double channel_noise(const struct quantised_plan *q, size_t channel, double low, double high, double step);

/* Input channel of weight i of output channel o. */
size_t step_input_channel(const struct step *step, const struct step_code *code, size_t o, size_t i);

/* ---- the network as the file has it ---- */

/* A packed plan with the rounded weights, whose tensors quantisation_round() rounds on the way. */
pomona_status quantisation_simulate(const struct quantised_plan *q, struct observable *observable);

/* Rounds a tensor of one photo to its codes, where it has any. */
void quantisation_round(const struct quantised_plan *q, int tensor, float *values);

/* ---- bias correction ---- */

/* The photos' codes between the steps that are done and those to come. */
struct correction {
    struct quantised_plan *q;
    struct observable plan;
    int photos, step;
    size_t widest, stride; /* channels of the widest tensor; bytes of a photo's codes */
    size_t *offsets;       /* [tensor_count] in them */
    uint8_t *codes;        /* [photos][stride] */
    double *means;         /* [photos][widest] of the step at hand */
    float *shift;          /* [widest], of its biases */
};

/* Of `photos` every *each-th takes part, so that their codes fit memory; returns how many. */
int quantisation_correctable(const struct quantised_plan *q, int photos, int *each);

/* With the scales chosen. Then correction_pixels for each photo, and for each step in order: correction_begin; if that is true,
 * correction_measure for each photo and correction_settle; correction_round for each photo. Observers are of
 * correction->plan, one a thread. */
pomona_status correction_make(struct quantised_plan *q, int photos, struct correction *correction);
void correction_free(struct correction *correction);
void correction_pixels(struct correction *correction, int photo, const uint8_t *pixels);
bool correction_begin(struct correction *correction, int step);
void correction_measure(struct correction *correction, struct observer *observer, int photo);
void correction_settle(struct correction *correction);
void correction_round(struct correction *correction, struct observer *observer, int photo);

/* Properties beyond those of the source. */
pomona_status quantisation_write(const struct quantised_plan *q, const char *output,
                                 const struct onnx_property *properties, int property_count,
                                 struct buffer *out);

#endif
