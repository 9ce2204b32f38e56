#include "cli/commands.h"
#include "cli/options.h"
#include "pomona/maintenance.h"

#include <stdio.h>
#include <string.h>

struct printing {
    bool json, dry_run, any;
};

static void print_item(void *user, const char *action, const char *path, const char *reason) {
    struct printing *printing = user;
    if (!printing->json) {
        struct {
            const char *action, *done, *planned;
        } words[] = {{"remove", "removed", "would remove"},
                     {"finish", "finished", "would finish"},
                     {"keep", "kept", "keep"}};
        const char *word = action;
        for (int i = 0; i < 3; i++)
            if (strcmp(action, words[i].action) == 0)
                word = printing->dry_run ? words[i].planned : words[i].done;
        printf("%-9s %s: %s\n", word, path, reason);
        return;
    }
    printf("%s\n    {\"action\": ", printing->any ? "," : "");
    print_json_text(action);
    printf(", \"path\": ");
    print_json_text(path);
    printf(", \"reason\": ");
    print_json_text(reason);
    putchar('}');
    printing->any = true;
}

static void end_json(const struct printing *printing, const struct pomona_recover_result *result) {
    printf("%s],\n  \"dry_run\": %s,\n  \"interrupted\": %s,\n  \"committing\": %s,\n  \"complete\": %s,\n",
           printing->any ? "\n  " : "", printing->dry_run ? "true" : "false",
           result->interrupted ? "true" : "false", result->committing ? "true" : "false",
           result->complete ? "true" : "false");
    printf("  \"job\": \"%s\",\n  \"parts\": %lld,\n  \"parts_done\": %lld,\n  \"photos\": %lld,\n  "
           "\"photos_done\": %lld,\n",
           result->job, (long long)result->parts, (long long)result->parts_done, (long long)result->photos,
           (long long)result->photos_done);
    printf("  \"removed\": %lld,\n  \"kept\": %lld,\n  \"bytes\": %llu\n}\n", (long long)result->removed,
           (long long)result->kept, (unsigned long long)result->bytes);
}

static void print_summary(const char *dst, const struct pomona_recover_result *result) {
    char done[32], all[32], removed[32], bytes[32];
    if (result->interrupted && !result->committing)
        printf("job       %s: %lld of %lld parts, %s of %s photos were done\n", result->job,
               (long long)result->parts_done, (long long)result->parts,
               format_count(result->photos_done, done), format_count(result->photos, all));
    if (result->removed == 0 && !result->interrupted && result->kept == 0)
        printf("clean     %s holds nothing that an interrupted job left\n", dst);
    else
        printf("in all    %s files, %s bytes\n", format_count(result->removed, removed),
               format_count((long long)result->bytes, bytes));
}

int command_recover(struct elsewhere *elsewhere, int argc, char **argv) {
    bool json = false, dry_run = false, drop = false;
    const char *dst = NULL;
    const struct option table[] = {
        {"dry-run", 'n', OPTION_FLAG, &dry_run, NULL, "only tell what would be done", 0, 0},
        {"drop", 0, OPTION_FLAG, &drop, NULL, "also remove a job whose photos are all done", 0, 0},
        OPTION_ROW_JSON(&json),
        {0}};
    const struct command command = {
        .name = "recover",
        .usage = "DST [options]",
        .summary = "Tidies DST after an interruption (kill, power, full disk) and says what was found.",
        .details =
            "Finished results are never touched, and neither is a folder where a job is at work. In short:\n"
            "  a job in the middle of its photos   is removed; instead, the same command with --resume goes "
            "on\n"
            "  a job with all its photos done      is kept: --resume ends it in a moment; --drop removes it\n"
            "  a commit that had begun             is ended: only files are moved, and DST is whole again\n"
            "  temporary files, and parts that     are removed, if pomona made them\n"
            "    Results/_SUCCESS does not name\n"
            "Of s3://bucket/prefix also: the lock of a job that died, unfinished uploads, all parts where "
            "there "
            "is no\n"
            "_SUCCESS, and what this machine was making in --scratch for that DST. Anything else is kept and "
            "named.\n"
            "pomona verify says afterwards whether DST is whole.\n\n"
            "Exit code 0: done; 2: no such folder, or a job is at work; 4: something can't be removed.\n\n"
            "Examples:\n"
            "  pomona recover result --dry-run\n"
            "  pomona recover result\n"
            "  pomona recover s3://out/result\n",
        .options = table,
        .operands = &dst,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    struct pomona_error error = {0};
    struct pomona_recover_result result = {0};
    struct printing printing = {.json = json, .dry_run = dry_run};
    const struct pomona_recover_options options = {
        .dry_run = dry_run, .drop = drop, .item = print_item, .user = &printing};
    if (json) printf("{\n  \"items\": [");
    pomona_status status = pomona_places_is_remote(dst)
                               ? pomona_recover_place(elsewhere->places, dst, &options, &result, &error)
                               : pomona_recover(dst, &options, &result, &error);
    if (json)
        end_json(&printing, &result);
    else if (status == POMONA_OK)
        print_summary(dst, &result);
    return status == POMONA_OK ? 0 : report_error(status, &error);
}
