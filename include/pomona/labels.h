/* Changes to the labels of a trained classifier, without training again.
 *
 * Each call reads a classifier's full file, changes it and writes a new one, whole or not at all. The backbone's bytes
 * and the head's weights stay as they are; the labels' version goes up by one and their history gets a line. A class is
 * named by its name or an alias. */
#ifndef POMONA_LABELS_H
#define POMONA_LABELS_H

#include "pomona/classifier.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_labels_options {
    const char *model; /* the classifier's file */
    const char *out;   /* the file to write; may be `model` */
    bool overwrite;    /* replace another file that exists */
};

struct pomona_labels_result {
    int classes;        /* after the change */
    int labels_version; /* of the new file */
    uint64_t bytes;     /* of the new file */
};

/* Errors of all four: those of pomona_classifier_open and file writing; POMONA_E_EXISTS; POMONA_E_USAGE: a class that the
 * model does not have, an empty name, one with a line break or that another class uses. `result` may be NULL. */

POMONA_API pomona_status pomona_labels_rename(const struct pomona_context *context,
                                              const struct pomona_labels_options *options,
                                              const char *old_name, const char *new_name,
                                              struct pomona_labels_result *result,
                                              struct pomona_error *error);

/* Makes one class of names[count], count >= 2: probabilities and photos add up, aliases are united, the place and the
 * group are those of the first. Groups left without classes go. `into` may be one of the old names. */
POMONA_API pomona_status pomona_labels_merge(const struct pomona_context *context,
                                             const struct pomona_labels_options *options,
                                             const char *const *names, int count, const char *into,
                                             struct pomona_labels_result *result, struct pomona_error *error);

/* Adds another name that a class is known by. */
POMONA_API pomona_status pomona_labels_alias(const struct pomona_context *context,
                                             const struct pomona_labels_options *options,
                                             const char *class_name, const char *alias,
                                             struct pomona_labels_result *result, struct pomona_error *error);

/* Replaces the coarse classes by those of a CSV file (columns: class, coarse). Also its errors: a class in two groups, a
 * file that names no class of the model, POMONA_E_INPUT. */
POMONA_API pomona_status pomona_labels_hierarchy(const struct pomona_context *context,
                                                 const struct pomona_labels_options *options,
                                                 const char *file, struct pomona_labels_result *result,
                                                 struct pomona_error *error);

/* The history of an open classifier's labels, a line for each change; "" for none. Lives as long as the classifier. */
POMONA_API const char *pomona_labels_history(const struct pomona_classifier *classifier);

#ifdef __cplusplus
}
#endif
#endif
