#include "base/memory.h"
#include "job/comparison.h"
#include "pomona/report_comparison.h"
#include "pomona/version.h"

#include <math.h>

/* NaN is what was not measured; the report takes 0 for that. */
static double known(double value) { return isfinite(value) ? value : 0; }

static struct pomona_report_share share_of(const struct pomona_compare_share *share) {
    return share->of ? (struct pomona_report_share){share->share, share->low, share->high}
                     : (struct pomona_report_share){0, 0, 0};
}

static struct pomona_comparison_row row_of(const struct pomona_compare_result *result, int index) {
    const struct pomona_compare_row *row = &result->rows[index];
    return (struct pomona_comparison_row){
        .name = row->name,
        .precision = row->precision,
        .kind = row->kind[0] ? row->kind : NULL,
        .width = row->width,
        .height = row->height,
        .classes = row->classes,
        .photos = row->photos,
        .top1 = share_of(&row->fine),
        .coarse_top1 = share_of(&row->coarse),
        .ms = known(row->ms.median),
        .ms_low = known(row->ms.low),
        .ms_high = known(row->ms.high),
        .p99_ms = known(row->p99_ms.median),
        .photos_per_second = known(row->photos_per_second.median),
        .ready_ms = known(row->ready_ms.median),
        .memory = row->peak_memory,
        .file = row->file_bytes,
        .energy = known(result->has_joules ? row->joules.median : row->cpu_seconds.median),
        .recommended = index == result->chosen,
        .over_ms = row->over_ms,
        .over_p99 = row->over_p99,
        .over_memory = row->over_memory,
        .over_file = row->over_bytes};
}

pomona_status compare_write_page(const struct pomona_compare_result *result, const char *source,
                                 const char *language, const char *folder, struct pomona_error *error) {
    const struct pomona_compare_budget *budget = &result->budget;
    size_t count = (size_t)result->row_count;
    struct pomona_comparison_report report = {
        .source = source,
        .version = pomona_version(),
        .tier = result->tier,
        .threads = result->threads,
        .rounds = result->rounds,
        .photos = result->photos,
        .seconds = result->seconds,
        .labels_differ = result->labels_differ,
        .budget = {.ms = budget->ms, .p99_ms = budget->p99, .memory = budget->memory, .file = budget->bytes},
        .energy = result->has_joules ? POMONA_COMPARISON_JOULES : POMONA_COMPARISON_CPU_SECONDS};
    if (language) TRY(pomona_language_parse(language, &report.language, error));
    /* The words of the recommendation exist in English; the page marks the chosen row in every language. */
    if (report.language == POMONA_LANGUAGE_ENGLISH && result->advice[0]) report.advice = result->advice;
    struct pomona_comparison_row *rows = memory_new(count, sizeof *rows);
    struct pomona_report_failure *failures = memory_new(count, sizeof *failures);
    if (rows && failures) {
        for (int i = 0; i < result->row_count; i++) {
            const struct pomona_compare_row *row = &result->rows[i];
            if (row->error[0])
                failures[report.failure_count++] = (struct pomona_report_failure){row->name, row->error};
            else
                rows[report.row_count++] = row_of(result, i);
        }
    }
    report.rows = rows;
    report.failures = failures;
    pomona_status status = rows && failures ? pomona_comparison_report_write(&report, folder, error)
                                            : fail_memory(error, "comparison");
    memory_free(rows);
    memory_free(failures);
    return status;
}
