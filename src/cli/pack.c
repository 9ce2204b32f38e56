#include "pomona/pack.h"

#include "cli/commands.h"
#include "cli/features_command.h"

#include <stdio.h>
#include <unistd.h>

static void print_failed(void *user, const char *path, const char *reason) {
    char words[2048];
    (void)user, (void)path;
    fprintf(stderr, "pomona: %s\n", elsewhere_words(reason, words, sizeof words));
}

static void print_json(const struct pomona_pack_result *r) {
    printf("{\"photos\": %lld, \"failed\": %lld, \"skipped\": %lld, \"bytes\": %lld, \"shards\": %d, "
           "\"seconds\": %.6f}\n",
           (long long)r->photos, (long long)r->failed, (long long)r->skipped, (long long)r->bytes, r->shards,
           r->seconds);
}

static void print_text(const struct pomona_pack_result *r, bool check) {
    char photos[32], failed[32];
    printf("%s %s photos, %.1f MB, in %d shards, %.1f s\n", check ? "checked  " : "packed   ",
           format_count(r->photos, photos), (double)r->bytes / 1e6, r->shards, r->seconds);
    if (r->failed) printf("failed    %s photos\n", format_count(r->failed, failed));
}

int command_pack(struct elsewhere *elsewhere, int argc, char **argv) {
    struct pomona_pack_options options = {0};
    bool check = false, json = false, quiet = false;
    double megabytes = 256;
    const char *source = NULL;
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &options.out, "DST", "folder for the shards; needed, but for --check", 0,
         0},
        {"shard-size", 0, OPTION_NUMBER, &megabytes, "MB",
         "about so large, in units of 1,048,576 bytes; default 256", 1, 1e6},
        {"glob", 0, OPTION_TEXT, &options.glob, "PATTERN", "file names to take; default '*.jpg'", 0, 0},
        {"skip-unreadable", 0, OPTION_FLAG, &options.skip_unreadable, NULL,
         "leave out photos that can't be read, instead of\nstopping at the first", 0, 0},
        {"max-errors", 0, OPTION_INTEGER, &options.max_errors, "N",
         "exit code 3 when more photos are left out; default 0;\n-1: any number may", -1, 1e15},
        {"check", 0, OPTION_FLAG, &check, NULL,
         "SRC is a packed folder: compare photos and shards with\ntheir SHA-256, tar headers with the index",
         0, 0},
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL,
         "replace what is packed in DST (it stays until the\nnew one is complete)", 0, 0},
        OPTION_ROW_JSON(&json),
        OPTION_ROW_QUIET(&quiet),
        {0}};
    const struct command command = {
        .name = "pack",
        .usage = "SRC --out DST [options] | pack --check DST",
        .summary = "Joins many small photos into few tar files with an index. Every command reads DST as if "
                   "it were\n"
                   "the folder that was packed: one request and one object for thousands of photos.",
        .details = "Any tar unpacks the shards. Photos are called DST/NAME, whatever shard they are in.\n\n"
                   "Examples:\n"
                   "  pomona pack photos --out s3://bucket/photos\n"
                   "  pomona features s3://bucket/photos --out result\n"
                   "  pomona pack --check packed\n",
        .options = table,
        .operands = &source,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.out && !check) {
        fputs("pomona pack: --out DST is needed (see pomona pack --help)\n", stderr);
        return 1;
    }
    struct progress_line line = {.terminal = isatty(STDERR_FILENO), .last = time(NULL)};
    struct pomona_error error = {0};
    struct pomona_pack_result result;
    options.source = source;
    options.shard_bytes = (int64_t)(megabytes * (1 << 20));
    options.places = elsewhere->places;
    options.failed = print_failed;
    options.should_stop = was_signalled;
    options.user = &line;
    if (!quiet) options.progress = features_show_progress;
    catch_signals();
    pomona_status status = check ? pomona_pack_check(source, &options, &result, &error)
                                 : pomona_pack_run(&options, &result, &error);
    features_end_progress(&line);
    if (status != POMONA_OK && status != POMONA_E_ERROR_ROWS) return report_error(status, &error);
    if (json)
        print_json(&result);
    else if (!quiet)
        print_text(&result, check);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}
