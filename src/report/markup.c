#include "report/markup.h"

#include "base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void markup_bytes(struct markup *markup, const void *data, size_t size) {
    if (markup->status == POMONA_OK) markup->status = buffer_append(markup->out, data, size, markup->error);
}

void markup_raw(struct markup *markup, const char *html) { markup_bytes(markup, html, strlen(html)); }

static uint32_t code_point(const char *text, size_t length) {
    const unsigned char *byte = (const unsigned char *)text;
    if (length == 1) return byte[0];
    uint32_t value = byte[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) value = value << 6 | (byte[i] & 0x3Fu);
    return value;
}

/* Characters that steer the text around them, or that nobody sees. The joiner U+200D is kept: it builds emoji. */
static bool is_deceptive(uint32_t code) {
    return (code >= 0x200B && code <= 0x200F && code != 0x200D) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF || code == 0x061C ||
           (code >= 0xE0000 && code <= 0xE007F);
}

typedef void put_character(struct markup *markup, const char *bytes, size_t length);

/* How many bytes the first character of text[0..size) has; `escape` becomes what shows it, "" when it can show itself. */
static size_t next_character(const char *text, size_t size, char escape[16]) {
    size_t length = utf8_sequence(text, size);
    uint32_t code = length ? code_point(text, length) : (unsigned char)text[0];
    escape[0] = '\0';
    if (length == 0 || code < 0x20 || (code >= 0x7F && code < 0xA0))
        snprintf(escape, 16, "\\x%02X", code);
    else if (is_deceptive(code))
        snprintf(escape, 16, "\\u%04X", code);
    return length ? length : 1;
}

/* Gives the characters of text[0..size), made visible, one by one to `put`. */
static void put_visible(struct markup *markup, const char *text, size_t size, put_character *put) {
    for (size_t i = 0; i < size && markup->status == POMONA_OK;) {
        char escape[16];
        size_t length = next_character(text + i, size - i, escape);
        if (escape[0])
            for (const char *c = escape; *c; c++) put(markup, c, 1);
        else
            put(markup, text + i, length);
        i += length;
    }
}

/* Where text[0..size) may be cut at or before `at`, resp. at or after it, without splitting a character. */
static size_t boundary_before(const char *text, size_t at) {
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80) at--;
    return at;
}

static size_t boundary_after(const char *text, size_t size, size_t at) {
    while (at < size && ((unsigned char)text[at] & 0xC0) == 0x80) at++;
    return at;
}

static void put_shortened(struct markup *markup, const char *text, put_character *put) {
    size_t size = text ? strlen(text) : 0;
    if (size <= MARKUP_TEXT_MAX) {
        put_visible(markup, text, size, put);
        return;
    }
    size_t half = MARKUP_TEXT_MAX / 2, tail = boundary_after(text, size, size - half);
    put_visible(markup, text, boundary_before(text, half), put);
    put(markup, "\xe2\x80\xa6", 3);
    put_visible(markup, text + tail, size - tail, put);
}

size_t markup_visible(const char *text, char out[MARKUP_VISIBLE_SIZE]) {
    size_t size = strlen(text), half = MARKUP_TEXT_MAX / 2, used = 0;
    size_t head = size > MARKUP_TEXT_MAX ? boundary_before(text, half) : size;
    size_t tail = size > MARKUP_TEXT_MAX ? boundary_after(text, size, size - half) : size;
    for (size_t i = 0; i < size;) {
        char escape[16];
        if (i >= head && i < tail) {
            memcpy(out + used, "\xe2\x80\xa6", 3);
            used += 3;
            i = tail;
            continue;
        }
        size_t length = next_character(text + i, size - i, escape);
        size_t shown = escape[0] ? strlen(escape) : length;
        memcpy(out + used, escape[0] ? escape : text + i, shown);
        used += shown;
        i += length;
    }
    out[used] = '\0';
    return used;
}

static void put_html(struct markup *markup, const char *bytes, size_t length) {
    switch (bytes[0]) {
    case '&': markup_raw(markup, "&amp;"); break;
    case '<': markup_raw(markup, "&lt;"); break;
    case '>': markup_raw(markup, "&gt;"); break;
    case '"': markup_raw(markup, "&quot;"); break;
    case '\'': markup_raw(markup, "&#39;"); break;
    default: markup_bytes(markup, bytes, length);
    }
}

static void put_json(struct markup *markup, const char *bytes, size_t length) {
    switch (bytes[0]) {
    case '&':
    case '<':
    case '>':
    case '"':
    case '\'':
    case '\\': markup_printf(markup, "\\u%04x", (unsigned)bytes[0]); break;
    default: markup_bytes(markup, bytes, length);
    }
}

void markup_text(struct markup *markup, const char *text) { put_shortened(markup, text, put_html); }

void markup_name(struct markup *markup, const char *text) {
    markup_raw(markup, "<bdi>");
    markup_text(markup, text);
    markup_raw(markup, "</bdi>");
}

void markup_json(struct markup *markup, const char *text) {
    markup_raw(markup, "\"");
    put_shortened(markup, text, put_json);
    markup_raw(markup, "\"");
}

void markup_word(struct markup *markup, enum word name) { markup_raw(markup, word(markup->language, name)); }

void markup_number(struct markup *markup, struct number number) { markup_raw(markup, number.text); }

void markup_coordinate(struct markup *markup, double value) {
    char text[32];
    if (!isfinite(value)) value = 0;
    long hundredths = lround(fmax(-1e7, fmin(1e7, value)) * 100);
    const char *sign = hundredths < 0 ? "-" : "";
    if (hundredths < 0) hundredths = -hundredths;
    int whole = (int)(hundredths / 100), rest = (int)(hundredths % 100);
    if (rest == 0)
        snprintf(text, sizeof text, "%s%d", sign, whole);
    else if (rest % 10 == 0)
        snprintf(text, sizeof text, "%s%d.%d", sign, whole, rest / 10);
    else
        snprintf(text, sizeof text, "%s%d.%02d", sign, whole, rest);
    markup_raw(markup, text);
}

void markup_base64(struct markup *markup, const void *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        char four[4] = {digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
                        left > 2 ? digits[word & 63] : '='};
        markup_bytes(markup, four, 4);
    }
}
