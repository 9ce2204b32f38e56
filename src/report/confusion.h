/* The confusion matrix: what of it is shown, and its picture. */
#ifndef REPORT_CONFUSION_H
#define REPORT_CONFUSION_H

#include "pomona/report_evaluation.h"
#include "report/plot.h"

#include <stdbool.h>

enum {
    CONFUSION_LINES_MAX = 100, /* rows that stay legible */
    CONFUSION_WORST = 60       /* rows where there are more, and no coarse classes that would do */
};

enum confusion_view {
    CONFUSION_OF_CLASSES, /* all that have photos or answers */
    CONFUSION_OF_GROUPS,  /* summed over the coarse classes */
    CONFUSION_OF_WORST    /* those with the most mistakes */
};

struct confusion_line {
    const char *name; /* NULL: the classes without a coarse class, together */
    int group;        /* coarse class that lines of the matrix stand together for; -1: none */
    int64_t photos;   /* of its row, also those answered with a class that is not shown */
};

struct confusion_matrix {
    enum confusion_view view;
    size_t size;                  /* lines, 0..CONFUSION_LINES_MAX */
    struct confusion_line *lines; /* [size], coarse classes together */
    int64_t *counts;              /* [size][size]: truth, predicted */
    size_t classes;               /* that have photos or answers */
    size_t silent;                /* the others */
    const char *const *groups;    /* names, of the report */
};

/* Fills `matrix` from a report that has been checked. POMONA_E_MEMORY. */
pomona_status confusion_find(const struct pomona_evaluation_report *report, struct confusion_matrix *matrix,
                             struct pomona_error *error);

/* Frees it. Accepts zeroed ones. */
void confusion_free(struct confusion_matrix *matrix);

/* "Coarse classes, summed over 300 classes.": what is shown of how much, "" when that is everything. */
enum { CONFUSION_NOTE_SIZE = 256 };
void confusion_note(const struct confusion_matrix *matrix, pomona_language language,
                    char note[CONFUSION_NOTE_SIZE]);

struct confusion_picture {
    const struct confusion_matrix *matrix;
    pomona_language language;
    bool numbers;              /* in the cells, whose colours stay light enough to read them */
    bool titled;               /* with title and note, for a file */
    double cell, scale;        /* pixels of a cell; letters of its labels */
    double names, group_names; /* room for labels and names of coarse classes, pixels */
    double left, top, right;   /* of the matrix */
    size_t letters;            /* of a label */
    char note[CONFUSION_NOTE_SIZE];
};

/* The matrix as a picture whose size depends on its lines. `picture` outlives the plot. */
struct plot confusion_plot(const struct confusion_matrix *matrix, pomona_language language, bool titled,
                           struct confusion_picture *picture);

#endif
