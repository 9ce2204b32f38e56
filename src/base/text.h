/* Text helpers: bytes from outside made safe to print, to store as UTF-8 and to compare. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1..4) of the valid UTF-8 sequence at text[0..size), 0 if there is none. Surrogates, overlong
 * forms and values above U+10FFFF are invalid (RFC 3629). */
size_t utf8_sequence(const char *text, size_t size);

/* Copies `text` to out[0..capacity) for a person to read on one line: control characters and bytes that are not
 * UTF-8 become \xNN. Cut at a character boundary, always NUL-terminated (capacity >= 1). Returns the length. */
size_t text_printable(const char *text, char *out, size_t capacity);

/* Copies `text` to out[0..capacity) with every byte that is not part of valid UTF-8 percent-encoded (%FF), as
 * path columns need. Returns the full length without NUL, also where it did not fit (then `out` is cut between two
 * characters): call again with capacity > that length. Worst case 3 * strlen(text). */
size_t text_percent_encode_invalid(const char *text, char *out, size_t capacity);

/* Whether the whole of `name` matches a shell pattern of `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, `[!a]`, `{jpg,jpeg}` (also
 * nested) and `\` before a character that stands for itself; case-sensitive, as Hadoop's pathGlobFilter has it. `?` and
 * classes stand for one character of UTF-8. No allocation; time at most proportional to pattern x name. A pattern of
 * more than 256 bytes, or with a class that is not closed, matches nothing. */
bool text_glob(const char *pattern, const char *name);

/* A hash for tables of texts, the same on every machine: FNV-1a (Fowler, Noll, Vo), 64 bits, with a final mix so that any of
 * its bits will do. Not against an adversary. */
uint64_t text_hash(const char *text);

/* Bytes as lower-case hexadecimal digits and a NUL: out[0..2 * size]. */
void text_hex(const uint8_t *bytes, size_t size, char *out);

/* Parses a decimal integer that fills the whole string (no spaces, no plus sign) and lies in [low, high]. */
bool text_parse_int(const char *text, long long low, long long high, long long *value);

#endif
