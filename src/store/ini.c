#include "store/ini.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static struct ini_value trim(const char *text, size_t size) {
    while (size > 0 && is_space(*text)) text++, size--;
    while (size > 0 && is_space(text[size - 1])) size--;
    return (struct ini_value){text, size};
}

static bool equals(struct ini_value value, const char *text) {
    return value.size == strlen(text) && memcmp(value.text, text, value.size) == 0;
}

static bool equals_without_case(struct ini_value value, const char *text) {
    return value.size == strlen(text) && strncasecmp(value.text, text, value.size) == 0;
}

/* Whether a line "[...]" opens the section. */
static bool opens(struct ini_value line, const struct ini_place *place) {
    const char *end = memchr(line.text, ']', line.size);
    if (!end) return false;
    struct ini_value inside = trim(line.text + 1, (size_t)(end - line.text) - 1);
    if (!place->kind) return equals(inside, place->name);
    size_t length = strlen(place->kind);
    if (inside.size <= length || memcmp(inside.text, place->kind, length) != 0 ||
        !is_space(inside.text[length]))
        return false;
    inside = trim(inside.text + length, inside.size - length);
    if (inside.size >= 2 && (*inside.text == '"' || *inside.text == '\'') &&
        inside.text[inside.size - 1] == *inside.text)
        inside.text++, inside.size -= 2;
    return equals(inside, place->name);
}

/* "key = value"; false when there is no `=`. */
static bool split(struct ini_value line, struct ini_value *key, struct ini_value *value) {
    const char *sign = memchr(line.text, '=', line.size);
    if (!sign) return false;
    size_t before = (size_t)(sign - line.text);
    *key = trim(line.text, before);
    *value = trim(sign + 1, line.size - before - 1);
    return true;
}

bool ini_find(const char *text, size_t size, const struct ini_place *place, struct ini_value *value) {
    bool found = false, in_section = false, in_block = false, has_keys = false;
    *value = (struct ini_value){"", 0};
    for (size_t at = 0; at < size;) {
        const char *start = text + at, *end = memchr(start, '\n', size - at);
        size_t length = end ? (size_t)(end - start) : size - at;
        at += length + 1;
        struct ini_value line = trim(start, length), key, inside;
        if (line.size == 0 || *line.text == '#' || *line.text == ';') continue;
        /* Indented lines belong to the key above them, if there is one. */
        bool indented = is_space(*start) && has_keys;
        if (*line.text == '[' && !indented) {
            in_section = opens(line, place);
            in_block = has_keys = false;
            found = found || (in_section && !place->key);
            continue;
        }
        if (!in_section || !place->key || !split(line, &key, &inside)) continue;
        if (!indented) {
            has_keys = true;
            in_block = place->block && inside.size == 0 && equals_without_case(key, place->block);
        }
        if (indented != (place->block != NULL) || indented != in_block ||
            !equals_without_case(key, place->key))
            continue;
        *value = inside;
        found = true;
    }
    return found;
}

void ini_cut_comment(struct ini_value *value) {
    for (size_t i = 1; i < value->size; i++)
        if ((value->text[i] == '#' || value->text[i] == ';') && is_space(value->text[i - 1])) {
            *value = trim(value->text, i);
            return;
        }
}
