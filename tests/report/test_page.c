#include "base/io.h"
#include "base/memory.h"
#include "failing.h"
#include "pomona/image.h"
#include "pomona/report.h"
#include "report/markup.h"
#include "report/template.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;

/* ---- escaping ---- */

static struct buffer out;

static struct markup start(void) {
    buffer_clear(&out);
    return (struct markup){&out, &error, POMONA_OK, POMONA_LANGUAGE_ENGLISH};
}

static void assert_output(const struct markup *markup, const char *expected) {
    const char *text = NULL;
    assert_int_equal(markup->status, POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text, expected);
}

static void texts_become_html(void **state) {
    (void)state;
    struct markup markup = start();
    markup_text(&markup, "</script><b a=\"1\" c='2'>&amp;\n\t\x7f\xff\xc2\x85");
    assert_output(&markup, "&lt;/script&gt;&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;"
                           "\\x0A\\x09\\x7F\\xFF\\x85");
    markup = start();
    markup_name(&markup, "\u202egpj.exe \u2066\u200b\ufeff \u2028 \U000e0041");
    assert_output(&markup, "<bdi>\\u202Egpj.exe \\u2066\\u200B\\uFEFF \\u2028 \\uE0041</bdi>");
    markup = start();
    markup_text(&markup, "\u05e9\u05dc\u05d5\u05dd \U0001f34e \U0001f468\u200d\U0001f33e");
    assert_output(&markup, "\u05e9\u05dc\u05d5\u05dd \U0001f34e \U0001f468\u200d\U0001f33e");
    markup = start();
    markup_text(&markup, NULL);
    markup_text(&markup, "");
    assert_output(&markup, "");
}

static void texts_become_json(void **state) {
    (void)state;
    struct markup markup = start();
    markup_json(&markup, "</script><!--\"\\'&\n\u2028\xfe");
    assert_output(&markup, "\"\\u003c/script\\u003e\\u003c!--\\u0022\\u005c\\u0027\\u0026"
                           "\\u005cx0A\\u005cu2028\\u005cxFE\"");
}

static void long_texts_lose_their_middle(void **state) {
    (void)state;
    char text[4000];
    for (size_t i = 0; i + 1 < sizeof text; i++) text[i] = i % 2 ? '\xa9' : '\xc3';
    text[sizeof text - 2] = 'z';
    text[sizeof text - 1] = '\0';
    for (int shift = 0; shift < 2; shift++) {
        struct markup markup = start();
        markup_text(&markup, text + 2 + shift); /* also from the middle of a character */
        assert_int_equal(markup.status, POMONA_OK);
        assert_true(out.size <= MARKUP_TEXT_MAX + 16);
        assert_int_equal(out.data[out.size - 1], 'z');
        assert_non_null(memmem(out.data, out.size, "\xe2\x80\xa6", 3));
        assert_null(memmem(out.data + 8, out.size - 16, "\\x", 2));
    }
}

static void bytes_become_base64(void **state) {
    (void)state;
    static const char *const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (size_t size = 0; size <= 6; size++) { /* RFC 4648, section 10 */
        struct markup markup = start();
        markup_base64(&markup, "foobar", size);
        assert_output(&markup, expected[size]);
    }
    struct markup markup = start();
    markup_base64(&markup, "\xff\xfe\xfb", 3);
    assert_output(&markup, "//77");
}

static void coordinates_are_short(void **state) {
    (void)state;
    struct markup markup = start();
    const double values[] = {0, -0.001, 1.5, -2.25, 1234.567, NAN, INFINITY, 1e300};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        markup_coordinate(&markup, values[i]);
        markup_raw(&markup, " ");
    }
    assert_output(&markup, "0 0 1.5 -2.25 1234.57 0 0 10000000 ");
}

static void put_piece(void *self) { markup_raw(self, "<piece>"); }
static bool never(void *self) { return self == NULL; }

