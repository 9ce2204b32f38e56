/* Writes JSON (RFC 8259) into a buffer: commas, indentation and escapes are this file's business.
 *
 * The first failure sticks: calls after it do nothing and json_finish() returns it. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

struct json {
    struct buffer *out;
    struct pomona_error *error;
    pomona_status status;
    int depth;      /* open objects and arrays, */
    bool has_items; /* in the innermost open one */
    bool line;      /* all on one line */
};

/* Starts a document that is appended to `out`, indented by two spaces. */
struct json json_start(struct buffer *out, struct pomona_error *error);

/* The same without line breaks, for files of one document a line. */
struct json json_start_line(struct buffer *out, struct pomona_error *error);

void json_object(struct json *json, const char *key); /* key NULL: in an array or at the top */
void json_object_end(struct json *json);
void json_array(struct json *json, const char *key);
void json_array_end(struct json *json);

void json_text(struct json *json, const char *key, const char *value); /* NULL value: null; bad UTF-8: %NN */
void json_integer(struct json *json, const char *key, int64_t value);
void json_number(struct json *json, const char *key,
                 double value); /* shortest text that reads back; NaN: null */
void json_boolean(struct json *json, const char *key, bool value);

/* Ends the document with a newline and returns the first failure. */
pomona_status json_finish(struct json *json);

#endif
