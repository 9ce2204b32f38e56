/* Points in time as text. All are UTC seconds of the epoch. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* ISO 8601 as people and S3 write it: "2026-03-31", "2026-03-31T22:05", "...:09", "...:09.123", with "Z", "+02:00", "+0200" or "+02"
 * at the end (nothing: UTC); a space may stand for the T. Fractions are cut off. Years 1 to 9999, dates that exist. */
bool time_parse_iso(const char *text, int64_t *seconds);

/* The same, or "@SECONDS" of the epoch, or a time before `now`: "90s", "30m", "24h", "7d", "2w". */
bool time_parse_since(const char *text, int64_t now, int64_t *seconds);

/* Whether text is a time before now: another one each time that it is looked at. */
bool time_is_relative(const char *text);

/* "2026-03-31T22:05:09Z" in out[0..32). */
void time_format_iso(int64_t seconds, char out[32]);

#endif
