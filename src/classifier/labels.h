/* Labels as text in a file's metadata.
 *
 * One class a line: name, index of its group (-1: none), photos it was trained on, then its aliases, separated by
 * tabs. Groups: one name a line. In a name, a backslash, tab, line feed and carriage return are written \\, \t, \n, \r. */
#ifndef CLASSIFIER_LABELS_H
#define CLASSIFIER_LABELS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "pomona/classifier.h"

enum { LABELS_BYTES_MAX = 1 << 28 };

pomona_status labels_format_classes(const struct pomona_class *classes, int count, struct buffer *out,
                                    struct pomona_error *error);
pomona_status labels_format_groups(const char *const *groups, int count, struct buffer *out,
                                   struct pomona_error *error);

/* The reverse; all memory from the arena. POMONA_E_CORRUPT: another number of lines than `count`, an unknown escape, a
 * name twice (aliases included), a number that makes no sense; POMONA_E_MEMORY. */
pomona_status labels_parse_classes(const char *where, const char *text, int count, struct arena *arena,
                                   struct pomona_class **classes, struct pomona_error *error);
pomona_status labels_parse_groups(const char *where, const char *text, int count, struct arena *arena,
                                  const char ***groups, struct pomona_error *error);

#endif
