#include "job/fuse.h"

#include "base/memory.h"
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { NUMBERS_MAX = 134217728, KEY_BYTES_MAX = 1 << 20, GROUPS_START = 16 };

pomona_status fuse_start(struct fuse *fuse, int classes, const char *pattern, struct pomona_error *error) {
    *fuse =
        (struct fuse){.classes = classes, .arena = ARENA_INIT(SIZE_MAX), .key = BUFFER_INIT(KEY_BYTES_MAX)};
    if (!pattern) return POMONA_OK;
    return path_group_open(&fuse->group, pattern, error);
}

/* The part of `path` that names its group. */
static bool find_key(const struct fuse *fuse, const char *path, const char **key, size_t *size) {
    *key = "all", *size = 3;
    return !fuse->group.open || path_group_find(&fuse->group, path, key, size);
}

bool fuse_matches(const struct fuse *fuse, const char *path) {
    const char *key;
    size_t size;
    return find_key(fuse, path, &key, &size);
}

/* The place of a key, free or taken; there is always a free one. */
static size_t *find_place(const struct fuse *fuse, const char *key) {
    size_t mask = fuse->place_count - 1, at = (size_t)text_hash(key) & mask;
    while (fuse->places[at] && strcmp(fuse->groups[fuse->places[at] - 1].key, key) != 0) at = (at + 1) & mask;
    return &fuse->places[at];
}

/* Makes room for one more group. */
static pomona_status grow(struct fuse *fuse, struct pomona_error *error) {
    if (fuse->count < fuse->capacity) return POMONA_OK;
    size_t capacity = fuse->capacity ? 2 * fuse->capacity : GROUPS_START, classes = (size_t)fuse->classes;
    if (!fuse->group.open) capacity = 1;
    if (fuse->count >= NUMBERS_MAX / classes)
        return fail(error, POMONA_E_LIMIT, NULL, "more than %zu groups of %d classes", fuse->count,
                    fuse->classes);
    struct fuse_group *groups = memory_resize(fuse->groups, capacity, sizeof *groups);
    if (!groups) return fail_memory(error, "groups");
    fuse->groups = groups;
    double *sums = memory_resize(fuse->sums, capacity, size_multiply(classes, sizeof *sums));
    if (!sums) return fail_memory(error, "groups");
    fuse->sums = sums;
    size_t *places = memory_new(2 * capacity, sizeof *places);
    if (!places) return fail_memory(error, "groups");
    memory_free(fuse->places);
    fuse->places = places, fuse->place_count = 2 * capacity, fuse->capacity = capacity;
    for (size_t i = 0; i < fuse->count; i++) *find_place(fuse, groups[i].key) = i + 1;
    return POMONA_OK;
}

static pomona_status find_group(struct fuse *fuse, const char *path, size_t *index,
                                struct pomona_error *error) {
    const char *text, *key;
    size_t size;
    if (!find_key(fuse, path, &text, &size))
        return fail(error, POMONA_E_INPUT, path, "the pattern of groups does not match");
    buffer_clear(&fuse->key);
    TRY(buffer_append(&fuse->key, text, size, error));
    TRY(buffer_terminate(&fuse->key, &key, error));
    if (fuse->count > 0 && *find_place(fuse, key)) {
        *index = *find_place(fuse, key) - 1;
        return POMONA_OK;
    }
    TRY(grow(fuse, error));
    key = arena_copy_text(&fuse->arena, key, size);
    if (!key) return fail_memory(error, "groups");
    *index = fuse->count++;
    fuse->groups[*index] = (struct fuse_group){.key = key};
    memset(fuse->sums + *index * (size_t)fuse->classes, 0, (size_t)fuse->classes * sizeof *fuse->sums);
    *find_place(fuse, key) = *index + 1;
    return POMONA_OK;
}

pomona_status fuse_add(struct fuse *fuse, const char *path, const double *probabilities, double known,
                       struct pomona_error *error) {
    size_t index = 0;
    TRY(find_group(fuse, path, &index, error));
    double *sums = fuse->sums + index * (size_t)fuse->classes;
    for (int c = 0; c < fuse->classes; c++) sums[c] += log(fmax(probabilities[c], DBL_MIN));
    fuse->groups[index].known += known;
    fuse->groups[index].photos++;
    return POMONA_OK;
}

void fuse_get(const struct fuse *fuse, size_t index, double *probabilities, double *known) {
    const struct fuse_group *group = &fuse->groups[index];
    const double *sums = fuse->sums + index * (size_t)fuse->classes;
    double largest = sums[0], total = 0;
    for (int c = 1; c < fuse->classes; c++) largest = fmax(largest, sums[c]);
    for (int c = 0; c < fuse->classes; c++) {
        probabilities[c] = exp((sums[c] - largest) / (double)group->photos);
        total += probabilities[c];
    }
    for (int c = 0; c < fuse->classes; c++) probabilities[c] /= total;
    *known = group->known / (double)group->photos;
}

void fuse_free(struct fuse *fuse) {
    path_group_close(&fuse->group);
    fuse->group.open = false;
    arena_free(&fuse->arena);
    buffer_free(&fuse->key);
    memory_free(fuse->groups);
    memory_free(fuse->sums);
    memory_free(fuse->places);
    *fuse = (struct fuse){0};
}
