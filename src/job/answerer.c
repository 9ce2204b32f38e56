#include "job/answerer.h"

#include "base/memory.h"
#include "classifier/classifier.h"

enum { WAITING_BYTES = 64 << 20 };

pomona_status answerer_start(struct answerer *answerer, const struct pomona_classifier *classifier,
                             int threads, struct pomona_error *error) {
    *answerer = (struct answerer){.classifier = classifier,
                                  .classes = classifier->head.classes,
                                  .stride = head_scratch(&classifier->head)};
    answerer->scratch = memory_new(size_multiply((size_t)threads, answerer->stride), sizeof(double));
    return answerer->scratch ? POMONA_OK : fail_memory(error, "head");
}

void answerer_run(const struct answerer *answerer, int worker, const float *features, double *values) {
    head_run(&answerer->classifier->head, features, answerer->scratch + (size_t)worker * answerer->stride,
             values, values + answerer->classes);
}

int answerer_batch(const struct answerer *answerer, int threads, int batch) {
    size_t photo = (size_t)answerer_values(answerer) * sizeof(double);
    size_t most =
        WAITING_BYTES / (4 * (size_t)threads * photo); /* a pipeline has about four batches a thread */
    return most < 1 ? 1 : most < (size_t)batch ? (int)most : batch;
}

void answerer_free(struct answerer *answerer) {
    memory_free(answerer->scratch);
    *answerer = (struct answerer){0};
}
