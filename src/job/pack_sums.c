#include "job/pack_sums.h"

#include "base/io.h"
#include "base/memory.h"
#include "job/json_value.h"
#include "store/folder.h"
#include "store/pack_folder.h"

#include <string.h>

pomona_status pack_sums_read(struct pack_sums *sums, const char *folder, struct pomona_error *error) {
    enum { TEXT_MAX = 64 << 20 };
    struct buffer text = BUFFER_INIT(TEXT_MAX);
    char *path = path_join(folder, PACK_SUCCESS);
    pomona_status status = path ? file_read(path, &text, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = json_value_parse(path, text.data, text.size, &sums->success, error);
    memory_free(path);
    buffer_free(&text);
    return status;
}

/* The SHA-256 that _SUCCESS has of a shard; NULL: none. */
static const char *find(struct pack_sums *sums, const char *shard) {
    const struct json_value *shards = json_value_member(sums->success, "shards");
    for (size_t i = sums->next; i < json_value_count(shards); i++) {
        const struct json_value *item = json_value_item(shards, i);
        const char *name = json_value_text(json_value_member(item, "name"));
        if (!name || strcmp(name, shard) != 0) continue;
        sums->next = i + 1;
        return json_value_text(json_value_member(item, "sha256"));
    }
    return NULL;
}

pomona_status pack_sums_check(struct pack_sums *sums, const char *shard, const char *sha256,
                              struct pomona_error *error) {
    const char *told = find(sums, shard);
    if (told && strcmp(told, sha256) != 0)
        return fail(error, POMONA_E_CORRUPT, shard, "its SHA-256 is not the one in " PACK_SUCCESS);
    if (!told && pack_is_shard(shard) && strncmp(strrchr(shard, '-') + 1, sha256, PACK_SHARD_HEX) != 0)
        return fail(error, POMONA_E_CORRUPT, shard, "its SHA-256 does not begin as its name says");
    return POMONA_OK;
}

void pack_sums_free(struct pack_sums *sums) {
    json_value_free(&sums->success);
    *sums = (struct pack_sums){0};
}
