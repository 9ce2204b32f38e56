#include "pomona/predict.h"

#include "cli/commands.h"
#include "cli/features_command.h"
#include "cli/options.h"

#include <stdio.h>
#include <unistd.h>

/* What the command line says. */
struct predict_command {
    struct pomona_predict_options options;
    int operand_count;
    int64_t top, threads, max_errors;
    bool json, csv, parquet, quiet;
    const char *tier;
    struct progress_line line;
};

static pomona_status write_rows(void *user, const void *data, size_t size, struct pomona_error *error) {
    (void)user;
    if (fwrite(data, 1, size, stdout) == size) return POMONA_OK;
    snprintf(error->message, sizeof error->message, "standard output: cannot write");
    return error->code = POMONA_E_IO;
}

static void show_progress(void *user, const struct pomona_features_progress *progress) {
    struct predict_command *predict = user;
    features_show_progress(&predict->line, progress);
}

static void show_failure(void *user, const char *path, const char *reason) {
    struct predict_command *predict = user;
    (void)path; /* the reason names it */
    features_end_progress(&predict->line);
    fprintf(stderr, "pomona: %s\n", reason);
}

static bool accept(struct predict_command *predict) {
    struct pomona_predict_options *options = &predict->options;
    if (predict->json + predict->csv + predict->parquet > 1) {
        fputs("pomona predict: choose one of --json, --csv and --parquet\n", stderr);
        return false;
    }
    if (predict->parquet && !options->out) {
        fputs("pomona predict: --parquet needs --out FILE (see pomona predict --help)\n", stderr);
        return false;
    }
    if (options->group && !options->fuse) {
        fputs("pomona predict: --group needs --fuse (see pomona predict --help)\n", stderr);
        return false;
    }
    options->format = predict->json      ? POMONA_PREDICT_JSON
                      : predict->csv     ? POMONA_PREDICT_CSV
                      : predict->parquet ? POMONA_PREDICT_PARQUET
                                         : POMONA_PREDICT_TEXT;
    options->top = (int)predict->top, options->threads = (int)predict->threads;
    options->max_errors = predict->max_errors;
    options->write = write_rows, options->should_stop = was_signalled, options->user = predict;
    if (options->format == POMONA_PREDICT_TEXT) options->failed = show_failure;
    return true;
}

static void print_summary(const struct predict_command *predict, const struct pomona_predict_result *result) {
    char answers[32], photos[32], failed[32], rejected[32];
    printf(
        "done      %s answers for %s photos (%s not one of the classes, %s failed) in %.1f s: %.0f images/s\n"
        "written   %s\n",
        format_count(result->answers, answers), format_count(result->photos, photos),
        format_count(result->rejected, rejected), format_count(result->failed, failed), result->seconds,
        result->photos_per_second, predict->options.out);
}

static int run(struct predict_command *predict) {
    struct pomona_predict_options *options = &predict->options;
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_predict_result result = {0};
    /* A line that is redrawn would be torn by rows on the same terminal. */
    predict->line = (struct progress_line){.terminal = isatty(STDERR_FILENO)};
    if (!predict->quiet && predict->line.terminal && (options->out || !isatty(STDOUT_FILENO)))
        options->progress = show_progress;
    catch_signals();
    pomona_status status = open_context(predict->tier, &context, &error);
    if (status == POMONA_OK) status = pomona_predict_run(context, options, &result, &error);
    features_end_progress(&predict->line);
    if (options->out && !predict->quiet && (status == POMONA_OK || status == POMONA_E_ERROR_ROWS))
        print_summary(predict, &result);
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

static const char details[] =
    "A photo can be one of the model's classes, only sure to be of a coarse class, or none of them: `level` "
    "is "
    "fine,\ncoarse or rejected. `-` is standard input: one JPEG, or a list of paths, one a line. Output does "
    "not depend on\n--threads.\n\n"
    "Examples:\n"
    "  pomona predict --model fruit.onnx apple.jpg\n"
    "  pomona predict --model fruit.onnx photos --csv --out answers.csv\n"
    "  find . -name '*.jpeg' | pomona predict --model fruit.onnx - --json\n"
    "  pomona predict --model fruit.onnx photos --fuse --group 'bowl_([0-9]+)'\n";

int command_predict(struct elsewhere *elsewhere, int argc, char **argv) {
    struct predict_command predict = {.operand_count = 0};
    struct pomona_predict_options *options = &predict.options;
    const struct option table[] = {
        {"model", 'm', OPTION_TEXT, &options->model, "MODEL.onnx",
         "a classifier by pomona train; default: the\nembedded network", 0, 0},
        {"head", 0, OPTION_TEXT, &options->head, "FILE.onnx",
         "head by pomona train --head-only, for the model", 0, 0},
        {"profile", 0, OPTION_TEXT, &options->profile, "NAME",
         "spark-compat or phone, for a model that carries none", 0, 0},
        {"precision", 0, OPTION_TEXT, &options->precision, "auto|fp32|int8",
         "insist on what the network computes in; what the head\nwas trained with, or an error", 0, 0},
        {"decode", 0, OPTION_TEXT, &options->decode, "exact|scaled",
         "insist on how photos are decoded; what the head was\ntrained with, or an error", 0, 0},
        {"glob", 0, OPTION_TEXT, &options->glob, "PATTERN",
         "file names to take from folders; default '*.jpg'", 0, 0},
        {"top", 0, OPTION_INTEGER, &predict.top, "N", "classes shown for one photo and in JSON; default 5", 1,
         1000},
        {"fuse", 0, OPTION_FLAG, &options->fuse, NULL, "one answer for all photos", 0, 0},
        {"group", 0, OPTION_TEXT, &options->group, "REGEX",
         "with --fuse: one answer for all photos whose paths\ngive the same text, of the first "
         "(subexpression) "
         "or\nof the whole match",
         0, 0},
        {"json", 0, OPTION_FLAG, &predict.json, NULL, "one JSON object a line", 0, 0},
        {"csv", 0, OPTION_FLAG, &predict.csv, NULL, "comma-separated values with a header", 0, 0},
        {"parquet", 0, OPTION_FLAG, &predict.parquet, NULL, "Parquet; needs --out", 0, 0},
        {"out", 'o', OPTION_TEXT, &options->out, "FILE",
         "write here, whole or not at all; default: standard\noutput", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &options->overwrite, NULL,
         "replace FILE (it stays until the new one is\ncomplete)", 0, 0},
        OPTION_ROW_THREADS(&predict.threads),
        {"max-errors", 0, OPTION_INTEGER, &predict.max_errors, "N",
         "exit code 3 when more photos fail; default 0;\n-1: any number may", -1, 1e15},
        OPTION_ROW_TIER(&predict.tier),
        OPTION_ROW_QUIET(&predict.quiet),
        {0}};
    const struct command command = {.name = "predict",
                                    .usage = "PHOTO|DIR|-... [options]",
                                    .summary = "Says what photos show, by a classifier.",
                                    .details = details,
                                    .options = table,
                                    .operands = (const char **)argv, /* never ahead of what is read */
                                    .operand_count = &predict.operand_count,
                                    .operand_min = 1,
                                    .operand_max = argc};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    options->places = elsewhere->places;
    options->operands = (const char *const *)argv, options->operand_count = (size_t)predict.operand_count;
    return accept(&predict) ? run(&predict) : 1;
}
