/* Heads by hand, and their files: round trips, damage, failing allocations. */
#include "../base/failing.h"
#include "../base/unit.h"
#include "base/memory.h"
#include "classifier/classifier.h"
#include "net/model.h"
#include "onnx/prune.h"
#include "onnx/splice.h"

#include <math.h>
#include <string.h>

#define assert_near(a, b, within) assert_true(fabs((a) - (b)) <= (within))

enum { FEATURES = 1024, LEAVES = 3 }; /* FEATURES: of the embedded backbone */

static struct pomona_error error;
static struct pomona_context *context;
static struct buffer backbone;

static int start(void **state) {
    (void)state;
    const void *data;
    size_t size;
    embedded_model("fp32", &data, &size);
    backbone = BUFFER_INIT(1 << 26);
    if (pomona_context_new(POMONA_TIER_AUTO, &context, &error) != POMONA_OK) return -1;
    return classifier_cut_backbone("embedded", data, size, &backbone, &error) == POMONA_OK ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    pomona_context_free(&context);
    buffer_free(&backbone);
    return 0;
}

/* A linear head of three leaves, the last two merged into one class, on features that only count 0 and 1. */
static struct head linear_head(void) {
    struct head head = {.kind = HEAD_LINEAR,
                        .features = FEATURES,
                        .leaves = LEAVES,
                        .classes = 2,
                        .groups = 1,
                        .temperature = 2,
                        .fine_confidence = 0.5,
                        .coarse_confidence = 0.5};
    head.leaf_class = memory_new(LEAVES, sizeof *head.leaf_class);
    head.class_group = memory_new(2, sizeof *head.class_group);
    head.weight = memory_new(LEAVES * FEATURES, sizeof *head.weight);
    head.bias = memory_new(LEAVES, sizeof *head.bias);
    head.leaf_class[1] = head.leaf_class[2] = 1;
    head.weight[0] = 1, head.weight[FEATURES + 1] = 1, head.bias[2] = 0.5f;
    head.novelty.threshold = -INFINITY;
    return head;
}

static struct classifier_parts parts_of(const struct head *head, const struct pomona_class *classes) {
    static const char *const groups[] = {"all of them"};
    static const struct onnx_property fact = {"pomona.train.photos", "12"};
    static char hash[SHA256_HEX_SIZE], space[POMONA_HASH_TEXT_SIZE], profile[POMONA_PROFILE_TEXT_MAX];
    struct pomona_model *model;
    struct pomona_model_info info;
    assert_int_equal(
        pomona_model_open_memory(context, "b", backbone.data, backbone.size, NULL, &model, &error), 0);
    pomona_model_get_info(model, &info);
    memcpy(hash, info.hash, sizeof hash);
    memcpy(space, info.feature_space, sizeof space);
    pomona_profile_format(&info.profile, profile);
    pomona_model_free(&model);
    return (struct classifier_parts){.head = head,
                                     .kind = head->kind == HEAD_LINEAR ? "logistic" : "knn",
                                     .classes = classes,
                                     .groups = groups,
                                     .calibration = "folds",
                                     .false_reject = 0.05,
                                     .labels_version = 3,
                                     .history = "2: a\n3: b",
                                     .layer = "features",
                                     .profile = profile,
                                     .feature_space = space,
                                     .precision = "fp32",
                                     .backbone_hash = hash,
                                     .facts = &fact,
                                     .fact_count = 1};
}

static const struct pomona_class odd_classes[] = {
    {.name = "a\tb\\\n\r/\"", .group = 0, .aliases = "other\nthird", .photos = 5},
    {.name = "\xF0\x9F\x8D\x8E", .group = 0, .aliases = "", .photos = 7}};

static struct buffer written(const struct head *head) {
    struct buffer file = BUFFER_INIT(1 << 26);
    struct classifier_parts parts = parts_of(head, odd_classes);
    assert_int_equal(classifier_write(&parts, "b", backbone.data, backbone.size, &file, &error), POMONA_OK);
    return file;
}

