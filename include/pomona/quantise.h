/* Post-training quantisation: an fp32 network and some photos in, an int8 network as a QDQ ONNX file out.
 *
 * The file holds weights of 8 bits and a QuantizeLinear and DequantizeLinear behind every layer; any ONNX runtime runs it.
 * The features stay fp32. Ranges, channel scales and biases come from photos like those that the network is going to see: a few
 * dozen do, 256 are better, labels are not needed. docs/internals/quantise.md tells the method, docs/internals/int8.md what
 * the numbers mean.
 *
 * Of a classifier's file the backbone is quantised and the same head attached: its backbone hash and feature space are those of
 * the new file. The result says what the step costs: how far features drift, and how many answers change. */
#ifndef POMONA_QUANTISE_H
#define POMONA_QUANTISE_H

#include "pomona/context.h"
#include "pomona/places.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    POMONA_QUANTISE_PHOTOS_DEFAULT = 256,
    POMONA_QUANTISE_PHOTOS_MAX = 4096,
    POMONA_QUANTISE_PHOTOS_FEW = 24 /* with fewer the result warns */
};

struct pomona_quantise_progress {
    int done, total; /* photos, of all rounds together */
    const char *what;
};

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_quantise_options {
    const char *model;     /* an ONNX file; NULL: the embedded one */
    const char *calibrate; /* a folder of photos */
    const char *out;       /* file to write */
    const char *check;     /* other photos to measure on; NULL: those of the calibration */
    const char
        *labels; /* CSV of labels for the photos that are measured on; NULL: the names of their folders */
    const char *glob; /* names of photos; NULL: "*.jpg" */
    int photos;       /* drawn evenly from the sorted list, and as many to measure on; 0: the default */
    const char *layer, *profile;           /* see pomona_model_options; not for a classifier's file */
    bool no_equalise, no_clip, no_correct; /* leave a part of the method out, to see what it earns */
    bool overwrite;                        /* replace `out`; it stays until the new one is complete */
    int threads;                           /* default pomona_cpu_threads(); without effect on the file */

    struct pomona_places *places; /* for photos that are not on this machine; NULL: there are none */

    void (*progress)(void *user, const struct pomona_quantise_progress *progress); /* may be NULL */
    bool (*should_stop)(
        void *user); /* asked often; true: POMONA_E_INTERRUPTED, nothing is written. May be NULL */
    void *user;
};

/* One layer, against fp32. */
struct pomona_quantise_layer {
    char name[128]; /* of the node in the source */
    char text[96];  /* what it does */
    double snr; /* signal to quantisation noise of its output, dB, noise of the layers before it included */
};

/* What was done. Zero-initialise; free with pomona_quantise_result_free. */
struct pomona_quantise_result {
    int64_t listed;        /* photos found */
    int photos;            /* calibrated on */
    int errors;            /* drawn, and not readable */
    char first_error[256]; /* the cause of the first */
    int features;
    int checked;                    /* photos measured on */
    int check_errors;               /* of those, not readable */
    double cosine_mean, cosine_min; /* of a photo's features in fp32 and in int8 */
    char cosine_min_photo[256];     /* the photo with the least */
    int labelled;                   /* photos measured on whose label the head knows; 0 without a head */
    int right_before, right_after;  /* of those */
    int changed; /* photos whose most probable class is another; of all that were measured */
    bool has_head;
    bool pixels_exact;                    /* the network's input is the byte of the pixel, nothing is lost */
    struct pomona_quantise_layer *layers; /* [layer_count], in the order of the network */
    int layer_count;
    double seconds;
    uint64_t bytes, bytes_before;              /* of the files */
    char hash[POMONA_HASH_TEXT_SIZE];          /* of `out` */
    char source_hash[POMONA_HASH_TEXT_SIZE];   /* of the fp32 backbone */
    char feature_space[POMONA_HASH_TEXT_SIZE]; /* of the new features */
};

/* Runs the job. `result` may be NULL. The file is the same to the byte for any number of threads on one tier. Errors:
 * POMONA_E_USAGE (options), POMONA_E_EXISTS (`out`), POMONA_E_INPUT (no photo, or none that can be read),
 * POMONA_E_UNSUPPORTED (a layer without an 8-bit form, named: squeeze and excitation, concatenation, pools but the global average
 * at the end), those of pomona_model_open, POMONA_E_INTERRUPTED, POMONA_E_IO, POMONA_E_MEMORY. An older `out` is intact after
 * every failure. */
POMONA_API pomona_status pomona_quantise_run(const struct pomona_context *context,
                                             const struct pomona_quantise_options *options,
                                             struct pomona_quantise_result *result,
                                             struct pomona_error *error);

POMONA_API void pomona_quantise_result_free(struct pomona_quantise_result *result);

#ifdef __cplusplus
}
#endif
#endif
