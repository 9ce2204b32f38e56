#include "base/json.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json json_start(struct buffer *out, struct pomona_error *error) {
    return (struct json){.out = out, .error = error, .status = POMONA_OK};
}

struct json json_start_line(struct buffer *out, struct pomona_error *error) {
    return (struct json){.out = out, .error = error, .status = POMONA_OK, .line = true};
}

static void put(struct json *json, const char *text) {
    if (json->status == POMONA_OK) json->status = buffer_append_text(json->out, text, json->error);
}

static void new_line(struct json *json) {
    if (json->line) return;
    put(json, "\n");
    for (int i = 0; i < json->depth; i++) put(json, "  ");
}

static void put_string(struct json *json, const char *text) {
    size_t size = strlen(text);
    put(json, "\"");
    for (size_t i = 0; i < size;) {
        size_t length = utf8_sequence(text + i, size - i);
        unsigned char byte = (unsigned char)text[i];
        char piece[8];
        if (length == 0)
            snprintf(piece, sizeof piece, "%%%02X", byte), length = 1;
        else if (byte == '"' || byte == '\\')
            snprintf(piece, sizeof piece, "\\%c", byte);
        else if (byte < 0x20)
            snprintf(piece, sizeof piece, "\\u%04x", byte);
        else
            snprintf(piece, sizeof piece, "%.*s", (int)length, text + i);
        put(json, piece);
        i += length;
    }
    put(json, "\"");
}

static void start_item(struct json *json, const char *key) {
    if (json->has_items) put(json, json->line ? ", " : ",");
    if (json->depth > 0) new_line(json);
    json->has_items = true;
    if (key) {
        put_string(json, key);
        put(json, ": ");
    }
}

static void open_level(struct json *json, const char *key, const char *bracket) {
    start_item(json, key);
    put(json, bracket);
    json->depth++;
    json->has_items = false;
}

static void close_level(struct json *json, const char *bracket) {
    json->depth--;
    if (json->has_items) new_line(json);
    put(json, bracket);
    json->has_items = true;
}

void json_object(struct json *json, const char *key) { open_level(json, key, "{"); }
void json_object_end(struct json *json) { close_level(json, "}"); }
void json_array(struct json *json, const char *key) { open_level(json, key, "["); }
void json_array_end(struct json *json) { close_level(json, "]"); }

void json_text(struct json *json, const char *key, const char *value) {
    start_item(json, key);
    if (value)
        put_string(json, value);
    else
        put(json, "null");
}

void json_integer(struct json *json, const char *key, int64_t value) {
    char text[32];
    start_item(json, key);
    snprintf(text, sizeof text, "%lld", (long long)value);
    put(json, text);
}

void json_number(struct json *json, const char *key, double value) {
    char text[40] = "null";
    start_item(json, key);
    for (int digits = 6; isfinite(value) && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    put(json, text);
}

void json_boolean(struct json *json, const char *key, bool value) {
    start_item(json, key);
    put(json, value ? "true" : "false");
}

pomona_status json_finish(struct json *json) {
    put(json, "\n");
    return json->status;
}
