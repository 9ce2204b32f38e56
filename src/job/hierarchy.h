/* Coarse classes from a CSV file. */
#ifndef JOB_HIERARCHY_H
#define JOB_HIERARCHY_H

#include "base/arena.h"
#include "base/error.h"

struct hierarchy {
    struct arena texts;
    const char **groups; /* [group_count], sorted by their bytes */
    int group_count;
    int *class_group; /* [classes], owned */
    int unnamed;      /* classes that the file does not name: each is a group of its own name */
};

#define HIERARCHY_INIT ((struct hierarchy){.texts = ARENA_INIT(SIZE_MAX)})

/* Reads `file` for the classes `names` [classes]. Its columns are called "class" and "coarse", or "Class Name (str)" and
 * "Coarse Class Name (str)" (the Grocery Store Dataset's), or are its first two. Names in it that are no class are passed
 * over. On success and failure alike free with hierarchy_free. Errors: those of file_read and csv_reader; POMONA_E_INPUT: a class
 * with two groups, a file that names none of the classes. */
pomona_status hierarchy_read(const char *file, const char *const *names, int classes,
                             struct hierarchy *hierarchy, struct pomona_error *error);

void hierarchy_free(struct hierarchy *hierarchy);

#endif
