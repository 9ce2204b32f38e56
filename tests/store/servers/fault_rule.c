#include "tests/store/servers/fault_rule.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32 };

bool fault_rule_number(const char *word, long least, long most, long *out) {
    char *end;
    errno = 0;
    *out = strtol(word, &end, 10);
    return *word && !*end && errno == 0 && *out >= least && *out <= most;
}

size_t fault_rule_words(char *line, char **words, size_t capacity) {
    size_t count = 0;
    for (char *rest = line, *word; count < capacity && (word = strsep(&rest, " \t\r,"));)
        if (*word) words[count++] = word;
    return count;
}

static bool copy_word(char *out, size_t capacity, const char *word) {
    size_t size = strlen(word);
    if (size >= capacity) return false;
    memcpy(out, word, size + 1);
    return true;
}

/* ---- what comes before the arrow ---- */

/* Words used; 0: not a selector. */
static size_t parse_selector(char **words, size_t count, struct fault_rule *rule) {
    char *end;
    long seed;
    if (strcmp(words[0], "once") == 0) {
        rule->first = 1;
        return 1;
    }
    if (count < 2) return 0;
    if (strcmp(words[0], "first") == 0) return fault_rule_number(words[1], 1, 1L << 40, &rule->first) ? 2 : 0;
    if (strcmp(words[0], "after") == 0) return fault_rule_number(words[1], 0, 1L << 40, &rule->after) ? 2 : 0;
    if (strcmp(words[0], "every") == 0) return fault_rule_number(words[1], 1, 1L << 40, &rule->every) ? 2 : 0;
    if (strcmp(words[0], "seed") == 0) {
        if (!fault_rule_number(words[1], 0, 1L << 40, &seed)) return 0;
        rule->seed = (uint64_t)seed;
        return 2;
    }
    if (strcmp(words[0], "rate") != 0) return 0;
    rule->rate = strtod(words[1], &end);
    return *words[1] && !*end && rule->rate >= 0 && rule->rate <= 1 ? 2 : 0;
}

/* ---- what comes after it ---- */

static const struct {
    enum fault_kind kind;
    long least, most; /* of its number; both 0: it has none */
    enum { NO_WORD, MAY_NAME_CODE, NAMES_REGION } word;
    bool may_be_done;
} fault_forms[] = {
    {FAULT_PASS, 0, 0, NO_WORD, false},
    {FAULT_STATUS, 200, 599, MAY_NAME_CODE, true},
    {FAULT_ERROR200, 0, 0, MAY_NAME_CODE, true},
    {FAULT_SKEW, -1000000000, 1000000000, NO_WORD, true},
    {FAULT_REDIRECT, 300, 400, NAMES_REGION, false},
    {FAULT_RESET, 0, 0, NO_WORD, true},
    {FAULT_CLOSE, 0, 0, NO_WORD, true},
    {FAULT_STALL, 0, 0, NO_WORD, true},
    {FAULT_CUT, 0, 1L << 50, NO_WORD, false},
    {FAULT_SLOW, 1, 1L << 40, NO_WORD, false},
    {FAULT_CORRUPT, 0, 0, NO_WORD, false},
    {FAULT_CUT_UPLOAD, 0, 1L << 50, NO_WORD, false},
    {FAULT_CORRUPT_UPLOAD, 0, 0, NO_WORD, false},
};

/* Words used; 0: *problem says what is wrong. */
static size_t parse_kind(char **words, size_t count, struct fault *fault, bool *may_be_done,
                         const char **problem) {
    size_t used = 1;
    *problem = "unknown fault";
    for (size_t i = 0; i < sizeof fault_forms / sizeof *fault_forms; i++) {
        if (strcmp(words[0], fault_kind_names[fault_forms[i].kind]) != 0) continue;
        fault->kind = fault_forms[i].kind;
        *may_be_done = fault_forms[i].may_be_done;
        if (fault_forms[i].most > 0) {
            *problem = "this fault needs a number, within its range";
            if (count < 2 ||
                !fault_rule_number(words[1], fault_forms[i].least, fault_forms[i].most, &fault->number))
                return 0;
            used = 2;
        }
        /* S3's codes begin with a capital, the words of a script do not. */
        bool code = used < count && words[used][0] >= 'A' && words[used][0] <= 'Z';
        if (fault_forms[i].word == NAMES_REGION || (fault_forms[i].word == MAY_NAME_CODE && code)) {
            *problem = "this fault needs a region, and codes and regions are at most 63 bytes long";
            if (used >= count || !copy_word(fault->word, sizeof fault->word, words[used])) return 0;
            used++;
        }
        return used;
    }
    return 0;
}

