#include "base/io.h"
#include "failing.h"
#include "pomona/report.h"
#include "report/words.h"
#include "unit.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pomona_error error;

static struct pomona_spectrum_marks mark(const double *eigenvalues, size_t count, double total) {
    struct pomona_spectrum_marks marks;
    struct pomona_spectrum spectrum = {eigenvalues, count, total};
    assert_int_equal(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_OK);
    return marks;
}

static void marks_the_fewest_components(void **state) {
    (void)state;
    const double eigenvalues[] = {60, 20, 10, 5, 4, 1};
    struct pomona_spectrum_marks marks = mark(eigenvalues, 6, 0);
    assert_int_equal(marks.k90, 3);
    assert_int_equal(marks.k95, 4);
    assert_int_equal(marks.k99, 5);
    assert_true(marks.total == 100);
    marks = mark(eigenvalues, 4, 100);
    assert_int_equal(marks.k95, 4);
    assert_int_equal(marks.k99, 0);
    marks = mark(eigenvalues, 6, 1000);
    assert_int_equal(marks.k90, 0);
}

static void finds_the_elbow(void **state) {
    (void)state;
    const double hinge[] = {100, 60, 20, 8, 7, 6, 5, 4}; /* below the chord most at the third */
    assert_int_equal(mark(hinge, 8, 0).elbow, 3);
    const double line[] = {5, 4, 3, 2, 1};
    assert_int_equal(mark(line, 5, 0).elbow, 0);
    const double equal[] = {2, 2, 2, 2};
    assert_int_equal(mark(equal, 4, 0).elbow, 0);
    assert_int_equal(mark(hinge, 2, 0).elbow, 0);

    /* A tail of noise that explains less than 1 % does not move it. */
    double tail[2000];
    memcpy(tail, hinge, sizeof hinge);
    for (int i = 8; i < 2000; i++) tail[i] = 1e-6;
    assert_int_equal(mark(tail, 2000, 0).elbow, 3);
}

static void accepts_poor_spectra(void **state) {
    (void)state;
    const double one[] = {3}, nothing[] = {0, 0}, rounded[] = {5, 1e-17, -1e-16}, tiny[] = {5e-324, 0};
    assert_int_equal(mark(one, 1, 0).k99, 1);
    assert_int_equal(mark(NULL, 0, 0).k99, 0);
    assert_int_equal(mark(nothing, 2, 0).k90, 0);
    assert_int_equal(mark(rounded, 3, 0).k99, 1);
    assert_int_equal(mark(tiny, 2, 0).k99, 1);
}

static void refuses_what_is_no_spectrum(void **state) {
    (void)state;
    struct pomona_spectrum_marks marks;
    const double nan_value[] = {1, NAN}, infinite[] = {INFINITY}, ascending[] = {1, 2},
                 huge[] = {1e308, 1e308};
    struct pomona_spectrum spectrum = {nan_value, 2, 0};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_INPUT, "eigenvalue 2");
    spectrum = (struct pomona_spectrum){infinite, 1, 0};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_INPUT, "not finite");
    spectrum = (struct pomona_spectrum){ascending, 2, 0};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_INPUT, "larger");
    spectrum = (struct pomona_spectrum){ascending + 1, 1, 1};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_INPUT, "total");
    spectrum = (struct pomona_spectrum){huge, 2, 0};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_INPUT, "sum");
    spectrum = (struct pomona_spectrum){ascending, 1, NAN};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_INPUT, "total");
    spectrum = (struct pomona_spectrum){NULL, 1, 0};
    assert_failure(pomona_spectrum_mark(&spectrum, &marks, &error), POMONA_E_USAGE, "eigenvalues");
}

/* The bytes of a plot in a new file, which is removed. */
static struct buffer plot(const double *eigenvalues, size_t count, bool svg) {
    char path[] = "/tmp/pomona-plot-XXXXXX";
    struct buffer bytes = BUFFER_INIT(1 << 24);
    struct pomona_spectrum spectrum = {eigenvalues, count, 0};
    close(mkstemp(path));
    if (svg)
        assert_int_equal(pomona_report_scree_svg(&spectrum, POMONA_LANGUAGE_FRENCH, path, &error), POMONA_OK);
    else
        assert_int_equal(pomona_report_scree_png(&spectrum, POMONA_LANGUAGE_FRENCH, path, &error), POMONA_OK);
    assert_int_equal(file_read(path, &bytes, &error), POMONA_OK);
    unlink(path);
    return bytes;
}

