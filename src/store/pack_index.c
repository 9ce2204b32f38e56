#include "store/pack_index.h"

#include "base/text.h"

#include <string.h>

/* What consecutive rows share. */
struct expansion {
    const struct pack_place *place;
    struct listing *listing;
    const char *shard;  /* path of the current one, NULL: no photo of it was taken yet */
    const char *folder; /* relative path that `label` belongs to, [folder_size] */
    size_t folder_size;
    const char *label;
};

/* folder + "/" + name, where a folder that ends in a slash (the root of all) has one already. */
static char *join(struct arena *arena, const char *folder, const char *name) {
    size_t prefix = strlen(folder), size = strlen(name);
    char *out = arena_new(arena, prefix + size + 2, 1);
    if (!out) return NULL;
    memcpy(out, folder, prefix);
    if (prefix == 0 || folder[prefix - 1] != '/') out[prefix++] = '/';
    memcpy(out + prefix, name, size);
    return out;
}

static bool is_hidden(const char *path) {
    for (const char *level = path; level; level = strchr(level, '/')) {
        if (*level == '/') level++;
        if (*level == '_' || *level == '.') return true;
    }
    return false;
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The label is that of the row before where both lie in one folder: most do. */
static bool take_label(struct expansion *x, const char *path, const char *uri) {
    size_t size = (size_t)(last_name(path) - path);
    if (x->label && size == x->folder_size && memcmp(path, x->folder, size) == 0) return true;
    const char *end = strrchr(uri, '/'), *start = end;
    while (start > uri && start[-1] != '/') start--;
    x->folder = uri + strlen(uri) - strlen(path);
    x->folder_size = size;
    x->label = arena_copy_text(&x->listing->arena, start, (size_t)(end - start));
    return x->label;
}

static pomona_status add_entry(struct expansion *x, const struct pack_entry *entry,
                               struct pomona_error *error) {
    struct arena *arena = &x->listing->arena;
    const char *uri = join(arena, x->place->uri, entry->path);
    if (!x->shard) x->shard = join(arena, x->place->path, entry->shard);
    if (!uri || !x->shard || !take_label(x, entry->path, uri)) return fail_memory(error, "listing");
    const struct listed_photo photo = {.path = x->shard,
                                       .uri = uri,
                                       .label = x->label,
                                       .size = entry->size,
                                       .offset = entry->offset,
                                       .modified = entry->modified,
                                       .packed = true};
    return listing_append(x->listing, &photo, error);
}

/* What follows "below/" in a path; NULL: it lies elsewhere. */
static const char *part_below(const char *path, const char *below) {
    size_t size = strlen(below);
    if (size == 0) return path;
    return strncmp(path, below, size) == 0 && path[size] == '/' ? path + size + 1 : NULL;
}

/* Whether a path of the index, which is sorted, stands behind all that lie below. */
static bool is_behind(const char *path, const char *below) {
    size_t size = strlen(below);
    int order = strncmp(path, below, size);
    return order > 0 || (order == 0 && path[size] > '/');
}

pomona_status pack_index_list_below(struct source index, const struct pack_place *place, const char *below,
                                    const char *glob, struct listing *listing, bool *found,
                                    struct pomona_error *error) {
    struct expansion expansion = {.place = place, .listing = listing};
    struct pack_reader *reader = NULL;
    struct pack_entry entry;
    int64_t rows;
    bool has_entry = false;
    *found = false;
    pomona_status status = pack_reader_open(index, place, false, &reader, &rows, error);
    while (status == POMONA_OK) {
        status = pack_reader_next(reader, &entry, &has_entry, error);
        if (status != POMONA_OK || !has_entry) break;
        if (entry.first) expansion.shard = NULL;
        const char *rest = part_below(entry.path, below);
        if (!rest && is_behind(entry.path, below)) break;
        if (!rest) continue;
        *found = true;
        if (glob && (is_hidden(rest) || !text_glob(glob, last_name(rest))))
            listing->skipped++;
        else
            status = add_entry(&expansion, &entry, error);
    }
    pack_reader_free(&reader);
    return status;
}

pomona_status pack_index_list(struct source index, const struct pack_place *place, const char *glob,
                              struct listing *listing, struct pomona_error *error) {
    bool found;
    return pack_index_list_below(index, place, "", glob, listing, &found, error);
}

pomona_status pack_index_find(struct source index, const struct pack_place *place, const char *path,
                              struct listing *listing, bool *found, struct pomona_error *error) {
    struct expansion expansion = {.place = place, .listing = listing};
    struct pack_reader *reader = NULL;
    struct pack_entry entry;
    int64_t rows;
    bool has_entry = false;
    int order = -1;
    *found = false;
    pomona_status status = pack_reader_open(index, place, false, &reader, &rows, error);
    while (status == POMONA_OK && order < 0) {
        status = pack_reader_next(reader, &entry, &has_entry, error);
        if (status != POMONA_OK || !has_entry) break;
        order = strcmp(entry.path, path); /* sorted: behind it there is no need to look */
        if (order == 0) status = add_entry(&expansion, &entry, error);
    }
    *found = status == POMONA_OK && order == 0;
    pack_reader_free(&reader);
    return status;
}
