#include "cli/commands.h"
#include "cli/options.h"
#include "pomona/files.h"

#include <stdio.h>

static void print_one(void *user, const char *uri, const char *id, uint64_t size) {
    const bool *dry_run = user;
    (void)size;
    printf("%s ", *dry_run ? "would remove" : "remove");
    print_name(uri);
    if (id[0]) printf("  %s", id);
    putchar('\n');
}

int command_rm(struct elsewhere *elsewhere, int argc, char **argv) {
    struct pomona_remove_options options = {.recursive = false};
    bool versions = false, uploads = false, quiet = false;
    const char *place = NULL;
    const struct option table[] = {
        {"recursive", 'r', OPTION_FLAG, &options.recursive, NULL, "everything below PLACE", 0, 0},
        {"versions", 0, OPTION_FLAG, &versions, NULL,
         "all versions and marks of deletion, for good; of a bucket that keeps them", 0, 0},
        {"uploads", 0, OPTION_FLAG, &uploads, NULL, "unfinished uploads, and nothing else", 0, 0},
        {"dry-run", 'n', OPTION_FLAG, &options.dry_run, NULL, "only tell what would be removed", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no names, no summary", 0, 0},
        {0}};
    const struct command command = {
        .name = "rm",
        .usage = "PLACE [options]",
        .summary = "Removes a file or an object; with --recursive a folder, or all objects below "
                   "s3://bucket/prefix.",
        .details =
            "In a bucket that keeps versions an object that is removed can be brought back, until --versions "
            "removes\n"
            "those as well. A program that is writing loses what it has uploaded to --uploads.\n\n"
            "Exit code 0: removed; 2: there is no such thing, or no right to it; 4: I/O.\n\n"
            "Examples:\n"
            "  pomona rm s3://out/result --recursive --dry-run\n"
            "  pomona rm s3://out --recursive --uploads\n",
        .options = table,
        .operands = &place,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (versions && uploads) {
        fprintf(stderr, "pomona rm: --versions or --uploads, not both (see pomona rm --help)\n");
        return 1;
    }
    options.what = versions ? POMONA_REMOVE_VERSIONS : uploads ? POMONA_REMOVE_UPLOADS : POMONA_REMOVE_FILES;
    options.file = quiet && !options.dry_run ? NULL : print_one;
    options.user = &options.dry_run;
    struct pomona_error error = {0};
    struct pomona_copy_result result;
    char files[32], bytes[32];
    pomona_status status = pomona_remove(elsewhere->places, place, &options, &result, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    if (!quiet)
        fprintf(stderr, "%s %s, %s bytes\n", options.dry_run ? "would remove" : "removed",
                format_count(result.files, files), format_count((long long)result.bytes, bytes));
    return 0;
}
