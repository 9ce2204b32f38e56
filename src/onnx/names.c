#include "onnx/names.h"

#include <stdlib.h>
#include <string.h>

static int compare_entries(const void *a, const void *b) {
    const struct name_entry *left = a, *right = b;
    return strcmp(left->name, right->name);
}

const char *name_table_sort(struct name_table *table) {
    if (table->count == 0) return NULL;
    qsort(table->entries, (size_t)table->count, sizeof *table->entries, compare_entries);
    for (int i = 1; i < table->count; i++)
        if (strcmp(table->entries[i - 1].name, table->entries[i].name) == 0) return table->entries[i].name;
    return NULL;
}

int name_table_find(const struct name_table *table, const char *name) {
    if (table->count == 0) return -1;
    struct name_entry key = {name, 0};
    const struct name_entry *found =
        bsearch(&key, table->entries, (size_t)table->count, sizeof key, compare_entries);
    return found ? found->index : -1;
}
