#include "base/io.h"
#include "base/memory.h"
#include "failing.h"
#include "pomona/image.h"
#include "pomona/report_evaluation.h"
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;

enum { CLASSES = 5, BINS = 10, POINTS = 6, PHOTOS = 4 };

/* Everything in it: two coarse classes of two, and one class without. */
static struct pomona_evaluation_report full_report(void) {
    static const struct pomona_evaluation_class classes[CLASSES] = {{"lemon", 0, 20, 0.9, 0.8, 0.85},
                                                                    {"<lime>", 0, 10, 0.7, 0.9, 0.79},
                                                                    {"plum\n", 1, 5, 1, 1, 1},
                                                                    {"\u202egulp", 1, 0, 0, NAN, 0},
                                                                    {"kiwi", -1, 1, NAN, 0, NAN}};
    static const char *const groups[] = {"citrus</b>", "stone"};
    static const char *const notes[] = {"<i>note</i>"};
    static const struct pomona_confusion_count confusions[] = {{0, 0, 16}, {0, 1, 3}, {0, 3, 1}, {1, 1, 9},
                                                               {1, 0, 1},  {2, 2, 5}, {4, 0, 1}};
    static struct pomona_reliability_bin bins[BINS];
    static const struct pomona_rejection_point points[POINTS] = {
        {-INFINITY, 1, 1, 0.8}, {-1, 1, 0.7, 0.8}, {0, 0.95, 0.2, 0.85},
        {1, 0.5, 0.05, 0.9},    {2, 0, 0.01, NAN}, {INFINITY, 0, 0, NAN}};
    static const struct pomona_evaluation_photo photos[PHOTOS] = {
        {7, "file:/d/<1>.jpg", 0.9}, {8, "file:/d/2.jpg", 0.8}, {9, "file:/d/3.jpg", 0}, {10, NULL, 0.1}};
    static const struct pomona_evaluation_confusion worst[] = {
        {0, 1, 3, photos, PHOTOS, {1, "file:/d/e.jpg", 0}},
        {-1, 0, 2, photos, 1, {0, NULL, 0}},
        {4, 0, 1, NULL, 0, {0, NULL, 0}}};
    static const struct pomona_evaluation_mistake mistakes[] = {{0, 3, {11, "file:/d/m.jpg", 0.99}},
                                                                {-1, 2, {12, "file:/d/n.jpg", 0.98}}};
    static const struct pomona_evaluation_duplicate duplicates[] = {
        {{13, "file:/d/a.jpg", 0}, {14, "file:/d/b.jpg", 0}, "lemon", "<lime>", 0}};
    static const char *const shared[] = {"box <1>"};
    static const struct pomona_report_label unseen[] = {{NULL, 3}, {"<durian>", 12}};
    static const struct pomona_report_failure failures[] = {
        {"file:/d/x.jpg", "<img src=x onerror=alert(1)>"}};
    for (int i = 0; i < BINS; i++)
        bins[i] = (struct pomona_reliability_bin){i * i, (i + 0.5) / BINS, {i / 10.0, i / 20.0, 1}};
    return (struct pomona_evaluation_report){.source = "file:/d",
                                             .model = "<model>",
                                             .kind = "logistic",
                                             .temperature = 1.3,
                                             .notes = notes,
                                             .note_count = 1,
                                             .photos = 38,
                                             .judged = 36,
                                             .rejected = 2,
                                             .errors = 1,
                                             .seconds = 1.5,
                                             .top1 = {30 / 36.0, 0.68, 0.92},
                                             .coarse_top1 = {0.9, 0.8, 0.96},
                                             .macro_recall = 0.7,
                                             .classes = classes,
                                             .class_count = CLASSES,
                                             .groups = groups,
                                             .group_count = 2,
                                             .confusions = confusions,
                                             .confusion_count = sizeof confusions / sizeof confusions[0],
                                             .reliability = bins,
                                             .reliability_before = bins,
                                             .reliability_count = BINS,
                                             .ece = 0.05,
                                             .ece_before = 0.08,
                                             .known_photos = 36,
                                             .unknown_photos = 50,
                                             .rejection = points,
                                             .rejection_count = POINTS,
                                             .operating = {0, 0.95, 0.2, 0.85},
                                             .rejects = true,
                                             .auroc = {0.93, 0.9, 0.96},
                                             .worst = worst,
                                             .worst_count = 3,
                                             .mistakes = mistakes,
                                             .mistake_count = 2,
                                             .leakage_checked = true,
                                             .duplicate_pairs = 4,
                                             .duplicate_distance = 0.1,
                                             .duplicates = duplicates,
                                             .duplicate_count = 1,
                                             .shared_groups = 1,
                                             .shared_group_names = shared,
                                             .shared_group_count = 1,
                                             .unseen = unseen,
                                             .unseen_count = 2,
                                             .failures = failures,
                                             .failure_count = 1};
}

