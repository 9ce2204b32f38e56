/* What `features` and `run` have in common: their options, progress and summary. */
#ifndef CLI_FEATURES_COMMAND_H
#define CLI_FEATURES_COMMAND_H

#include "cli/options.h"
#include "pomona/features.h"

#include <stdint.h>
#include <time.h>

enum { FEATURES_OPTIONS_MAX = 32 };

/* How progress is shown: one line that is redrawn on a terminal, a line every few seconds elsewhere. */
struct progress_line {
    bool terminal, drawn;
    time_t last;
};

/* What the command line says. */
struct features_command {
    struct pomona_features_options options;
    int64_t partitions, threads, limit, max_errors, size;
    bool json, quiet;
    const char *tier;
    struct progress_line line;
    char manifest_name[4096]; /* as the user wrote it */
};

/* The defaults, and the options' table: fills `table` and returns how many there are, at most FEATURES_OPTIONS_MAX. */
void features_defaults(struct features_command *features);
int features_option_table(struct features_command *features, struct option *table);

/* After parsing: completes the options. False, with a sentence on standard error, when --out is missing. */
bool features_accept(struct features_command *features, const char *name, const char *source);

/* Runs the job with a progress line. */
pomona_status features_execute(struct features_command *features, const struct pomona_context *context,
                               struct pomona_features_result *result, struct pomona_error *error);

/* `user` is a struct progress_line. Draws it for the progress, and ends its line. */
void features_show_progress(void *user, const struct pomona_features_progress *progress);
void features_end_progress(struct progress_line *line);

/* Prints what was done, for people. */
void features_print(const struct features_command *features, const struct pomona_features_result *result);

/* Prints what run.json says. */
void features_print_json(const struct pomona_features_result *result);

#endif
