#include "base/memory.h"
#include "report/confusion.h"
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct pomona_error error;

static void the_matrix_is_in_order(void **state) {
    (void)state;
    static const struct pomona_evaluation_class classes[] = {{.name = "lemon", .group = 1},
                                                             {.name = "kiwi", .group = -1},
                                                             {.name = "plum", .group = 0},
                                                             {.name = "lime", .group = 1},
                                                             {.name = "silent", .group = 0}};
    static const char *const groups[] = {"stone", "citrus"};
    static const struct pomona_confusion_count confusions[] = {
        {0, 0, 16}, {0, 3, 4}, {3, 3, 9}, {1, 0, 1}, {2, 2, 0}};
    struct pomona_evaluation_report report = {.classes = classes,
                                              .class_count = 5,
                                              .groups = groups,
                                              .group_count = 2,
                                              .confusions = confusions,
                                              .confusion_count = 5};
    struct confusion_matrix matrix;
    char note[CONFUSION_NOTE_SIZE];
    assert_int_equal(confusion_find(&report, &matrix, &error), POMONA_OK);
    assert_int_equal(matrix.view, CONFUSION_OF_CLASSES);
    assert_int_equal(matrix.size, 3);
    assert_string_equal(matrix.lines[0].name, "lemon");
    assert_string_equal(matrix.lines[1].name, "lime");
    assert_string_equal(matrix.lines[2].name, "kiwi"); /* no coarse class: last */
    assert_int_equal(matrix.lines[0].photos, 20);
    assert_int_equal(matrix.counts[0 * 3 + 1], 4);
    assert_int_equal(matrix.counts[2 * 3 + 0], 1);
    confusion_note(&matrix, POMONA_LANGUAGE_ENGLISH, note);
    assert_string_equal(note, "2 classes without photos or answers are left out.");
    confusion_free(&matrix);
}

/* `count` classes in `groups` coarse ones, each photo of one class taken for the next. */
struct crowd {
    struct pomona_evaluation_report report;
    struct pomona_evaluation_class *classes;
    struct pomona_confusion_count *confusions;
    char (*names)[32];
    const char **groups;
};

static struct crowd crowd_new(size_t count, size_t groups) {
    struct crowd crowd = {.classes = memory_new(count, sizeof *crowd.classes),
                          .confusions = memory_new(2 * count, sizeof *crowd.confusions),
                          .names = memory_new(count, sizeof *crowd.names),
                          .groups = memory_new(groups + 1, sizeof *crowd.groups)};
    for (size_t i = 0; i < count; i++) {
        int next = (int)((i + 1) % count);
        snprintf(crowd.names[i], sizeof crowd.names[i], "class%06zu", i);
        crowd.classes[i] = (struct pomona_evaluation_class){
            crowd.names[i], groups > 0 ? (int)(i % groups) : -1, 10, 0.5, 0.5, 0.5};
        crowd.confusions[2 * i] = (struct pomona_confusion_count){(int)i, (int)i, 5};
        crowd.confusions[2 * i + 1] = (struct pomona_confusion_count){(int)i, next, (int64_t)(1 + i % 7)};
    }
    for (size_t i = 0; i < groups; i++) crowd.groups[i] = crowd.names[i];
    crowd.report = (struct pomona_evaluation_report){.classes = crowd.classes,
                                                     .class_count = count,
                                                     .groups = crowd.groups,
                                                     .group_count = groups,
                                                     .confusions = crowd.confusions,
                                                     .confusion_count = 2 * count};
    return crowd;
}

static void crowd_free(struct crowd *crowd) {
    memory_free(crowd->classes);
    memory_free(crowd->confusions);
    memory_free(crowd->names);
    memory_free(crowd->groups);
}

static void many_classes_stay_bounded(void **state) {
    (void)state;
    static const struct {
        size_t classes, groups, lines;
        enum confusion_view view;
        const char *said;
    } cases[] = {{100, 7, 100, CONFUSION_OF_CLASSES, ""},
                 {101, 7, 7, CONFUSION_OF_GROUPS, "Summed over the coarse classes of 101 classes."},
                 {101, 0, CONFUSION_WORST, CONFUSION_OF_WORST, "60 classes with the most mistakes, of 101."},
                 {101, 1, CONFUSION_WORST, CONFUSION_OF_WORST, "60 classes with the most mistakes, of 101."},
                 {100000, 50000, CONFUSION_WORST, CONFUSION_OF_WORST,
                  "60 classes with the most mistakes, of 100,000."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct crowd crowd = crowd_new(cases[i].classes, cases[i].groups);
        struct confusion_matrix matrix;
        char note[CONFUSION_NOTE_SIZE];
        assert_int_equal(confusion_find(&crowd.report, &matrix, &error), POMONA_OK);
        assert_int_equal(matrix.view, cases[i].view);
        assert_int_equal(matrix.size, cases[i].lines);
        confusion_note(&matrix, POMONA_LANGUAGE_ENGLISH, note);
        assert_string_equal(note, cases[i].said);
        confusion_free(&matrix);
        char *text = NULL;
        size_t size = 0;
        assert_int_equal(pomona_evaluation_report_html(&crowd.report, &text, &size, &error), POMONA_OK);
        assert_true(strlen(text) < 4000000);
        assert_true(!strstr(text, "1,000 classes shown") == (cases[i].classes <= 1000));
        pomona_report_free_text(&text);
        crowd_free(&crowd);
    }
}

static void labels_are_short_and_visible(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t letters;
        const char *expected;
    } cases[] = {{NULL, 10, ""},
                 {"lemon", 5, "lemon"},
                 {"lemonade", 5, "le\u2026de"},
                 {"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", 4, "\u00e9\u2026\u00e9\u00e9"},
                 {"a\nb\xff", 20, "a\\x0Ab\\xFF"},
                 {"\u202egpj", 20, "\\u202Egpj"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(plot_label(cases[i].text, cases[i].letters).text, cases[i].expected);
    char worst[5000]; /* the most bytes that a label can take */
    for (size_t i = 0; i + 1 < sizeof worst; i++) worst[i] = "\xf0\x9f\x8d\x8e"[i % 4];
    worst[sizeof worst - 1] = '\0';
    struct plot_label label = plot_label(worst, 1000);
    assert_true(strlen(label.text) < PLOT_LABEL_SIZE);
    assert_non_null(strstr(label.text, "\u2026"));
    memset(worst, '\1', sizeof worst - 1);
    assert_int_equal(strlen(plot_label(worst, 1000).text), PLOT_LABEL_MAX + 2);
    assert_true(plot_text_width("lemon") > 2.5 && plot_text_width("lemon") < 3.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_matrix_is_in_order),
        cmocka_unit_test(many_classes_stay_bounded),
        cmocka_unit_test(labels_are_short_and_visible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
