#include "pomona/diff.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <math.h>
#include <stdio.h>

static void print_json_number(const char *key, double value) {
    if (isfinite(value))
        printf("  \"%s\": %.17g,\n", key, value);
    else
        printf("  \"%s\": null,\n", key);
}

static void print_json(const struct pomona_diff_result *r, bool same) {
    printf("{\n  \"rows_a\": %lld,\n  \"rows_b\": %lld,\n  \"common\": %lld,\n  \"only_a\": %lld,\n  "
           "\"only_b\": %lld,\n",
           (long long)r->rows_a, (long long)r->rows_b, (long long)r->common, (long long)r->only_a,
           (long long)r->only_b);
    printf("  \"identical\": %lld,\n  \"labels_differ\": %lld,\n  \"features\": %d,\n",
           (long long)r->identical, (long long)r->labels_differ, r->features);
    print_json_number("max_abs", r->max_abs);
    print_json_number("mean_abs", r->mean_abs);
    print_json_number("cosine_min", r->cosine_min);
    print_json_number("cosine_mean", r->cosine_mean);
    printf("  \"prefixes_removed\": %s,\n  \"worst_path\": ", r->prefixes_removed ? "true" : "false");
    print_json_text(r->worst_path);
    printf(",\n  \"missing_path\": ");
    print_json_text(r->missing_path);
    printf(",\n  \"same\": %s\n}\n", same ? "true" : "false");
}

static void print_text(const char *a, const char *b, const struct pomona_diff_result *r) {
    char rows_a[32], rows_b[32], common[32], only_a[32], only_b[32], identical[32], labels[32];
    printf("A         %s: %s rows\nB         %s: %s rows\n", a, format_count(r->rows_a, rows_a), b,
           format_count(r->rows_b, rows_b));
    printf("common    %s rows of %d features%s\n", format_count(r->common, common), r->features,
           r->prefixes_removed ? " (paths compared without their different beginnings)" : "");
    printf("missing   %s only in A, %s only in B", format_count(r->only_a, only_a),
           format_count(r->only_b, only_b));
    printf(r->missing_path[0] ? ", for instance %s\n" : "%s\n", r->missing_path);
    if (r->common == 0) return;
    printf("labels    %s differ\n", format_count(r->labels_differ, labels));
    printf("max abs   %.3g at %s\nmean abs  %.3g\n", r->max_abs, r->worst_path, r->mean_abs);
    printf("cosine    mean %.9f, min %.9f\n", r->cosine_mean, r->cosine_min);
    printf("identical %s rows, to the bit\n", format_count(r->identical, identical));
}

int command_diff(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    double tolerance = 0;
    bool json = false;
    const char *sides[2] = {NULL, NULL};
    const struct option table[] = {{"tolerance", 0, OPTION_NUMBER, &tolerance, "X",
                                    "largest difference that counts as same; default 0", 0, 1e300},
                                   OPTION_ROW_JSON(&json),
                                   {0}};
    const struct command command = {
        .name = "diff",
        .usage = "A B [options]",
        .summary = "Compares the features in A and B, folders of Parquet parts or single files, row by row, "
                   "by path.",
        .details = "Exit code 0: the same rows and labels, and no feature differs by more than --tolerance;\n"
                   "3: something differs; 2: A or B can't be read.\n\n"
                   "Example: the proof of a migration from Spark and TensorFlow\n"
                   "  pomona diff old/Results new/Results --tolerance 1e-3\n",
        .options = table,
        .operands = sides,
        .operand_min = 2,
        .operand_max = 2};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    struct pomona_error error = {0};
    struct pomona_diff_result result;
    pomona_status status = pomona_diff_run(sides[0], sides[1], &result, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    bool same =
        result.only_a == 0 && result.only_b == 0 && result.labels_differ == 0 && result.max_abs <= tolerance;
    if (json)
        print_json(&result, same);
    else
        print_text(sides[0], sides[1], &result);
    return same ? 0 : 3;
}
