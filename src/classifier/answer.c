#include "base/memory.h"
#include "classifier/classifier.h"

pomona_status pomona_classifier_run(const struct pomona_classifier *classifier, size_t rows,
                                    const float *features, double *probabilities, double *known,
                                    struct pomona_error *error) {
    const struct head *head = &classifier->head;
    double *scratch = memory_new(head_scratch(head), sizeof *scratch);
    if (!scratch) return fail_memory(error, "classifier");
    for (size_t i = 0; i < rows; i++)
        head_run(head, features + i * (size_t)head->features, scratch,
                 probabilities + i * (size_t)head->classes, known ? known + i : NULL);
    memory_free(scratch);
    return POMONA_OK;
}

void pomona_classifier_decide(const struct pomona_classifier *classifier, const double *probabilities,
                              double known, struct pomona_answer *answer) {
    static const enum pomona_answer_level levels[] = {[HEAD_FINE] = POMONA_ANSWER_FINE,
                                                      [HEAD_COARSE] = POMONA_ANSWER_COARSE,
                                                      [HEAD_REJECTED] = POMONA_ANSWER_REJECTED};
    struct head_decision decision;
    head_decide(&classifier->head, probabilities, known, &decision);
    *answer = (struct pomona_answer){.best = decision.best,
                                     .probability = probabilities[decision.best],
                                     .group = decision.group,
                                     .group_probability = decision.group_probability,
                                     .known = known,
                                     .level = levels[decision.level]};
}

void pomona_classifier_top(const double *probabilities, int classes, int count, int *indices) {
    int held = 0;
    for (int c = 0; c < classes; c++) {
        int at = held < count ? held++ : count - 1;
        if (at == count - 1 && held == count && c >= count &&
            !(probabilities[c] > probabilities[indices[at]]))
            continue;
        for (; at > 0 && probabilities[c] > probabilities[indices[at - 1]]; at--)
            indices[at] = indices[at - 1];
        indices[at] = c;
    }
}
