#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>

static void print_text(const struct pomona_context *context) {
    const char *family, *kernel;
    printf("tier found  %s\ntier used   %s\nthreads     %d\nkernels\n", pomona_tier_name(pomona_tier_best()),
           pomona_tier_name(pomona_context_tier(context)), pomona_cpu_threads());
    for (int i = 0; pomona_context_kernel(context, i, &family, &kernel); i++)
        printf("  %-14s %s\n", family, kernel);
}

static void print_json(const struct pomona_context *context) {
    const char *family, *kernel;
    printf("{\n  \"tier_found\": \"%s\",\n  \"tier_used\": \"%s\",\n  \"threads\": %d,\n  \"kernels\": {",
           pomona_tier_name(pomona_tier_best()), pomona_tier_name(pomona_context_tier(context)),
           pomona_cpu_threads());
    for (int i = 0; pomona_context_kernel(context, i, &family, &kernel); i++) {
        printf("%s\n    ", i ? "," : "");
        print_json_text(family);
        printf(": ");
        print_json_text(kernel);
    }
    printf("\n  }\n}\n");
}

int command_cpu(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    const char *tier = NULL;
    bool json = false;
    const struct option table[] = {
        {"tier", 0, OPTION_TEXT, &tier, "TIER", "show what another tier would run", 0, 0},
        OPTION_ROW_JSON(&json),
        {0}};
    const struct command command = {
        .name = "cpu",
        .usage = "[options]",
        .summary = "Shows the CPU tier found, the tier used and the kernel of each family.",
        .options = table};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    pomona_status status = open_context(tier, &context, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    if (json)
        print_json(context);
    else
        print_text(context);
    pomona_context_free(&context);
    return 0;
}
