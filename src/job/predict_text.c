#include "job/predict_text.h"

#include "base/text.h"

#include <string.h>

enum { SHOWN_MAX = 512 };

static const char *shown_path(const struct predict_rows *rows, const char *path, char out[SHOWN_MAX]) {
    size_t folder = strlen(rows->folder);
    if (strncmp(path, "file:", 5) == 0) path += 5;
    if (folder > 0 && strncmp(path, rows->folder, folder) == 0) path += folder;
    text_printable(path, out, SHOWN_MAX);
    return out;
}

static const char *shown_class(const struct predict_rows *rows, int index, char out[SHOWN_MAX]) {
    struct pomona_class class = {.name = ""};
    pomona_classifier_class(rows->classifier, index, &class);
    text_printable(class.name, out, SHOWN_MAX);
    return out;
}

static const char *shown_group(const struct predict_rows *rows, int index, char out[SHOWN_MAX]) {
    const char *name = pomona_classifier_group(rows->classifier, index);
    text_printable(name ? name : "", out, SHOWN_MAX);
    return out;
}

static pomona_status append_answer(struct predict_rows *rows, const struct predict_row *row,
                                   struct pomona_error *error) {
    char class[SHOWN_MAX], group[SHOWN_MAX];
    const struct pomona_answer *answer = &row->answer;
    shown_class(rows, answer->best, class);
    switch (answer->level) {
    case POMONA_ANSWER_FINE:
        return buffer_printf(&rows->text, error, "%s, %.1f %%", class, 100 * answer->probability);
    case POMONA_ANSWER_COARSE:
        return buffer_printf(&rows->text, error, "%s, %.1f %% (which of them is not sure; first %s, %.1f %%)",
                             shown_group(rows, answer->group, group), 100 * answer->group_probability, class,
                             100 * answer->probability);
    case POMONA_ANSWER_REJECTED: break;
    }
    return buffer_printf(&rows->text, error, "not one of its classes (nearest: %s)", class);
}

pomona_status predict_text_line(struct predict_rows *rows, const struct predict_row *row,
                                struct pomona_error *error) {
    char path[SHOWN_MAX];
    if (row->error) return POMONA_OK;
    TRY(buffer_printf(&rows->text, error, "%s: ", shown_path(rows, row->path, path)));
    TRY(append_answer(rows, row, error));
    if (rows->fused) TRY(buffer_printf(&rows->text, error, "  (%lld photos)", (long long)row->photos));
    return buffer_append_text(&rows->text, "\n", error);
}

pomona_status predict_text_block(struct predict_rows *rows, const struct predict_row *row,
                                 struct pomona_error *error) {
    char shown[SHOWN_MAX];
    const struct pomona_answer *answer = &row->answer;
    if (row->error) return POMONA_OK;
    if (rows->fused)
        TRY(buffer_printf(&rows->text, error, "photos    %lld\n", (long long)row->photos));
    else
        TRY(buffer_printf(&rows->text, error, "photo     %s\n", shown_path(rows, row->path, shown)));
    TRY(buffer_append_text(&rows->text, "answer    ", error));
    TRY(append_answer(rows, row, error));
    if (answer->group >= 0)
        TRY(buffer_printf(&rows->text, error, "\ncoarse    %s, %.1f %%",
                          shown_group(rows, answer->group, shown), 100 * answer->group_probability));
    if (rows->info.rejects)
        TRY(buffer_printf(&rows->text, error, "\nknown     %.4g (below %.4g: not one of its classes)",
                          answer->known, rows->info.threshold));
    pomona_classifier_top(row->probabilities, rows->info.classes, rows->top, rows->best);
    for (int i = 0; i < rows->top; i++)
        TRY(buffer_printf(&rows->text, error, "\n%-9s %5.1f %%  %s", i ? "" : "top",
                          100 * row->probabilities[rows->best[i]], shown_class(rows, rows->best[i], shown)));
    return buffer_append_text(&rows->text, "\n", error);
}
