/* What a kind of place implements; see place.h for what each promises. */
#ifndef STORE_PLACE_KIND_H
#define STORE_PLACE_KIND_H

#include "store/place.h"

/* NULL: this kind can't do it (POMONA_E_UNSUPPORTED). */
struct place_kind {
    const char *name; /* "a web server", for messages */
    void (*free)(struct place *place);
    pomona_status (*list)(struct place *place, const char *prefix, bool shallow, place_visit visit,
                          void *user, struct pomona_error *error);
    pomona_status (*stat)(struct place *place, const char *name, struct place_item *item,
                          struct pomona_error *error);
    pomona_status (*read)(struct place *place, const char *name, struct buffer *out, char *etag,
                          struct pomona_error *error);
    pomona_status (*read_range)(struct place *place, const char *name, uint64_t offset, size_t size,
                                const char *etag, void *data, struct pomona_error *error);
    pomona_status (*fetch)(struct place *place, const char *name, const char *file,
                           struct pomona_error *error);
    pomona_status (*write)(struct place *place, const char *name, const void *data, size_t size,
                           enum place_condition condition, const char *etag, char *new_etag,
                           struct pomona_error *error);
    pomona_status (*stage)(struct place *place, const char *name, const char *file, struct buffer *receipt,
                           struct pomona_error *error);
    pomona_status (*commit)(struct place *place, const char *name, const char *receipt,
                            struct pomona_error *error);
    pomona_status (*unstage)(struct place *place, const char *name, const char *receipt,
                             struct pomona_error *error);
    pomona_status (*list_staged)(struct place *place, const char *prefix, place_visit visit, void *user,
                                 struct pomona_error *error);
    pomona_status (*delete)(struct place *place, const char *const *names, size_t count,
                            struct pomona_error *error);
    pomona_status (*versions)(struct place *place, const char *prefix, place_visit visit, void *user,
                              struct pomona_error *error);
    pomona_status (*delete_version)(struct place *place, const char *name, const char *version,
                                    struct pomona_error *error);
};

struct place {
    const struct place_kind *kind;
    struct pomona_places *places;
    char *root; /* without a slash at the end, but for the root of the disk */
};

/* The makers; place->kind, places and root are set by place_open when they succeed. */
pomona_status place_folder_open(const char *root, struct place **place, struct pomona_error *error);
pomona_status place_s3_open(struct pomona_places *places, const char *root, struct place **place,
                            struct pomona_error *error);
pomona_status place_web_open(struct pomona_places *places, const char *root, struct place **place,
                             struct pomona_error *error);

#endif
