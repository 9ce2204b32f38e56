/* Model files taken apart and put together: a classifier's backbone, its head, both for other runtimes, and back. */
#ifndef POMONA_MODEL_FILES_H
#define POMONA_MODEL_FILES_H

#include "pomona/context.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum pomona_export_part {
    POMONA_EXPORT_BACKBONE, /* the file that the classifier was made from, byte for byte */
    POMONA_EXPORT_HEAD,     /* a head-only file: `features` in, the classifier's outputs out */
    POMONA_EXPORT_OPTIMISED, /* for other runtimes: the outputs of the head and what they need, or all outputs of a
                                backbone; without dead nodes, unused constants, copies, documentation and foreign
                                metadata. The numbers stay the same. Of a classifier, pomona itself no longer takes it for one: its
                                backbone can't be checked any more */
    POMONA_EXPORT_STRIPPED /* a backbone (of a classifier: its own) with all outputs, without documentation, producer, types of
                                inner values and foreign metadata, which may tell of people and machines. It is another file, so
                                its features are another feature space */
};

/* Zero-initialise, then set what differs from the defaults. */
struct pomona_export_options {
    const char *model;     /* NULL: the embedded one */
    const char *precision; /* of the embedded one: "int8" (NULL, "auto") or "fp32", two files */
    const char *out;
    enum pomona_export_part part;
    bool
        half; /* POMONA_EXPORT_HEAD: weights as fp16, also where the model has them as fp32; else as the model has them */
    bool overwrite;
};

struct pomona_export_result {
    uint64_t bytes_before, bytes; /* of the files */
    int nodes_before, nodes;      /* of their graphs */
};

/* Writes the part; the file appears whole or not at all. `result` may be NULL. Errors: POMONA_E_USAGE, POMONA_E_EXISTS,
 * POMONA_E_INPUT (backbone or head of a model without head), those of pomona_classifier_open, POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_model_export(const struct pomona_context *context,
                                             const struct pomona_export_options *options,
                                             struct pomona_export_result *result, struct pomona_error *error);

/* Puts a backbone (NULL: the embedded one that the head belongs to; of a classifier, its own) and a head-only file together. Errors as above;
 * POMONA_E_INPUT: the head was made for another backbone. */
POMONA_API pomona_status pomona_model_join(const struct pomona_context *context, const char *backbone,
                                           const char *head, const char *out, bool overwrite,
                                           struct pomona_export_result *result, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
