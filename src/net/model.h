/* The insides of a model and a session. Internal to the net room. */
#ifndef NET_MODEL_H
#define NET_MODEL_H

#include "net/plan.h"
#include "onnx/graph.h"
#include "pomona/model.h"

struct pomona_model {
    const struct kernels *kernels;
    struct plan plan;
    struct pomona_model_info info; /* name and layer point to the two below */
    char *name, *layer;
};

/* How the profile turns pixels into the network's input: x = p * scale + shift, rounded twice. */
void model_normalisation(const struct pomona_model *model, float scale[3], float shift[3]);

/* The bytes of the network compiled into the library, a classifier's file: in 8 bits, or as it was trained for precision "fp32" and
 * "fp16". NULL is "auto". */
void embedded_model(const char *precision, const void **data, size_t *size);

/* A model that is not to be run but to be changed: its plan is fused and not packed, so that weights, biases and names of
 * the steps are there. Zero-initialise; free with unpacked_model_free. */
struct unpacked_model {
    struct pomona_model *model; /* its info says nothing about packed weights */
    struct onnx_graph graph;    /* the file's; the names of the plan's steps lie in it */
    struct arena constants;     /* weights of the plan */
    bool channels_first;        /* the file's input is N, 3, H, W */
};

/* Errors: those of pomona_model_open_memory. */
pomona_status unpacked_model_open(const struct pomona_context *context, const char *name, const void *data,
                                  size_t size, const struct pomona_model_options *options,
                                  struct unpacked_model *unpacked, struct pomona_error *error);

/* Accepts a zeroed one. */
void unpacked_model_free(struct unpacked_model *unpacked);

#endif
