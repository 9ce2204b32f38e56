#include "base/io.h"
#include "base/memory.h"
#include "failing.h"
#include "pomona/report_comparison.h"
#include "report/pareto.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;

enum { ROWS = 6 };

/* Two on the front (one of them beyond the budget), two behind, a backbone alone, and one without latency. */
static struct pomona_comparison_report full_report(void) {
    static const struct pomona_comparison_row rows[ROWS] = {
        {.name = "<fast>.onnx",
         .precision = "fp32",
         .kind = "logistic",
         .width = 160,
         .height = 160,
         .classes = 81,
         .photos = 500,
         .top1 = {0.7, 0.65, 0.74},
         .coarse_top1 = {0.8, 0.75, 0.84},
         .ms = 5,
         .p99_ms = 8,
         .photos_per_second = 200,
         .ready_ms = 30,
         .memory = 20000000,
         .file = 2600000,
         .energy = 0.05,
         .recommended = true},
        {.name = "slow.onnx",
         .precision = "fp32",
         .kind = "lda",
         .width = 224,
         .height = 224,
         .top1 = {0.9, 0.86, 0.93},
         .ms = 50,
         .p99_ms = 51,
         .memory = 200000000,
         .file = 100000000,
         .energy = 0.5,
         .over_ms = true,
         .over_memory = true},
        {.name = "<fast>.onnx",
         .precision = "int8",
         .kind = "logistic",
         .width = 160,
         .height = 160,
         .top1 = {0.6, 0.55, 0.65},
         .ms = 7,
         .memory = 15000000,
         .file = 700000},
        {.name = "\u202eedisni", .top1 = {0.65, 0.6, 0.7}, .ms = 12, .p99_ms = 14},
        {.name = "backbone", .ms = 3, .memory = 10000000},
        {.name = NULL, .top1 = {0.99, 0.98, 1}}};
    static const char *const notes[] = {"<i>note</i>"};
    static const struct pomona_report_failure failures[] = {{"broken</td>.onnx", "<img src=x>"}};
    return (struct pomona_comparison_report){.source = "file:/d",
                                             .tier = "avx2",
                                             .threads = 2,
                                             .rounds = 3,
                                             .photos = 500,
                                             .seconds = 12,
                                             .advice = "Take <fast>.onnx",
                                             .notes = notes,
                                             .note_count = 1,
                                             .rows = rows,
                                             .row_count = ROWS,
                                             .budget = {.ms = 20, .memory = 64000000},
                                             .energy = POMONA_COMPARISON_JOULES,
                                             .failures = failures,
                                             .failure_count = 1};
}

static char *page_of(const struct pomona_comparison_report *report) {
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(pomona_comparison_report_html(report, &text, &size, &error), POMONA_OK);
    assert_int_equal(strlen(text), size);
    assert_non_null(strstr(text, "</html>"));
    assert_null(strstr(text, "{{"));
    return text;
}

static void assert_page_has(const struct pomona_comparison_report *report, const char *const *parts,
                            bool there) {
    char *text = page_of(report);
    for (; *parts; parts++)
        if (!strstr(text, *parts) == there) fail_msg("'%s' is %s", *parts, there ? "missing" : "there");
    pomona_report_free_text(&text);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void an_empty_report_is_a_page(void **state) {
    (void)state;
    struct pomona_comparison_report report = {0};
    assert_page_has(&report, PARTS("<h1>Comparison of models</h1>"), true);
    assert_page_has(&report, PARTS("id=\"pareto\"", "id=\"table\"", "id=\"failures\"", "<script", "<svg"),
                    false);
    report.language = POMONA_LANGUAGE_FRENCH;
    assert_page_has(&report, PARTS("<h1>Comparaison de modèles</h1>"), true);
}

static void everything_from_outside_is_escaped(void **state) {
    (void)state;
    struct pomona_comparison_report report = full_report();
    report.title = "</title><script>";
    assert_page_has(&report,
                    PARTS("&lt;fast&gt;.onnx", "\\u202Eedisni", "&lt;i&gt;note", "broken&lt;/td&gt;.onnx",
                          "&lt;img src=x&gt;", "&lt;/title&gt;&lt;script&gt;"),
                    true);
    assert_page_has(&report, PARTS("<fast>", "<i>note", "broken</td>", "<img src=x", "</title><script>"),
                    false);
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++) count++;
    return count;
}

