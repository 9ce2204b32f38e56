/* Pieces of HTML that the pages share. */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H

#include "report/thumbnails.h"

/* A remark in a box: a text of our own, or one from outside. */
void part_note(struct markup *markup, enum word text);
void part_note_text(struct markup *markup, const char *text);

/* A large figure with its unit, in <dl class="figures">; resp. with a text from here in place of the number, and a small
 * line below unless that is "". */
void part_figure(struct markup *markup, struct number value, enum word unit);
void part_figure_text(struct markup *markup, const char *value, enum word unit, const char *below);

/* A fact, in <dl class="facts">; nothing for NULL, "" and 0. */
void part_fact_open(struct markup *markup, enum word name);
void part_fact_close(struct markup *markup);
void part_fact(struct markup *markup, enum word name, const char *text, const char *class);
void part_fact_count(struct markup *markup, enum word name, int64_t value);

/* "Labels: 60. ": a word, a number, and what follows. */
void part_count(struct markup *markup, enum word name, int64_t value, const char *end);

/* <p class="quiet">60 more labels</p>: a number, a word, and what follows. */
void part_remark(struct markup *markup, int64_t value, enum word text, const char *end);

enum { FAILURES_MAX = 200 }; /* rows that a page shows */

/* The photos that could not be read: `all` of them, of which `failures` are at hand; `prefix` bytes of their paths are not
 * shown, and `below` says where the others are. */
void part_failures(struct markup *markup, const struct pomona_report_failure *failures, size_t count,
                   int64_t all, size_t prefix, enum word meaning, enum word below);

/* The table alone, of FAILURES_MAX rows at most; `head` is the heading over their paths. */
void part_failure_rows(struct markup *markup, const struct pomona_report_failure *failures, size_t count,
                       size_t prefix, enum word head);

/* <img> of a photo of THUMBNAIL_LIST pixels, or an empty place where it has none; nothing where no photo can have one. */
void part_photo(struct markup *markup, const struct photo_source *source, size_t id, const char *path);

/* ---- paths ---- */

/* The folder that all paths of a page share, so that it is said once. Zero-initialise; NULL paths do not count. */
struct shared_folder {
    const char *path; /* the first one, borrowed */
    size_t length;    /* of the folder, with its last slash */
};

void shared_folder_add(struct shared_folder *folder, const char *path);

/* After the last one: cuts at a slash. */
void shared_folder_close(struct shared_folder *folder);

void part_folder(struct markup *markup, const struct shared_folder *folder);

#endif
