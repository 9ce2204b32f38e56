/* The page of an evaluation: what the report becomes on its way to HTML, and the pieces that write its sections. */
#ifndef REPORT_EVALUATION_H
#define REPORT_EVALUATION_H

#include "report/confusion.h"
#include "report/parts.h"

#include <stdbool.h>

enum {
    EVALUATION_CLASSES_MAX = 100000,
    EVALUATION_BINS_MAX = 100,
    CLASS_ROWS_MAX = 1000,
    WORST_MAX = 24,
    WORST_PHOTOS_MAX = 4,
    MISTAKES_MAX = 24,
    DUPLICATES_MAX = 12,
    UNSEEN_MAX = 100
};

struct evaluation_page {
    const struct pomona_evaluation_report *report;
    struct markup markup;
    struct confusion_matrix confusion;
    struct shared_folder folder; /* of all paths that are shown */
    struct photo_source photos;
};

/* Refuses what contradicts itself or the header: POMONA_E_USAGE, POMONA_E_INPUT, POMONA_E_LIMIT. */
pomona_status evaluation_check(const struct pomona_evaluation_report *report, struct pomona_error *error);

/* Name of a class; a word of our own for -1. */
void evaluation_class_name(struct evaluation_page *page, int class);

/* evaluation_summary.c */
void evaluation_notes(struct evaluation_page *page);
void evaluation_figures(struct evaluation_page *page);
void evaluation_facts(struct evaluation_page *page);
void evaluation_reliability(struct evaluation_page *page);
void evaluation_rejection(struct evaluation_page *page);

/* evaluation_classes.c */
void evaluation_confusion(struct evaluation_page *page);
void evaluation_classes(struct evaluation_page *page);
void evaluation_unseen(struct evaluation_page *page);

/* evaluation_photos.c */
void evaluation_worst(struct evaluation_page *page);
void evaluation_mistakes(struct evaluation_page *page);
void evaluation_leakage(struct evaluation_page *page);

#endif
