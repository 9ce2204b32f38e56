#include "base/error.h"
#include "pomona/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *unit;
    double bytes;
} units[] = {{"", 1},
             {"B", 1},
             {"kB", 1e3},
             {"KB", 1e3},
             {"MB", 1e6},
             {"GB", 1e9},
             {"KiB", 1024},
             {"MiB", 1024.0 * 1024},
             {"GiB", 1024.0 * 1024 * 1024}};

/* A number above 0 and what follows it, within text[0..size). */
static bool parse_number(const char *text, size_t size, char unit[8], double *number) {
    char copy[64], *end;
    if (size >= sizeof copy) return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (copy[0] < '0' || copy[0] > '9') return false; /* no spaces, signs, "inf", "nan" */
    if (copy[0] == '0' && (copy[1] | 32) == 'x') return false;
    *number = strtod(copy, &end);
    if (strlen(end) >= 8 || !(*number > 0) || !isfinite(*number)) return false;
    memcpy(unit, end, strlen(end) + 1);
    return true;
}

static bool parse_bytes(const char *text, size_t size, uint64_t *bytes) {
    char unit[8];
    double number;
    if (!parse_number(text, size, unit, &number)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].unit) != 0) continue;
        number = floor(number * units[i].bytes);
        if (number < 1 || number > 1e18) return false;
        *bytes = (uint64_t)number;
        return true;
    }
    return false;
}

static bool parse_ms(const char *text, size_t size, double *ms) {
    char unit[8];
    return parse_number(text, size, unit, ms) && (unit[0] == '\0' || strcmp(unit, "ms") == 0);
}

/* One "key=value"; *known is whether the key is one of ours. */
static bool parse_item(const char *item, size_t size, struct pomona_compare_budget *budget, bool *known) {
    const char *equals = memchr(item, '=', size);
    size_t key = equals ? (size_t)(equals - item) : size;
    const char *value = item + key + 1;
    size_t rest = equals ? size - key - 1 : 0;
    bool memory = key == 6 && memcmp(item, "memory", key) == 0, ms = key == 2 && memcmp(item, "ms", key) == 0;
    bool p99 = key == 3 && memcmp(item, "p99", key) == 0, bytes = key == 5 && memcmp(item, "bytes", key) == 0;
    *known = memory || ms || p99 || bytes;
    if (!*known || rest == 0) return false;
    if (memory) return budget->memory == 0 && parse_bytes(value, rest, &budget->memory);
    if (bytes) return budget->bytes == 0 && parse_bytes(value, rest, &budget->bytes);
    if (ms) return budget->ms == 0 && parse_ms(value, rest, &budget->ms);
    return budget->p99 == 0 && parse_ms(value, rest, &budget->p99);
}

pomona_status pomona_compare_budget_parse(const char *text, struct pomona_compare_budget *budget,
                                          struct pomona_error *error) {
    memset(budget, 0, sizeof *budget);
    for (const char *item = text;;) {
        size_t size = strcspn(item, ",");
        bool known;
        if (!parse_item(item, size, budget, &known)) {
            memset(budget, 0, sizeof *budget);
            return fail(error, POMONA_E_USAGE, "budget",
                        known ? "'%.*s' is no amount above 0 (memory=64MB, ms=20), or stands twice"
                              : "'%.*s' is none of memory=, ms=, p99= and bytes=",
                        size > 64 ? 64 : (int)size, item);
        }
        if (item[size] == '\0') return POMONA_OK;
        item += size + 1;
    }
}
