/* Models: one ONNX file, read, checked, fused into a plan, and run.
 *
 * A model is immutable and may be shared by threads; each thread runs it through a session of its own. Labels,
 * preprocessing profile and hashes travel in the file's metadata. A file without pomona metadata gets the profile
 * `spark-compat` at its own input size, and the info says that this was assumed. */
#ifndef POMONA_MODEL_H
#define POMONA_MODEL_H

#include "pomona/context.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_model;
struct pomona_session;

/* The numbers a network runs in. AUTO: what the head of a classifier's file was trained on; else 8 bits for a quantised file, unless
 * it says itself that its features lie below a mean cosine of 0.99 to those of fp32 (metadata pomona.quantised); fp32 for any other. It
 * does not look at the machine, since features of different precision are never mixed. The embedded network is there quantised, and as it
 * was trained for FP32. */
typedef enum {
    POMONA_PRECISION_AUTO,
    POMONA_PRECISION_FP32, /* of a quantised file: its weights as floats, activations unquantised */
    POMONA_PRECISION_FP16, /* refused: no kernel computes in half precision */
    POMONA_PRECISION_INT8  /* a quantised file's integers, equal to the bit on every tier */
} pomona_precision;

/* "auto", "fp32", "fp16", "int8". */
POMONA_API const char *pomona_precision_name(pomona_precision precision);
/* Errors: POMONA_E_USAGE for another name. */
POMONA_API pomona_status pomona_precision_parse(const char *name, pomona_precision *precision,
                                                struct pomona_error *error);

/* Zero-initialise for the defaults. */
struct pomona_model_options {
    const char
        *layer; /* name of the node, or of its output, whose value is the feature vector; NULL: the input of
                            the last Gemm/MatMul (the reference's layers[-2]), else the output if it has rank 2, else
                            the global average pool */
    const char *
        profile; /* "spark-compat" or "phone"; fills what the metadata lacks, a conflict is an error. Or a whole
                     text (pomona/profile.h), as tables of features carry it, which then also says views and size */
    const char
        *views; /* see pomona_profile_set_views; fills what the profile lacks, a conflict is an error */
    const char *
        decode; /* "exact" or "scaled" (enum pomona_decode); likewise: exact profiles can be made scaled, not the
                           other way round */
    int size;              /* pixels: plan for an input of size x size, 1..4096; 0: the network's own */
    const char *precision; /* see pomona_precision; NULL: "auto" */
};

struct pomona_model_info {
    const char *name;                 /* file name, or "embedded" */
    const char *layer;                /* the layer that is the feature vector */
    char hash[POMONA_HASH_TEXT_SIZE]; /* SHA-256 of the file; of the backbone alone in a classifier's file */
    char
        feature_space[POMONA_HASH_TEXT_SIZE]; /* hash(model, layer, profile, precision): features of different
                                                  spaces are never mixed */
    pomona_precision precision; /* what it runs in: POMONA_PRECISION_FP32 or POMONA_PRECISION_INT8 */
    bool quantised;             /* the file holds a network quantised to 8 bits */
    struct pomona_profile profile;
    bool profile_assumed; /* the file carried no profile */
    bool has_head;        /* the file is a classifier's (pomona/classifier.h): backbone and head */
    bool untrained;       /* the file says that it is untrained (metadata pomona.untrained = 1) */
    int input_width, input_height;
    int views;                 /* pictures that one photo becomes */
    size_t photo_bytes;        /* of their pixels: views x height x width x 3 */
    int features;              /* length of the feature vector */
    int nodes, steps;          /* nodes of the graph, steps of the fused plan */
    uint64_t macs;             /* multiply-accumulates for one picture, up to `layer` */
    uint64_t weight_bytes;     /* weights used, as packed */
    uint64_t activation_bytes; /* arena of one session with a batch of one picture */
};

/* Opens a model file of at most 1 GiB. Errors, each naming file and node: POMONA_E_INPUT (missing, not ONNX, no such
 * layer), POMONA_E_CORRUPT (truncated, dangling or cyclic graph, shapes that contradict each other),
 * POMONA_E_LIMIT (absurd sizes), POMONA_E_UNSUPPORTED (operator, attribute or type), POMONA_E_USAGE (profile
 * conflict, a precision that the file or the tier does not have), POMONA_E_MEMORY. `options` may be NULL. */
POMONA_API pomona_status pomona_model_open(const struct pomona_context *context, const char *path,
                                           const struct pomona_model_options *options,
                                           struct pomona_model **model, struct pomona_error *error);

/* The same from memory, which may be freed afterwards. */
POMONA_API pomona_status pomona_model_open_memory(const struct pomona_context *context, const char *name,
                                                  const void *data, size_t size,
                                                  const struct pomona_model_options *options,
                                                  struct pomona_model **model, struct pomona_error *error);

/* The network compiled into the library. */
POMONA_API pomona_status pomona_model_open_embedded(const struct pomona_context *context,
                                                    const struct pomona_model_options *options,
                                                    struct pomona_model **model, struct pomona_error *error);

POMONA_API void pomona_model_free(struct pomona_model **model);

/* Pointers inside live as long as the model. */
POMONA_API void pomona_model_get_info(const struct pomona_model *model, struct pomona_model_info *info);

/* One step of the fused plan, for people: for index 0, 1, ... fills `text` with "conv 3x3/2 relu6  224x224x3 -> 112x112x32
 * 10.8 MMAC" and the like and returns true; false past the last. */
POMONA_API bool pomona_model_step(const struct pomona_model *model, int index, char *text, size_t capacity);

/* Makes a session that runs up to `batch` (1..64) photos at a time. The model must outlive it. */
POMONA_API pomona_status pomona_session_new(const struct pomona_model *model, int batch,
                                            struct pomona_session **session, struct pomona_error *error);

/* Runs n (1..batch) photos: pixels [n][info.views][height][width][3] uint8 RGB of the profile's size, as a preprocessor fills
 * them, to features [n][info.features] fp32. With several views a photo's features are their mean: added in double in the order of
 * the views, rounded once. A photo's result does not depend on n or on its neighbours. No allocation. */
POMONA_API pomona_status pomona_session_run(struct pomona_session *session, const uint8_t *pixels, int n,
                                            float *features, struct pomona_error *error);

POMONA_API void pomona_session_free(struct pomona_session **session);

#ifdef __cplusplus
}
#endif
#endif