static void marks_the_best_and_the_front(void **state) {
    (void)state;
    struct pomona_comparison_report report = full_report();
    char *text = page_of(&report);
    /* One best in each of the nine columns: top-1, coarse, median, p99, rate, ready, memory, file, energy. */
    assert_int_equal(count_of(text, " class=\"best\""), 9);
    assert_int_equal(count_of(text, ">on the front<"), 2);
    assert_int_equal(count_of(text, ">recommended<"), 1);
    assert_int_equal(count_of(text, ">over budget<"), 2);
    assert_non_null(strstr(text, "data-v=\"990000\" class=\"best\">"));
    assert_non_null(strstr(text, "data-v=\"3000000\" class=\"best\">3.00"));
    assert_non_null(strstr(text, "J a photo"));
    assert_non_null(strstr(text, "median 20\u00a0ms, memory 64\u00a0MB"));
    assert_non_null(strstr(text, "fast&gt;, int8")); /* namesakes are told apart in the plot */
    pomona_report_free_text(&text);
    report.energy = POMONA_COMPARISON_NO_ENERGY;
    assert_page_has(&report, PARTS("J a photo", "CPU-s"), false);
    report.energy = POMONA_COMPARISON_CPU_SECONDS;
    report.labels_differ = true;
    assert_page_has(&report,
                    PARTS("CPU-s a photo", "CPU-seconds stand for it", "do not know the same labels"), true);
}

static void finds_the_front(void **state) {
    (void)state;
    /* ms, top-1, on the front: equal to one on it, slower and equal, slower and better, as fast and worse */
    static const struct {
        double ms, top1;
        bool front;
    } cases[] = {{10, 0.5, true}, {10, 0.5, true},   {12, 0.5, false},
                 {11, 0.6, true}, {11, 0.55, false}, {9, 0.1, true}};
    enum { CASES = sizeof cases / sizeof cases[0] };
    struct pomona_comparison_row rows[CASES] = {{0}};
    for (int i = 0; i < CASES; i++) {
        rows[i].ms = cases[i].ms;
        rows[i].top1 = (struct pomona_report_share){cases[i].top1, cases[i].top1, cases[i].top1};
    }
    struct pomona_comparison_report report = {.rows = rows, .row_count = CASES};
    struct pareto pareto;
    assert_int_equal(pareto_find(&report, &pareto, &error), POMONA_OK);
    assert_int_equal(pareto.count, CASES);
    for (size_t i = 0; i < CASES; i++) assert_int_equal(pareto_is_front(&pareto, i), cases[i].front);
    pareto_free(&pareto);
}

static bool overlap(const struct pareto_label *a, const struct pareto_label *b, double line) {
    return a->left < b->left + b->width && b->left < a->left + a->width && fabs(a->top - b->top) < line;
}

static void labels_do_not_cover_each_other(void **state) {
    (void)state;
    enum { LABELS = 30, LINE = 20 };
    struct pareto_label labels[LABELS];
    struct pareto_box boxes[LABELS], area = {0, 0, 1000, 700, 0};
    unsigned seed = 5;
    for (int i = 0; i < LABELS; i++) {
        seed = seed * 1103515245u + 12345u;
        double x = 100 + (seed >> 16) % 800;
        seed = seed * 1103515245u + 12345u;
        double y = 50 + (seed >> 16) % 600;
        labels[i] = (struct pareto_label){.x = x, .y = y, .radius = 10, .width = 120};
        boxes[i] = (struct pareto_box){x - 5, y - 5, 10, 10, 4};
    }
    pareto_place(labels, LABELS, boxes, LABELS, &area, LINE);
    int placed = 0;
    for (int i = 0; i < LABELS; i++) {
        if (!labels[i].placed) continue;
        placed++;
        assert_true(labels[i].left >= -1 && labels[i].left + labels[i].width <= 1001);
        for (int k = 0; k < i; k++)
            if (labels[k].placed) assert_false(overlap(&labels[i], &labels[k], LINE - 2));
    }
    assert_true(placed >= 28);
}

static void a_label_stays_close_where_there_is_room(void **state) {
    (void)state;
    struct pareto_label label = {.x = 500, .y = 300, .radius = 10, .width = 100};
    struct pareto_box staircase = {500, 298, 500, 4, 2}, area = {0, 0, 1000, 700, 0};
    pareto_place(&label, 1, &staircase, 1, &area, 20);
    assert_true(label.placed && !label.led);
    assert_true(label.left + label.width < 500 && label.left > 350); /* to the left of its point */
}

static void poor_comparisons_have_pages(void **state) {
    (void)state;
    struct pomona_comparison_report report = full_report();
    report.rows += 4; /* a backbone, and a row without latency: nothing to draw */
    report.row_count = 2;
    assert_page_has(&report, PARTS("id=\"pareto\"", "<svg"), false);
    assert_page_has(&report, PARTS("id=\"table\"", "n/a"), true);
    struct pomona_comparison_row sure = {.name = "sure", .top1 = {1, 1, 1}, .ms = 1e-6}, poor = sure;
    poor.top1 = (struct pomona_report_share){0, 0, 1e-9};
    poor.ms = 1e9;
    const struct pomona_comparison_row extremes[] = {sure, poor};
    report = (struct pomona_comparison_report){.rows = extremes, .row_count = 1};
    assert_page_has(&report, PARTS("id=\"pareto\"", "100.0%"), true);
    report.row_count = 2;
    assert_page_has(&report, PARTS("id=\"pareto\""), true);
}

