#include "cli/commands.h"
#include "cli/features_command.h"
#include "pomona/pca.h"
#include "pomona/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_pca(const struct pomona_pca_job *job, const struct pomona_pca_result *result) {
    printf("pca       %d components explain %.1f %% of the variance; rank %d\n", result->k,
           100 * result->explained, result->rank);
    char out[4096];
    printf("look at   %s/report.html, scree.png, PCA_results.csv\n",
           elsewhere_words(job->out, out, sizeof out));
}

/* Whether DST/pca.model is of the rows that are there: after a run that was stopped between features and PCA it is not. */
static bool is_current(const char *out, const struct pomona_features_result *facts) {
    char path[4096];
    struct pomona_pca *pca = NULL;
    struct pomona_pca_info info;
    int length = snprintf(path, sizeof path, "%s/_temporary_pca", out);
    if (length < 0 || (size_t)length >= sizeof path || access(path, F_OK) == 0) return false;
    snprintf(path, sizeof path, "%s/pca.model", out);
    if (pomona_pca_read(path, &pca, NULL) != POMONA_OK) return false;
    pomona_pca_get_info(pca, &info);
    bool current = info.rows == facts->total_rows && strcmp(info.feature_space, facts->feature_space) == 0;
    pomona_pca_free(&pca);
    return current;
}

/* PCA and report of the features that are there now. */
static pomona_status run_pca(const struct features_command *features, struct pomona_pca_job *job,
                             const struct pomona_features_result *facts, const struct pomona_context *context,
                             struct pomona_error *error) {
    struct pomona_pca_result result;
    const struct pomona_features_options *options = &features->options;
    if (facts->nothing_new && is_current(options->out, facts)) return POMONA_OK;
    job->source = job->out = features->options.out;
    job->title = features->options.source;
    job->compression = features->options.compression;
    /* A resumed run may have been stopped between the features and the end of the PCA. */
    job->overwrite = options->overwrite || options->resume || options->only_new || options->retry_failed;
    job->run = facts->already_done || facts->nothing_new ? NULL : facts;
    job->should_stop = was_signalled;
    pomona_status status = pomona_pca_run(context, job, &result, error);
    if (status == POMONA_OK && !features->quiet && !features->json) print_pca(job, &result);
    return status;
}

static int run(struct features_command *features, struct pomona_pca_job *job) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_features_result result;
    pomona_status status = open_context(features->tier, &context, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    pomona_status done = features_execute(features, context, &result, &error);
    bool finished = done == POMONA_OK || done == POMONA_E_ERROR_ROWS;
    if (finished && features->json)
        features_print_json(&result);
    else if (finished && !features->quiet)
        features_print(features, &result);
    if (finished && !features->options.dry_run) status = run_pca(features, job, &result, context, &error);
    pomona_context_free(&context);
    if (status == POMONA_OK) status = done;
    return status == POMONA_OK ? 0 : report_error(status, &error);
}

int command_run(struct elsewhere *elsewhere, int argc, char **argv) {
    struct features_command features;
    struct pomona_pca_job job = {0};
    int64_t k = 0;
    const char *source = NULL;
    enum { PCA_OPTIONS = 5 };
    struct option table[FEATURES_OPTIONS_MAX + PCA_OPTIONS + 1] = {0};
    features_defaults(&features);
    int count = features_option_table(&features, table);
    const struct option pca_options[PCA_OPTIONS] = {
        {"k", 'k', OPTION_INTEGER, &k, "K", "components; default 50, or the rank if that is less", 1, 4096},
        {"variance", 0, OPTION_NUMBER, &job.fit.variance, "X",
         "the fewest components that explain the share X,\ninstead of --k", 1e-300, 1},
        {"no-standardise", 0, OPTION_FLAG, &job.fit.no_standardise, NULL,
         "only centre, do not divide by the standard deviation", 0, 0},
        {"vector", 0, OPTION_TEXT, &job.vector, "array|spark",
         "column pca as array<double> (default) or VectorUDT", 0, 0},
        OPTION_ROW_REPORT_LANGUAGE(&job.language)};
    for (int i = 0; i < PCA_OPTIONS; i++) table[count + i] = pca_options[i];
    const struct command command = {
        .name = "run",
        .usage = "SRC --out DST [options]",
        .summary =
            "Features, principal components and a report in one command: pomona features, then pomona pca.",
        .details = "DST then holds Results/, moments.pom, PCA_Results/, PCA_results.csv, PCA_variance.csv, "
                   "pca.model,\n"
                   "scree.png, scree.svg, report.html and run.json.\n\n"
                   "--only-new and --retry-failed add to the features and fit the components again, to all "
                   "of them.\n\n"
                   "Examples:\n"
                   "  pomona run photos --out result --variance 0.95\n"
                   "  pomona run photos --out result --only-new --resume      (every night)\n",
        .options = table,
        .operands = &source,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    job.fit.k = (int)k;
    job.places = elsewhere->places;
    features.options.places = elsewhere->places;
    features.options.publication = elsewhere->publication;
    struct pomona_error error = {0};
    pomona_language language;
    pomona_status status = job.language ? pomona_language_parse(job.language, &language, &error) : POMONA_OK;
    if (status != POMONA_OK) return report_error(status, &error); /* now, not after the features */
    return features_accept(&features, command.name, source) ? run(&features, &job) : 1;
}
