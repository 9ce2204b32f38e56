#include "pomona/train.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SOURCES_MAX = 64 };

static void show_progress(void *user, const struct pomona_train_progress *progress) {
    bool terminal = *(const bool *)user;
    fprintf(stderr, "%s%d/%d  %s%s", terminal ? "\r\033[K" : "", progress->done, progress->total,
            progress->what, terminal ? "" : "\n");
    if (terminal && progress->done == progress->total) fputs("\r\033[K", stderr);
}

static void print_candidates(const struct pomona_train_result *r) {
    printf("tried     head       strength    top-1    log-loss   temperature  seconds\n");
    for (int i = 0; i < r->candidate_count; i++) {
        const struct pomona_train_candidate *c = &r->candidates[i];
        printf("        %c %-9s  %-9.3g  %6.2f %%  %8.4f   %8.3f     %7.2f%s\n", i == r->chosen ? '*' : ' ',
               c->head, c->regularisation, 100 * c->top1, c->log_loss, c->temperature, c->seconds,
               c->converged ? "" : "  (not converged)");
    }
}

static void print_warnings(const struct pomona_train_options *options, const struct pomona_train_result *r) {
    if (r->folds && !options->group)
        puts("note      photos that are nearly alike (a burst, one bowl) make folds far too optimistic: "
             "--group keeps them\n"
             "          together, --val judges on others");
    if (r->unproven)
        puts("warning   the features do not say which model made them; only their number agrees with the "
             "backbone");
    if (r->unlabelled)
        printf("note      %lld rows have no label and were left out\n", (long long)r->unlabelled);
    if (r->unseen)
        printf("note      %lld validation rows have a label that no training row has ('%s'); left out\n",
               (long long)r->unseen, r->unseen_label);
    if (r->ungrouped)
        printf("note      %d classes are not in the hierarchy; each is a coarse class of its own\n",
               r->ungrouped);
    if (r->smallest_class < 5)
        printf("note      class '%s' has only %d photo%s\n", r->smallest_label, r->smallest_class,
               r->smallest_class == 1 ? "" : "s");
}

static void print_text(const struct pomona_train_options *options, const struct pomona_train_result *r) {
    char rows[32], judged[32];
    const struct pomona_train_candidate *chosen = &r->candidates[r->chosen];
    if (r->candidate_count > 1) print_candidates(r);
    printf("head      %s, strength %.3g, %d classes%s, %s photos of %d features\n", chosen->head,
           chosen->regularisation, r->classes, r->groups ? " with a hierarchy" : "",
           format_count(r->rows, rows), r->features);
    if (r->validation) {
        printf("judged    on %s photos it has not learnt from (%s)\n", format_count(r->validation, judged),
               r->folds ? "each fold in turn" : "the validation table");
        printf("top-1     %.1f %% (95 %% interval %.1f to %.1f)", 100 * r->top1, 100 * r->top1_low,
               100 * r->top1_high);
        if (r->groups)
            printf(", coarse %.1f %% (%.1f to %.1f)", 100 * r->coarse, 100 * r->coarse_low,
                   100 * r->coarse_high);
        printf("\ncertainty temperature %.3f, calibration error (ECE) %.3f, before %.3f\n", r->temperature,
               r->ece, r->ece_before);
        if (isfinite(r->threshold))
            printf("rejects   what scores below %.4g: %.1f %% of those photos; of photos like them %.1f to "
                   "%.1f %%\n",
                   r->threshold, 100 * r->rejected, 100 * r->rejected_low, 100 * r->rejected_high);
    } else {
        puts("judged    on nothing: no validation photos, so neither temperature nor rejection");
    }
    print_warnings(options, r);
    printf("seconds   read %.2f, fit %.2f, write %.2f\n", r->seconds_read, r->seconds_fit, r->seconds_write);
    char out[4096];
    printf("written   %s, %.0f kB%s\n", elsewhere_words(options->out, out, sizeof out),
           (double)r->bytes / 1e3, options->head_only ? ", a head for the backbone" : "");
}

