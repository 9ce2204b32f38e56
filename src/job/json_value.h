/* JSON, read. (base/json.h writes it.) Values are borrowed from the document; every question may be asked of NULL and of a value of
 * another kind: the answer is then "none". */
#ifndef JOB_JSON_VALUE_H
#define JOB_JSON_VALUE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_value;

/* Parses data[size], which must be one object. POMONA_E_CORRUPT names the line; a key that comes twice is an error too. */
pomona_status json_value_parse(const char *name, const void *data, size_t size, struct json_value **value,
                               struct pomona_error *error);

const struct json_value *json_value_member(const struct json_value *object, const char *key);
size_t json_value_count(const struct json_value *array);
const struct json_value *json_value_item(const struct json_value *array, size_t index);

const char *json_value_text(const struct json_value *value); /* NULL: no text */
bool json_value_integer(const struct json_value *value, int64_t *integer);
bool json_value_is_true(const struct json_value *value);

void json_value_free(struct json_value **value);

#endif
