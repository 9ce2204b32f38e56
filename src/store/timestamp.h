/* Times as services write them, without locale or time zone of this machine. */
#ifndef STORE_TIMESTAMP_H
#define STORE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds of the epoch of an ISO 8601 time such as "2009-10-12T17:50:30.000Z" or "2009-10-12T19:50:30+02:00", years 1 to 9999, the
 * fraction dropped. False, and *seconds as it was: the text is something else, or its time does not exist. A leap second is
 * the first one of the next minute. */
bool timestamp_parse(const char *text, int64_t *seconds);

#endif