static void print_json_candidates(const struct pomona_train_result *r) {
    printf("  \"candidates\": [");
    for (int i = 0; i < r->candidate_count; i++) {
        const struct pomona_train_candidate *c = &r->candidates[i];
        printf("%s\n    {\"head\": \"%s\", \"regularisation\": %.17g, \"top1\": %.17g, \"log_loss\": %.17g, "
               "\"temperature\": %.17g, \"iterations\": %d, \"converged\": %s, \"seconds\": %.6f}",
               i ? "," : "", c->head, c->regularisation, c->top1, c->log_loss, c->temperature, c->iterations,
               c->converged ? "true" : "false", c->seconds);
    }
    printf("\n  ],\n  \"chosen\": %d,\n", r->chosen);
}

static void print_json(const struct pomona_train_options *options, const struct pomona_train_result *r) {
    printf("{\n  \"out\": ");
    print_json_text(options->out);
    printf(",\n  \"hash\": \"%s\",\n  \"bytes\": %llu,\n", r->hash, (unsigned long long)r->bytes);
    printf("  \"backbone\": \"%s\",\n  \"feature_space\": \"%s\",\n  \"unproven\": %s,\n", r->backbone_hash,
           r->feature_space, r->unproven ? "true" : "false");
    printf("  \"rows\": %lld,\n  \"unlabelled\": %lld,\n  \"classes\": %d,\n  \"groups\": %d,\n  "
           "\"features\": %d,\n",
           (long long)r->rows, (long long)r->unlabelled, r->classes, r->groups, r->features);
    printf("  \"validation\": %lld,\n  \"unseen\": %lld,\n  \"folds\": %d,\n", (long long)r->validation,
           (long long)r->unseen, r->folds);
    print_json_candidates(r);
    printf("  \"top1\": %.17g,\n  \"top1_interval\": [%.17g, %.17g],\n", r->top1, r->top1_low, r->top1_high);
    if (r->groups)
        printf("  \"coarse\": %.17g,\n  \"coarse_interval\": [%.17g, %.17g],\n", r->coarse, r->coarse_low,
               r->coarse_high);
    printf("  \"log_loss\": %.17g,\n  \"ece\": %.17g,\n  \"ece_before\": %.17g,\n  \"temperature\": %.17g,\n",
           r->log_loss, r->ece, r->ece_before, r->temperature);
    if (isfinite(r->threshold))
        printf("  \"threshold\": %.17g,\n  \"rejected\": %.17g,\n  \"rejected_interval\": [%.17g, %.17g],\n",
               r->threshold, r->rejected, r->rejected_low, r->rejected_high);
    printf("  \"seconds\": {\"all\": %.6f, \"read\": %.6f, \"fit\": %.6f, \"write\": %.6f}\n}\n", r->seconds,
           r->seconds_read, r->seconds_fit, r->seconds_write);
}

static int run(struct pomona_train_options *options, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_train_result result;
    bool terminal = isatty(STDERR_FILENO);
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK) {
        catch_signals();
        options->should_stop = was_signalled;
        if (!quiet) options->progress = show_progress, options->user = &terminal;
        status = pomona_train_run(context, options, &result, &error);
    }
    pomona_context_free(&context);
    if (status != POMONA_OK) return report_error(status, &error);
    if (json)
        print_json(options, &result);
    else if (!quiet)
        print_text(options, &result);
    return 0;
}

static const char details[] =
    "The head is learnt from stored features; the network does not run again. The strength of its "
    "regularisation,\n"
    "the temperature of its probabilities and the threshold for \"none of my classes\" come from photos that "
    "it has\n"
    "not learnt from. MODEL.onnx is one file (backbone, head, labels, preprocessing) that pomona predict and "
    "any ONNX\n"
    "runtime run. Strengths: logistic and ridge, L2 on standardised features; lda, shrinkage; knn and\n"
    "prototype, neighbours.\n\n"
    "Examples:\n"
    "  pomona features photos --out result\n"
    "  pomona train result --out fruit.onnx\n"
    "  pomona predict --model fruit.onnx new.jpg\n\n"
    "  pomona train train/ --val val/ --backbone mobilenet.onnx --head auto --hierarchy classes.csv --out "
    "fruit.onnx\n"
    "  pomona train result --group 'bowl_([0-9]+)' --head-only --fp16 --out update.onnx\n"
    "  pomona train moments.pom --val val/ --head lda --out fruit.onnx\n";

