#include "report/confusion.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* A class on its way to a line, or a line's place. */
struct candidate {
    int class, group;
    int64_t wrong; /* photos of it taken for another, and others taken for it */
};

/* What is known of all classes. */
struct census {
    const struct pomona_evaluation_report *report;
    int64_t *photos, *answers, *wrong; /* [class_count] */
    int *line;                         /* [class_count] line of the matrix; -1: none */
    struct candidate *candidates;      /* [class_count] those with photos or answers */
    size_t count;
};

static bool census_new(struct census *census, const struct pomona_evaluation_report *report) {
    size_t classes = report->class_count;
    *census = (struct census){.report = report,
                              .photos = memory_new(classes, sizeof(int64_t)),
                              .answers = memory_new(classes, sizeof(int64_t)),
                              .wrong = memory_new(classes, sizeof(int64_t)),
                              .line = memory_new(classes, sizeof(int)),
                              .candidates = memory_new(classes, sizeof(struct candidate))};
    return census->photos && census->answers && census->wrong && census->line && census->candidates;
}

static void census_free(struct census *census) {
    memory_free(census->photos);
    memory_free(census->answers);
    memory_free(census->wrong);
    memory_free(census->line);
    memory_free(census->candidates);
}

static void census_take(struct census *census) {
    const struct pomona_evaluation_report *report = census->report;
    for (size_t i = 0; i < report->confusion_count; i++) {
        const struct pomona_confusion_count *cell = &report->confusions[i];
        census->photos[cell->truth] += cell->count;
        census->answers[cell->predicted] += cell->count;
        if (cell->truth == cell->predicted) continue;
        census->wrong[cell->truth] += cell->count;
        census->wrong[cell->predicted] += cell->count;
    }
    for (size_t i = 0; i < report->class_count; i++) {
        census->line[i] = -1;
        if (census->photos[i] == 0 && census->answers[i] == 0) continue;
        census->candidates[census->count++] =
            (struct candidate){(int)i, report->classes[i].group, census->wrong[i]};
    }
}

static int by_place(const void *left, const void *right) {
    const struct candidate *a = left, *b = right;
    /* As unsigned, so that classes without a coarse class come last. */
    if (a->group != b->group) return (unsigned)a->group < (unsigned)b->group ? -1 : 1;
    return a->class < b->class ? -1 : 1;
}

static int by_wrong(const void *left, const void *right) {
    const struct candidate *a = left, *b = right;
    if (a->wrong != b->wrong) return a->wrong > b->wrong ? -1 : 1;
    return a->class < b->class ? -1 : 1;
}

/* Among sorted candidates. */
static size_t count_groups(const struct census *census) {
    size_t groups = 0;
    for (size_t i = 0; i < census->count; i++)
        groups += i == 0 || census->candidates[i].group != census->candidates[i - 1].group;
    return groups;
}

/* Decides on the view, and which lines there are. */
static void choose(struct census *census, struct confusion_matrix *matrix) {
    const struct pomona_evaluation_report *report = census->report;
    qsort(census->candidates, census->count, sizeof *census->candidates, by_place);
    size_t groups = report->group_count > 0 ? count_groups(census) : 0;
    if (census->count <= CONFUSION_LINES_MAX) {
        matrix->view = CONFUSION_OF_CLASSES;
    } else if (groups >= 2 && groups <= CONFUSION_LINES_MAX) {
        matrix->view = CONFUSION_OF_GROUPS;
    } else {
        matrix->view = CONFUSION_OF_WORST;
        qsort(census->candidates, census->count, sizeof *census->candidates, by_wrong);
        census->count = CONFUSION_WORST;
        qsort(census->candidates, census->count, sizeof *census->candidates, by_place);
    }
    matrix->size = matrix->view == CONFUSION_OF_GROUPS ? groups : census->count;
}

static void place_lines(struct census *census, struct confusion_matrix *matrix) {
    const struct pomona_evaluation_report *report = census->report;
    size_t line = 0;
    bool summed = matrix->view == CONFUSION_OF_GROUPS;
    for (size_t i = 0; i < census->count; i++) {
        const struct candidate *one = &census->candidates[i];
        bool first = !summed || i == 0 || one->group != one[-1].group;
        if (first && i > 0) line++;
        census->line[one->class] = (int)line;
        const char *group = one->group >= 0 ? report->groups[one->group] : NULL;
        if (first)
            matrix->lines[line] = (struct confusion_line){summed ? group : report->classes[one->class].name,
                                                          summed ? -1 : one->group, 0};
        matrix->lines[line].photos += census->photos[one->class];
    }
}

static void fill(const struct census *census, struct confusion_matrix *matrix) {
    const struct pomona_evaluation_report *report = census->report;
    for (size_t i = 0; i < report->confusion_count; i++) {
        const struct pomona_confusion_count *cell = &report->confusions[i];
        int truth = census->line[cell->truth], predicted = census->line[cell->predicted];
        if (truth >= 0 && predicted >= 0)
            matrix->counts[(size_t)truth * matrix->size + (size_t)predicted] += cell->count;
    }
}

pomona_status confusion_find(const struct pomona_evaluation_report *report, struct confusion_matrix *matrix,
                             struct pomona_error *error) {
    struct census census;
    pomona_status status = POMONA_OK;
    *matrix = (struct confusion_matrix){.groups = report->groups};
    if (!census_new(&census, report)) {
        status = fail_memory(error, "confusion matrix");
        goto done;
    }
    census_take(&census);
    matrix->classes = census.count;
    matrix->silent = report->class_count - census.count;
    choose(&census, matrix);
    matrix->lines = memory_new(matrix->size, sizeof *matrix->lines);
    matrix->counts = memory_new(matrix->size * matrix->size, sizeof *matrix->counts);
    if (!matrix->lines || !matrix->counts) {
        status = fail_memory(error, "confusion matrix");
        goto done;
    }
    place_lines(&census, matrix);
    fill(&census, matrix);
done:
    census_free(&census);
    return status;
}

void confusion_free(struct confusion_matrix *matrix) {
    memory_free(matrix->lines);
    memory_free(matrix->counts);
    matrix->lines = NULL;
    matrix->counts = NULL;
}

void confusion_note(const struct confusion_matrix *matrix, pomona_language language,
                    char note[CONFUSION_NOTE_SIZE]) {
    struct number all = number_integer(language, (int64_t)matrix->classes),
                  shown = number_integer(language, (int64_t)matrix->size),
                  silent = number_integer(language, (int64_t)matrix->silent);
    note[0] = '\0';
    if (matrix->view == CONFUSION_OF_GROUPS)
        snprintf(note, CONFUSION_NOTE_SIZE, "%s %s %s", word(language, WORD_confusion_groups), all.text,
                 word(language, WORD_confusion_groups_end));
    else if (matrix->view == CONFUSION_OF_WORST)
        snprintf(note, CONFUSION_NOTE_SIZE, "%s %s %s.", shown.text, word(language, WORD_confusion_worst),
                 all.text);
    else if (matrix->silent > 0)
        snprintf(note, CONFUSION_NOTE_SIZE, "%s %s", silent.text, word(language, WORD_confusion_silent));
}
