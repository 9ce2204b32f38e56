#include "tests/store/servers/fault_script.h"

#include "tests/store/servers/fault_rule.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 64 };

const char *const fault_kind_names[FAULT_KINDS_COUNT] = {
#define X(NAME, word) word,
    FAULT_KINDS(X)
#undef X
};

struct rules {
    size_t count;
    long latency; /* milliseconds, of requests that are told nothing else */
    struct fault_rule rule[RULES_MAX];
};

struct fault_script {
    pthread_mutex_t lock; /* of `rules` */
    struct rules *rules;
};

struct fault_script *fault_script_new(void) {
    struct fault_script *script = calloc(1, sizeof *script);
    if (!script) return NULL;
    script->rules = calloc(1, sizeof *script->rules);
    if (!script->rules || pthread_mutex_init(&script->lock, NULL) != 0) {
        free(script->rules);
        free(script);
        return NULL;
    }
    return script;
}

/* "default latency MS" */
static bool parse_default(const char *line, long *latency) {
    char scratch[LINE_BYTES], *words[4];
    if (strlen(line) >= sizeof scratch) return false;
    memcpy(scratch, line, strlen(line) + 1);
    return fault_rule_words(scratch, words, 4) == 3 && strcmp(words[0], "default") == 0 &&
           strcmp(words[1], "latency") == 0 && fault_rule_number(words[2], 0, 1000000, latency);
}

static const char *parse_line(const char *line, struct rules *rules) {
    line += strspn(line, " \t\r");
    if (!*line || *line == '#') return NULL;
    if (strncmp(line, "default", 7) == 0)
        return parse_default(line, &rules->latency) ? NULL : "expected: default latency MILLISECONDS";
    if (rules->count == RULES_MAX) return "too many rules";
    const char *problem = fault_rule_parse(line, &rules->rule[rules->count]);
    if (!problem) rules->count++;
    return problem;
}

static bool parse(char *text, struct rules *rules, char *problem, size_t capacity) {
    int number = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        number++;
        const char *wrong = parse_line(line, rules);
        if (!wrong) continue;
        snprintf(problem, capacity, "line %d: %s", number, wrong);
        return false;
    }
    return true;
}

bool fault_script_replace(struct fault_script *script, const char *text, char *problem, size_t capacity) {
    struct rules *fresh = calloc(1, sizeof *fresh);
    char *scratch = strdup(text);
    bool good = fresh && scratch;
    if (!good) snprintf(problem, capacity, "out of memory");
    good = good && parse(scratch, fresh, problem, capacity);
    free(scratch);
    if (!good) {
        free(fresh);
        return false;
    }
    pthread_mutex_lock(&script->lock);
    struct rules *old = script->rules;
    script->rules = fresh;
    pthread_mutex_unlock(&script->lock);
    free(old);
    return true;
}

struct fault fault_script_choose(struct fault_script *script, const struct http_head *request) {
    struct fault fault = {.kind = FAULT_PASS, .latency = -1};
    pthread_mutex_lock(&script->lock);
    struct rules *rules = script->rules;
    for (size_t i = 0; i < rules->count; i++) {
        if (!fault_rule_takes(&rules->rule[i], request)) continue;
        fault = rules->rule[i].fault;
        fault.draw = fault_rule_draw(&rules->rule[i], rules->rule[i].matched, 2);
        break;
    }
    if (fault.latency < 0) fault.latency = rules->latency;
    pthread_mutex_unlock(&script->lock);
    return fault;
}

/* Rules are text of the test's author: quotes and control characters are all that JSON minds. */
static void write_text(FILE *out, const char *text) {
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putc('\\', out);
        if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", *text);
        else
            putc(*text, out);
    }
    putc('"', out);
}

void fault_script_write_json(struct fault_script *script, FILE *out) {
    fputs("\"rules\": [", out);
    pthread_mutex_lock(&script->lock);
    for (size_t i = 0; i < script->rules->count; i++) {
        const struct fault_rule *rule = &script->rules->rule[i];
        fputs(i > 0 ? ", {\"rule\": " : "{\"rule\": ", out);
        write_text(out, rule->line);
        fprintf(out, ", \"matched\": %lu, \"chosen\": %lu}", rule->matched, rule->chosen);
    }
    pthread_mutex_unlock(&script->lock);
    putc(']', out);
}
