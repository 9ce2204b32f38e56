/* Bands: an inverted residual block run a few rows at a time, so that its wide middle stays in the cache.
 *
 * In MobileNet-like networks a block is expand (1x1, 6 times the channels), depthwise, project. Run one after the other
 * at 112x112 they write and read 10 MB a photo that fit no L2 cache. Here the three run as one: for a band of output
 * rows, the expanded rows it needs are computed (those shared with the band before are kept), then the depthwise rows,
 * then the projected ones. Same kernels, same sums in the same order: the result is equal to the bit.
 *
 * The idea is layer fusion as in "Fused-layer CNN accelerators" (Alwani et al., MICRO 2016), without recomputation. */
#ifndef NET_BAND_H
#define NET_BAND_H

#include "net/plan.h"

/* Finds the chains (of 2: depthwise, project; of 3: expand or first convolution, depthwise, project) for which it pays,
 * sets step->chain and step->band_rows of their first steps, and marks the tensors inside as `banded`. Run after
 * plan_fuse() and before plan_pack(). */
pomona_status plan_find_chains(struct plan *plan, struct pomona_error *error);

/* Floats (4 bytes) that the rows of the chain at `first` take in scratch, behind what its kernels need; 0 where none starts. */
size_t band_floats(const struct step *first);

/* Runs the chain that starts at `first` for one photo: x, residual and y are that photo's tensors (x:
 * its pixels where the first step reads them). */
void band_run(const struct plan *plan, const struct step *first, const struct kernels *kernels, const void *x,
              const void *residual, void *y, float *scratch);

#endif
