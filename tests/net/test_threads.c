/* One model, many threads: each has a session of its own and gets the same features, to the bit. Meant for TSan too. */
#include "base/memory.h"
#include "pomona/model.h"
#include "unit.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 3, BATCH = 2 };

static const struct pomona_model *model;
static struct pomona_model_info info;
static uint8_t *pixels; /* [BATCH] photos */

static void *work(void *user) {
    float *features = user;
    struct pomona_session *session = NULL;
    pomona_status status = pomona_session_new(model, BATCH, &session, NULL);
    for (int i = 0; status == POMONA_OK && i < ROUNDS; i++)
        status = pomona_session_run(session, pixels, BATCH, features, NULL);
    pomona_session_free(&session);
    return status == POMONA_OK ? user : NULL;
}

static void threads_share_a_model(void **state) {
    (void)state;
    struct pomona_context *context = NULL;
    struct pomona_model *opened = NULL;
    assert_int_equal(pomona_context_new(POMONA_TIER_AUTO, &context, NULL), POMONA_OK);
    assert_int_equal(pomona_model_open_embedded(context, NULL, &opened, NULL), POMONA_OK);
    model = opened;
    pomona_model_get_info(model, &info);
    size_t photo = (size_t)info.input_width * (size_t)info.input_height * 3,
           features = (size_t)info.features * BATCH;
    pixels = memory_new(BATCH, photo);
    float *results = memory_new(THREADS * features, sizeof *results);
    assert_non_null(pixels);
    assert_non_null(results);
    for (size_t i = 0; i < BATCH * photo; i++) pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, results + i * features), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *done = NULL;
        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_ptr_equal(done, results + i * features);
        assert_memory_equal(results, results + i * features, features * sizeof *results);
    }
    float sum = 0;
    for (size_t i = 0; i < features; i++) sum += results[i] * results[i];
    assert_true(sum > 0);
    memory_free(results);
    memory_free(pixels);
    pomona_model_free(&opened);
    pomona_context_free(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
