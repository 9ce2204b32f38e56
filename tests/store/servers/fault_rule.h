/* One line of a script (fault_script.h has the language). */
#ifndef TESTS_STORE_FAULT_RULE_H
#define TESTS_STORE_FAULT_RULE_H

#include "tests/store/servers/fault_script.h"

enum { LINE_BYTES = 512, METHOD_BYTES = 16 };

struct fault_rule {
    char line[LINE_BYTES]; /* as it was written */
    char method[METHOD_BYTES];
    char pattern[LINE_BYTES];
    long first, after, every; /* 0: not said */
    double rate;              /* 1: not said */
    uint64_t seed;
    struct fault fault;
    unsigned long matched, chosen;
};

/* Reads "match ... -> ..."; NULL, or what is wrong with it. */
const char *fault_rule_parse(const char *line, struct fault_rule *rule);

/* Whole number in [least, most]; false: it is none. */
bool fault_rule_number(const char *word, long least, long most, long *out);

/* Cuts a line into words in place; how many, at most `capacity`. */
size_t fault_rule_words(char *line, char **words, size_t capacity);

/* Whether the rule takes this request, which is counted. */
bool fault_rule_takes(struct fault_rule *rule, const struct http_head *request);

/* The luck of the n-th request of a rule. */
uint64_t fault_rule_draw(const struct fault_rule *rule, uint64_t n, uint64_t purpose);

#endif
