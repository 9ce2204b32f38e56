/* The inside of a classifier, and how one is written. */
#ifndef CLASSIFIER_CLASSIFIER_H
#define CLASSIFIER_CLASSIFIER_H

#include "base/arena.h"
#include "base/buffer.h"
#include "onnx/graph.h"
#include "pomona/classifier.h"
#include "stats/apply/head.h"

/* The metadata keys of a head; docs/internals/classifier.md tells what each holds. */
#define HEAD_KEY(name) "pomona.head." name

struct class_entry {
    const char *name; /* a name or an alias */
    int index;
};

struct pomona_classifier {
    struct pomona_model *model;
    struct head head;
    struct pomona_classifier_info info; /* its texts are in `texts` */
    struct arena texts;
    struct pomona_class *classes; /* [info.classes], owned by `texts` like all below */
    const char **groups;          /* [info.groups] */
    struct class_entry *entries;  /* [entry_count], sorted by name */
    int entry_count;
    const char *layer, *feature_space; /* what the head was trained on */
    const char *precision;             /* likewise; NULL: fp32, from a time without another */
    const char
        *profile; /* of those features, from a file of a head alone; NULL: the backbone's file says it */
    struct onnx_property *facts; /* of the training: metadata under pomona.train.* */
    int fact_count;
    const char *history; /* of the labels, a line for each change */
};

/* Everything a file holds but the backbone. Borrowed. */
struct classifier_parts {
    const struct head *head;
    const char *kind; /* "logistic", "ridge", "lda", "knn", "prototype" */
    const struct pomona_class *classes;
    const char *const *groups;
    const char *calibration;
    double false_reject; /* meaningless where nothing is rejected */
    int labels_version;
    const char *history;
    const char *layer;         /* the backbone's value that the head reads */
    const char *profile;       /* canonical text */
    const char *feature_space; /* of the features that it was trained on */
    const char *precision;     /* "fp32", "int8": what made them */
    const char *backbone_hash;
    const struct onnx_property *facts;
    int fact_count;
    bool half; /* store the large weights as fp16; they must be exact in it (head_round_half) */
};

/* Rounds what `half` stores as fp16. POMONA_E_INPUT for a weight beyond what fp16 holds. */
pomona_status head_round_half(struct head *head, const char *where, struct pomona_error *error);

/* Appends the file to `out`: a backbone's file data[size] with the head, or with data NULL a file of the head alone.
 * Errors: those of onnx_splice; POMONA_E_UNSUPPORTED for a backbone whose operator set is too old for this head;
 * POMONA_E_LIMIT for a head whose graph would need a matrix of more than 67,108,864 numbers; POMONA_E_MEMORY. */
pomona_status classifier_write(const struct classifier_parts *parts, const char *name, const uint8_t *data,
                               size_t size, struct buffer *out, struct pomona_error *error);

/* Appends the backbone of a classifier's file data[size] to `out`, byte for byte. POMONA_E_CORRUPT; POMONA_E_INPUT for a file
 * without a head. */
pomona_status classifier_cut_backbone(const char *name, const uint8_t *data, size_t size, struct buffer *out,
                                      struct pomona_error *error);

/* The parts of an open classifier, which must outlive them, for writing it again. */
void classifier_parts_of(const struct pomona_classifier *classifier, bool half, char *profile,
                         struct classifier_parts *parts);

#endif
