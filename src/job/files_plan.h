/* What a copy is going to do: the files of one place, and what speaks against their names in another. */
#ifndef JOB_FILES_PLAN_H
#define JOB_FILES_PLAN_H

#include "base/arena.h"
#include "store/place.h"

struct planned_file {
    const char *name; /* in both places; "" : the place itself is the file */
    uint64_t size;
};

/* Initialise with FILES_PLAN_INIT. */
struct files_plan {
    struct arena texts;
    struct planned_file *files; /* [count], sorted by name */
    size_t count, capacity;
};

#define FILES_PLAN_INIT ((struct files_plan){.texts = ARENA_INIT(SIZE_MAX)})

/* Everything below `from`. `to_folder`: names must be possible on a disk, and the marks of folders are left out.
 * POMONA_E_UNSUPPORTED names one that is not. */
pomona_status files_plan_all(struct place *from, bool to_folder, struct files_plan *plan,
                             struct pomona_error *error);
/* `from` itself. */
pomona_status files_plan_one(struct place *from, struct files_plan *plan, struct pomona_error *error);

/* POMONA_E_EXISTS names the first file of the plan that `to` has already. */
pomona_status files_plan_refuse_existing(const struct files_plan *plan, struct place *to,
                                         struct pomona_error *error);

void files_plan_free(struct files_plan *plan);

#endif