static char *page_of(const struct pomona_evaluation_report *report) {
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(pomona_evaluation_report_html(report, &text, &size, &error), POMONA_OK);
    assert_int_equal(strlen(text), size);
    assert_non_null(strstr(text, "</html>"));
    assert_null(strstr(text, "{{"));
    return text;
}

static void assert_page_has(const struct pomona_evaluation_report *report, const char *const *parts,
                            bool there) {
    char *text = page_of(report);
    for (; *parts; parts++)
        if (!strstr(text, *parts) == there) fail_msg("'%s' is %s", *parts, there ? "missing" : "there");
    pomona_report_free_text(&text);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void an_empty_report_is_a_page(void **state) {
    (void)state;
    struct pomona_evaluation_report report = {0};
    assert_page_has(&report, PARTS("<h1>Evaluation</h1>", "<h2>The model</h2>", "photos judged"), true);
    assert_page_has(&report,
                    PARTS("id=\"confusion\"", "id=\"worst\"", "id=\"classes\"", "id=\"reliability\"",
                          "id=\"rejection\"", "id=\"leakage\"", "id=\"failures\"", "<script", "<svg"),
                    false);
    report.language = POMONA_LANGUAGE_FRENCH;
    report.leakage_checked = true;
    report.photos = 3;
    assert_page_has(&report, PARTS("<h1>Évaluation</h1>", "quasi identique", "ont été lues"), true);
}

static void everything_from_outside_is_escaped(void **state) {
    (void)state;
    struct pomona_evaluation_report report = full_report();
    report.title = "</title><script>";
    assert_page_has(&report,
                    PARTS("&lt;lime&gt;", "plum\\x0A", "\\u202Egulp", "citrus&lt;/b&gt;", "&lt;i&gt;note",
                          "&lt;durian&gt;", "box &lt;1&gt;", "&lt;img src=x", "&lt;/title&gt;&lt;script&gt;",
                          "none of the classes", "no label"),
                    true);
    assert_page_has(
        &report, PARTS("<lime>", "<model>", "<i>note", "<durian>", "<img src=x", "</title><script>"), false);
}

static void says_what_it_knows(void **state) {
    (void)state;
    struct pomona_evaluation_report report = full_report();
    assert_page_has(&report,
                    PARTS("83.3%", "(68.0 \u2013 92.0%)", "0.930", "3 of 20 (15%)", "2 of 50 (4%)", "20.0%",
                          "Shown are the closest: 1.", "the model\u2019s own", "n/a"),
                    true);
    report.language = POMONA_LANGUAGE_FRENCH;
    assert_page_has(&report, PARTS("83,3\u202f%", "prise pour", "n.d."), true);
}

/* ---- what is refused ---- */

static void assert_refused(const struct pomona_evaluation_report *report, pomona_status expected,
                           const char *part) {
    char *text;
    size_t size;
    assert_failure(pomona_evaluation_report_html(report, &text, &size, &error), expected, part);
    assert_null(text);
}

static void what_contradicts_itself_is_refused(void **state) {
    (void)state;
    struct pomona_evaluation_report report;
#define REFUSED(change, expected, part)                                                                      \
    report = full_report();                                                                                  \
    change;                                                                                                  \
    assert_refused(&report, expected, part)
    REFUSED(report.language = 7, POMONA_E_USAGE, "language");
    REFUSED(report.classes = NULL, POMONA_E_USAGE, "classes");
    REFUSED(report.worst = NULL, POMONA_E_USAGE, "worst");
    REFUSED(report.class_count = 4, POMONA_E_USAGE, "class 4");
    REFUSED(report.group_count = 1, POMONA_E_USAGE, "coarse class 1");
    REFUSED(report.class_count = 100001, POMONA_E_LIMIT, "100000");
    REFUSED(report.reliability_count = 101, POMONA_E_LIMIT, "100");
    REFUSED(report.top1.high = 1.5, POMONA_E_INPUT, "top-1");
    REFUSED(report.top1.value = NAN, POMONA_E_INPUT, "top-1");
    REFUSED(report.auroc.low = 0.95, POMONA_E_INPUT, "AUROC");
    REFUSED(report.ece = -1, POMONA_E_INPUT, "share");
    const struct pomona_confusion_count negative = {0, 0, -1}, outside = {0, 9, 1};
    const struct pomona_confusion_count huge[] = {{0, 0, INT64_MAX / 2}, {1, 0, INT64_MAX / 2}};
    REFUSED((report.confusions = &negative, report.confusion_count = 1), POMONA_E_INPUT, "-1 photos");
    REFUSED((report.confusions = &outside, report.confusion_count = 1), POMONA_E_USAGE, "class 0 or 9");
    REFUSED((report.confusions = huge, report.confusion_count = 2), POMONA_E_INPUT, "photos");
    const struct pomona_rejection_point back[] = {{1, 1, 1, 1}, {0, 1, 1, 1}}, odd = {1, 2, 1, 1};
    REFUSED((report.rejection = back, report.rejection_count = 2), POMONA_E_INPUT, "threshold 2");
    REFUSED((report.rejection = &odd, report.rejection_count = 1), POMONA_E_INPUT, "not one");
    const struct pomona_reliability_bin bad = {1, NAN, {0.5, 0, 0}};
    REFUSED((report.reliability = &bad, report.reliability_count = 1), POMONA_E_INPUT, "bin 1");
#undef REFUSED
    report = full_report();
    assert_failure(pomona_evaluation_report_write(&report, "/absent/folder", &error), POMONA_E_IO,
                   "/absent/folder");
}

static void poor_evaluations_have_pages(void **state) {
    (void)state;
    const struct pomona_evaluation_class one = {"only", -1, 3, 1, 1, 1},
                                         none = {"none", -1, 0, NAN, NAN, NAN};
    const struct pomona_confusion_count right = {0, 0, 3}, nothing = {0, 0, 0};
    const struct pomona_reliability_bin empty[2] = {{0}};
    const struct pomona_rejection_point alone = {0, 1, 0, NAN};
    struct pomona_evaluation_report report = {
        .classes = &one, .class_count = 1, .confusions = &right, .confusion_count = 1};
    assert_page_has(&report, PARTS("id=\"confusion\"", "id=\"classes\"", "100.0%"), true);
    report = (struct pomona_evaluation_report){.classes = &none,
                                               .class_count = 1,
                                               .confusions = &nothing,
                                               .confusion_count = 1,
                                               .reliability = empty,
                                               .reliability_count = 2,
                                               .rejection = &alone,
                                               .rejection_count = 1};
    assert_page_has(&report, PARTS("id=\"reliability\"", "id=\"rejection\"", "id=\"classes\""), true);
    assert_page_has(&report, PARTS("id=\"confusion\""), false);
}

/* ---- photos and files ---- */

static uint8_t *picture;
static size_t picture_size;
static int reads;

static pomona_status read_photo(void *user, size_t id, const void **bytes, size_t *size,
                                struct pomona_error *failure) {
    (void)user;
    (void)failure;
    reads++;
    if (id == 9) return POMONA_E_IO;
    *bytes = picture;
    *size = id == 8 ? picture_size / 2 : picture_size; /* one is truncated */
    return POMONA_OK;
}

static int make_picture(void **state) {
    static uint8_t pixels[200 * 100 * 3];
    struct pomona_image image = {pixels, 200, 100};
    struct pomona_context *context = NULL;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7 / 100);
    if (pomona_image_encode(&image, 90, &picture, &picture_size, &error) != POMONA_OK) return -1;
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return -1;
    *state = context;
    return 0;
}