static void probabilities_by_hand(void **state) {
    (void)state;
    struct head head = linear_head();
    float x[FEATURES] = {2, 1};
    double *scratch = memory_new(head_scratch(&head), sizeof *scratch), p[2], known;
    head_run(&head, x, scratch, p, &known);
    double sum = exp(2) + exp(1) + exp(0.5);
    assert_near(p[0], exp(2) / sum, 1e-12);
    assert_near(p[1], (exp(1) + exp(0.5)) / sum, 1e-12);
    assert_near(known, 0, 0); /* both weights are 0 */
    head.novelty.energy_weight = 1;
    head_run(&head, x, scratch, p, &known);
    assert_near(known, log(exp(4) + exp(2) + exp(1)), 1e-12); /* the temperature is taken out again */
    memory_free(scratch);
    head_free(&head);
}

static void levels_by_hand(void **state) {
    (void)state;
    struct head head = linear_head();
    struct head_decision decision;
    head_decide(&head, (double[]){0.6, 0.4}, 0, &decision);
    assert_int_equal(decision.level, HEAD_FINE);
    assert_int_equal(decision.best, 0);
    head.fine_confidence = 0.7;
    head_decide(&head, (double[]){0.6, 0.4}, 0, &decision);
    assert_int_equal(decision.level, HEAD_COARSE);
    assert_near(decision.group_probability, 1, 1e-12);
    head.novelty.threshold = 0.5;
    head_decide(&head, (double[]){0.6, 0.4}, 0.4, &decision);
    assert_int_equal(decision.level, HEAD_REJECTED);
    head_decide(&head, (double[]){0.6, 0.4}, NAN, &decision);
    assert_int_equal(decision.level, HEAD_REJECTED);
    head_free(&head);
}

static void neighbours_by_hand(void **state) {
    (void)state;
    struct head head = {.kind = HEAD_NEIGHBOURS,
                        .features = 2,
                        .leaves = 2,
                        .classes = 2,
                        .temperature = 1,
                        .prototype_count = 3,
                        .neighbours = 2,
                        .sharpness = 10};
    int leaf_class[] = {0, 1}, leaf[] = {0, 1, 1};
    float rows[] = {1, 0, 0, 1, -1, 0}, mean[] = {1, 1}, scale[] = {1, 2};
    head.leaf_class = leaf_class, head.prototypes = rows, head.prototype_leaf = leaf, head.mean = mean,
    head.scale = scale;
    double *scratch = memory_new(head_scratch(&head), sizeof *scratch), p[2];
    head_run(&head, (float[]){4, 3}, scratch, p, NULL); /* u = (3, 4) / 5: similarities 0.6, 0.8, -0.6 */
    double a = exp(10 * (0.6 - 1)) + 1e-12, b = exp(10 * (0.8 - 1)) + 1e-12;
    assert_near(p[0], a / (a + b), 1e-9);
    head_run(&head, mean, scratch, p, NULL); /* no direction: all are equally far */
    assert_near(p[0], 0.5, 1e-9);
    memory_free(scratch);
}

static void top_is_in_order(void **state) {
    (void)state;
    int top[3];
    pomona_classifier_top((double[]){0.1, 0.4, 0.1, 0.4}, 4, 3, top);
    assert_int_equal(top[0], 1);
    assert_int_equal(top[1], 3);
    assert_int_equal(top[2], 0);
}

