/* The embedded network on six photos: pixels equal to Pillow's, features in fp32 equal to ONNX Runtime's, features in 8 bits the same
 * bytes on every tier. */
#include "base/io.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "pomona/image.h"
#include "pomona/model.h"
#include "tests/base/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *folder; /* tests/golden, from the command line */
static struct pomona_error error;

struct golden {
    int photos, features;
    char pixels[SHA256_HEX_SIZE], model[SHA256_HEX_SIZE], integers[SHA256_HEX_SIZE], bits[SHA256_HEX_SIZE];
};

static void read_named(const char *name, struct buffer *out) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (file_read(path, out, &error) != POMONA_OK) fail_msg("%s", error.message);
}

static struct golden read_golden(void) {
    struct golden golden;
    struct buffer text = BUFFER_INIT(4096);
    const char *content;
    read_named("golden.txt", &text);
    assert_int_equal(buffer_terminate(&text, &content, &error), POMONA_OK);
    assert_int_equal(sscanf(content, "photos %d features %d pixels %64s model %64s integers %64s bits %64s",
                            &golden.photos, &golden.features, golden.pixels, golden.model, golden.integers,
                            golden.bits),
                     6);
    buffer_free(&text);
    return golden;
}

/* Preprocesses all photos into pixels [photos][height][width][3], which the caller frees. */
static uint8_t *preprocess(const struct pomona_context *context, const struct pomona_profile *profile,
                           int photos) {
    size_t size = (size_t)profile->width * (size_t)profile->height * 3;
    uint8_t *pixels = memory_new_aligned((size_t)photos, size);
    struct pomona_preprocessor *preprocessor = NULL;
    struct buffer bytes = BUFFER_INIT(1 << 20);
    assert_non_null(pixels);
    assert_int_equal(pomona_preprocessor_new(context, profile, NULL, &preprocessor, &error), POMONA_OK);
    for (int i = 0; i < photos; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.jpg", i);
        read_named(name, &bytes);
        assert_int_equal(pomona_preprocessor_run(preprocessor, name, bytes.data, bytes.size,
                                                 pixels + (size_t)i * size, &error),
                         POMONA_OK);
    }
    buffer_free(&bytes);
    pomona_preprocessor_free(&preprocessor);
    return pixels;
}

static void compare_features(const float *features, const struct golden *golden) {
    struct buffer expected = BUFFER_INIT(1 << 24);
    size_t count = (size_t)golden->photos * (size_t)golden->features;
    double worst = 0;
    read_named("features.f32", &expected);
    assert_int_equal(expected.size, count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, expected.data + i * sizeof value, sizeof value);
        double difference = fabs((double)value - (double)features[i]);
        if (!(difference <= worst)) worst = difference;
    }
    buffer_free(&expected);
    if (!(worst <= 1e-4)) fail_msg("features differ by %g", worst);
}

/* Opens the embedded network, and runs it on the photos in batches of `batch`. The caller frees the features. */
static float *run(const char *precision, const char *model_hash, const struct golden *golden, int batch) {
    const struct pomona_model_options options = {.precision = precision};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    struct pomona_session *session = NULL;
    struct pomona_model_info info;
    char hex[SHA256_HEX_SIZE];
    assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, &error), POMONA_OK);
    assert_int_equal(pomona_model_open_embedded(context, &options, &model, &error), POMONA_OK);
    pomona_model_get_info(model, &info);
    assert_string_equal(info.hash, model_hash); /* another network? tests/golden/make.py */
    assert_int_equal(info.features, golden->features);
    uint8_t *pixels = preprocess(context, &info.profile, golden->photos);
    sha256_hex_of(pixels, (size_t)golden->photos * info.photo_bytes, hex);
    assert_string_equal(hex, golden->pixels);
    float *features = memory_new_aligned((size_t)(golden->photos * golden->features), sizeof(float));
    assert_non_null(features);
    assert_int_equal(pomona_session_new(model, batch, &session, &error), POMONA_OK);
    for (int i = 0; i < golden->photos; i += batch) {
        int n = golden->photos - i < batch ? golden->photos - i : batch;
        assert_int_equal(pomona_session_run(session, pixels + (size_t)i * info.photo_bytes, n,
                                            features + (size_t)i * (size_t)info.features, &error),
                         POMONA_OK);
    }
    memory_free(pixels);
    pomona_session_free(&session);
    pomona_model_free(&model);
    pomona_context_free(&context);
    return features;
}

static void test_fp32(void **state) {
    (void)state;
    struct golden golden = read_golden();
    float *features = run("fp32", golden.model, &golden, golden.photos);
    compare_features(features, &golden);
    memory_free(features);
}

static void test_integers(void **state) {
    (void)state;
    struct golden golden = read_golden();
    for (int batch = 1; batch <= golden.photos; batch++) {
        char hex[SHA256_HEX_SIZE];
        float *features = run("int8", golden.integers, &golden, batch);
        sha256_hex_of(features, (size_t)(golden.photos * golden.features) * sizeof(float), hex);
        assert_string_equal(hex, golden.bits);
        memory_free(features);
    }
}

/* What is used where nobody chooses. */
static void test_default(void **state) {
    (void)state;
    struct golden golden = read_golden();
    memory_free(run(NULL, golden.integers, &golden, 1));
    memory_free(run("auto", golden.integers, &golden, 1));
}

int main(int argc, char **argv) {
    if (argc != 2) return 1;
    folder = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fp32), cmocka_unit_test(test_integers),
                                       cmocka_unit_test(test_default)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