static int free_picture(void **state) {
    struct pomona_context *context = *state;
    pomona_context_free(&context);
    pomona_bytes_free(&picture);
    return 0;
}

static struct pomona_evaluation_report report_with_photos(struct pomona_context *context) {
    struct pomona_evaluation_report report = full_report();
    report.context = context;
    report.read_photo = read_photo;
    return report;
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++) count++;
    return count;
}

static void photos_become_thumbnails(void **state) {
    struct pomona_evaluation_report report = report_with_photos(*state);
    reads = 0;
    char *text = page_of(&report);
    assert_int_equal(reads, 9); /* those with a path */
    assert_true(count_of(text, "src=\"data:image/jpeg;base64,/9j/") >= 7);
    assert_true(count_of(text, "class=\"blank\"") >= 1);
    pomona_report_free_text(&text);
}

static void no_more_photos_than_promised(void **state) {
    struct pomona_evaluation_report report = report_with_photos(*state);
    enum { MANY = 100 };
    struct pomona_evaluation_photo photos[MANY];
    struct pomona_evaluation_confusion worst[MANY];
    struct pomona_evaluation_mistake mistakes[MANY];
    struct pomona_evaluation_duplicate duplicates[MANY];
    for (int i = 0; i < MANY; i++) {
        photos[i] = (struct pomona_evaluation_photo){100, "file:/d/p.jpg", 0.5};
        worst[i] = (struct pomona_evaluation_confusion){0, 1, 2, photos, MANY, photos[0]};
        mistakes[i] = (struct pomona_evaluation_mistake){0, 1, photos[0]};
        duplicates[i] = (struct pomona_evaluation_duplicate){photos[0], photos[0], NULL, NULL, i};
    }
    report.worst = worst, report.mistakes = mistakes, report.duplicates = duplicates;
    report.worst_count = report.mistake_count = report.duplicate_count = MANY;
    reads = 0;
    char *text = page_of(&report);
    assert_int_equal(reads, 168);
    pomona_report_free_text(&text);
}

static const char *const files[] = {"report.html",     "confusion.png", "confusion.svg", "reliability.png",
                                    "reliability.svg", "rejection.png", "rejection.svg"};
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
    struct pomona_evaluation_report report = report_with_photos(*state);
    char folders[2][32] = {"/tmp/pomona-report-XXXXXX", "/tmp/pomona-report-XXXXXX"}, path[96];
    for (int i = 0; i < 2; i++) {
        assert_non_null(mkdtemp(folders[i]));
        assert_int_equal(pomona_evaluation_report_write(&report, folders[i], &error), POMONA_OK);
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
    struct pomona_evaluation_report report = report_with_photos(*state);
    char folder[] = "/tmp/pomona-report-XXXXXX", path[96];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/report.html", folder);
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_evaluation_report_write(&report, folder, &error);
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
        cmocka_unit_test(an_empty_report_is_a_page),    cmocka_unit_test(everything_from_outside_is_escaped),
        cmocka_unit_test(says_what_it_knows),           cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(poor_evaluations_have_pages),  cmocka_unit_test(photos_become_thumbnails),
        cmocka_unit_test(no_more_photos_than_promised), cmocka_unit_test(the_same_report_has_the_same_bytes),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_picture, free_picture);
}
