/* The commands, one file each. Each takes its own arguments and returns the exit code; `elsewhere` is what main has made of those that are
 * remote. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/elsewhere.h"
#include "pomona/context.h"

#include <stdbool.h>

int command_features(struct elsewhere *elsewhere, int argc, char **argv);
int command_run(struct elsewhere *elsewhere, int argc, char **argv);
int command_train(struct elsewhere *elsewhere, int argc, char **argv);
int command_evaluate(struct elsewhere *elsewhere, int argc, char **argv);
int command_sample(struct elsewhere *elsewhere, int argc, char **argv);
int command_compare(struct elsewhere *elsewhere, int argc, char **argv);
int command_diff(struct elsewhere *elsewhere, int argc, char **argv);
int command_pack(struct elsewhere *elsewhere, int argc, char **argv);
int command_pca(struct elsewhere *elsewhere, int argc, char **argv);
int command_predict(struct elsewhere *elsewhere, int argc, char **argv);
int command_quantize(struct elsewhere *elsewhere, int argc, char **argv);
int command_labels(struct elsewhere *elsewhere, int argc, char **argv);
int command_moments(struct elsewhere *elsewhere, int argc, char **argv);
int command_model(struct elsewhere *elsewhere, int argc, char **argv);
int command_bench(struct elsewhere *elsewhere, int argc, char **argv);
int command_recover(struct elsewhere *elsewhere, int argc, char **argv);
int command_verify(struct elsewhere *elsewhere, int argc, char **argv);
int command_ls(struct elsewhere *elsewhere, int argc, char **argv);
int command_rm(struct elsewhere *elsewhere, int argc, char **argv);
int command_cp(struct elsewhere *elsewhere, int argc, char **argv);
int command_cpu(struct elsewhere *elsewhere, int argc, char **argv);

/* Prints a failure on standard error and returns its exit code. */
int report_error(pomona_status status, const struct pomona_error *error);

/* Makes a context for --tier (NULL: auto). */
pomona_status open_context(const char *tier, struct pomona_context **context, struct pomona_error *error);

/* From now on SIGINT and SIGTERM set a flag; a second one ends the process at once. */
void catch_signals(void);
bool was_signalled(void *unused);

/* "1,234,567" in out[0..32). */
const char *format_count(long long value, char out[32]);

/* A file's name on standard output, on one line: control characters become \xNN. */
void print_name(const char *name);

/* Text as a JSON string, quotes included, on standard output. */
void print_json_text(const char *text);

#endif
