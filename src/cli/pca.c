#include "pomona/pca.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static void print_text(const struct pomona_pca_job *job, const struct pomona_pca_result *r) {
    char words[4096];
    const char *out = elsewhere_words(job->out ? job->out : job->source, words, sizeof words);
    char rows[32];
    printf("done      %s rows of %d features, %d components explain %.2f %% of the variance%s\n",
           format_count(r->rows, rows), r->features, r->k, 100 * r->explained,
           job->model ? " of the photos that the model was fitted to" : "");
    if (!job->model)
        printf("seconds   moments %.2f (%s), PCA %.2f, scores %.2f; rank %d\n", r->seconds_moments,
               r->from_moments ? "from moments.pom" : "from the features", r->seconds_fit, r->seconds_scores,
               r->rank);
    printf("results   %s/PCA_Results, PCA_results.csv, PCA_variance.csv, pca.model,\n"
           "          %s/scree.png, scree.svg, report.html\n",
           out, out);
}

static void print_json(const struct pomona_pca_result *r) {
    printf(
        "{\n  \"rows\": %lld,\n  \"features\": %d,\n  \"k\": %d,\n  \"rank\": %d,\n  \"explained\": %.17g,\n",
        (long long)r->rows, r->features, r->k, r->rank, r->explained);
    printf("  \"from_moments\": %s,\n  \"seconds\": {\"moments\": %.6f, \"fit\": %.6f, \"scores\": %.6f},\n",
           r->from_moments ? "true" : "false", r->seconds_moments, r->seconds_fit, r->seconds_scores);
    printf("  \"model\": \"%s\"\n}\n", r->hash);
}

static int run(struct pomona_pca_job *job, const char *tier, bool json, bool quiet) {
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_pca_result result;
    pomona_status status = open_context(tier, &context, &error);
    if (status == POMONA_OK) {
        catch_signals();
        job->should_stop = was_signalled;
        status = pomona_pca_run(context, job, &result, &error);
    }
    pomona_context_free(&context);
    if (status != POMONA_OK) return report_error(status, &error);
    if (json)
        print_json(&result);
    else if (!quiet)
        print_text(job, &result);
    return 0;
}

static int bad(const char *text) {
    fprintf(stderr, "pomona pca: %s (see pomona pca --help)\n", text);
    return 1;
}

/* The operands, [apply MODEL] FEATURES, into the job. */
static int take_operands(const char *operands[3], bool fit_options, struct pomona_pca_job *job) {
    bool apply = strcmp(operands[0], "apply") == 0;
    if (!apply && operands[1]) return bad("one folder or file of features is expected");
    if (apply && !operands[2]) return bad("apply needs a pca.model and features");
    if (apply && fit_options)
        return bad("--k, --variance, --max-k and --no-standardise are for fitting, not for apply");
    if (apply && !job->out) return bad("apply needs --out DST");
    job->model = apply ? operands[1] : NULL;
    job->source = apply ? operands[2] : operands[0];
    return 0;
}

int command_pca(struct elsewhere *elsewhere, int argc, char **argv) {
    struct pomona_pca_job job = {0};
    int64_t k = 0, max_k = 0;
    const double variance_unset = 2e300; /* beyond what the option takes */
    double variance = variance_unset;
    bool json = false, quiet = false;
    const char *tier = NULL, *operands[3] = {NULL, NULL, NULL};
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &job.out, "DST",
         "folder for the results; default: the DST of\npomona features that is read", 0, 0},
        {"k", 'k', OPTION_INTEGER, &k, "K", "components; default 50, or the rank if that is less", 1, 4096},
        {"variance", 0, OPTION_NUMBER, &variance, "X",
         "the fewest components that explain the share X,\n0 < X <= 1, instead of --k", -1e300, 1e300},
        {"max-k", 0, OPTION_INTEGER, &max_k, "N", "with --variance: it is an error to need more", 1, 4096},
        {"no-standardise", 0, OPTION_FLAG, &job.fit.no_standardise, NULL,
         "only centre, do not divide by the standard deviation", 0, 0},
        {"scores", 0, OPTION_TEXT, &job.scores, "centred|spark",
         "spark: without subtracting the mean, as Spark's\nPCAModel has it (differs with --no-standardise)",
         0, 0},
        {"vector", 0, OPTION_TEXT, &job.vector, "array|spark",
         "column pca as array<double> (default) or as\nSpark ML's VectorUDT", 0, 0},
        OPTION_ROW_REPORT_LANGUAGE(&job.language),
        {"compression", 0, OPTION_TEXT, &job.compression, "CODEC", "snappy (default), zstd or none", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &job.overwrite, NULL,
         "replace the results in DST (they stay until\nthe new ones are complete)", 0, 0},
        OPTION_ROW_TIER(&tier),
        OPTION_ROW_JSON(&json),
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "no summary", 0, 0},
        {0}};
    const struct command command = {
        .name = "pca",
        .usage = "FEATURES [options] | pca apply PCA.MODEL FEATURES --out DST [options]",
        .summary = "Finds the principal components of features (a DST of pomona features, a folder of "
                   "Parquet parts\n"
                   "also by Spark, or one file) and writes every photo's scores; apply uses those of another "
                   "corpus.",
        .details = "Writes PCA_Results/ (path, label, pca), PCA_results.csv, PCA_variance.csv, pca.model,\n"
                   "scree.png, scree.svg and report.html. "
                   "With a\n"
                   "moments.pom in DST that fits, the features are read once only. The largest loading of "
                   "each component\n"
                   "is positive.\n\n"
                   "Examples:\n"
                   "  pomona pca result\n"
                   "  pomona pca spark/Results --variance 0.95 --out result\n"
                   "  pomona pca apply result/pca.model new/Results --out new\n",
        .options = table,
        .operands = operands,
        .operand_min = 1,
        .operand_max = 3};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    bool share = variance != variance_unset;
    if (share && !(variance > 0 && variance <= 1)) return bad("--variance must lie in (0, 1]");
    if (share) job.fit.variance = variance;
    job.fit.k = (int)k;
    job.fit.max_k = (int)max_k;
    job.places = elsewhere->places;
    int code = take_operands(operands, share || k || max_k || job.fit.no_standardise, &job);
    char title[4096];
    if (!code) job.title = elsewhere_words(job.source, title, sizeof title);
    return code ? code : run(&job, tier, json, quiet);
}
