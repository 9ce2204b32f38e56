#include "job/hierarchy.h"

#include "base/io.h"
#include "base/memory.h"
#include "table/csv.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 256 << 20 };

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A class by its name. */
struct named {
    const char *name;
    int class;
};

static int compare_named(const void *a, const void *b) {
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* The classes in the order of their names; NULL when out of memory. */
static struct named *sort_names(const char *const *names, int classes) {
    struct named *sorted = memory_new((size_t)classes, sizeof *sorted);
    for (int i = 0; sorted && i < classes; i++) sorted[i] = (struct named){names[i], i};
    if (sorted) qsort(sorted, (size_t)classes, sizeof *sorted, compare_named);
    return sorted;
}

static int find_name(const struct named *sorted, int classes, const char *name) {
    const struct named key = {name, 0},
                       *found = bsearch(&key, sorted, (size_t)classes, sizeof key, compare_named);
    return found ? found->class : -1;
}

/* Which columns hold class and group. */
static pomona_status find_columns(const char *file, const struct csv_reader *csv, size_t columns[2],
                                  struct pomona_error *error) {
    static const char *const known[2][2] = {{"class", "coarse"},
                                            {"Class Name (str)", "Coarse Class Name (str)"}};
    if (csv->columns < 2)
        return fail(error, POMONA_E_INPUT, file, "a hierarchy needs two columns: class, coarse");
    for (int i = 0; i < 2; i++)
        if (csv_find(csv, known[i][0], &columns[0], NULL) == POMONA_OK &&
            csv_find(csv, known[i][1], &columns[1], NULL) == POMONA_OK)
            return POMONA_OK;
    columns[0] = 0, columns[1] = 1;
    return POMONA_OK;
}

/* The group's name for each class of the file, NULL for the others. */
static pomona_status read_groups(const char *file, struct csv_reader *csv, const struct named *sorted,
                                 int classes, struct hierarchy *h, const char **group_of,
                                 struct pomona_error *error) {
    size_t columns[2];
    bool has_record;
    TRY(find_columns(file, csv, columns, error));
    for (;;) {
        TRY(csv_next(csv, &has_record, error));
        if (!has_record) return POMONA_OK;
        int class = find_name(sorted, classes, csv_field(csv, columns[0]));
        const char *group = csv_field(csv, columns[1]);
        if (class < 0 || !*group) continue;
        if (group_of[class] && strcmp(group_of[class], group) != 0)
            return fail(error, POMONA_E_INPUT, file,
                        "line %zu: class '%.100s' is in two groups, '%.100s' and '%.100s'", csv->line,
                        csv_field(csv, columns[0]), group_of[class], group);
        group_of[class] = arena_copy_text(&h->texts, group, strlen(group));
        if (!group_of[class]) return fail_memory(error, "hierarchy");
    }
}

static pomona_status number_groups(const char *file, const char *const *names, int classes,
                                   struct hierarchy *h, const char **group_of, struct pomona_error *error) {
    h->groups = arena_new(&h->texts, (size_t)classes, sizeof *h->groups);
    h->class_group = memory_new((size_t)classes, sizeof *h->class_group);
    if (!h->groups || !h->class_group) return fail_memory(error, "hierarchy");
    for (int i = 0; i < classes; i++) {
        h->unnamed += group_of[i] == NULL;
        if (!group_of[i] && !(group_of[i] = arena_copy_text(&h->texts, names[i], strlen(names[i]))))
            return fail_memory(error, "hierarchy");
        h->groups[i] = group_of[i];
    }
    if (h->unnamed == classes)
        return fail(error, POMONA_E_INPUT, file, "names none of the %d classes", classes);
    qsort(h->groups, (size_t)classes, sizeof *h->groups, compare_names);
    for (int i = 0; i < classes; i++)
        if (i == 0 || strcmp(h->groups[i], h->groups[h->group_count - 1]) != 0)
            h->groups[h->group_count++] = h->groups[i];
    for (int i = 0; i < classes; i++) {
        const char **found =
            bsearch(&group_of[i], h->groups, (size_t)h->group_count, sizeof *h->groups, compare_names);
        h->class_group[i] = found ? (int)(found - h->groups) : 0;
    }
    return POMONA_OK;
}

pomona_status hierarchy_read(const char *file, const char *const *names, int classes, struct hierarchy *h,
                             struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(FILE_BYTES_MAX);
    struct csv_reader csv;
    *h = HIERARCHY_INIT;
    struct named *sorted = sort_names(names, classes);
    const char **group_of = memory_new((size_t)classes, sizeof *group_of);
    pomona_status status =
        sorted && group_of ? file_read(file, &text, error) : fail_memory(error, "hierarchy");
    if (status == POMONA_OK) {
        status = csv_open(&csv, file, (const char *)text.data, text.size, error);
        if (status == POMONA_OK) status = read_groups(file, &csv, sorted, classes, h, group_of, error);
        csv_close(&csv);
    }
    if (status == POMONA_OK) status = number_groups(file, names, classes, h, group_of, error);
    buffer_free(&text);
    memory_free(group_of);
    memory_free(sorted);
    return status;
}

void hierarchy_free(struct hierarchy *h) {
    arena_free(&h->texts);
    memory_free(h->class_group);
    *h = HIERARCHY_INIT;
}
