#include "pomona/moments.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

enum { FILES_MAX = 10000, LABELS_SHOWN = 20 };

static void print_json(const struct pomona_moments *moments, const struct pomona_moments_info *info) {
    printf("{\n  \"rows\": %lld,\n  \"features\": %d,\n  \"feature_space\": ", (long long)info->rows,
           info->features);
    print_json_text(info->feature_space);
    printf(",\n  \"labels\": [");
    const char *name;
    int64_t rows;
    for (int i = 0; pomona_moments_label(moments, i, &name, &rows); i++) {
        printf("%s\n    {\"label\": ", i ? "," : "");
        if (name)
            print_json_text(name);
        else
            printf("null");
        printf(", \"rows\": %lld}", (long long)rows);
    }
    printf("\n  ]\n}\n");
}

static void print_text(const struct pomona_moments *moments, const struct pomona_moments_info *info) {
    char count[32];
    printf("rows      %s\nfeatures  %d\nspace     %s\n", format_count(info->rows, count), info->features,
           info->feature_space[0] ? info->feature_space : "unknown");
    printf("labels    %d\n", info->labels);
    const char *name;
    int64_t rows;
    for (int i = 0; i < LABELS_SHOWN && pomona_moments_label(moments, i, &name, &rows); i++)
        printf("          %10s  %s\n", format_count(rows, count), name ? name : "(none)");
    if (info->labels > LABELS_SHOWN) printf("          and more: --json shows all\n");
}

static pomona_status show(const struct pomona_context *context, const char *file, bool json,
                          struct pomona_error *error) {
    struct pomona_moments *moments = NULL;
    struct pomona_moments_info info;
    pomona_status status = pomona_moments_read(context, file, &moments, error);
    if (status != POMONA_OK) return status;
    pomona_moments_get_info(moments, &info);
    if (json)
        print_json(moments, &info);
    else
        print_text(moments, &info);
    pomona_moments_free(&moments);
    return POMONA_OK;
}

static pomona_status compute(const struct pomona_context *context, const char *features, const char *out,
                             struct pomona_error *error) {
    struct pomona_moments *moments = NULL;
    pomona_status status = pomona_moments_of_features(context, features, &moments, error);
    if (status == POMONA_OK) status = pomona_moments_write(moments, out, NULL, error);
    pomona_moments_free(&moments);
    return status;
}

static int bad(const char *text) {
    fprintf(stderr, "pomona moments: %s (see pomona moments --help)\n", text);
    return 1;
}

/* operands: the action and its files */
static int act(const char *const *operands, const char *out, bool overwrite, bool json) {
    const char *action = operands[0];
    int files = 0;
    while (operands[1 + files]) files++;
    bool info = strcmp(action, "info") == 0, sums = strcmp(action, "compute") == 0;
    bool merge = strcmp(action, "merge") == 0, subtract = strcmp(action, "subtract") == 0;
    if (!info && !sums && !merge && !subtract)
        return bad("the actions are info, compute, merge and subtract");
    if ((info || sums) && files != 1) return bad("exactly one file or folder is expected");
    if ((merge || subtract) && files < 2) return bad("at least two moments files are expected");
    if (!info && !out) return bad("--out FILE is needed");
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    pomona_status status = open_context(NULL, &context, &error);
    FILE *existing = status == POMONA_OK && sums && !overwrite ? fopen(out, "rbe") : NULL;
    if (existing) {
        fclose(existing);
        pomona_context_free(&context);
        fprintf(stderr, "pomona: %s: exists already: --overwrite replaces it\n", out);
        return pomona_status_exit_code(POMONA_E_EXISTS);
    }
    if (status == POMONA_OK)
        status = info ? show(context, operands[1], json, &error)
                 : sums
                     ? compute(context, operands[1], out, &error)
                     : pomona_moments_combine(context, operands + 1, files, subtract, out, overwrite, &error);
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

int command_moments(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    static const char *operands[FILES_MAX + 1];
    const char *out = NULL;
    bool json = false, overwrite = false;
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &out, "FILE", "the moments file to write", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &overwrite, NULL, "replace FILE", 0, 0},
        {"json", 0, OPTION_FLAG, &json, NULL, "info as one JSON object, with all labels", 0, 0},
        {0}};
    const struct command command = {
        .name = "moments",
        .usage = "info FILE | compute FEATURES | merge A B ... | subtract A B ... [--out FILE]",
        .summary = "Works with moments.pom: the exact sums of a table of features that PCA is computed from.",
        .details = "merge adds tables (months, machines) in any order and gives the same bytes as one pass "
                   "over all rows;\n"
                   "subtract takes rows away and gives the same bytes as never having seen them; compute "
                   "makes a file\n"
                   "from features written by anyone.\n\n"
                   "Examples:\n"
                   "  pomona moments merge may/moments.pom june/moments.pom --out both.pom\n"
                   "  pomona moments subtract both.pom withdrawn.pom --out rest.pom\n"
                   "  pomona moments compute spark/Results --out spark.pom\n",
        .options = table,
        .operands = operands,
        .operand_min = 2,
        .operand_max = FILES_MAX};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    return act(operands, out, overwrite, json);
}
