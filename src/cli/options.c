#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_option(const struct option *option) {
    enum { HELP_COLUMN = 30 };
    char left[64];
    int used = option->letter ? snprintf(left, sizeof left, "  -%c, --%s", option->letter, option->name)
                              : snprintf(left, sizeof left, "      --%s", option->name);
    if (option->argument) used += snprintf(left + used, sizeof left - (size_t)used, " %s", option->argument);
    printf("%-*s", HELP_COLUMN, left);
    if (used >= HELP_COLUMN) printf("\n%*s", HELP_COLUMN, "");
    for (const char *c = option->help; *c; c++) {
        putchar(*c);
        if (*c == '\n') printf("%*s", HELP_COLUMN, "");
    }
    putchar('\n');
}

static void print_help(const struct command *command) {
    printf("Usage: pomona %s %s\n\n%s\n\nOptions:\n", command->name, command->usage, command->summary);
    for (const struct option *option = command->options; option->name; option++) print_option(option);
    puts("      --help                  this text");
    puts("\nOf places elsewhere (s3://, http://): --endpoint-url, --region, --requests and more, see pomona "
         "--help");
    if (command->details) printf("\n%s", command->details);
}

static enum options_outcome bad(const struct command *command, const char *format, const char *text) {
    fprintf(stderr, "pomona %s: ", command->name);
    fprintf(stderr, format, text);
    fprintf(stderr, " (see pomona %s --help)\n", command->name);
    return OPTIONS_BAD;
}

static enum options_outcome set_number(const struct command *command, const struct option *option,
                                       const char *value) {
    char *end = NULL;
    errno = 0;
    bool whole = option->kind == OPTION_INTEGER;
    long long integer = whole ? strtoll(value, &end, 10) : 0;
    double number = whole ? (double)integer : strtod(value, &end);
    bool known = !errno && end != value && *end == '\0' && number >= option->low && number <= option->high;
    if (!known) {
        char text[160];
        snprintf(text, sizeof text, "--%s takes %s from %.15g to %.15g, not '%.40s'", option->name,
                 whole ? "a whole number" : "a number", option->low, option->high, value);
        return bad(command, "%s", text);
    }
    if (whole)
        *(int64_t *)option->target = integer;
    else
        *(double *)option->target = number;
    return OPTIONS_RUN;
}

static enum options_outcome set_option(const struct command *command, const struct option *option,
                                       const char *value) {
    if (option->kind == OPTION_INTEGER || option->kind == OPTION_NUMBER)
        return set_number(command, option, value);
    if (*value == '\0') return bad(command, "--%s needs a value that is not empty", option->name);
    *(const char **)option->target = value;
    return OPTIONS_RUN;
}

/* The option that an argument ("--name", "--name=value", "-n") names; `value` is what follows "=". */
static const struct option *find_option(const struct command *command, const char *argument,
                                        const char **value) {
    *value = NULL;
    for (const struct option *option = command->options; option->name; option++) {
        if (argument[1] != '-') {
            if (option->letter && argument[1] == option->letter && argument[2] == '\0') return option;
            continue;
        }
        size_t length = strlen(option->name);
        if (strncmp(argument + 2, option->name, length) != 0) continue;
        const char *rest = argument + 2 + length;
        if (*rest != '\0' && *rest != '=') continue;
        if (*rest == '=') *value = rest + 1;
        return option;
    }
    return NULL;
}

enum options_outcome options_parse(const struct command *command, int argc, char **argv) {
    int operands = 0;
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        const char *argument = argv[i], *value;
        if (!options_end && strcmp(argument, "--") == 0) {
            options_end = true;
            continue;
        }
        if (options_end || argument[0] != '-' || argument[1] == '\0') {
            if (operands == command->operand_max)
                return bad(command, "one argument too many: '%s'", argument);
            command->operands[operands++] = argument;
            continue;
        }
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            print_help(command);
            return OPTIONS_DONE;
        }
        const struct option *option = find_option(command, argument, &value);
        if (!option) return bad(command, "unknown option '%s'", argument);
        if (option->kind == OPTION_FLAG) {
            if (value) return bad(command, "--%s takes no value", option->name);
            *(bool *)option->target = true;
            continue;
        }
        if (!value && i + 1 == argc) return bad(command, "--%s needs a value", option->name);
        enum options_outcome outcome = set_option(command, option, value ? value : argv[++i]);
        if (outcome != OPTIONS_RUN) return outcome;
    }
    if (command->operand_count) *command->operand_count = operands;
    if (operands < command->operand_min) return bad(command, "needs %s", command->usage);
    return OPTIONS_RUN;
}
