/* libFuzzer: any bytes as a model. What opens and is small is run as well. See tests/fuzz/README.md. */
#include "pomona/model.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_once(const struct pomona_model *model) {
    enum { PIXELS_MAX = 256 * 256, FEATURES_MAX = 1 << 16 };
    static uint8_t pixels[PIXELS_MAX * 3];
    static float features[FEATURES_MAX];
    struct pomona_model_info info;
    struct pomona_session *session = NULL;
    pomona_model_get_info(model, &info);
    if (info.input_width * info.input_height > PIXELS_MAX || info.features > FEATURES_MAX) return;
    if (info.macs > 20000000 || info.activation_bytes > 64u << 20) return;
    if (pomona_session_new(model, 1, &session, NULL) == POMONA_OK)
        pomona_session_run(session, pixels, 1, features, NULL);
    pomona_session_free(&session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct pomona_context *context;
    if (!context && pomona_context_new(POMONA_TIER_AUTO, &context, NULL) != POMONA_OK) abort();
    struct pomona_model *model = NULL;
    struct pomona_error error;
    if (pomona_model_open_memory(context, "fuzz", data, size, NULL, &model, &error) == POMONA_OK)
        run_once(model);
    pomona_model_free(&model);
    return 0;
}
