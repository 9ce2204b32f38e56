#include "job/success_file.h"

#include "base/io.h"
#include "base/json.h"
#include "base/memory.h"
#include "job/json_value.h"
#include "store/folder.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 512 << 20 };

static pomona_status bad(const char *path, const char *what, struct pomona_error *error) {
    return fail(error, POMONA_E_CORRUPT, path, "%s; pomona features did not write this", what);
}

/* A name that stays in its folder. */
static bool is_plain_name(const char *name) {
    return name && name[0] && name[0] != '.' && name[0] != '_' && !strchr(name, '/');
}

static bool is_hash(const char *text) {
    return text && strlen(text) == SHA256_HEX_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

static bool copy_text(const struct json_value *value, char *out, size_t size) {
    const char *text = json_value_text(value);
    if (!text || strlen(text) >= size) return false;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

pomona_status success_reserve(struct success *success, size_t count, struct pomona_error *error) {
    if (count > SUCCESS_PARTS_MAX || success->count + count > SUCCESS_PARTS_MAX)
        return fail(error, POMONA_E_LIMIT, "_SUCCESS", "more than %d parts", SUCCESS_PARTS_MAX);
    struct success_part *parts = arena_new(&success->arena, success->count + count + 1, sizeof *parts);
    if (!parts) return fail_memory(error, "parts");
    if (success->count > 0) memcpy(parts, success->parts, success->count * sizeof *parts);
    success->parts = parts;
    return POMONA_OK;
}

static pomona_status take_part(struct success *success, const struct json_value *item, const char *path,
                               struct pomona_error *error) {
    struct success_part *part = &success->parts[success->count];
    const char *name = json_value_text(json_value_member(item, "name"));
    const char *hash = json_value_text(json_value_member(item, "sha256"));
    if (!is_plain_name(name) || !is_hash(hash) ||
        !json_value_integer(json_value_member(item, "rows"), &part->rows) ||
        !json_value_integer(json_value_member(item, "bytes"), &part->bytes) || part->rows < 0 ||
        part->bytes < 0)
        return bad(path, "a part without a name, rows, bytes or hash", error);
    memcpy(part->sha256, hash, sizeof part->sha256);
    part->name = arena_copy_text(&success->arena, name, strlen(name));
    success->count++;
    return part->name ? POMONA_OK : fail_memory(error, "parts");
}

static pomona_status take_all(struct success *success, const struct json_value *root, const char *path,
                              struct pomona_error *error) {
    const struct json_value *parts = json_value_member(root, "parts");
    if (!copy_text(json_value_member(root, "job"), success->job, sizeof success->job) ||
        !copy_text(json_value_member(root, "feature_space"), success->feature_space,
                   sizeof success->feature_space) ||
        !json_value_integer(json_value_member(root, "rows"), &success->rows) ||
        !json_value_integer(json_value_member(root, "errors"), &success->errors) || !parts)
        return bad(path, "has no job, feature space, rows, errors or parts", error);
    const char *moments = json_value_text(json_value_member(root, "moments"));
    if (is_hash(moments)) memcpy(success->moments, moments, sizeof success->moments);
    size_t count = json_value_count(parts);
    TRY(success_reserve(success, count, error));
    for (size_t i = 0; i < count; i++) TRY(take_part(success, json_value_item(parts, i), path, error));
    return POMONA_OK;
}

pomona_status success_read(const char *folder, struct success *success, struct pomona_error *error) {
    struct buffer text = BUFFER_INIT(TEXT_MAX);
    struct json_value *root = NULL;
    *success = SUCCESS_INIT;
    char *path = path_join(folder, "_SUCCESS");
    pomona_status status = path ? file_read(path, &text, error) : fail_memory(error, "path");
    if (status == POMONA_OK) status = json_value_parse(path, text.data, text.size, &root, error);
    if (status == POMONA_OK) status = take_all(success, root, path, error);
    json_value_free(&root);
    buffer_free(&text);
    memory_free(path);
    return status;
}

void success_free(struct success *success) {
    arena_free(&success->arena);
    *success = SUCCESS_INIT;
}

pomona_status success_format(const struct success *success, struct buffer *out, struct pomona_error *error) {
    struct json json = json_start(out, error);
    json_object(&json, NULL);
    json_text(&json, "job", success->job);
    json_text(&json, "feature_space", success->feature_space);
    json_integer(&json, "rows", success->rows);
    json_integer(&json, "errors", success->errors);
    json_text(&json, "moments", success->moments[0] ? success->moments : NULL);
    json_array(&json, "parts");
    for (size_t i = 0; i < success->count; i++) {
        const struct success_part *part = &success->parts[i];
        json_object(&json, NULL);
        json_text(&json, "name", part->name);
        json_integer(&json, "rows", part->rows);
        json_integer(&json, "bytes", part->bytes);
        json_text(&json, "sha256", part->sha256);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    return json_finish(&json);
}

bool success_is_of(const char *folder, const char *job) {
    struct success success;
    bool same = success_read(folder, &success, NULL) == POMONA_OK && *job && strcmp(success.job, job) == 0;
    success_free(&success);
    return same;
}
