#include "job/json_value.h"

#include <jansson.h>

static const json_t *in(const struct json_value *value) { return (const json_t *)(const void *)value; }
static const struct json_value *out(const json_t *value) {
    return (const struct json_value *)(const void *)value;
}

pomona_status json_value_parse(const char *name, const void *data, size_t size, struct json_value **value,
                               struct pomona_error *error) {
    json_error_t cause;
    *value = NULL;
    json_t *parsed = json_loadb(data ? data : "", size, JSON_REJECT_DUPLICATES, &cause);
    if (!parsed) {
        if (json_error_code(&cause) == json_error_out_of_memory) return fail_memory(error, "JSON");
        return fail(error, POMONA_E_CORRUPT, name, "line %d: %s", cause.line, cause.text);
    }
    *value = (struct json_value *)(void *)parsed;
    if (json_is_object(parsed)) return POMONA_OK;
    json_value_free(value);
    return fail(error, POMONA_E_CORRUPT, name, "is no JSON object");
}

const struct json_value *json_value_member(const struct json_value *object, const char *key) {
    return out(json_object_get(in(object), key));
}

size_t json_value_count(const struct json_value *array) { return json_array_size(in(array)); }

const struct json_value *json_value_item(const struct json_value *array, size_t index) {
    return out(json_array_get(in(array), index));
}

const char *json_value_text(const struct json_value *value) { return json_string_value(in(value)); }

bool json_value_integer(const struct json_value *value, int64_t *integer) {
    if (!json_is_integer(in(value))) return false;
    *integer = json_integer_value(in(value));
    return true;
}

bool json_value_is_true(const struct json_value *value) { return json_is_true(in(value)); }

void json_value_free(struct json_value **value) {
    if (*value) json_decref((json_t *)(void *)*value);
    *value = NULL;
}
