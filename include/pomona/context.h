/* A context: the chosen kernels. Everything that computes is made from one.
 *
 * A context is immutable after creation and may be shared by any number of threads. It must outlive what was
 * made from it. */
#ifndef POMONA_CONTEXT_H
#define POMONA_CONTEXT_H

#include "pomona/cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_context;

/* Makes a context that runs `tier`. POMONA_TIER_AUTO reads POMONA_TIER from the environment, else takes the
 * best tier. Errors: POMONA_E_USAGE for an unknown name in POMONA_TIER, POMONA_E_UNSUPPORTED for a tier this
 * machine or build lacks, POMONA_E_MEMORY. On failure *context is NULL. */
POMONA_API pomona_status pomona_context_new(pomona_tier tier, struct pomona_context **context,
                                            struct pomona_error *error);

/* Frees a context and sets *context to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_context_free(struct pomona_context **context);

/* The tier this context runs. */
POMONA_API pomona_tier pomona_context_tier(const struct pomona_context *context);

/* One line per kernel family, in a fixed order: for index 0, 1, ... fills `family` ("gemm_f32") and `kernel`
 * ("avx512 14x32") with static strings and returns true; false past the last. */
POMONA_API bool pomona_context_kernel(const struct pomona_context *context, int index, const char **family,
                                      const char **kernel);

#ifdef __cplusplus
}
#endif
#endif
