/* Which pictures a model gets. Internal to the net room. */
#ifndef NET_CHOOSE_PROFILE_H
#define NET_CHOOSE_PROFILE_H

#include "onnx/graph.h"
#include "pomona/model.h"

/* Metadata of a classifier's file: the profile of the features that its head reads, where the backbone may say less. */
#define PROFILE_OF_HEAD "pomona.head.profile"

struct profile_choice {
    struct pomona_profile profile;
    bool assumed;              /* the file carries none */
    int own_width, own_height; /* what the file was made for; 0: it does not say */
};

/* What the file's metadata says (of the head, else of the backbone), completed by the options; the file's input is
 * declared as width x height, 0 where it is open. Errors, naming `file`: POMONA_E_CORRUPT (metadata that make no sense, or
 * contradict the input), POMONA_E_USAGE (options that contradict the metadata, or out of range), POMONA_E_LIMIT,
 * POMONA_E_UNSUPPORTED (nothing says which size the network takes). */
pomona_status profile_choose(const char *file, const struct onnx_graph *graph, int64_t width, int64_t height,
                             const struct pomona_model_options *options, struct profile_choice *choice,
                             struct pomona_error *error);

#endif
