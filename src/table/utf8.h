#ifndef TABLE_UTF8_H
#define TABLE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text[0..size) is UTF-8 (RFC 3629); NUL bytes are. */
bool utf8_valid(const char *text, size_t size);

#endif