static const char *parse_faults(char **words, size_t count, struct fault *fault) {
    bool kind_seen = false, may_be_done = false;
    const char *problem;
    if (count == 0) return "no fault after ->";
    for (size_t at = 0; at < count;) {
        if (strcmp(words[at], "latency") == 0) {
            if (at + 1 >= count || !fault_rule_number(words[at + 1], 0, 1000000, &fault->latency))
                return "latency needs milliseconds";
            at += 2;
        } else if (strcmp(words[at], "done") == 0) {
            fault->done = true;
            at++;
        } else {
            if (kind_seen) return "one fault to a rule";
            kind_seen = true;
            size_t used = parse_kind(words + at, count - at, fault, &may_be_done, &problem);
            if (used == 0) return problem;
            at += used;
        }
    }
    if (fault->done && !may_be_done) return "done goes with status, error200, skew, reset, close and stall";
    if (fault->kind == FAULT_REDIRECT && fault->number != 301 && fault->number != 307 && fault->number != 400)
        return "redirect is 301, 307 or 400";
    return NULL;
}

const char *fault_rule_parse(const char *line, struct fault_rule *rule) {
    char scratch[LINE_BYTES], *words[WORDS_MAX];
    *rule = (struct fault_rule){.rate = 1, .seed = 1, .fault = {.kind = FAULT_PASS, .latency = -1}};
    if (!copy_word(rule->line, sizeof rule->line, line)) return "the line is too long";
    memcpy(scratch, rule->line, sizeof scratch);
    size_t count = fault_rule_words(scratch, words, WORDS_MAX), at = 3;
    if (count < 3 || strcmp(words[0], "match") != 0) return "expected: match METHOD PATTERN ... -> FAULT";
    if (!copy_word(rule->method, sizeof rule->method, words[1])) return "the method is too long";
    if (!copy_word(rule->pattern, sizeof rule->pattern, words[2])) return "the pattern is too long";
    while (at < count && strcmp(words[at], "->") != 0) {
        size_t used = parse_selector(words + at, count - at, rule);
        if (used == 0) return "bad selector";
        at += used;
    }
    if (at >= count) return "no ->";
    return parse_faults(words + at + 1, count - at - 1, &rule->fault);
}

/* ---- which requests ---- */

/* The finaliser of splitmix64: every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t fault_rule_draw(const struct fault_rule *rule, uint64_t n, uint64_t purpose) {
    return mix(mix(mix(rule->seed + 0x9e3779b97f4a7c15u) + n) + purpose);
}

static bool selected(const struct fault_rule *rule, unsigned long n) {
    unsigned long after = (unsigned long)rule->after;
    if (n <= after) return false;
    if (rule->first && n - after > (unsigned long)rule->first) return false;
    if (rule->every && (n - after) % (unsigned long)rule->every != 0) return false;
    /* 53 bits: all that a double in [0, 1) holds. */
    return rule->rate >= 1 || (double)(fault_rule_draw(rule, n, 1) >> 11) * 0x1p-53 < rule->rate;
}

bool fault_rule_takes(struct fault_rule *rule, const struct http_head *request) {
    if (rule->method[0] != '*' && strcmp(rule->method, request->method) != 0) return false;
    if (fnmatch(rule->pattern, request->target, FNM_NOESCAPE) != 0) return false;
    if (rule->fault.kind == FAULT_REDIRECT && strcmp(rule->fault.word, request->region) == 0) return false;
    if (!selected(rule, ++rule->matched)) return false;
    rule->chosen++;
    return true;
}
