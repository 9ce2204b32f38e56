#include "job/compare_open.h"

#include "base/memory.h"
#include "base/text.h"
#include "net/model.h"

#include <string.h>
#include <sys/stat.h>

static pomona_status open_plain(const struct compare_subject *subject, struct compare_model *model,
                                struct pomona_error *error) {
    const struct pomona_model_options options = {
        .decode = subject->decode, .precision = subject->precision, .size = subject->size};
    return subject->path ? pomona_model_open(subject->context, subject->path, &options, &model->plain, error)
                         : pomona_model_open_embedded(subject->context, &options, &model->plain, error);
}

/* A file that is no classifier may be a backbone. Where it is neither, the error that says more is kept: a missing head is
 * no cause when the network itself can't be read. */
static pomona_status open_either(const struct compare_subject *subject, struct compare_model *model,
                                 struct pomona_error *error) {
    const struct pomona_classifier_options options = {
        .decode = subject->decode, .precision = subject->precision, .size = subject->size};
    struct pomona_error cause;
    memset(&cause, 0, sizeof cause);
    pomona_status status =
        pomona_classifier_open(subject->context, subject->path, &options, &model->classifier, error);
    if (status != POMONA_E_INPUT) return status;
    pomona_status second = open_plain(subject, model, &cause);
    if (second == POMONA_OK || second == POMONA_E_INPUT) return second == POMONA_OK ? POMONA_OK : status;
    if (error) *error = cause;
    return second;
}

pomona_status compare_model_open(const struct compare_subject *subject, struct compare_model *model,
                                 struct pomona_error *error) {
    memset(model, 0, sizeof *model);
    TRY(open_either(subject, model, error));
    model->backbone = model->classifier ? pomona_classifier_model(model->classifier) : model->plain;
    pomona_model_get_info(model->backbone, &model->info);
    if (subject->size &&
        (model->info.profile.width != subject->size || model->info.profile.height != subject->size))
        return fail(error, POMONA_E_UNSUPPORTED, NULL, "its input is %d x %d pixels and can't be %d x %d",
                    model->info.profile.width, model->info.profile.height, subject->size, subject->size);
    if (model->classifier) pomona_classifier_get_info(model->classifier, &model->head);
    return POMONA_OK;
}

pomona_status compare_model_prepare(const struct compare_subject *subject, struct compare_model *model,
                                    struct pomona_error *error) {
    model->pixels = memory_new_aligned(model->info.photo_bytes, 1);
    model->features = memory_new_aligned((size_t)model->info.features, sizeof(float));
    if (model->classifier) model->probabilities = memory_new((size_t)model->head.classes, sizeof(double));
    if (!model->pixels || !model->features || (model->classifier && !model->probabilities))
        return fail_memory(error, "answers");
    TRY(pomona_preprocessor_new(subject->context, &model->info.profile, NULL, &model->preprocessor, error));
    return pomona_session_new(model->backbone, 1, &model->session, error);
}

pomona_status compare_model_answer(struct compare_model *model, const char *name, const void *bytes,
                                   size_t size, struct pomona_error *error) {
    struct pomona_answer answer;
    double known = 0;
    TRY(pomona_preprocessor_run(model->preprocessor, name, bytes, size, model->pixels, error));
    TRY(pomona_session_run(model->session, model->pixels, 1, model->features, error));
    if (!model->classifier) return POMONA_OK;
    TRY(pomona_classifier_run(model->classifier, 1, model->features, model->probabilities, &known, error));
    pomona_classifier_decide(model->classifier, model->probabilities, known, &answer);
    return POMONA_OK;
}

void compare_model_free(struct compare_model *model) {
    pomona_preprocessor_free(&model->preprocessor);
    pomona_session_free(&model->session);
    memory_free(model->pixels);
    memory_free(model->features);
    memory_free(model->probabilities);
    pomona_classifier_free(&model->classifier);
    pomona_model_free(&model->plain);
    memset(model, 0, sizeof *model);
}

static uint64_t file_size(const struct compare_subject *subject) {
    struct stat info;
    const void *data;
    size_t size;
    if (subject->path) return stat(subject->path, &info) == 0 ? (uint64_t)info.st_size : 0;
    embedded_model(subject->precision, &data, &size);
    return size;
}

static void describe(const struct compare_subject *subject, const struct compare_model *model,
                     struct pomona_compare_row *row) {
    const struct pomona_model_info *info = &model->info;
    bool head = model->classifier != NULL;
    text_printable(head ? model->head.kind : "", row->kind, sizeof row->kind);
    text_printable(pomona_precision_name(info->precision), row->precision, sizeof row->precision);
    text_printable(info->profile.decode == POMONA_DECODE_SCALED ? "scaled" : "exact", row->decode,
                   sizeof row->decode);
    text_printable(head ? model->head.hash : info->hash, row->hash, sizeof row->hash);
    row->width = info->profile.width;
    row->height = info->profile.height;
    row->classes = model->head.classes;
    row->groups = model->head.groups;
    row->macs = info->macs * (uint64_t)info->views;
    row->file_bytes = file_size(subject);
    row->head_bytes = model->head.head_bytes;
}

pomona_status compare_describe(void *user, void *reply, struct pomona_error *error) {
    const struct compare_subject *subject = user;
    struct compare_model model;
    pomona_status status = compare_model_open(subject, &model, error);
    if (status == POMONA_OK) describe(subject, &model, reply);
    compare_model_free(&model);
    return status;
}
