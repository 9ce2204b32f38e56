#include "cli/commands.h"
#include "cli/options.h"
#include "pomona/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct showing {
    bool on, any;
    double last; /* seconds of the monotonic clock */
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void show_progress(void *user, int64_t files, int64_t all, uint64_t bytes) {
    struct showing *showing = user;
    char done[32], of[32], size[32];
    if (!showing->on || (files < all && now() - showing->last < 0.2)) return;
    showing->last = now();
    showing->any = true;
    fprintf(stderr, "\r%s of %s files, %s bytes ", format_count(files, done), format_count(all, of),
            format_count((long long)bytes, size));
}

static void print_plan(void *user, const char *from, const char *to, uint64_t size) {
    (void)user;
    printf("%15llu  ", (unsigned long long)size);
    print_name(from);
    printf(" -> ");
    print_name(to);
    putchar('\n');
}

static pomona_status write_piece(void *user, const void *data, size_t size, struct pomona_error *error) {
    (void)user;
    if (fwrite(data, 1, size, stdout) == size) return POMONA_OK;
    snprintf(error->message, sizeof error->message, "standard output: %s", strerror(errno));
    return POMONA_E_IO;
}

static int copy(struct elsewhere *elsewhere, const char *const operands[2],
                struct pomona_copy_options *options, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_copy_result result;
    struct showing showing = {.on = !quiet && isatty(STDERR_FILENO)};
    char files[32], bytes[32];
    options->progress = show_progress;
    options->file = options->dry_run ? print_plan : NULL;
    options->user = &showing;
    pomona_status status = pomona_copy(elsewhere->places, operands[0], operands[1], options, &result, &error);
    if (showing.any) fputc('\n', stderr);
    if (status != POMONA_OK) {
        int code = report_error(status, &error);
        if (result.files > 0)
            fprintf(stderr, "pomona: %s files were copied before, whole\n",
                    format_count(result.files, files));
        return code;
    }
    if (!quiet && !options->dry_run)
        fprintf(stderr, "copied %s files, %s bytes\n", format_count(result.files, files),
                format_count((long long)result.bytes, bytes));
    return 0;
}

int command_cp(struct elsewhere *elsewhere, int argc, char **argv) {
    struct pomona_copy_options options = {.recursive = false};
    bool quiet = false;
    int64_t threads = 0;
    const char *operands[2] = {NULL, NULL};
    const struct option table[] = {
        {"recursive", 'r', OPTION_FLAG, &options.recursive, NULL, "everything below FROM", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL, "replace files that exist", 0, 0},
        {"threads", 0, OPTION_INTEGER, &threads, "N",
         "files at a time; default 8 where one side is remote, else 1", 1, 64},
        {"dry-run", 'n', OPTION_FLAG, &options.dry_run, NULL, "only tell what would be copied", 0, 0},
        OPTION_ROW_QUIET(&quiet),
        {0}};
    const struct command command = {
        .name = "cp",
        .usage = "FROM TO [options]",
        .summary =
            "Copies a file, or with --recursive all below FROM, between folders and s3://bucket/prefix,\n"
            "or from http(s)://... ; TO may be - for one file to standard output.",
        .details =
            "A TO that ends in /, a bucket or an existing folder takes the last name of FROM. Each file is "
            "there\n"
            "whole or not at all, whatever happens. Without --overwrite names that exist are refused before "
            "anything\n"
            "is written; so are, on the way to a folder, keys that can't be names of files (.., empty "
            "levels). "
            "Only\n"
            "contents are copied. From one bucket to another they go through this machine (large ones "
            "through "
            "--scratch).\n\n"
            "Exit code 0: copied; 2: nothing there, or refused; 4: I/O; 130: interrupted.\n\n"
            "Examples:\n"
            "  pomona cp s3://corpus/photos photos --recursive\n"
            "  pomona cp classifier.onnx s3://models/\n"
            "  pomona cp s3://out/result/run.json -\n",
        .options = table,
        .operands = operands,
        .operand_min = 2,
        .operand_max = 2};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    options.threads = (int)threads;
    if (strcmp(operands[1], "-") != 0) return copy(elsewhere, operands, &options, quiet);
    if (options.recursive) {
        fprintf(stderr, "pomona cp: only one file can go to standard output (see pomona cp --help)\n");
        return 1;
    }
    struct pomona_error error = {0};
    pomona_status status = pomona_read_file(elsewhere->places, operands[0], write_piece, NULL, &error);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}
