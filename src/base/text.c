#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t utf8_sequence(const char *text, size_t size) {
    const unsigned char *t = (const unsigned char *)text;
    if (size == 0) return 0;
    if (t[0] < 0x80) return 1;
    size_t length = t[0] >= 0xF0 ? 4 : t[0] >= 0xE0 ? 3 : 2;
    if (t[0] < 0xC2 || t[0] > 0xF4 || size < length) return 0;
    for (size_t i = 1; i < length; i++)
        if ((t[i] & 0xC0) != 0x80) return 0;
    if (t[0] == 0xE0 && t[1] < 0xA0) return 0; /* overlong */
    if (t[0] == 0xED && t[1] > 0x9F) return 0; /* surrogate */
    if (t[0] == 0xF0 && t[1] < 0x90) return 0; /* overlong */
    if (t[0] == 0xF4 && t[1] > 0x8F) return 0; /* above U+10FFFF */
    return length;
}

size_t text_printable(const char *text, char *out, size_t capacity) {
    size_t size = strlen(text), used = 0;
    for (size_t i = 0; i < size;) {
        size_t length = utf8_sequence(text + i, size - i);
        unsigned char byte = (unsigned char)text[i];
        bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != 0x7F);
        if (used + (plain ? length : 4) >= capacity) break;
        if (plain) {
            memcpy(out + used, text + i, length);
            used += length;
        } else {
            length = 1;
            snprintf(out + used, 5, "\\x%02X", byte);
            used += 4;
        }
        i += length;
    }
    out[used] = '\0';
    return used;
}

size_t text_percent_encode_invalid(const char *text, char *out, size_t capacity) {
    static const char digits[] = "0123456789ABCDEF";
    size_t size = strlen(text), used = 0, kept = 0;
    for (size_t i = 0; i < size;) {
        size_t length = utf8_sequence(text + i, size - i);
        char piece[4];
        size_t width = length;
        if (length > 0) {
            memcpy(piece, text + i, length);
        } else {
            unsigned char byte = (unsigned char)text[i];
            piece[0] = '%', piece[1] = digits[byte >> 4], piece[2] = digits[byte & 15];
            width = 3, length = 1;
        }
        if (kept == used && used + width < capacity) {
            memcpy(out + used, piece, width);
            kept += width;
        }
        used += width;
        i += length;
    }
    if (capacity > 0) out[kept] = '\0';
    return used;
}

uint64_t text_hash(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    hash ^= hash >> 32;
    return hash * 0x9E3779B97F4A7C15u;
}

void text_hex(const uint8_t *bytes, size_t size, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++)
        out[2 * i] = digits[bytes[i] >> 4], out[2 * i + 1] = digits[bytes[i] & 15];
    out[2 * size] = '\0';
}

bool text_parse_int(const char *text, long long low, long long high, long long *value) {
    char *end = NULL;
    if (!text || !(*text == '-' || (*text >= '0' && *text <= '9'))) return false;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno || *end || parsed < low || parsed > high) return false;
    *value = parsed;
    return true;
}