static void files_hold_everything(void **state) {
    (void)state;
    struct head head = linear_head();
    struct buffer file = written(&head);
    struct pomona_classifier *classifier;
    struct pomona_classifier_info info;
    struct pomona_class class;
    assert_int_equal(
        pomona_classifier_open_memory(context, "f", file.data, file.size, NULL, &classifier, &error),
        POMONA_OK);
    pomona_classifier_get_info(classifier, &info);
    assert_int_equal(info.classes, 2);
    assert_int_equal(info.leaves, 3);
    assert_int_equal(info.labels_version, 3);
    assert_false(info.rejects);
    assert_string_equal(info.kind, "logistic");
    assert_true(pomona_classifier_class(classifier, 0, &class));
    assert_string_equal(class.name, odd_classes[0].name);
    assert_string_equal(class.aliases, "other\nthird");
    assert_int_equal(class.photos, 5);
    assert_int_equal(pomona_classifier_find(classifier, "third"), 0);
    assert_int_equal(pomona_classifier_find(classifier, odd_classes[1].name), 1);
    assert_int_equal(pomona_classifier_find(classifier, "nobody"), -1);
    assert_string_equal(pomona_classifier_group(classifier, 0), "all of them");
    assert_memory_equal(classifier->head.weight, head.weight, LEAVES * FEATURES * sizeof(float));
    struct classifier_parts parts;
    char profile[POMONA_PROFILE_TEXT_MAX];
    struct buffer again = BUFFER_INIT(1 << 26), cut = BUFFER_INIT(1 << 26);
    classifier_parts_of(classifier, false, profile, &parts);
    assert_int_equal(classifier_write(&parts, "b", backbone.data, backbone.size, &again, &error), POMONA_OK);
    assert_int_equal(again.size, file.size);
    assert_memory_equal(again.data, file.data, file.size);
    assert_int_equal(classifier_cut_backbone("f", file.data, file.size, &cut, &error), POMONA_OK);
    assert_int_equal(cut.size, backbone.size);
    assert_memory_equal(cut.data, backbone.data, cut.size);
    pomona_classifier_free(&classifier);
    buffer_free(&file);
    buffer_free(&again);
    buffer_free(&cut);
    head_free(&head);
}

/* A file that is cut or whose bits are flipped is refused or still a whole classifier; its backbone is never another. */
static void damage_is_seen(void **state) {
    (void)state;
    struct head head = linear_head();
    struct buffer file = written(&head);
    struct pomona_classifier *classifier;
    size_t tail = file.size - backbone.size;
    for (size_t cut = 1; cut < tail; cut += 1 + cut / 7) {
        assert_int_not_equal(pomona_classifier_open_memory(context, "f", file.data, file.size - cut, NULL,
                                                           &classifier, &error),
                             POMONA_OK);
        assert_null(classifier);
    }
    size_t flips = 0, refused = 0;
    for (size_t at = 3; at<file.size; at += file.size - at> 4000 ? 90001 : 61) {
        file.data[at] ^= (uint8_t)(1 << at % 8);
        refused += pomona_classifier_open_memory(context, "f", file.data, file.size, NULL, &classifier,
                                                 &error) != POMONA_OK;
        pomona_classifier_free(&classifier);
        file.data[at] ^= (uint8_t)(1 << at % 8);
        flips++;
    }
    assert_true(refused > flips / 2);
    file.data[backbone.size / 2] ^= 1; /* a weight of the backbone */
    assert_failure(
        pomona_classifier_open_memory(context, "f", file.data, file.size, NULL, &classifier, &error),
        POMONA_E_CORRUPT, "backbone that it names");
    buffer_free(&file);
    head_free(&head);
}

/* Numbers of labels that would overflow when they are added to. */
static void absurd_labels_are_refused(void **state) {
    (void)state;
    struct head head = linear_head();
    struct pomona_class classes[] = {odd_classes[0], odd_classes[1]};
    struct classifier_parts parts = parts_of(&head, classes);
    struct pomona_classifier *classifier;
    for (int i = 0; i < 2; i++) {
        struct buffer file = BUFFER_INIT(1 << 26);
        parts.labels_version = i == 0 ? INT32_MAX : 1;
        classes[0].photos = i == 0 ? 5 : INT64_MAX;
        assert_int_equal(classifier_write(&parts, "b", backbone.data, backbone.size, &file, &error),
                         POMONA_OK);
        assert_failure(
            pomona_classifier_open_memory(context, "f", file.data, file.size, NULL, &classifier, &error),
            POMONA_E_CORRUPT, "makes no sense");
        buffer_free(&file);
    }
    head_free(&head);
}

