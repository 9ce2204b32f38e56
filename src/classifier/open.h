/* Reads the head of a file's graph and metadata. */
#ifndef CLASSIFIER_OPEN_H
#define CLASSIFIER_OPEN_H

#include "classifier/classifier.h"

/* Fills everything but the model, its info and hash of a zeroed classifier. What it owns then is freed by
 * pomona_classifier_free, also after a failure. Errors: POMONA_E_INPUT (no head), POMONA_E_CORRUPT, POMONA_E_MEMORY,
 * POMONA_E_UNSUPPORTED (a later version). */
pomona_status classifier_read_head(const char *where, const struct onnx_graph *graph,
                                   struct pomona_classifier *classifier, struct pomona_error *error);

#endif
