/* Names to indices by sorting: n log n whatever the names are, so no file can be built to collide. */
#ifndef ONNX_NAMES_H
#define ONNX_NAMES_H

#include "base/arena.h"

#include <stdbool.h>

struct name_entry {
    const char *name;
    int index;
};

struct name_table {
    struct name_entry *entries; /* [count], sorted by name */
    int count;
};

/* Sorts the entries. Returns a name that occurs twice, or NULL. */
const char *name_table_sort(struct name_table *table);

/* The index of a name, or -1. */
int name_table_find(const struct name_table *table, const char *name);

#endif
