#include "pomona/features.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How progress is shown: one line that is redrawn on a terminal, a line every few seconds elsewhere. */
struct progress_line {
    bool terminal, drawn;
    time_t last;
};

static void format_duration(double seconds, char *out, size_t size) {
    if (seconds < 0 || !isfinite(seconds))
        snprintf(out, size, "?");
    else if (seconds < 60)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(out, size, "%.0f min %02.0f s", floor(seconds / 60), fmod(seconds, 60));
    else
        snprintf(out, size, "%.0f h %02.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

static void show_progress(void *user, const struct pomona_features_progress *progress) {
    enum { SECONDS_BETWEEN_LINES = 5 };
    struct progress_line *line = user;
    time_t now = time(NULL);
    if (!line->terminal && now - line->last < SECONDS_BETWEEN_LINES && progress->done < progress->total)
        return;
    line->last = now;
    char done[32], total[32], errors[32], left[32];
    format_duration(progress->seconds_left, left, sizeof left);
    fprintf(stderr, "%s%s/%s photos (%.0f %%)  %.0f images/s  ETA %s  %s errors%s",
            line->terminal ? "\r\033[K" : "", format_count(progress->done, done),
            format_count(progress->total, total), 100.0 * (double)progress->done / (double)progress->total,
            progress->photos_per_second, left, format_count(progress->errors, errors),
            line->terminal ? "" : "\n");
    line->drawn = line->terminal;
    fflush(stderr);
}

static void end_progress(struct progress_line *line) {
    if (line->drawn) fputs("\n", stderr);
    line->drawn = false;
}

static void print_model(const struct pomona_features_result *result) {
    printf("model     %s, layer %s, %d features%s\n", result->model_name, result->layer, result->features,
           result->placeholder_model ? " (an untrained stand-in: its features mean nothing yet)" : "");
    printf("profile   %s%s\n", result->profile_text, result->profile_assumed ? " (assumed)" : "");
}

static void print_skipped(const struct pomona_features_result *result, const char *glob) {
    char count[32];
    if (result->skipped)
        printf("skipped   %s files that do not match '%s' or begin with _ or .\n",
               format_count(result->skipped, count), glob);
    if (result->unlabelled)
        printf("labels    %s photos are not in the labels file: their label is null\n",
               format_count(result->unlabelled, count));
}

static void print_dry_run(const struct pomona_features_options *options,
                          const struct pomona_features_result *result) {
    char photos[32];
    printf("dry run   %s photos in %d parts, with %d threads (%s); nothing is written\n",
           format_count(result->photos, photos), result->partitions, result->threads, result->tier);
    print_skipped(result, options->glob);
    print_model(result);
}

static void print_failures(const struct pomona_features_options *options,
                           const struct pomona_features_result *result) {
    enum { SHOWN = 3 };
    if (result->errors == 0) return;
    char count[32];
    printf("errors    %s photos failed, listed in %s/Errors; the first:\n",
           format_count(result->errors, count), options->out);
    for (int i = 0; i < SHOWN && i < result->errors; i++)
        if (result->failures[i].path[0]) printf("          %s\n", result->failures[i].reason);
}

static void print_result(const struct pomona_features_options *options,
                         const struct pomona_features_result *result) {
    char photos[32], rows[32], resumed[32];
    if (result->already_done) {
        printf("done      %s holds this very result already\n", options->out);
        return;
    }
    printf("done      %s photos, %s rows, in %.1f s: %.0f images/s (%d threads, %s)\n",
           format_count(result->photos, photos), format_count(result->rows, rows), result->seconds,
           result->photos_per_second, result->threads, result->tier);
    if (result->resumed)
        printf("resumed   %s photos were done by the interrupted run\n",
               format_count(result->resumed, resumed));
    print_skipped(result, options->glob);
    print_failures(options, result);
    print_model(result);
    printf("results   %s/Results (%d parts), %s/run.json\n", options->out, result->partitions, options->out);
}

static void print_json(const struct pomona_features_result *result) {
    struct pomona_error error = {0};
    char *text = NULL;
    if (pomona_features_result_json(result, &text, &error) == POMONA_OK) fputs(text, stdout);
    pomona_features_free_text(&text);
}

static int run(const struct pomona_features_options *options, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_features_result result;
    pomona_status status = open_context(tier, &context, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    catch_signals();
    status = pomona_features_run(context, options, &result, &error);
    if (options->user) end_progress(options->user);
    bool finished = status == POMONA_OK || status == POMONA_E_ERROR_ROWS;
    if (finished && json)
        print_json(&result);
    else if (finished && !quiet && options->dry_run)
        print_dry_run(options, &result);
    else if (finished && !quiet)
        print_result(options, &result);
    pomona_context_free(&context);
    if (status == POMONA_E_INTERRUPTED) fprintf(stderr, "pomona: go on with --resume\n");
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

int command_features(int argc, char **argv) {
    struct pomona_features_options options = {.glob = "*.jpg"};
    int64_t partitions = 20, threads = 0, limit = 0, max_errors = 0;
    bool json = false, quiet = false;
    const char *tier = NULL, *source = NULL;
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &options.out, "DST", "folder for Results/, Errors/ and run.json; needed", 0,
         0},
        {"model", 'm', OPTION_TEXT, &options.model, "FILE.onnx", "network; default: the embedded one", 0, 0},
        {"layer", 0, OPTION_TEXT, &options.layer, "NAME",
         "node or output whose value is the feature vector;\ndefault: the input of the last Gemm or MatMul",
         0, 0},
        {"profile", 0, OPTION_TEXT, &options.profile, "NAME",
         "spark-compat or phone, for a model that carries none", 0, 0},
        {"partitions", 'p', OPTION_INTEGER, &partitions, "N", "Parquet parts; default 20", 1, 100000},
        {"threads", 't', OPTION_INTEGER, &threads, "N", "workers; default: the cores of this process", 1,
         1024},
        {"glob", 0, OPTION_TEXT, &options.glob, "PATTERN",
         "file names to take; default '*.jpg', case-sensitive;\n'*.{jpg,JPG,jpeg}' works", 0, 0},
        {"labels", 0, OPTION_TEXT, &options.labels, "FILE.csv",
         "columns path,label; default: the folder's name", 0, 0},
        {"limit", 0, OPTION_INTEGER, &limit, "N", "only the first N photos by path", 1, 1e15},
        {"dry-run", 'n', OPTION_FLAG, &options.dry_run, NULL, "list and check, write nothing", 0, 0},
        {"list-layout", 0, OPTION_TEXT, &options.list_layout, "legacy|standard",
         "Parquet lists as Spark's writeLegacyFormat\n(default) or as element lists", 0, 0},
        {"compression", 0, OPTION_TEXT, &options.compression, "CODEC", "snappy (default), zstd or none", 0,
         0},
        {"max-errors", 0, OPTION_INTEGER, &max_errors, "N",
         "exit code 3 when more photos fail; default 0;\n-1: any number may", -1, 1e15},
        {"resume", 0, OPTION_FLAG, &options.resume, NULL, "go on with an interrupted job in DST", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL,
         "replace the results in DST (they stay until\nthe new ones are complete)", 0, 0},
        {"tier", 0, OPTION_TEXT, &tier, "TIER", "auto, scalar, avx2, avx512, neon, neondot", 0, 0},
        {"json", 0, OPTION_FLAG, &json, NULL, "print run.json's content instead of text", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no progress, no summary", 0, 0},
        {0}};
    const struct command command = {
        .name = "features",
        .usage = "SRC --out DST [options]",
        .summary =
            "Runs a network over every photo in SRC (a folder, read recursively) and writes one row a photo\n"
            "(path, label, features) to DST/Results as Parquet that Spark, pandas and DuckDB read.",
        .details =
            "Photos that can't be decoded become rows of DST/Errors (path, reason); the rest is done.\n"
            "Ctrl-C finishes the photos at hand; --resume then goes on and gives the same bytes as an\n"
            "undisturbed run. Output does not depend on --threads.\n\n"
            "Examples:\n"
            "  pomona features photos --out result\n"
            "  pomona features photos --out result --model mobilenet_v2.onnx --partitions 20\n"
            "  python3 -c \"import pandas; print(pandas.read_parquet('result/Results'))\"\n",
        .options = table,
        .operands = &source,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.out) {
        fputs("pomona features: --out DST is needed (see pomona features --help)\n", stderr);
        return 1;
    }
    options.source = source;
    options.partitions = (int)partitions, options.threads = (int)threads;
    options.limit = limit, options.max_errors = max_errors;
    struct progress_line line = {.terminal = isatty(STDERR_FILENO), .last = time(NULL)};
    options.should_stop = was_signalled;
    if (!quiet) options.progress = show_progress, options.user = &line;
    return run(&options, tier, json, quiet);
}
