#include "pomona/compare.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show_progress(void *user, const struct pomona_compare_progress *progress) {
    bool terminal = *(const bool *)user;
    fprintf(stderr, "%s%d/%d  %s%s", terminal ? "\r\033[K" : "", progress->done, progress->total,
            progress->what, terminal ? "" : "\n");
}

/* A figure in so many columns, or a dash. */
static void print_cell(bool known, double value, int width, int decimals) {
    if (known && isfinite(value))
        printf("  %*.*f", width, decimals, value);
    else
        printf("  %*s", width, "-");
}

static char mark(const struct pomona_compare_result *r, int index) {
    return index == r->chosen ? '*' : r->rows[index].front ? '+' : ' ';
}

static int name_width(const struct pomona_compare_result *r) {
    int width = 5;
    for (int i = 0; i < r->row_count; i++) {
        int length = (int)strlen(r->rows[i].name);
        if (length > width) width = length < 40 ? length : 40;
    }
    return width;
}

static void print_row(const struct pomona_compare_result *r, int index, int width) {
    const struct pomona_compare_row *row = &r->rows[index];
    bool known = row->error[0] == '\0', judged = known && row->fine.of > 0;
    printf("%c %-*.*s", mark(r, index), width, width, row->name);
    if (!known) {
        printf("  failed: %s\n", row->error);
        return;
    }
    char size[24];
    snprintf(size, sizeof size, "%dx%d", row->width, row->height);
    printf("  %-9s  %-4s", size, row->precision);
    print_cell(judged, 100 * row->fine.share, 6, 1);
    print_cell(known && row->coarse.of > 0, 100 * row->coarse.share, 7, 1);
    print_cell(true, row->ms.median, 8, 2);
    print_cell(true, row->p99_ms.median, 8, 2);
    print_cell(true, row->photos_per_second.median, 8, 1);
    print_cell(row->peak_memory > 0, (double)row->peak_memory / 1e6, 9, 1);
    print_cell(row->file_bytes > 0, (double)row->file_bytes / 1e6, 7, 2);
    print_cell(true, 1e3 * (r->has_joules ? row->joules.median : row->cpu_seconds.median), 8, 2);
    putchar('\n');
}

/* Photos that were left out; models that know the same labels leave out the same. */
static void print_notes(const struct pomona_compare_result *r) {
    for (int i = 0; i < r->row_count; i++) {
        const struct pomona_compare_row *row = &r->rows[i];
        const char *name = r->labels_differ ? row->name : "top-1";
        if (row->error[0] != '\0' || row->kind[0] == '\0') continue;
        if (row->unknown > 0)
            printf("note      %s leaves out %lld photos whose label is not among the classes\n", name,
                   (long long)row->unknown);
        if (row->failed > 0)
            printf("note      %s leaves out %lld photos that could not be read or decoded\n", name,
                   (long long)row->failed);
        if (!r->labels_differ) return;
    }
}

static void print_text(const struct pomona_compare_options *options, const struct pomona_compare_result *r) {
    int width = name_width(r);
    char photos[32];
    printf(
        "  %-*s  size       prec   top-1   coarse  ms/photo    p99 ms  photos/s  memory MB  file MB  %8s\n",
        width, "model", r->has_joules ? "mJ/photo" : "CPU ms");
    for (int i = 0; i < r->row_count; i++) print_row(r, i, width);
    printf("measured  on %s photos, %d round%s, %d thread%s for photos/s, tier %s; %s\n",
           format_count(r->photos, photos), r->rounds, r->rounds == 1 ? "" : "s", r->threads,
           r->threads == 1 ? "" : "s", r->tier,
           r->has_joules ? "energy of the whole processor package (RAPL)"
                         : "no energy counter is readable, so processor time a photo");
    puts("          memory: peak of a process that opens the model and answers photos one by one, program "
         "included\n"
         "          * recommended, + on the front of accuracy and latency");
    print_notes(r);
    printf("advice    %s\n", r->advice);
    printf("look at   %s/comparison.html, comparison.csv, comparison.json, pareto.png, pareto.svg\n",
           options->out);
}

static void print_json(const struct pomona_compare_options *options, const struct pomona_compare_result *r) {
    printf("{\n  \"out\": ");
    print_json_text(options->out);
    printf(",\n  \"rows\": %d,\n  \"chosen\": %d,\n  \"model\": ", r->row_count, r->chosen);
    print_json_text(r->chosen >= 0 ? r->rows[r->chosen].name : "");
    printf(",\n  \"advice\": ");
    print_json_text(r->advice);
    printf(",\n  \"seconds\": %.6f\n}\n", r->seconds);
}

static int run(struct pomona_compare_options *options, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_compare_result result = {0};
    bool terminal = isatty(STDERR_FILENO);
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK) {
        catch_signals();
        options->should_stop = was_signalled;
        if (!quiet) options->progress = show_progress, options->user = &terminal;
        status = pomona_compare_run(context, options, &result, &error);
        if (!quiet && terminal) fputs("\r\033[K", stderr);
    }
    pomona_context_free(&context);
    if (status == POMONA_OK && json)
        print_json(options, &result);
    else if (status == POMONA_OK && !quiet)
        print_text(options, &result);
    pomona_compare_result_free(&result);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

