#include "cli/features_command.h"

#include "cli/commands.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

void features_show_progress(void *user, const struct pomona_features_progress *progress) {
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

void features_end_progress(struct progress_line *line) {
    if (line->drawn) fputs("\n", stderr);
    line->drawn = false;
}

/* DST as the user calls it; the text lives until the next call. */
static const char *shown_out(const struct pomona_features_options *options) {
    static char words[4096];
    return elsewhere_words(options->out, words, sizeof words);
}

static void print_model(const struct pomona_features_result *result) {
    printf("model     %s, layer %s, %d features%s\n", result->model_name, result->layer, result->features,
           result->untrained_model ? " (untrained: its features mean nothing)" : "");
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
    if (result->duplicates)
        printf("twice     %s rows of the manifest name a photo again\n",
               format_count(result->duplicates, count));
    if (result->older)
        printf("older     %s photos are older than --since\n", format_count(result->older, count));
    if (result->undated)
        printf("undated   %s photos were taken without knowing their time\n",
               format_count(result->undated, count));
    if (result->known) printf("known     %s photos are in DST already\n", format_count(result->known, count));
}

static void print_nothing_new(const struct pomona_features_options *options,
                              const struct pomona_features_result *result) {
    char rows[32], errors[32];
    printf("nothing new: %s holds %s rows and %s errors, and stays as it is\n", shown_out(options),
           format_count(result->total_rows, rows), format_count(result->total_errors, errors));
    print_skipped(result, options->glob);
}

/* What DST holds after something was added. */
static void print_total(const struct pomona_features_result *result) {
    char rows[32], errors[32], parts[32];
    if (result->total_rows == result->rows && result->total_errors == result->errors) return;
    printf("in all    %s rows in %s parts, %s errors\n", format_count(result->total_rows, rows),
           format_count(result->total_parts, parts), format_count(result->total_errors, errors));
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
           format_count(result->errors, count), shown_out(options));
    for (int i = 0; i < SHOWN && i < result->errors; i++)
        if (result->failures[i].path[0]) printf("          %s\n", result->failures[i].reason);
}

