/* Command lines: a table of options per command drives parsing and --help alike. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,    /* target: bool */
    OPTION_TEXT,    /* target: const char * */
    OPTION_INTEGER, /* target: int64_t, low..high */
    OPTION_NUMBER   /* target: double, low..high */
};

struct option {
    const char *name; /* "partitions" for --partitions; NULL ends the table */
    char letter;      /* 'q' for -q; 0: none */
    enum option_kind kind;
    void *target;
    const char *argument; /* "N", "FILE"; NULL for flags */
    const char *help;     /* may hold line breaks */
    double low, high;
};

/* Rows that many commands have, the same in each; a command whose help says something else writes its own. */
#define OPTION_ROW_TIER(target)                                                                              \
    { "tier", 0, OPTION_TEXT, target, "TIER", "auto, scalar, avx2, avx512, neon, neondot", 0, 0 }
#define OPTION_ROW_THREADS(target)                                                                           \
    { "threads", 't', OPTION_INTEGER, target, "N", "default: the cores this process may use", 1, 1024 }
#define OPTION_ROW_REPORT_LANGUAGE(target)                                                                   \
    { "lang", 0, OPTION_TEXT, target, "en|fr", "language of the report; default en", 0, 0 }
#define OPTION_ROW_JSON(target)                                                                              \
    { "json", 0, OPTION_FLAG, target, NULL, "print one JSON object", 0, 0 }
#define OPTION_ROW_QUIET(target)                                                                             \
    { "quiet", 'q', OPTION_FLAG, target, NULL, "no progress, no summary", 0, 0 }

struct command {
    const char *name;    /* "features", "model info" */
    const char *usage;   /* "SRC --out DST [options]" */
    const char *summary; /* one line */
    const char *details; /* paragraphs and examples under the options */
    const struct option *options;
    const char **operands; /* filled with what is not an option */
    int operand_min, operand_max;
    int *operand_count; /* set to how many there are; may be NULL */
};

enum options_outcome { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD };

/* Parses argv[0..argc) (without program and command names). --help prints the help: OPTIONS_DONE. A mistake is
 * explained on standard error: OPTIONS_BAD. Options may stand anywhere; `--` ends them; `--name=value` and
 * `--name value` are the same. */
enum options_outcome options_parse(const struct command *command, int argc, char **argv);

#endif