static void draws_the_same_bytes_twice(void **state) {
    (void)state;
    double eigenvalues[400];
    for (int i = 0; i < 400; i++) eigenvalues[i] = 100.0 / (i + 1);
    for (int svg = 0; svg < 2; svg++) {
        struct buffer first = plot(eigenvalues, 400, svg), other = plot(eigenvalues, 7, svg),
                      second = plot(eigenvalues, 400, svg);
        assert_memory_equal(first.data, svg ? "<?xml" : "\x89PNG", 4);
        assert_int_equal(first.size, second.size);
        assert_memory_equal(first.data, second.data, first.size);
        assert_false(first.size == other.size && memcmp(first.data, other.data, first.size) == 0);
        buffer_free(&first);
        buffer_free(&other);
        buffer_free(&second);
    }
}

static void the_png_has_its_size(void **state) {
    (void)state;
    const double one[] = {3}, nothing[] = {0};
    const uint8_t expected[8] = {0, 0, 1200 >> 8, 1200 & 255, 0, 0, 750 >> 8, 750 & 255};
    struct buffer png = plot(one, 1, false), empty = plot(nothing, 1, false), none = plot(NULL, 0, false);
    assert_memory_equal(png.data + 16, expected, 8);
    assert_memory_equal(empty.data + 16, expected, 8);
    assert_memory_equal(none.data + 16, expected, 8);
    buffer_free(&png);
    buffer_free(&empty);
    buffer_free(&none);
}

static void no_memory_is_an_error(void **state) {
    (void)state;
    const double eigenvalues[] = {3, 2, 1};
    struct pomona_spectrum spectrum = {eigenvalues, 3, 0};
    char folder[] = "/tmp/pomona-plot-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/scree.png", folder);
    for (long k = 1;; k++) {
        fail_allocation(k);
        pomona_status status = pomona_report_scree_png(&spectrum, POMONA_LANGUAGE_ENGLISH, path, &error);
        bool reached = failed_allocation();
        fail_allocation(0);
        if (!reached) break;
        assert_int_equal(status, POMONA_E_MEMORY);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    snprintf(path, sizeof path, "%s/absent/scree.png", folder);
    assert_failure(pomona_report_scree_png(&spectrum, POMONA_LANGUAGE_ENGLISH, path, &error), POMONA_E_IO,
                   "absent");
    rmdir(folder);
}

static void assert_number(struct number number, const char *expected) {
    assert_string_equal(number.text, expected);
}

static void numbers_are_written_as_people_read_them(void **state) {
    (void)state;
    const pomona_language en = POMONA_LANGUAGE_ENGLISH, fr = POMONA_LANGUAGE_FRENCH;
    setlocale(LC_ALL, ""); /* must make no difference */
    assert_number(number_integer(en, 1234567), "1,234,567");
    assert_number(number_integer(fr, 1234567), "1\u202f234\u202f567");
    assert_number(number_integer(en, INT64_MIN), "-9,223,372,036,854,775,808");
    assert_number(number_fixed(en, 12.345, 2), "12.35");
    assert_number(number_fixed(fr, -0.05, 1), "-0,1");
    assert_number(number_fixed(en, -0.01, 1), "0.0");
    assert_number(number_fixed(en, 1e300, 3), "1.000e300");
    assert_number(number_fixed(en, NAN, 3), "n/a");
    assert_number(number_short(en, 1234.5), "1,235");
    assert_number(number_short(en, 0.0123456), "0.01235");
    assert_number(number_short(en, 3.2e-9), "3.200e-9");
    assert_number(number_short(en, 5e-324), "4.941e-324");
    assert_number(number_short(en, 9.99999e-7), "1.000e-6");
    assert_number(number_short(en, 0), "0");
    assert_number(number_percent(fr, 0.9512, 1), "95,1\u202f%");
    assert_number(number_percent(en, 0.9512, 1), "95.1%");
}

static void knows_its_languages(void **state) {
    (void)state;
    pomona_language language;
    assert_int_equal(pomona_language_parse("fr", &language, &error), POMONA_OK);
    assert_int_equal(language, POMONA_LANGUAGE_FRENCH);
    assert_failure(pomona_language_parse("de", &language, &error), POMONA_E_USAGE, "de");
    assert_failure(pomona_language_parse(NULL, &language, &error), POMONA_E_USAGE, "fr");
    for (int i = 0; i < WORD_COUNT; i++) {
        assert_true(strlen(word(POMONA_LANGUAGE_ENGLISH, i)) > 0);
        assert_true(strlen(word(POMONA_LANGUAGE_FRENCH, i)) > 0);
    }
    assert_int_equal(word_find("plot_title", 10), WORD_plot_title);
    assert_int_equal(word_find("plot_title", 9), WORD_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_the_fewest_components),
        cmocka_unit_test(finds_the_elbow),
        cmocka_unit_test(accepts_poor_spectra),
        cmocka_unit_test(refuses_what_is_no_spectrum),
        cmocka_unit_test(draws_the_same_bytes_twice),
        cmocka_unit_test(the_png_has_its_size),
        cmocka_unit_test(no_memory_is_an_error),
        cmocka_unit_test(numbers_are_written_as_people_read_them),
        cmocka_unit_test(knows_its_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