static void print_result(const struct pomona_features_options *options,
                         const struct pomona_features_result *result) {
    char photos[32], rows[32], resumed[32];
    if (result->already_done) {
        printf("done      %s holds this very result already\n", shown_out(options));
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
    print_total(result);
    print_model(result);
    printf("results   %s/Results (%d parts), %s/run.json\n", shown_out(options), result->partitions,
           shown_out(options));
}

void features_print(const struct features_command *features, const struct pomona_features_result *result) {
    if (result->nothing_new)
        print_nothing_new(&features->options, result);
    else if (features->options.dry_run)
        print_dry_run(&features->options, result);
    else
        print_result(&features->options, result);
}

pomona_status features_execute(struct features_command *features, const struct pomona_context *context,
                               struct pomona_features_result *result, struct pomona_error *error) {
    catch_signals();
    pomona_status status = pomona_features_run(context, &features->options, result, error);
    features_end_progress(&features->line);
    if (status == POMONA_E_INTERRUPTED) fprintf(stderr, "pomona: go on with --resume\n");
    return status;
}

void features_defaults(struct features_command *features) {
    *features = (struct features_command){.options = {.glob = "*.jpg"}};
}

int features_option_table(struct features_command *features, struct option *table) {
    const struct option options[] = {
        {"out", 'o', OPTION_TEXT, &features->options.out, "DST",
         "folder for Results/, Errors/ and run.json; needed", 0, 0},
        {"model", 'm', OPTION_TEXT, &features->options.model, "FILE.onnx",
         "network; default: the embedded one", 0, 0},
        {"layer", 0, OPTION_TEXT, &features->options.layer, "NAME",
         "node or output whose value is the feature vector;\ndefault: the input of the last Gemm or MatMul",
         0, 0},
        {"profile", 0, OPTION_TEXT, &features->options.profile, "NAME",
         "spark-compat or phone, for a model that carries none", 0, 0},
        {"decode", 0, OPTION_TEXT, &features->options.decode, "exact|scaled",
         "scaled: photos much larger than the input are decoded\nat 1/2, 1/4 or 1/8: faster, slightly other "
         "features",
         0, 0},
        {"precision", 0, OPTION_TEXT, &features->options.precision, "auto|fp32|int8",
         "what the network computes in; auto: 8 bits for a model\nthat pomona quantize made, fp32 for others",
         0, 0},
        {"views", 0, OPTION_TEXT, &features->options.views, "VIEWS",
         "features are the mean over views of a photo: flip,\nscales, crops, or a list as "
         "100c,100cm,60c,50tl",
         0, 0},
        {"size", 0, OPTION_INTEGER, &features->size, "PIXELS",
         "side of the network's input, for fully convolutional\nones; default: its own", 1, 4096},
        {"partitions", 'p', OPTION_INTEGER, &features->partitions, "N",
         "Parquet parts; default 20; when adding, one for each\n1,000 new photos, at most 20", 1, 100000},
        OPTION_ROW_THREADS(&features->threads),
        {"glob", 0, OPTION_TEXT, &features->options.glob, "PATTERN",
         "file names to take; default '*.jpg', case-sensitive;\n'*.{jpg,JPG,jpeg}' works", 0, 0},
        {"labels", 0, OPTION_TEXT, &features->options.labels, "FILE.csv",
         "columns path,label; default: the folder's name", 0, 0},
        {"manifest", 0, OPTION_TEXT, &features->options.manifest, "FILE",
         "take the photos of this list instead of listing SRC:\nCSV (path, uri or key; label, size, "
         "modified; also\n"
         "gzipped), Parquet, or an S3 Inventory (manifest.json);\nnames in it are relative to SRC",
         0, 0},
        {"since", 0, OPTION_TEXT, &features->options.since, "TIME",
         "only photos modified at TIME or later: 2026-03-31,\n2026-03-31T22:00+02:00 (UTC without offset), "
         "24h or 7d\n"
         "before now, or @SECONDS of the epoch",
         0, 0},
        {"only-new", 0, OPTION_FLAG, &features->options.only_new, NULL,
         "add to DST: only photos that are neither in Results\nnor in Errors", 0, 0},
        {"retry-failed", 0, OPTION_FLAG, &features->options.retry_failed, NULL,
         "add to DST: only photos of Errors (with --only-new:\nthose as well)", 0, 0},
        {"limit", 0, OPTION_INTEGER, &features->limit, "N", "only the first N photos by path", 1, 1e15},
        {"dry-run", 'n', OPTION_FLAG, &features->options.dry_run, NULL, "list and check, write nothing", 0,
         0},
        {"list-layout", 0, OPTION_TEXT, &features->options.list_layout, "legacy|standard",
         "Parquet lists as Spark's writeLegacyFormat\n(default) or as element lists", 0, 0},
        {"compression", 0, OPTION_TEXT, &features->options.compression, "CODEC",
         "snappy (default), zstd or none", 0, 0},
        {"max-errors", 0, OPTION_INTEGER, &features->max_errors, "N",
         "exit code 3 when more photos fail; default 0;\n-1: any number may", -1, 1e15},
        {"resume", 0, OPTION_FLAG, &features->options.resume, NULL, "go on with an interrupted job in DST", 0,
         0},
        {"overwrite", 0, OPTION_FLAG, &features->options.overwrite, NULL,
         "replace the results in DST (they stay until\nthe new ones are complete); with --only-new: only\n"
         "an interrupted addition is dropped",
         0, 0},
        OPTION_ROW_TIER(&features->tier),
        {"json", 0, OPTION_FLAG, &features->json, NULL, "print run.json's content instead of text", 0, 0},
        OPTION_ROW_QUIET(&features->quiet)};
    enum { COUNT = sizeof options / sizeof *options };
    _Static_assert((int)COUNT <= (int)FEATURES_OPTIONS_MAX, "the caller's table has room");
    memcpy(table, options, sizeof options);
    return COUNT;
}

bool features_accept(struct features_command *features, const char *name, const char *source) {
    struct pomona_features_options *options = &features->options;
    if (!options->out) {
        fprintf(stderr, "pomona %s: --out DST is needed (see pomona %s --help)\n", name, name);
        return false;
    }
    options->source = source;
    if (options->manifest)
        options->manifest_name =
            elsewhere_words(options->manifest, features->manifest_name, sizeof features->manifest_name);
    options->partitions = (int)features->partitions;
    options->threads = (int)features->threads;
    options->limit = features->limit;
    options->size = (int)features->size;
    options->max_errors = features->max_errors;
    options->should_stop = was_signalled;
    options->user = &features->line;
    features->line = (struct progress_line){.terminal = isatty(STDERR_FILENO), .last = time(NULL)};
    if (!features->quiet) options->progress = features_show_progress;
    return true;
}

void features_print_json(const struct pomona_features_result *result) {
    struct pomona_error error = {0};
    char *text = NULL;
    if (pomona_features_result_json(result, &text, &error) == POMONA_OK) fputs(text, stdout);
    pomona_features_free_text(&text);
}
