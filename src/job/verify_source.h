/* Where the files that are verified come from: the folder itself, or a place that brings them one after the other. */
#ifndef JOB_VERIFY_SOURCE_H
#define JOB_VERIFY_SOURCE_H

#include "pomona/maintenance.h"

/* With `folder` alone, everything lies there already. */
struct verify_source {
    const char *folder; /* where what was brought is read, by its name in DST */
    void *self;
    bool interrupted; /* a job has left something */
    /* Brings a file ("Results/part-...") or all below a name that ends in `/`. POMONA_E_INPUT: there is no such thing, and then there is
     * none below `folder` either. */
    pomona_status (*bring)(void *self, const char *name, struct pomona_error *error);
    /* It has been read, or was not there. */
    void (*drop)(void *self, const char *name);
    /* Visits the names in Results. */
    pomona_status (*list)(void *self,
                          pomona_status (*visit)(void *user, const char *name, struct pomona_error *error),
                          void *user, struct pomona_error *error);
};

/* As pomona_verify; `dst` is what the folder is called. */
pomona_status verify_source(const struct pomona_context *context, const char *dst,
                            const struct verify_source *source, const struct pomona_verify_options *options,
                            struct pomona_verify_result *result, struct pomona_error *error);

#endif