static void many_rows_stay_bounded(void **state) {
    (void)state;
    enum { MANY = 2000 };
    struct pomona_comparison_row *rows = memory_new(MANY, sizeof *rows);
    for (int i = 0; i < MANY; i++)
        rows[i] = (struct pomona_comparison_row){.name = "model",
                                                 .width = i,
                                                 .height = i,
                                                 .top1 = {i / 2000.0, 0, 1},
                                                 .ms = 1 + i,
                                                 .memory = 1000u * i};
    struct pomona_comparison_report report = {.rows = rows, .row_count = MANY};
    char *text = page_of(&report);
    assert_true(strlen(text) < 8000000);
    assert_true(count_of(text, "px</text>") <= 2 * PARETO_LABELS_MAX);
    pomona_report_free_text(&text);
    memory_free(rows);
}

static void what_contradicts_itself_is_refused(void **state) {
    (void)state;
    char *text;
    size_t size;
    struct pomona_comparison_row row = {.name = "it"};
    struct pomona_comparison_report report;
#define REFUSED(change, expected, part)                                                                      \
    row = (struct pomona_comparison_row){.name = "it", .top1 = {0.5, 0.4, 0.6}, .ms = 1};                    \
    report = (struct pomona_comparison_report){.rows = &row, .row_count = 1};                                \
    change;                                                                                                  \
    assert_failure(pomona_comparison_report_html(&report, &text, &size, &error), expected, part);            \
    assert_null(text)
    REFUSED(report.language = 7, POMONA_E_USAGE, "language");
    REFUSED(report.rows = NULL, POMONA_E_USAGE, "array");
    REFUSED(report.energy = 9, POMONA_E_USAGE, "unit");
    REFUSED(report.row_count = 2001, POMONA_E_LIMIT, "2000");
    REFUSED(row.ms = -1, POMONA_E_INPUT, "it");
    REFUSED(row.energy = NAN, POMONA_E_INPUT, "it");
    REFUSED(row.top1.high = 2, POMONA_E_INPUT, "share");
    REFUSED(row.top1.value = 0.7, POMONA_E_INPUT, "share");
    REFUSED(report.budget.ms = INFINITY, POMONA_E_INPUT, "budget");
#undef REFUSED
    report = full_report();
    assert_failure(pomona_comparison_report_write(&report, "/absent/folder", &error), POMONA_E_IO,
                   "/absent/folder");
}

static const char *const files[] = {"comparison.html", "pareto.png", "pareto.svg"};
enum { FILES = sizeof files / sizeof files[0] };

static void remove_files(const char *folder) {
    char path[96];
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0); /* nothing else is left */
}

static void the_same_report_has_the_same_bytes(void **state) {
    (void)state;
    struct pomona_comparison_report report = full_report();
    char folders[2][32] = {"/tmp/pomona-report-XXXXXX", "/tmp/pomona-report-XXXXXX"}, path[96];
    for (int i = 0; i < 2; i++) {
        assert_non_null(mkdtemp(folders[i]));
        assert_int_equal(pomona_comparison_report_write(&report, folders[i], &error), POMONA_OK);
    }
    for (int i = 0; i < FILES; i++) {
        struct buffer bytes[2] = {BUFFER_INIT(1 << 24), BUFFER_INIT(1 << 24)};
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "%s/%s", folders[k], files[i]);
            assert_int_equal(file_read(path, &bytes[k], &error), POMONA_OK);
        }
        assert_int_equal(bytes[0].size, bytes[1].size);
        assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
        buffer_free(&bytes[0]);
        buffer_free(&bytes[1]);
    }
    for (int i = 0; i < 2; i++) remove_files(folders[i]);
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    struct pomona_comparison_report report = full_report();
    char folder[] = "/tmp/pomona-report-XXXXXX", path[96];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/comparison.html", folder);
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_comparison_report_write(&report, folder, &error);
        bool reached = failed_allocation();
        fail_allocation(0);
        if (!reached) break;
        assert_int_equal(status, POMONA_E_MEMORY);
        assert_int_not_equal(access(path, F_OK), 0); /* the page comes last */
    }
    assert_int_equal(access(path, F_OK), 0);
    remove_files(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_report_is_a_page),
        cmocka_unit_test(everything_from_outside_is_escaped),
        cmocka_unit_test(marks_the_best_and_the_front),
        cmocka_unit_test(finds_the_front),
        cmocka_unit_test(labels_do_not_cover_each_other),
        cmocka_unit_test(a_label_stays_close_where_there_is_room),
        cmocka_unit_test(poor_comparisons_have_pages),
        cmocka_unit_test(many_rows_stay_bounded),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(the_same_report_has_the_same_bytes),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
