/* What pomona itself leaves in a result folder, by name: the only things that pomona recover may touch. */
#ifndef JOB_LEFTOVERS_H
#define JOB_LEFTOVERS_H

#include <stdbool.h>

/* "part-00007-<uuid>-c000[.codec].parquet". */
bool leftover_is_part(const char *name);

/* A file that was being written under a temporary name: in Results, or in DST. */
bool leftover_is_temporary_of_results(const char *name);
bool leftover_is_temporary_of_dst(const char *name);

/* A file or folder of DST/_temporary or DST/_temporary_pca, and a file of a folder in there. */
bool leftover_is_staged(const char *name);
bool leftover_is_staged_folder(const char *name);
bool leftover_is_staged_file(const char *name);

/* A file of DST/_temporary_pack. */
bool leftover_is_packing(const char *name);

#endif
