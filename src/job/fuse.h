/* Answers of several photos joined to one: the mean of log-probabilities over the photos of a group. */
#ifndef JOB_FUSE_H
#define JOB_FUSE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "job/path_group.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; free with fuse_free. */
struct fuse {
    int classes;
    struct path_group group;
    struct arena arena;
    struct buffer key;         /* of the photo at hand */
    struct fuse_group *groups; /* [count], in the order of their first photos */
    size_t count, capacity;
    double *sums;   /* [capacity][classes] of logarithms */
    size_t *places; /* [place_count] index of a group plus 1, by hash; 0: free */
    size_t place_count;
};

struct fuse_group {
    const char *key;
    double known; /* sum */
    int64_t photos;
};

/* `pattern` NULL: one group, "all". POMONA_E_USAGE: not a POSIX extended regular expression. */
pomona_status fuse_start(struct fuse *fuse, int classes, const char *pattern, struct pomona_error *error);

/* Whether a path has a group. */
bool fuse_matches(const struct fuse *fuse, const char *path);

/* Adds a photo's probabilities [classes]. POMONA_E_INPUT: the path has no group; POMONA_E_LIMIT (groups x classes above
 * 134,217,728), POMONA_E_MEMORY. */
pomona_status fuse_add(struct fuse *fuse, const char *path, const double *probabilities, double known,
                       struct pomona_error *error);

/* The joined answer of group 0 <= index < count: fills probabilities [classes], sum 1, and `known`. */
void fuse_get(const struct fuse *fuse, size_t index, double *probabilities, double *known);

void fuse_free(struct fuse *fuse);

#endif
