/* The files of a feature table, and one of them while it is read. */
#ifndef TABLE_FEATURE_PARTS_H
#define TABLE_FEATURE_PARTS_H

#include "base/arena.h"
#include "table/file_source.h"
#include "table/parquet_reader.h"

struct feature_parts {
    struct arena arena;
    const char **paths; /* [count], sorted by name, in the arena */
    size_t count;
};

/* Fills `parts` (zeroed) from a file, or a folder as pomona_feature_reader_open says. */
pomona_status feature_parts_list(struct feature_parts *parts, const char *path, struct pomona_error *error);
void feature_parts_free(struct feature_parts *parts);

/* Cells of a row, in the order in which they are selected. */
enum { CELL_PATH, CELL_FEATURES, CELL_LABEL, CELL_VECTOR_TYPE, CELLS_MAX };

/* One open file. Zero-initialise with FEATURE_PART_INIT. */
struct feature_part {
    struct file_source file;
    struct parquet_reader *reader;
    int selected; /* columns chosen: path, features, and then label and the type of Spark's vectors, if any */
    int cell[CELLS_MAX]; /* place of each CELL_ in a row, -1 if there is none */
    bool doubles;
};

#define FEATURE_PART_INIT ((struct feature_part){.file = FILE_SOURCE_INIT})

/* Opens a file and finds its columns. `path` must outlive the part. */
pomona_status feature_part_open(struct feature_part *part, const char *path, struct pomona_error *error);
void feature_part_close(struct feature_part *part);

#endif