static void templates_are_filled(void **state) {
    (void)state;
    const struct template_piece pieces[] = {{"yes", put_piece, NULL}, {"no", put_piece, never}};
    const char *good = "a{{@yes}}b{{?no}}c{{@yes}}{{share}}{{/no}}d{{?yes}}{{share}}{{/yes}} }} { {";
    struct markup markup = start();
    template_fill(&markup, good, strlen(good), pieces, 2, &markup);
    assert_output(&markup, "a<piece>bdShare }} { {");
    static const char *const bad[] = {"{{nothing}}", "{{@nothing}}", "{{}}", "{{?}}", "{{sharex}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        markup = start();
        template_fill(&markup, bad[i], strlen(bad[i]), pieces, 2, &markup);
        assert_int_equal(markup.status, POMONA_E_INTERNAL);
    }
}

/* ---- whole pages ---- */

static char *page_of(const struct pomona_report *report) {
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(pomona_report_html(report, &text, &size, &error), POMONA_OK);
    assert_int_equal(strlen(text), size);
    assert_non_null(strstr(text, "</html>"));
    assert_null(strstr(text, "{{"));
    return text;
}

static void assert_page_has(const struct pomona_report *report, const char *const *parts, bool there) {
    char *text = page_of(report);
    for (; *parts; parts++)
        if (!strstr(text, *parts) == there) fail_msg("'%s' is %s", *parts, there ? "missing" : "there");
    pomona_report_free_text(&text);
    assert_null(text);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void an_empty_report_is_a_page(void **state) {
    (void)state;
    struct pomona_report report = {0};
    assert_page_has(&report, PARTS("Photo report", "<h2>The run</h2>"), true);
    assert_page_has(
        &report, PARTS("id=\"map\"", "id=\"pairs\"", "id=\"variance\"", "id=\"failures\"", "<script"), false);
    report.language = POMONA_LANGUAGE_FRENCH;
    report.photos = 12;
    report.synthetic_photos = report.untrained_model = true;
    assert_page_has(&report, PARTS("Rapport sur les photos", "synthétiques", "substitut", "ont été lues"),
                    true);
}

enum { ROWS = 60, COMPONENTS = 5 };

static double scores[ROWS * COMPONENTS];
static char paths[ROWS][64];
static struct pomona_report_photo photos[ROWS];

/* A report of some rows with everything in it. */
static struct pomona_report full_report(size_t rows) {
    static const struct pomona_report_stage stages[] = {
        {"decode", 1.5}, {"<own>", 0.25}, {"net", NAN}, {NULL, 1}};
    static const struct pomona_report_label labels[] = {{"apple", 30}, {NULL, 1}, {"</script>", 29}};
    static const struct pomona_report_failure failures[] = {
        {"file:/d/x.jpg", "<img src=x onerror=alert(1)>"}};
    static const double eigenvalues[] = {8, 4, 2, 1, 0.5};
    unsigned seed = 1;
    for (size_t i = 0; i < ROWS * COMPONENTS; i++) {
        seed = seed * 1103515245u + 12345u;
        scores[i] = (double)(seed >> 16 & 1023) / (double)(1 + i % COMPONENTS);
    }
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(paths[i], sizeof paths[i], "file:/d/%s/%zu.jpg", i % 2 ? "apple" : "script", i);
        photos[i] = (struct pomona_report_photo){paths[i], i % 7 == 3 ? NULL : i % 2 ? "apple" : "</script>"};
    }
    return (struct pomona_report){.source = "file:/d",
                                  .photos = 61,
                                  .rows = 60,
                                  .errors = 1,
                                  .model = "<model>",
                                  .stages = stages,
                                  .stage_count = 4,
                                  .spectrum = {eigenvalues, COMPONENTS, 0},
                                  .scores = scores,
                                  .row_photos = photos,
                                  .row_count = rows,
                                  .components = COMPONENTS,
                                  .labels = labels,
                                  .label_count = 3,
                                  .failures = failures,
                                  .failure_count = 1};
}

static void everything_from_outside_is_escaped(void **state) {
    (void)state;
    struct pomona_report report = full_report(ROWS);
    report.title = "</title><script>";
    assert_page_has(&report,
                    PARTS("&lt;own&gt;", "&lt;model&gt;", "&lt;/script&gt;", "\\u003c/script\\u003e",
                          "&lt;img src=x onerror=alert(1)&gt;", "&lt;/title&gt;&lt;script&gt;"),
                    true);
    assert_page_has(&report, PARTS("<own>", "<model>", "<img src=x", "</title><script>"), false);
    char *text = page_of(&report), *at = text;
    int ends = 0;
    while ((at = strstr(at, "</script")) != NULL) ends++, at++;
    assert_int_equal(ends, 2); /* the data and the program */
    pomona_report_free_text(&text);
}

