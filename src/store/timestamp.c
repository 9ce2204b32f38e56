#include "store/timestamp.h"

#include <stddef.h>

/* `count` digits at *at into *value, within [low, high]; moves *at behind them. */
static bool take_digits(const char **at, int count, int low, int high, int *value) {
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9') return false;
        *value = 10 * *value + (**at - '0');
    }
    return *value >= low && *value <= high;
}

static bool take(const char **at, const char *accepted) {
    for (; *accepted; accepted++)
        if (**at == *accepted) {
            (*at)++;
            return true;
        }
    return false;
}

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01: whole years with their leap days, then whole months. */
static int64_t days_since_epoch(int year, int month, int day) {
    int before = year - 1;
    int64_t days = 365 * (int64_t)before + before / 4 - before / 100 + before / 400 - 719162;
    for (int m = 1; m < month; m++) days += days_in(year, m);
    return days + day - 1;
}

/* "Z", "+02:00", "-0330" to the end of the text, as seconds east. */
static bool take_zone(const char *at, int *east) {
    int hours = 0, minutes = 0, sign = *at == '-' ? -1 : 1;
    *east = 0;
    if (take(&at, "Zz")) return *at == '\0';
    if (!take(&at, "+-") || !take_digits(&at, 2, 0, 23, &hours)) return false;
    take(&at, ":");
    if (!take_digits(&at, 2, 0, 59, &minutes)) return false;
    *east = sign * (3600 * hours + 60 * minutes);
    return *at == '\0';
}

bool timestamp_parse(const char *text, int64_t *seconds) {
    int year, month, day, hour, minute, second, east;
    const char *at = text;
    if (!take_digits(&at, 4, 1, 9999, &year) || !take(&at, "-") || !take_digits(&at, 2, 1, 12, &month) ||
        !take(&at, "-") || !take_digits(&at, 2, 1, days_in(year, month), &day) || !take(&at, "Tt ") ||
        !take_digits(&at, 2, 0, 23, &hour) || !take(&at, ":") || !take_digits(&at, 2, 0, 59, &minute) ||
        !take(&at, ":") || !take_digits(&at, 2, 0, 60, &second))
        return false;
    if (take(&at, ".")) {
        if (!take(&at, "0123456789")) return false;
        while (take(&at, "0123456789")) {}
    }
    if (!take_zone(at, &east)) return false;
    *seconds =
        86400 * days_since_epoch(year, month, day) + 3600 * hour + 60 * minute + second - (int64_t)east;
    return true;
}
