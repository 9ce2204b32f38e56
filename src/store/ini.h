/* The format of ~/.aws/config and ~/.aws/credentials: sections of "key = value" lines (AWS SDKs and Tools Reference Guide, "Shared
 * config and credentials files"). */
#ifndef STORE_INI_H
#define STORE_INI_H

#include <stdbool.h>
#include <stddef.h>

/* What is looked for. A section is "[name]", or "[kind name]" with the name quoted or not. A block is a key without a value whose
 * own keys are the indented lines below it ("s3 =", then "  endpoint_url = ..."). */
struct ini_place {
    const char *kind; /* "profile"; NULL: none */
    const char *name;
    const char *block; /* NULL: none */
    const char *key;   /* without regard to case; NULL: is there such a section? */
};

struct ini_value {
    const char *text; /* in the file's text, not terminated, without spaces around it */
    size_t size;
};

/* The value at that place in text[0..size); the last one counts where there are several. Lines that begin with `#` or `;` are
 * comments; lines that are none of all this are passed over. False, and value->size 0: there is none. */
bool ini_find(const char *text, size_t size, const struct ini_place *place, struct ini_value *value);

/* Shortens a value at a comment behind it: white space and then `#` or `;`. */
void ini_cut_comment(struct ini_value *value);

#endif