static void poor_corpora_have_pages(void **state) {
    (void)state;
    for (size_t rows = 0; rows <= 3; rows++) {
        struct pomona_report report = full_report(rows);
        assert_page_has(&report, PARTS("id=\"variance\""), true);
        assert_page_has(&report, PARTS("id=\"map\""), rows > 0);
        assert_page_has(&report, PARTS("id=\"pairs\""), rows > 1);
        assert_page_has(&report, PARTS("id=\"outliers\""), false);
    }
    struct pomona_report report = full_report(ROWS);
    report.components = 1;
    assert_page_has(&report, PARTS("id=\"map\"", "PC1 (51.6%)"), true);
    assert_page_has(&report, PARTS("PC2"), false);
    memset(scores, 0, sizeof scores);
    assert_page_has(&report, PARTS("id=\"pairs\"", "distance 0"), true);
    for (int i = 0; i < ROWS; i++) scores[i] = NAN;
    assert_page_has(&report, PARTS("id=\"map\""), false);
    scores[0] = 1e308, scores[1] = -1e308, scores[2] = 5e-324;
    assert_page_has(&report, PARTS("id=\"map\"", "57 rows left out"), true);
}

static void many_labels_stay_bounded(void **state) {
    (void)state;
    enum { MANY = 100000 };
    struct pomona_report report = {0};
    char(*names)[16] = memory_new(MANY, sizeof *names);
    struct pomona_report_label *labels = memory_new(MANY, sizeof *labels);
    struct pomona_report_photo *many = memory_new(MANY, sizeof *many);
    double *values = memory_new(MANY, sizeof *values);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "label%06d", i);
        labels[i] = (struct pomona_report_label){names[i], 1 + i % 3};
        many[i] = (struct pomona_report_photo){names[i], names[i]};
        values[i] = i * 0.5;
    }
    report.labels = labels, report.label_count = MANY;
    report.scores = values, report.row_photos = many, report.row_count = MANY, report.components = 1;
    char *text = page_of(&report);
    assert_true(strlen(text) < 2000000);
    assert_non_null(strstr(text, "99,960 more labels"));
    assert_non_null(strstr(text, "5,000 points drawn, an even sample of 100,000"));
    assert_non_null(strstr(text, "20,000 photos were compared, an even sample of 100,000"));
    pomona_report_free_text(&text);
    memory_free(names);
    memory_free(labels);
    memory_free(many);
    memory_free(values);
}

static void a_sample_of_the_caller_is_named(void **state) {
    (void)state;
    struct pomona_report report = full_report(ROWS);
    report.rows = 1000000;
    assert_page_has(&report,
                    PARTS("60 points drawn, an even sample of 1,000,000",
                          "60 photos were compared, an even sample of 1,000,000"),
                    true);
    report.rows = ROWS;
    assert_page_has(&report, PARTS("even sample"), false);
}

static void what_contradicts_itself_is_refused(void **state) {
    (void)state;
    char *text;
    size_t size;
    struct pomona_report report = full_report(ROWS);
    report.row_photos = NULL;
    assert_failure(pomona_report_html(&report, &text, &size, &error), POMONA_E_USAGE, "photos");
    assert_null(text);
    report = full_report(ROWS);
    report.labels = NULL;
    assert_failure(pomona_report_html(&report, &text, &size, &error), POMONA_E_USAGE, "array");
    report = full_report(ROWS);
    report.language = 7;
    assert_failure(pomona_report_html(&report, &text, &size, &error), POMONA_E_USAGE, "language");
    report = full_report(ROWS);
    report.spectrum.total = -1;
    assert_failure(pomona_report_html(&report, &text, &size, &error), POMONA_E_INPUT, "total");
    report = full_report(ROWS);
    assert_failure(pomona_report_write(&report, "/absent/folder", &error), POMONA_E_IO, "/absent/folder");
}