int command_train(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    struct pomona_train_options options = {0};
    int64_t folds = 0, seed = 0, threads = 0;
    bool json = false, quiet = false, no_rejection = false;
    const char *tier = NULL, *sources[SOURCES_MAX] = {NULL};
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &options.out, "MODEL.onnx", "file to write", 0, 0},
        {"backbone", 'b', OPTION_TEXT, &options.backbone, "FILE.onnx",
         "the network that made the features; default: the\nembedded one", 0, 0},
        {"head", 0, OPTION_TEXT, &options.head, "KIND",
         "logistic (default), ridge, lda, knn, prototype, or\nauto: the best of them on held-out photos", 0,
         0},
        {"val", 0, OPTION_TEXT, &options.validation, "FEATURES", "table to choose and calibrate on", 0, 0},
        {"folds", 0, OPTION_INTEGER, &folds, "N",
         "without --val: hold out each of N folds in turn;\ndefault 5", 2, POMONA_TRAIN_FOLDS_MAX},
        {"group", 0, OPTION_TEXT, &options.group, "REGEX",
         "photos whose paths give the same text are never\nparted by the folds", 0, 0},
        {"hierarchy", 0, OPTION_TEXT, &options.hierarchy, "FILE.csv", "columns: class, coarse class", 0, 0},
        {"on", 0, OPTION_TEXT, &options.on, "SPACE", "features (default) or pca:K", 0, 0},
        {"strength", 0, OPTION_NUMBER, &options.regularisation, "X", "this regularisation instead of a grid",
         1e-12, 1e12},
        {"no-class-weights", 0, OPTION_FLAG, &options.no_class_weights, NULL,
         "every photo counts the same, instead of every class", 0, 0},
        {"false-reject", 0, OPTION_NUMBER, &options.false_reject, "X",
         "share of known photos that may be rejected;\ndefault 0.05", 1e-6, 0.5},
        {"no-rejection", 0, OPTION_FLAG, &no_rejection, NULL, "always answer with a class", 0, 0},
        {"head-only", 0, OPTION_FLAG, &options.head_only, NULL, "write the head alone, an update for a phone",
         0, 0},
        {"fp16", 0, OPTION_FLAG, &options.half, NULL, "half the size: weights of the head as fp16", 0, 0},
        {"seed", 0, OPTION_INTEGER, &seed, "N", "of the folds; default 0", 0, 9007199254740991.0},
        OPTION_ROW_THREADS(&threads),
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL,
         "replace MODEL.onnx (it stays until the new one\nis complete)", 0, 0},
        OPTION_ROW_TIER(&tier),
        OPTION_ROW_JSON(&json),
        OPTION_ROW_QUIET(&quiet),
        {0}};
    const struct command command = {.name = "train",
                                    .usage = "FEATURES... --out MODEL.onnx [options]",
                                    .summary = "Trains a classifier on the features of labelled photos.",
                                    .details = details,
                                    .options = table,
                                    .operands = sources,
                                    .operand_min = 1,
                                    .operand_max = SOURCES_MAX};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.out) {
        fputs("pomona train: --out MODEL.onnx is needed (see pomona train --help)\n", stderr);
        return 1;
    }
    if (no_rejection) options.false_reject = -1;
    options.sources = sources;
    while (options.source_count < SOURCES_MAX && sources[options.source_count]) options.source_count++;
    options.folds = (int)folds, options.seed = (uint64_t)seed, options.threads = (int)threads;
    return run(&options, tier, json, quiet);
}
