/* A model opened for one thread, ready to answer photos one by one. */
#ifndef JOB_COMPARE_OPEN_H
#define JOB_COMPARE_OPEN_H

#include "job/comparison.h"
#include "pomona/classifier.h"
#include "pomona/image.h"
#include "pomona/model.h"

struct compare_model {
    struct pomona_classifier *classifier; /* NULL: a backbone alone */
    struct pomona_model *plain;           /* the backbone alone; else NULL */
    const struct pomona_model *backbone;  /* of either */
    struct pomona_model_info info;
    struct pomona_classifier_info head; /* zeros without a head */
    /* For compare_model_answer. */
    struct pomona_preprocessor *preprocessor;
    struct pomona_session *session;
    uint8_t *pixels;
    float *features;
    double *probabilities; /* [head.classes]; NULL without a head */
};

/* Opens the subject's file: a classifier, or a backbone. Free in every case. Errors: those of pomona_classifier_open and
 * pomona_model_open. */
pomona_status compare_model_open(const struct compare_subject *subject, struct compare_model *model,
                                 struct pomona_error *error);

/* Makes what answering needs. POMONA_E_MEMORY. */
pomona_status compare_model_prepare(const struct compare_subject *subject, struct compare_model *model,
                                    struct pomona_error *error);

/* One photo from its bytes to its answer, which is dropped. Errors: those of pomona_preprocessor_run. */
pomona_status compare_model_answer(struct compare_model *model, const char *name, const void *bytes,
                                   size_t size, struct pomona_error *error);

void compare_model_free(struct compare_model *model);

#endif