/* ---- photos ---- */

static uint8_t *picture;
static size_t picture_size;
static int reads;

static pomona_status read_photo(void *user, size_t row, const void **bytes, size_t *size,
                                struct pomona_error *failure) {
    (void)user;
    (void)failure;
    reads++;
    if (row % 10 == 0) return POMONA_E_IO;
    *bytes = picture;
    *size = row % 10 == 1 ? picture_size / 2 : picture_size; /* some are truncated */
    return POMONA_OK;
}

static struct pomona_report report_with_photos(struct pomona_context *context) {
    struct pomona_report report = full_report(ROWS);
    report.context = context;
    report.read_photo = read_photo;
    report.thumbnails = 20;
    return report;
}

static int make_picture(void **state) {
    static uint8_t pixels[200 * 100 * 3];
    struct pomona_image image = {pixels, 200, 100};
    struct pomona_context *context = NULL;
    out = BUFFER_INIT(1 << 20);
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
    buffer_free(&out);
    return 0;
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++) count++;
    return count;
}

static void photos_become_thumbnails(void **state) {
    struct pomona_report report = report_with_photos(*state);
    reads = 0;
    char *text = page_of(&report);
    assert_true(reads <= 20 + 50);
    assert_true(count_of(text, "src=\"data:image/jpeg;base64,/9j/") > 10);
    assert_true(count_of(text, "\":\"/9j/") > 10); /* in the script's data; rows that fail are left out */
    assert_true(count_of(text, "\":\"/9j/") < 20);
    assert_true(count_of(text, "class=\"blank\"") > 0);
    pomona_report_free_text(&text);
    report.thumbnails = -1;
    reads = 0;
    assert_page_has(&report, PARTS("/9j/"), false);
    assert_int_equal(reads, 0);
}

static void the_same_report_has_the_same_bytes(void **state) {
    struct pomona_report report = report_with_photos(*state);
    char *first = page_of(&report), *second = page_of(&report);
    assert_string_equal(first, second);
    pomona_report_free_text(&first);
    pomona_report_free_text(&second);
}

static void no_memory_is_an_error(void **state) {
    struct pomona_report report = report_with_photos(*state);
    report.thumbnails = 2;
    char *text;
    size_t size;
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_report_html(&report, &text, &size, &error);
        bool reached = failed_allocation();
        fail_allocation(0);
        pomona_report_free_text(&text);
        if (!reached) break;
        assert_int_equal(status, POMONA_E_MEMORY);
    }
}

static void writes_three_files(void **state) {
    struct pomona_report report = report_with_photos(*state);
    static const char *const names[] = {"report.html", "scree.png", "scree.svg"};
    char folder[] = "/tmp/pomona-report-XXXXXX", path[64];
    struct buffer bytes = BUFFER_INIT(1 << 24);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(pomona_report_write(&report, folder, &error), POMONA_OK);
    char *text = page_of(&report);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(file_read(path, &bytes, &error), POMONA_OK);
        if (i == 0) assert_int_equal(bytes.size, strlen(text));
        if (i == 0) assert_memory_equal(bytes.data, text, bytes.size);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0); /* nothing else is left */
    pomona_report_free_text(&text);
    buffer_free(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_html),
        cmocka_unit_test(texts_become_json),
        cmocka_unit_test(long_texts_lose_their_middle),
        cmocka_unit_test(bytes_become_base64),
        cmocka_unit_test(coordinates_are_short),
        cmocka_unit_test(templates_are_filled),
        cmocka_unit_test(an_empty_report_is_a_page),
        cmocka_unit_test(everything_from_outside_is_escaped),
        cmocka_unit_test(poor_corpora_have_pages),
        cmocka_unit_test(many_labels_stay_bounded),
        cmocka_unit_test(a_sample_of_the_caller_is_named),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(photos_become_thumbnails),
        cmocka_unit_test(the_same_report_has_the_same_bytes),
        cmocka_unit_test(no_memory_is_an_error),
        cmocka_unit_test(writes_three_files),
    };
    return cmocka_run_group_tests(tests, make_picture, free_picture);
}
