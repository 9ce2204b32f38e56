/* One pass over an XML document from outside, by expat, within bounds: 64 MB, XML_DEPTH_MAX levels, XML_TEXT_MAX bytes between
 * two tags. A DOCTYPE is refused, and with it every entity of the document's own making. */
#ifndef STORE_XML_WALK_H
#define STORE_XML_WALK_H

#include "base/error.h"

#include <stddef.h>

enum { XML_SIZE_MAX = 64 << 20, XML_DEPTH_MAX = 16, XML_TEXT_MAX = 8 << 10 };

/* Elements are named without the prefix of a namespace; the root has depth 1. A failure of either function ends the walk
 * and is what it returns. */
struct xml_visitor {
    /* An element begins; may be NULL. */
    pomona_status (*open)(void *user, int depth, const char *element, struct pomona_error *error);
    /* It ended; `text` is what came after the last tag, so all of it for an element without others inside. May be changed. */
    pomona_status (*close)(void *user, int depth, const char *element, char *text,
                           struct pomona_error *error);
    void *user;
};

/* `name` is for messages. White space before the document is passed over. What the visitor was told before a failure holds for
 * nothing. POMONA_E_CORRUPT: not XML, cut off, beyond the bounds; POMONA_E_MEMORY. */
pomona_status xml_walk(const char *name, const void *text, size_t size, const struct xml_visitor *visitor,
                       struct pomona_error *error);

#endif
