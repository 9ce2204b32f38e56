/* The texts of the report in its languages, and numbers as each language writes them, whatever the locale is. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "pomona/report.h"

enum word {
#define WORD(name, english, french) WORD_##name,
#include "report/words.inc"
#undef WORD
    WORD_COUNT
};

/* Static strings. */
const char *word(pomona_language language, enum word name);

/* The word called `name`[0..size), WORD_COUNT if there is none. */
enum word word_find(const char *name, size_t size);

enum { NUMBER_SIZE = 64 };

/* A number as text, in a value so that several fit one call. */
struct number {
    char text[NUMBER_SIZE];
};

/* "1,234" or "1 234" (narrow no-break space). */
struct number number_integer(pomona_language language, int64_t value);

/* `decimals` 0..9 digits behind the point; beyond 1e15 in scientific notation; "n/a" for what is not finite. */
struct number number_fixed(pomona_language language, double value, int decimals);

/* `digits` 1..4 significant digits, and all before the point; resp. four. */
struct number number_significant(pomona_language language, double value, int digits);
struct number number_short(pomona_language language, double value);

/* As many digits as it needs, up to four significant ones: "0.5", "20", "1,000". */
struct number number_plain(pomona_language language, double value);

/* A share of 1 as "12.3%" or "12,3 %". */
struct number number_percent(pomona_language language, double share, int decimals);

#endif