static void heads_that_make_no_sense(void **state) {
    (void)state;
    struct head head = linear_head();
    head.leaf_class[0] = 2;
    assert_failure(head_check(&head, "f", &error), POMONA_E_CORRUPT, "classes of its leaves");
    head.leaf_class[0] = 0, head.weight[5] = NAN;
    assert_failure(head_check(&head, "f", &error), POMONA_E_CORRUPT, "weights");
    head.weight[5] = 0, head.temperature = 0;
    assert_failure(head_check(&head, "f", &error), POMONA_E_CORRUPT, "temperature");
    head.temperature = 1, head.weight[5] = 1e30f;
    assert_failure(head_round_half(&head, "f", &error), POMONA_E_INPUT, "too large for fp16");
    head_free(&head);
}

static void a_backbone_has_no_head(void **state) {
    (void)state;
    struct pomona_classifier *classifier;
    assert_failure(pomona_classifier_open_memory(context, "plain", backbone.data, backbone.size, NULL,
                                                 &classifier, &error),
                   POMONA_E_INPUT, "has no head");
    struct buffer cut = BUFFER_INIT(1 << 26);
    assert_failure(classifier_cut_backbone("plain", backbone.data, backbone.size, &cut, &error),
                   POMONA_E_INPUT, "has no head");
    buffer_free(&cut);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct head head = linear_head();
    struct buffer file = written(&head);
    struct pomona_classifier *classifier;
    for (long k = 1;; k += 1 + k / 40) {
        fail_allocation(k);
        pomona_status status =
            pomona_classifier_open_memory(context, "f", file.data, file.size, NULL, &classifier, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        pomona_classifier_free(&classifier);
        if (!failed) {
            assert_int_equal(status, POMONA_OK);
            break;
        }
        assert_int_equal(status, POMONA_E_MEMORY);
    }
    struct classifier_parts parts = parts_of(&head, odd_classes);
    for (long k = 1;; k += 1 + k / 40) {
        struct buffer out = BUFFER_INIT(1 << 26);
        fail_allocation(k);
        pomona_status status = classifier_write(&parts, "b", backbone.data, backbone.size, &out, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        buffer_free(&out);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
    buffer_free(&file);
    head_free(&head);
}

static bool keep_all(const char *key) {
    (void)key;
    return true;
}

/* A pruned file is a model, or nothing: whatever allocation fails, whatever is cut or flipped. */
static void pruning_survives(void **state) {
    (void)state;
    static const char *const keep[] = {"probabilities", NULL}, *const none[] = {"nothing", NULL};
    struct head head = linear_head();
    struct buffer file = written(&head), out = BUFFER_INIT(1 << 26);
    assert_failure(onnx_prune("f", file.data, file.size, none, keep_all, &out, &error), POMONA_E_INPUT,
                   "none of the outputs");
    for (long k = 1;; k += 1 + k / 40) {
        buffer_free(&out);
        fail_allocation(k);
        pomona_status status = onnx_prune("f", file.data, file.size, keep, keep_all, &out, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
    assert_true(out.size > backbone.size && out.size < file.size);
    for (size_t at = 5; at<file.size; at += file.size - at> 4000 ? 180001 : 211) {
        buffer_clear(&out);
        assert_int_not_equal(onnx_prune("f", file.data, at, keep, keep_all, &out, &error), POMONA_OK);
        buffer_clear(&out);
        file.data[at] ^= (uint8_t)(1 << at % 8);
        (void)onnx_prune("f", file.data, file.size, keep, keep_all, &out, &error);
        file.data[at] ^= (uint8_t)(1 << at % 8);
    }
    buffer_free(&file);
    buffer_free(&out);
    head_free(&head);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_by_hand),     cmocka_unit_test(levels_by_hand),
        cmocka_unit_test(neighbours_by_hand),        cmocka_unit_test(top_is_in_order),
        cmocka_unit_test(files_hold_everything),     cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(heads_that_make_no_sense),  cmocka_unit_test(a_backbone_has_no_head),
        cmocka_unit_test(absurd_labels_are_refused), cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(pruning_survives)};
    return cmocka_run_group_tests(tests, start, end);
}
