/* The insides of a model and a session. Internal to the net room. */
#ifndef NET_MODEL_H
#define NET_MODEL_H

#include "net/plan.h"
#include "pomona/model.h"

struct pomona_model {
    const struct kernels *kernels;
    struct plan plan;
    struct pomona_model_info info; /* name and layer point to the two below */
    char *name, *layer;
};

/* How the profile turns pixels into the network's input: x = p * scale + shift, rounded twice. */
void model_normalisation(const struct pomona_model *model, float scale[3], float shift[3]);

/* The bytes of the network compiled into the library. */
void embedded_model(const void **data, size_t *size);

#endif