/* "160,192,224" into sizes[0..16). */
static bool parse_sizes(const char *text, int sizes[POMONA_COMPARE_SIZES_MAX], int *count) {
    for (*count = 0; *count < POMONA_COMPARE_SIZES_MAX;) {
        char *end;
        if (*text < '0' || *text > '9') return false;
        long size = strtol(text, &end, 10);
        if (size < 1 || size > 65536) return false;
        sizes[(*count)++] = (int)size;
        if (*end == '\0') return true;
        if (*end != ',') return false;
        text = end + 1;
    }
    return false;
}

static int bad(const char *text) {
    fprintf(stderr, "pomona compare: %s (see pomona compare --help)\n", text);
    return 1;
}

static const char details[] =
    "MODEL is a file that pomona train made, a backbone (measured without accuracy), or the word embedded. "
    "Every\n"
    "model is measured in processes of its own: one that crashes is a row with its error. Models take turns, "
    "round\n"
    "after round; the table has the medians, the files also the least and the greatest. The recommendation "
    "is the\n"
    "most accurate model within the budget, or one that is not significantly worse and faster (McNemar's "
    "test).\n"
    "Writes comparison.html, pareto.png, pareto.svg, comparison.csv and comparison.json.\n\n"
    "Examples:\n"
    "  pomona compare small.onnx large.onnx embedded --on test --out compared\n"
    "  pomona compare fruit.onnx --sizes 160,192,224 --on test --budget memory=64MB,ms=20 --out compared\n";

int command_compare(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    struct pomona_compare_options options = {0};
    int64_t rounds = 0, photos = 0, threads = 0;
    int sizes[POMONA_COMPARE_SIZES_MAX];
    bool json = false, quiet = false;
    const char *tier = NULL, *budget = NULL, *size_list = NULL, *models[POMONA_COMPARE_MODELS_MAX] = {NULL};
    const struct option table[] = {
        {"on", 0, OPTION_TEXT, &options.source, "SRC", "labelled photos: folders named after their label", 0,
         0},
        {"out", 'o', OPTION_TEXT, &options.out, "DIR", "folder for the results", 0, 0},
        {"budget", 'b', OPTION_TEXT, &budget, "LIST",
         "memory=64MB,ms=20,p99=40,bytes=4MB: what a model may\ncost; any of them", 0, 0},
        {"sizes", 0, OPTION_TEXT, &size_list, "LIST",
         "inputs of so many pixels a side, for instance\n160,192,224; default: the model's own", 0, 0},
        {"precision", 0, OPTION_TEXT, &options.precision, "auto|fp32|int8",
         "what networks compute in; for a classifier as its head\nwas trained, or the row is an error", 0, 0},
        {"decode", 0, OPTION_TEXT, &options.decode, "exact|scaled",
         "how photos are decoded; for a classifier as its head\nwas trained, or the row is an error", 0, 0},
        {"labels", 0, OPTION_TEXT, &options.labels, "FILE.csv",
         "columns path and label, instead of folder names", 0, 0},
        {"glob", 0, OPTION_TEXT, &options.glob, "PATTERN", "which files; default '*.jpg'", 0, 0},
        {"limit", 0, OPTION_INTEGER, &options.limit, "N", "at most so many photos, the first by path", 1,
         9007199254740991.0},
        {"rounds", 0, OPTION_INTEGER, &rounds, "N", "how often each model is timed; default 3", 1,
         POMONA_COMPARE_ROUNDS_MAX},
        {"photos", 0, OPTION_INTEGER, &photos, "N", "photos that a round times one by one; default 200", 10,
         POMONA_COMPARE_PHOTOS_MAX},
        {"seconds", 0, OPTION_NUMBER, &options.seconds, "X",
         "time for them, and again for all threads; default 5", 0.01, 3600},
        {"quick", 0, OPTION_FLAG, &options.quick, NULL, "one round, 30 photos, half a second", 0, 0},
        {"threads", 't', OPTION_INTEGER, &threads, "N",
         "for photos a second; default: the cores this process\nmay use", 1, 1024},
        {"lang", 0, OPTION_TEXT, &options.language, "en|fr", "language of the page; default en", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL,
         "replace the comparison in DIR (it stays until the\nnew one is complete)", 0, 0},
        OPTION_ROW_TIER(&tier),
        {"json", 0, OPTION_FLAG, &json, NULL, "print one JSON object (DIR/comparison.json has all)", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no progress, no table", 0, 0},
        {0}};
    const struct command command = {.name = "compare",
                                    .usage = "MODEL... --on SRC --out DIR [options]",
                                    .summary =
                                        "Compares models on the same photos: accuracy, latency, memory, "
                                        "size and energy, and which to take.",
                                    .details = details,
                                    .options = table,
                                    .operands = models,
                                    .operand_min = 1,
                                    .operand_max = POMONA_COMPARE_MODELS_MAX};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.source) return bad("--on SRC is needed");
    if (!options.out) return bad("--out DIR is needed");
    struct pomona_error error = {0};
    if (budget && pomona_compare_budget_parse(budget, &options.budget, &error) != POMONA_OK)
        return report_error(error.code, &error);
    if (size_list && !parse_sizes(size_list, sizes, &options.size_count))
        return bad("--sizes is a list of at most 16 numbers of pixels, as in 160,192,224");
    while (options.model_count < POMONA_COMPARE_MODELS_MAX && models[options.model_count])
        options.model_count++;
    options.models = models, options.sizes = sizes;
    options.rounds = (int)rounds, options.photos = (int)photos, options.threads = (int)threads;
    return run(&options, tier, json, quiet);
}
