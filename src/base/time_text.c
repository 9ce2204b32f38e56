#include "base/time_text.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY = 86400, HOUR = 3600, MINUTE = 60 };

/* Days from 1970-01-01 to a date of the Gregorian calendar: whole years, their leap days, then the days of the year. */
static int64_t days_of(int year, int month, int day) {
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = year - 1;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 + before[month - 1] + (leap && month > 2) + day - 1;
    return days - 719162; /* of 1970 */
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Exactly `digits` digits at *at, as a number in [low, high]. */
static bool take_number(const char **at, int digits, int low, int high, int *value) {
    int number = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9') return false;
        number = number * 10 + (**at - '0');
    }
    *value = number;
    return number >= low && number <= high;
}

static bool take(const char **at, char wanted) {
    if (**at != wanted) return false;
    (*at)++;
    return true;
}

/* "Z", "+02:00", "-0230", "+02" or nothing. */
static bool take_offset(const char **at, int *offset) {
    *offset = 0;
    if (take(at, 'Z') || take(at, 'z') || **at == '\0') return true;
    int sign = **at == '-' ? -1 : 1, hours, minutes = 0;
    if (!take(at, '+') && !take(at, '-')) return false;
    if (!take_number(at, 2, 0, 23, &hours)) return false;
    bool colon = take(at, ':');
    if ((colon || **at) && !take_number(at, 2, 0, 59, &minutes)) return false;
    *offset = sign * (hours * HOUR + minutes * MINUTE);
    return true;
}

bool time_parse_iso(const char *text, int64_t *seconds) {
    const char *at = text;
    int year, month, day, hour = 0, minute = 0, second = 0, offset = 0;
    if (!take_number(&at, 4, 1, 9999, &year) || !take(&at, '-') || !take_number(&at, 2, 1, 12, &month) ||
        !take(&at, '-') || !take_number(&at, 2, 1, days_in(year, month), &day))
        return false;
    if (*at) {
        if (!take(&at, 'T') && !take(&at, 't') && !take(&at, ' ')) return false;
        if (!take_number(&at, 2, 0, 23, &hour) || !take(&at, ':') || !take_number(&at, 2, 0, 59, &minute))
            return false;
        if (take(&at, ':') && !take_number(&at, 2, 0, 60, &second)) return false;
        if (take(&at, '.')) {
            if (*at < '0' || *at > '9') return false;
            while (*at >= '0' && *at <= '9') at++;
        }
        if (!take_offset(&at, &offset) || *at) return false;
    }
    *seconds =
        days_of(year, month, day) * DAY + (int64_t)hour * HOUR + (int64_t)minute * MINUTE + second - offset;
    return true;
}

static int64_t unit_of(char letter) {
    switch (letter) {
    case 's': return 1;
    case 'm': return MINUTE;
    case 'h': return HOUR;
    case 'd': return DAY;
    case 'w': return 7 * (int64_t)DAY;
    default: return 0;
    }
}

/* "24h" in seconds. */
static bool parse_span(const char *text, int64_t *span) {
    char digits[16];
    long long number;
    size_t size = strlen(text);
    if (size < 2 || size > sizeof digits || unit_of(text[size - 1]) == 0) return false;
    memcpy(digits, text, size - 1);
    digits[size - 1] = '\0';
    if (!text_parse_int(digits, 0, 4000000000LL, &number)) return false;
    *span = number * unit_of(text[size - 1]);
    return true;
}

bool time_is_relative(const char *text) {
    int64_t span;
    return parse_span(text, &span);
}

bool time_parse_since(const char *text, int64_t now, int64_t *seconds) {
    long long number;
    int64_t span;
    if (text[0] == '@') {
        if (!text_parse_int(text + 1, -(1LL << 50), 1LL << 50, &number)) return false;
        *seconds = number;
        return true;
    }
    if (!parse_span(text, &span)) return time_parse_iso(text, seconds);
    *seconds = now - span;
    return true;
}

void time_format_iso(int64_t seconds, char out[32]) {
    time_t time = (time_t)seconds;
    struct tm utc;
    out[0] = '\0';
    if (gmtime_r(&time, &utc)) strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
