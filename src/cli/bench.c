#include "pomona/bench.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static void show_progress(void *user, const char *what) {
    (void)user;
    fprintf(stderr, "\r\033[K%s", what);
    fflush(stderr);
}

static void print_head(const struct pomona_bench_result *r) {
    printf("model     %s, %s, %.1f MMAC a photo\nprofile   %s\n", r->model_name, r->precision,
           (double)r->macs * 1e-6, r->profile_text);
    printf("photos    %lld%s, %.2f megapixels and %.0f kB each on average\n", (long long)r->photos,
           r->synthetic ? " synthetic ones" : "", r->photo_megapixels, r->photo_bytes * 1e-3);
    if (r->failed)
        printf("left out  %lld photos that could not be read; the first: %s\n", (long long)r->failed,
               r->first_failure);
    for (int i = 0; i < r->peak_count; i++) {
        const struct pomona_bench_peak *peak = &r->peaks[i];
        printf("%s%3d thread%s %.2f GHz", i ? "          " : "machine   ", peak->threads,
               peak->threads > 1 ? "s" : " ", peak->ghz);
        if (isfinite(peak->f32))
            printf(", peak of %s: %.1f GMAC/s fp32, %.1f int8", r->tier, peak->f32, peak->u8s8);
        else
            printf(", %s", r->tier);
        putchar('\n');
    }
}

static void print_rows(const struct pomona_bench_result *r) {
    puts("\nstage   threads  batch  photos/s  (least - greatest)       ms/photo    GHz  GMAC/s  of peak");
    for (int i = 0; i < r->row_count; i++) {
        const struct pomona_bench_row *row = &r->rows[i];
        char batch[16] = "-", spread[48];
        if (row->batch) snprintf(batch, sizeof batch, "%d", row->batch);
        snprintf(spread, sizeof spread, "(%.1f - %.1f)", row->low, row->high);
        printf("%-7s %7d %6s %9.1f  %-22s %10.3f  %5.2f", row->stage, row->threads, batch,
               row->photos_per_second, spread, row->ms_per_photo, (row->ghz_before + row->ghz_after) / 2);
        if (isfinite(row->gmacs)) printf("  %6.1f", row->gmacs);
        if (isfinite(row->fraction)) printf("  %5.0f %%", 100 * row->fraction);
        putchar('\n');
    }
    printf("\nMedian, least and greatest of %d runs of %g s; ms/photo is wall clock. The whole bench took "
           "%.1f s.\n",
           r->row_count ? r->rows[0].runs : 0, r->run_seconds, r->seconds);
}

static void print_json(const struct pomona_bench_result *result) {
    struct pomona_error error = {0};
    char *text = NULL;
    if (pomona_bench_result_json(result, &text, &error) == POMONA_OK) fputs(text, stdout);
    pomona_bench_free_text(&text);
}

static int run(struct pomona_bench_options *options, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_bench_result result;
    bool shown = !quiet && isatty(STDERR_FILENO);
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK) {
        catch_signals();
        options->should_stop = was_signalled;
        if (shown) options->progress = show_progress;
        status = pomona_bench_run(context, options, &result, &error);
        if (shown) fputs("\r\033[K", stderr);
    }
    if (status == POMONA_OK && json) {
        print_json(&result);
    } else if (status == POMONA_OK) {
        print_head(&result);
        print_rows(&result);
    }
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

static const char details[] = "Stages: decode (JPEG to pixels), resize (turn, crop and resize), net (pixels "
                              "to features; the best of the\n"
                              "batches 1 to 16), job (files to features, as pomona features does it). GHz is "
                              "the clock that the cores were\n"
                              "seen at, the peak what the tier's multiply-add units reach in registers. Stop "
                              "what else computes before.\n\n"
                              "Examples:\n"
                              "  pomona bench\n"
                              "  pomona bench --photos holiday --decode scaled --stage job\n"
                              "  pomona bench --model mobilenet_v2.onnx --stage net --threads 1 --json\n";

int command_bench(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    struct pomona_bench_options options = {0};
    int64_t count = 0, side = 0, threads = 0, runs = 0, size = 0;
    bool json = false, quiet = false;
    const char *tier = NULL;
    const struct option table[] = {
        {"model", 'm', OPTION_TEXT, &options.model, "FILE.onnx", "network; default: the embedded one", 0, 0},
        {"profile", 0, OPTION_TEXT, &options.profile, "NAME",
         "spark-compat or phone, for a model that carries none", 0, 0},
        {"decode", 0, OPTION_TEXT, &options.decode, "exact|scaled", "how photos are decoded", 0, 0},
        {"views", 0, OPTION_TEXT, &options.views, "VIEWS", "flip, scales, crops, or a list as 100c,60c", 0,
         0},
        {"size", 0, OPTION_INTEGER, &size, "PIXELS", "side of the network's input; default: its own", 1,
         4096},
        {"precision", 0, OPTION_TEXT, &options.precision, "auto|fp32|int8",
         "what the network computes in; default auto", 0, 0},
        {"stage", 0, OPTION_TEXT, &options.stage, "STAGE", "decode, resize, net or job; default: all of them",
         0, 0},
        {"photos", 0, OPTION_TEXT, &options.source, "SRC",
         "folder of photos, or one; default: synthetic ones,\ndrawn in memory", 0, 0},
        {"glob", 0, OPTION_TEXT, &options.glob, "PATTERN", "of photos' names; default '*.jpg'", 0, 0},
        {"count", 'n', OPTION_INTEGER, &count, "N", "photos; default 32", 1, POMONA_BENCH_COUNT_MAX},
        {"photo-size", 0, OPTION_INTEGER, &side, "PIXELS", "side of a synthetic photo; default 512", 32,
         4096},
        {"threads", 't', OPTION_INTEGER, &threads, "N", "default: one, and the cores of this process", 1,
         1024},
        {"runs", 0, OPTION_INTEGER, &runs, "N", "of a stage; default 5", 1, POMONA_BENCH_RUNS_MAX},
        {"seconds", 0, OPTION_NUMBER, &options.seconds, "X", "of a run; default 0.5", 1e-6, 3600},
        OPTION_ROW_TIER(&tier),
        OPTION_ROW_JSON(&json),
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no progress", 0, 0},
        {0}};
    const struct command command = {.name = "bench",
                                    .usage = "[options]",
                                    .summary = "Measures how many photos a second this machine turns into "
                                               "features, stage by stage.",
                                    .details = details,
                                    .options = table};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    options.count = (int)count, options.photo_size = (int)side, options.threads = (int)threads;
    options.runs = (int)runs, options.size = (int)size;
    return run(&options, tier, json, quiet);
}
