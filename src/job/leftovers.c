#include "job/leftovers.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

/* Length of "8-4-4-4-12" hexadecimal digits at the beginning of text, or 0. */
static size_t uuid_length(const char *text) {
    static const int groups[] = {8, 4, 4, 4, 12};
    size_t at = 0;
    for (int group = 0; group < 5; group++) {
        if (group > 0 && text[at++] != '-') return 0;
        for (int i = 0; i < groups[group]; i++)
            if (!is_hex(text[at++])) return 0;
    }
    return at;
}

/* What follows "part-00007-<uuid>-c000", or NULL. */
static const char *part_ending(const char *name) {
    if (strncmp(name, "part-", 5) != 0) return NULL;
    const char *at = name + 5;
    while (is_digit(*at)) at++;
    if (at - (name + 5) < 5 || *at++ != '-') return NULL;
    size_t length = uuid_length(at);
    return length && strncmp(at + length, "-c000", 5) == 0 ? at + length + 5 : NULL;
}

static bool is_one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

#define IS_ONE_OF(name, ...)                                                                                 \
    is_one_of(name, (const char *const[]){__VA_ARGS__},                                                      \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* Copies `name` without ".tmp" to out[0..128): false when it does not end so. */
static bool without_tmp(const char *name, char out[128]) {
    size_t length = strlen(name);
    if (length < 5 || length - 4 >= 128 || strcmp(name + length - 4, ".tmp") != 0) return false;
    memcpy(out, name, length - 4);
    out[length - 4] = '\0';
    return true;
}

bool leftover_is_part(const char *name) {
    const char *ending = part_ending(name);
    return ending && IS_ONE_OF(ending, ".parquet", ".snappy.parquet", ".zstd.parquet");
}

bool leftover_is_temporary_of_results(const char *name) {
    char base[128];
    return without_tmp(name, base) && (leftover_is_part(base) || strcmp(base, "_SUCCESS") == 0);
}

static bool is_child(const char *name) {
    return IS_ONE_OF(name, "moments.pom", "run.json", "pca.model", "PCA_variance.csv", "PCA_results.csv",
                     "scree.png", "scree.svg", "report.html");
}

bool leftover_is_temporary_of_dst(const char *name) {
    char base[128];
    return without_tmp(name, base) && is_child(base);
}

/* "journal-00007", "done-00007". */
static bool is_numbered(const char *name) {
    const char *at = strncmp(name, "journal-", 8) == 0 ? name + 8
                     : strncmp(name, "done-", 5) == 0  ? name + 5
                                                       : "";
    size_t digits = strspn(at, "0123456789");
    return digits >= 5 && at[digits] == '\0';
}

bool leftover_is_staged(const char *name) {
    char base[128];
    if (without_tmp(name, base)) name = base;
    return is_child(name) || is_numbered(name) || IS_ONE_OF(name, "lock", "job", "plan", "since", "commit") ||
           leftover_is_staged_folder(name);
}

bool leftover_is_staged_folder(const char *name) {
    return IS_ONE_OF(name, "Results", "Grown", "Errors", "PCA_Results");
}

bool leftover_is_staged_file(const char *name) {
    return leftover_is_part(name) || strcmp(name, "_SUCCESS") == 0 || leftover_is_temporary_of_results(name);
}

bool leftover_is_packing(const char *name) {
    char base[128];
    if (without_tmp(name, base)) name = base;
    if (IS_ONE_OF(name, "lock", "_index.parquet", "_SUCCESS")) return true;
    if (strncmp(name, "shard-", 6) != 0) return false;
    size_t digits = strspn(name + 6, "0123456789");
    return digits >= 5 && strcmp(name + 6 + digits, ".tar") == 0;
}
