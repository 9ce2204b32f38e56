#include "cli/commands.h"
#include "cli/elsewhere.h"
#include "cli/options.h"
#include "pomona/maintenance.h"

#include <stdio.h>

struct printing {
    bool json, any;
};

static void print_fault(void *user, const char *kind, const char *file, const char *message) {
    struct printing *printing = user;
    char words[4096];
    if (!printing->json) {
        printf("fault     %s\n", elsewhere_words(message, words, sizeof words));
        return;
    }
    printf("%s\n    {\"kind\": ", printing->any ? "," : "");
    print_json_text(kind);
    printf(", \"file\": ");
    print_json_text(elsewhere_words(file, words, sizeof words));
    printf(", \"message\": ");
    print_json_text(elsewhere_words(message, words, sizeof words));
    putchar('}');
    printing->any = true;
}

static void end_json(const struct printing *printing, const struct pomona_verify_result *result, bool whole) {
    printf("%s],\n  \"whole\": %s,\n  \"parts\": %lld,\n  \"rows\": %lld,\n  \"errors\": %lld,\n",
           printing->any ? "\n  " : "", whole ? "true" : "false", (long long)result->parts,
           (long long)result->rows, (long long)result->errors);
    printf("  \"bytes\": %llu,\n  \"interrupted\": %s,\n  \"job\": \"%s\"\n}\n",
           (unsigned long long)result->bytes, result->interrupted ? "true" : "false", result->job);
}

static void print_summary(const char *dst, const struct pomona_verify_result *result) {
    char parts[32], rows[32], errors[32], faults[32];
    if (result->job[0] && result->faults == 0)
        printf("whole     %s: %s parts, %s rows, %s errors\n", dst, format_count(result->parts, parts),
               format_count(result->rows, rows), format_count(result->errors, errors));
    else if (result->job[0])
        printf("damaged   %s: %s faults in %s parts\n", dst, format_count(result->faults, faults),
               format_count(result->parts, parts));
    if (result->interrupted)
        printf("note      an interrupted job is there too: pomona recover %s --dry-run tells more\n", dst);
}

int command_verify(struct elsewhere *elsewhere, int argc, char **argv) {
    bool json = false;
    const char *dst = NULL;
    const struct option table[] = {OPTION_ROW_JSON(&json), {0}};
    const struct command command = {
        .name = "verify",
        .usage = "DST [options]",
        .summary = "Compares the results in DST with what Results/_SUCCESS says of them, byte by byte.",
        .details = "Each part must be there, with its bytes, SHA-256, rows and feature space; nothing else "
                   "may be; Errors\n"
                   "must have its rows, and moments.pom be intact and of these rows. Nothing is changed.\n"
                   "Of s3://bucket/prefix one part at a time is copied to --scratch.\n\n"
                   "Exit code 0: whole; 2: faults, each told in a line, or no results; 4: something can't be "
                   "read.\n\n"
                   "Examples:\n"
                   "  pomona verify result\n"
                   "  pomona verify s3://out/result\n",
        .options = table,
        .operands = &dst,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_verify_result result = {0};
    struct printing printing = {.json = json};
    char name[4096];
    const struct pomona_verify_options options = {
        .fault = print_fault, .should_stop = was_signalled, .user = &printing};
    pomona_status status = open_context(NULL, &context, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    catch_signals();
    if (json) printf("{\n  \"faults\": [");
    status = pomona_places_is_remote(dst)
                 ? pomona_verify_place(context, elsewhere->places, dst, &options, &result, &error)
                 : pomona_verify(context, dst, &options, &result, &error);
    if (json)
        end_json(&printing, &result, status == POMONA_OK);
    else
        print_summary(elsewhere_words(dst, name, sizeof name), &result);
    pomona_context_free(&context);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}
