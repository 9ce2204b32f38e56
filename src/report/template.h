/* The page's template: HTML with {{name}} for a word of the language, {{@name}} for a piece that a function writes, and
 * {{?name}} ... {{/name}} around what is left out when the piece has nothing to say. Conditions do not nest. */
#ifndef REPORT_TEMPLATE_H
#define REPORT_TEMPLATE_H

#include "report/markup.h"

#include <stdbool.h>

struct template_piece {
    const char *name;
    void (*write)(void *self);   /* for {{@name}}; NULL: it is a condition only */
    bool (*applies)(void *self); /* for {{?name}}; NULL: always */
};

/* Appends the filled template to `markup`. An unknown name is POMONA_E_INTERNAL: templates are our own. */
void template_fill(struct markup *markup, const char *text, size_t size, const struct template_piece *pieces,
                   size_t piece_count, void *self);

#endif
