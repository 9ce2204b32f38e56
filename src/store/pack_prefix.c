#include "store/pack_prefix.h"

#include "base/memory.h"
#include "store/place.h"

#include <string.h>

/* A packing that is being published, or was interrupted, has no PACK_SUCCESS beside its index. */
static pomona_status check_whole(struct place *place, const char *index_name, const char *uri,
                                 struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(SIZE_MAX);
    struct place_item item;
    const char *name;
    size_t folder = strlen(index_name) - strlen(PACK_INDEX);
    pomona_status status = buffer_append(&text, index_name, folder, error);
    if (status == POMONA_OK) status = buffer_append_text(&text, PACK_SUCCESS, error);
    if (status == POMONA_OK) status = buffer_terminate(&text, &name, error);
    if (status == POMONA_OK) status = place_stat(place, name, &item, error);
    if (status == POMONA_E_INPUT)
        status = fail(error, POMONA_E_INPUT, uri,
                      "has no " PACK_SUCCESS " beside it: a packed folder that is not whole");
    buffer_free(&text);
    return status;
}

pomona_status pack_prefix_open(struct pack_prefix *prefix, struct place *place, const char *index_name,
                               struct pomona_error *error) {
    *prefix = PACK_PREFIX_INIT;
    prefix->name = place_uri(place, index_name);
    prefix->root = prefix->name ? memory_copy_string(prefix->name) : NULL;
    if (!prefix->root) return fail_memory(error, "listing");
    *strrchr(prefix->root, '/') = '\0';
    TRY(check_whole(place, index_name, prefix->name, error));
    TRY(place_read(place, index_name, &prefix->bytes, NULL, error));
    prefix->index = source_from_memory(prefix->name, prefix->bytes.data, prefix->bytes.size, &prefix->memory);
    prefix->place = (struct pack_place){.uri = prefix->root, .path = prefix->root};
    return POMONA_OK;
}

void pack_prefix_close(struct pack_prefix *prefix) {
    buffer_free(&prefix->bytes);
    memory_free(prefix->name);
    memory_free(prefix->root);
    *prefix = PACK_PREFIX_INIT;
}
