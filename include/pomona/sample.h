/* A synthetic corpus: fruit drawn on a turntable, for demos, tests and scale runs. It is not photographs, and says so
 * everywhere: in its file comments, its folder's README and every report made from it. */
#ifndef POMONA_SAMPLE_H
#define POMONA_SAMPLE_H

#include "pomona/status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
struct pomona_sample_options {
    const char *out; /* folder; made if missing; photos go to OUT/<label>/<N>_100.jpg */
    int64_t count;   /* photos, 1..10,000,000 */
    int size;        /* pixels of a side, 32..4096; default 100 */
    int classes;     /* 1..1000; default 24 */
    uint64_t seed;
    double gps_share; /* 0..1 of the photos carry EXIF with a GPS position (of no real person) */
    int threads;      /* default: the cores this process may use; the files do not depend on it */
    bool overwrite;   /* write into a folder that has files of this name */
    void (*progress)(void *user, int64_t done, int64_t total); /* from one thread at a time; may be NULL */
    void *user;
};

/* Draws the corpus: same options, same bytes, on every machine. Errors: POMONA_E_USAGE (out of range),
 * POMONA_E_EXISTS, POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_sample_make(const struct pomona_sample_options *options,
                                            struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
