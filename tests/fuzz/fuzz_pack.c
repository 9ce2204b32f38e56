/* The index of a packed folder on any bytes, and the same bytes as the header of a tar member. Run in a corpus folder:
 *
 *   tests/fuzz/seeds_pack.py SEEDS
 *   build/fuzz/tests/fuzz/fuzz_pack -max_len=65536 CORPUS SEEDS
 */
#include "store/pack_index.h"
#include "store/tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHARD_BYTES = 1 << 20 };

static pomona_status shard_size(void *user, const char *shard, uint64_t *size, struct pomona_error *error) {
    (void)user, (void)shard, (void)error;
    *size = SHARD_BYTES;
    return POMONA_OK;
}

/* What a photo of the listing may be at most: below the folder, inside a shard that lies in it. */
static void check(const struct listed_photo *photo) {
    static const char root[] = "file:/packed/", shards[] = "/packed/";
    const char *name = photo->uri + sizeof root - 1, *shard = photo->path + sizeof shards - 1;
    if (strncmp(photo->uri, root, sizeof root - 1) != 0 || !pack_path_is_tame(name, strlen(name))) abort();
    if (strncmp(photo->path, shards, sizeof shards - 1) != 0 || !shard[0] || strchr(shard, '/')) abort();
    if (photo->offset < TAR_BLOCK || photo->offset > SHARD_BYTES) abort();
    if (photo->size > SHARD_BYTES - photo->offset || !photo->label || !photo->packed) abort();
}

static void check_listing(struct source index, const struct pack_place *place) {
    struct pomona_error error;
    struct listing all = LISTING_INIT, below = LISTING_INIT, one = LISTING_INIT;
    bool found;
    if (pack_index_list_below(index, place, "", NULL, &all, &found, &error) == POMONA_OK) {
        for (size_t i = 0; i < all.count; i++) check(&all.photos[i]);
        if (found != (all.count > 0)) abort();
        /* What the index lists, it also finds. */
        const char *last = all.count ? all.photos[all.count - 1].uri + strlen(place->uri) + 1 : NULL;
        if (last && (pack_index_find(index, place, last, &one, &found, &error) != POMONA_OK || !found ||
                     one.count != 1))
            abort();
        if (pack_index_list(index, place, "*.jpg", &below, &error) != POMONA_OK ||
            below.count + (size_t)below.skipped != all.count)
            abort();
    }
    pack_index_list_below(index, place, "a", "*", &below, &found, &error);
    listing_free(&all);
    listing_free(&below);
    listing_free(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct source_memory memory;
    struct pomona_error error;
    struct source index = source_from_memory("fuzz", data, size, &memory);
    const struct pack_place place = {.uri = "file:/packed", .path = "/packed", .shard_size = shard_size};
    check_listing(index, &place);
    struct pack_reader *reader;
    int64_t rows;
    if (pack_reader_open(index, &place, true, &reader, &rows, &error) == POMONA_OK) {
        struct pack_entry entry;
        bool has_entry = true;
        while (has_entry && pack_reader_next(reader, &entry, &has_entry, &error) == POMONA_OK)
            if (has_entry && strlen(entry.sha256) != SHA256_HEX_SIZE - 1) abort();
        pack_reader_free(&reader);
    }
    struct buffer name = BUFFER_INIT(1 << 20);
    uint64_t member;
    tar_read_header(data, size, &name, &member, &error);
    buffer_free(&name);
    return 0;
}
