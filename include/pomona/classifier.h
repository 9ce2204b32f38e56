/* Classifiers: a backbone, a head and its labels in one ONNX file, and the answers they give.
 *
 * A classifier's file is its backbone's file with a head appended: the graph's own bytes come first, unchanged, so the
 * backbone's hash can be checked again, features have the same feature space as those of the backbone alone, and
 * `pomona model export --backbone` gives back the same bytes. Any ONNX runtime runs it: the outputs `probabilities`
 * [N, classes], `coarse` [N, groups] (with a hierarchy) and `known` [N, 1] are added to the backbone's own. Labels and
 * thresholds travel in the metadata under `pomona.head.*` (docs/internals/classifier.md).
 *
 * A head-only file is a small ONNX graph of its own, from `features` [N, D] to the same outputs; it names the backbone
 * that it belongs to.
 *
 * An object is immutable and may be shared by threads. The context must outlive it. */
#ifndef POMONA_CLASSIFIER_H
#define POMONA_CLASSIFIER_H

#include "pomona/model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_classifier;

/* Zero-initialise for the defaults. */
struct pomona_classifier_options {
    const char *head;      /* a head-only file to use with the backbone, in place of the file's own head */
    const char *profile;   /* see pomona_model_options */
    const char *decode;    /* "exact" or "scaled"; another than that of the head's training is an error */
    const char *precision; /* "fp32" or "int8"; another than that of the head's training is an error */
    int size; /* likewise: the backbone at another input size than the head was trained with; 0: at that one */
};

struct pomona_classifier_info {
    struct pomona_model_info model; /* the backbone up to the features */
    const char *kind;               /* "logistic", "ridge", "lda", "knn" or "prototype" */
    int classes;                    /* fine classes that are answered */
    int groups;                     /* coarse classes; 0: no hierarchy */
    int leaves;                     /* what was trained; more than classes after a merge */
    double temperature;             /* found by calibration; 1 when there was none */
    const char *calibration;        /* what it was calibrated on: "validation", "folds", "" for nothing */
    bool rejects;                   /* whether photos can be rejected */
    double false_reject;            /* share of known photos that the threshold was set to reject */
    double threshold;               /* photos whose `known` is below are rejected */
    double fine_confidence, coarse_confidence;
    int labels_version;               /* 1 after training, one more with each change of labels */
    char hash[POMONA_HASH_TEXT_SIZE]; /* SHA-256 of the file that holds the head */
    uint64_t file_bytes;              /* of that file */
    uint64_t head_bytes;              /* weights of the head in memory */
};

/* Opens a classifier's file; NULL: the embedded one. Errors: those of pomona_model_open; POMONA_E_INPUT: the model has
 * no head (a plain backbone: `pomona train` makes one), or a head-only file was made for another backbone;
 * POMONA_E_CORRUPT: head and metadata contradict each other. `options` may be NULL. */
POMONA_API pomona_status pomona_classifier_open(const struct pomona_context *context, const char *path,
                                                const struct pomona_classifier_options *options,
                                                struct pomona_classifier **classifier,
                                                struct pomona_error *error);

/* The same from memory, which may be freed afterwards (NULL: the embedded network that belongs to the head); `name` is for
 * messages. */
POMONA_API pomona_status pomona_classifier_open_memory(const struct pomona_context *context, const char *name,
                                                       const void *data, size_t size,
                                                       const struct pomona_classifier_options *options,
                                                       struct pomona_classifier **classifier,
                                                       struct pomona_error *error);

/* Frees a classifier and sets *classifier to NULL. Accepts NULL and pointers to NULL. */
POMONA_API void pomona_classifier_free(struct pomona_classifier **classifier);

/* Fills `info`; its pointers live as long as the classifier. */
POMONA_API void pomona_classifier_get_info(const struct pomona_classifier *classifier,
                                           struct pomona_classifier_info *info);

/* The backbone, up to the features; lives as long as the classifier. */
POMONA_API const struct pomona_model *pomona_classifier_model(const struct pomona_classifier *classifier);

/* One fine class. */
struct pomona_class {
    const char *name;
    int group;           /* its coarse class; -1 without hierarchy */
    const char *aliases; /* other names it is known by, one a line; "" for none */
    int64_t photos;      /* that it was trained on; 0: not known */
};

/* Class 0 .. classes - 1; false past the last. Texts live as long as the classifier. */
POMONA_API bool pomona_classifier_class(const struct pomona_classifier *classifier, int index,
                                        struct pomona_class *out);

/* Name of coarse class 0 .. groups - 1, or NULL past the last. */
POMONA_API const char *pomona_classifier_group(const struct pomona_classifier *classifier, int index);

/* The class of that name or alias, or -1. */
POMONA_API int pomona_classifier_find(const struct pomona_classifier *classifier, const char *name);

/* What a photo shows. */
enum pomona_answer_level {
    POMONA_ANSWER_FINE,    /* the class is the answer */
    POMONA_ANSWER_COARSE,  /* only the coarse class is sure enough */
    POMONA_ANSWER_REJECTED /* none of the classes it knows */
};

struct pomona_answer {
    int best; /* most probable class, also when the level is another */
    double probability;
    int group; /* most probable coarse class; -1 without hierarchy */
    double group_probability;
    double known; /* score of being one of the classes; compare with info.threshold */
    enum pomona_answer_level level;
};

/* Fills probabilities [rows][classes] and known [rows] (may be NULL) of features [rows][model.features]. The same bits on
 * every tier for the same features. POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_classifier_run(const struct pomona_classifier *classifier, size_t rows,
                                               const float *features, double *probabilities, double *known,
                                               struct pomona_error *error);

/* The answer for probabilities [classes] and a score, for instance of pomona_classifier_run, or their means over several
 * photos of one thing. */
POMONA_API void pomona_classifier_decide(const struct pomona_classifier *classifier,
                                         const double *probabilities, double known,
                                         struct pomona_answer *answer);

/* The indices of the `count` most probable classes in descending order (ties: the lower index first). */
POMONA_API void pomona_classifier_top(const double *probabilities, int classes, int count, int *indices);

#ifdef __cplusplus
}
#endif
#endif
