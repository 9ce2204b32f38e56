#include "report/words.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NARROW_SPACE "\xe2\x80\xaf" /* U+202F, no line break */

static const char *const words[WORD_COUNT][POMONA_LANGUAGE_COUNT] = {
#define WORD(name, english, french) {english, french},
#include "report/words.inc"
#undef WORD
};

static const char *const names[WORD_COUNT] = {
#define WORD(name, english, french) #name,
#include "report/words.inc"
#undef WORD
};

const char *word(pomona_language language, enum word name) {
    return words[name][language == POMONA_LANGUAGE_FRENCH ? POMONA_LANGUAGE_FRENCH : POMONA_LANGUAGE_ENGLISH];
}

enum word word_find(const char *name, size_t size) {
    enum word found = 0;
    while (found < WORD_COUNT && (strncmp(names[found], name, size) != 0 || names[found][size] != '\0'))
        found++;
    return found;
}

pomona_status pomona_language_parse(const char *name, pomona_language *language, struct pomona_error *error) {
    if (name && strcmp(name, "en") == 0)
        *language = POMONA_LANGUAGE_ENGLISH;
    else if (name && strcmp(name, "fr") == 0)
        *language = POMONA_LANGUAGE_FRENCH;
    else
        return fail(error, POMONA_E_USAGE, name, "not a language of reports: en or fr");
    return POMONA_OK;
}

/* Appends what fits. */
static void add(struct number *number, const char *text, size_t size) {
    size_t used = strlen(number->text);
    if (size > sizeof number->text - 1 - used) size = sizeof number->text - 1 - used;
    memcpy(number->text + used, text, size);
    number->text[used + size] = '\0';
}

static void add_text(struct number *number, const char *text) { add(number, text, strlen(text)); }

static void add_grouped(struct number *number, pomona_language language, uint64_t value) {
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t count = strlen(digits);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            add_text(number, language == POMONA_LANGUAGE_FRENCH ? NARROW_SPACE : ",");
        add(number, digits + i, 1);
    }
}

static void add_fraction(struct number *number, pomona_language language, uint64_t fraction, int decimals) {
    if (decimals <= 0) return;
    add_text(number, language == POMONA_LANGUAGE_FRENCH ? "," : ".");
    uint64_t unit = 1;
    for (int i = 1; i < decimals; i++) unit *= 10;
    for (; unit > 0; unit /= 10) add(number, &"0123456789"[fraction / unit % 10], 1);
}

struct number number_integer(pomona_language language, int64_t value) {
    struct number number = {""};
    if (value < 0) add_text(&number, "-");
    add_grouped(&number, language, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    return number;
}

/* d.ddd followed by e-9, as spreadsheets write it. */
static struct number scientific(pomona_language language, double value) {
    struct number number = {""};
    if (value < 0) add_text(&number, "-");
    char power[16];
    int exponent = (int)floor(log10(fabs(value)));
    /* Two steps, because 10^-exponent overflows for the smallest doubles. */
    int half = exponent / 2;
    double scaled = fabs(value) * pow(10, -half) * pow(10, half - exponent);
    uint64_t digits = (uint64_t)llround(scaled * 1000);
    if (digits >= 10000) digits /= 10, exponent++;
    add_grouped(&number, language, digits / 1000);
    add_fraction(&number, language, digits % 1000, 3);
    snprintf(power, sizeof power, "e%d", exponent);
    add_text(&number, power);
    return number;
}

struct number number_fixed(pomona_language language, double value, int decimals) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    if (!isfinite(value)) return (struct number){"n/a"};
    double scaled = fabs(value) * powers[decimals];
    if (scaled >= 1e15) return scientific(language, value);
    uint64_t digits = (uint64_t)llround(scaled), unit = (uint64_t)powers[decimals];
    struct number number = {""};
    if (value < 0 && digits > 0) add_text(&number, "-");
    add_grouped(&number, language, digits / unit);
    add_fraction(&number, language, digits % unit, decimals);
    return number;
}

struct number number_significant(pomona_language language, double value, int digits) {
    double size = fabs(value);
    if (!isfinite(value) || size == 0) return number_fixed(language, value, 0);
    if (size < 1e-4 || size >= 1e9) return scientific(language, value);
    int whole = (int)floor(log10(size)) + 1;
    return number_fixed(language, value, whole >= digits ? 0 : digits - whole);
}

struct number number_short(pomona_language language, double value) {
    return number_significant(language, value, 4);
}

struct number number_plain(pomona_language language, double value) {
    double size = fabs(value);
    if (!isfinite(value) || size == 0 || size < 1e-4 || size >= 1e9) return number_short(language, value);
    int decimals = (int)fmax(0, 3 - floor(log10(size)));
    double scaled = value;
    for (int i = 0; i < decimals; i++) scaled *= 10;
    for (scaled = round(scaled); decimals > 0 && fmod(scaled, 10) == 0; decimals--) scaled /= 10;
    return number_fixed(language, value, decimals);
}

struct number number_percent(pomona_language language, double share, int decimals) {
    struct number number = number_fixed(language, share * 100, decimals);
    if (isfinite(share)) add_text(&number, language == POMONA_LANGUAGE_FRENCH ? NARROW_SPACE "%" : "%");
    return number;
}
