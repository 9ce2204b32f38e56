/* Predicting: photos in, one answer a photo out, as text, JSON lines, CSV or Parquet; or one answer for several photos of
 * one thing.
 *
 * The photos are those of the operands in the order given; the photos of a folder are sorted by path. Rows come in that
 * order as soon as they are known. Memory does not grow with the photos except for their paths and, when fusing, one
 * number a group and class.
 *
 * Columns: `path` ("file:/..." as in tables of features; "-" for a photo on standard input; the group's key when fusing),
 * `class` and `probability` (the most probable class, whatever the level), `coarse` and `coarse_probability` (null
 * without hierarchy), `level` ("fine", "coarse" or "rejected": what the answer is sure of), `rejected`, `known` (score of being one
 * of the classes), `error` (why there is no answer; then all others but the path are null). Fusing adds `photos`,
 * JSON adds `top`. The bytes depend on the photos, the model, the options and (in fp32) the tier, not on threads. */
#ifndef POMONA_PREDICT_H
#define POMONA_PREDICT_H

#include "pomona/context.h"
#include "pomona/features.h"
#include "pomona/places.h"
#include "pomona/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum pomona_predict_format {
    POMONA_PREDICT_TEXT, /* for people: a block for one answer, a line each for more; failed photos are no rows */
    POMONA_PREDICT_JSON,   /* one object a line */
    POMONA_PREDICT_CSV,    /* with a header */
    POMONA_PREDICT_PARQUET /* needs `out` */
};

/* Zero-initialise, then set what differs from the defaults. Strings are borrowed for the call. */
struct pomona_predict_options {
    /* [operand_count]: photos (whatever their name), folders (read recursively, as pomona_features_options has it), and
     * at most one "-": what `input` gives. A photo that is missing is a failed photo. */
    const char *const *operands;
    size_t operand_count;
    int input; /* descriptor read for "-"; default 0, standard input. Either one JPEG, which then comes
                  before the other photos, or a list of operands, one a line */

    const char *model; /* a classifier's file, or a backbone's if `head` is given; NULL: embedded */
    const char *head;  /* a head-only file in place of the model's own head */
    const char *profile;
    const char *decode;    /* see pomona_classifier_options */
    const char *precision; /* likewise */
    const char *glob;      /* pattern of file names in folders; default "*.jpg", case-sensitive */
    enum pomona_predict_format format;
    int top; /* classes in `top` and in the block of one answer, 1..1000; default 5 */

    /* One answer for all photos: the mean of their log-probabilities, normalised again, and the mean of `known`.
     * Probabilities below DBL_MIN count as DBL_MIN. */
    bool fuse;
    /* With fuse: one answer for all photos whose paths give the same text of the first subexpression of this POSIX
     * extended regular expression, or of the whole match. Groups come in the order of their first photos. */
    const char *group;

    const char *out;    /* file, written whole or not at all; NULL: rows go to `write` */
    bool overwrite;     /* replace `out`; it stays until the new one is complete */
    int threads;        /* default pomona_cpu_threads() */
    int64_t max_errors; /* more failed photos: POMONA_E_ERROR_ROWS at the end; negative: any number */

    struct pomona_places *places; /* for photos that are not on this machine; NULL: there are none */

    /* Takes rows, in order and whole; needed without `out`. A failure stops the job and is returned. */
    pomona_status (*write)(void *user, const void *data, size_t size, struct pomona_error *error);
    void (*failed)(void *user, const char *path, const char *reason); /* every failed photo; may be NULL */
    void (*progress)(void *user, const struct pomona_features_progress *progress); /* may be NULL */
    bool (*should_stop)(void *user); /* asked often; true: POMONA_E_INTERRUPTED. May be NULL */
    void *user;                      /* all calls come from the calling thread */
};

/* What was done. Zero-initialise. */
struct pomona_predict_result {
    int64_t photos, failed;         /* failed are included in photos */
    int64_t answers;                /* photos or groups */
    int64_t fine, coarse, rejected; /* answers of each level */
    int64_t skipped;                /* files in folders that the pattern left out */
    char first_failure[256];        /* "" for none */
    int threads;
    double seconds, photos_per_second;
    uint64_t bytes; /* of the rows */
};

/* Runs the job. `result` may be NULL. Errors: POMONA_E_USAGE (options), POMONA_E_EXISTS (`out`), POMONA_E_INPUT (no
 * photo matches; a path that `group` does not match), those of pomona_classifier_open and of `write`,
 * POMONA_E_LIMIT (groups x classes above 134,217,728), POMONA_E_INTERRUPTED (rows given to `write` stay, `out` is as it
 * was), POMONA_E_ERROR_ROWS, POMONA_E_IO, POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_predict_run(const struct pomona_context *context,
                                            const struct pomona_predict_options *options,
                                            struct pomona_predict_result *result, struct pomona_error *error);

#ifdef __cplusplus
}
#endif
#endif
