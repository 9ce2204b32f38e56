/* A photo to a feature vector.   usage: features_of_one_photo PHOTO.jpg [MODEL.onnx] */
#include <pomona/image.h>
#include <pomona/model.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    static unsigned char photo[16 << 20];
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_model *model = NULL;
    struct pomona_session *session = NULL;
    struct pomona_preprocessor *preprocessor = NULL;
    struct pomona_model_info info;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!file) return fputs("usage: features_of_one_photo PHOTO.jpg [MODEL.onnx]\n", stderr), 1;
    size_t size = fread(photo, 1, sizeof photo, file);
    fclose(file);

    pomona_status status = pomona_context_new(POMONA_TIER_AUTO, &context, &error);
    if (status == POMONA_OK)
        status = argc > 2 ? pomona_model_open(context, argv[2], NULL, &model, &error)
                          : pomona_model_open_embedded(context, NULL, &model, &error);
    if (status == POMONA_OK) {
        pomona_model_get_info(model, &info);
        status = pomona_preprocessor_new(context, &info.profile, NULL, &preprocessor, &error);
    }
    if (status == POMONA_OK) status = pomona_session_new(model, 1, &session, &error);
    if (status == POMONA_OK) {
        unsigned char *pixels = malloc(info.photo_bytes);
        float *features = malloc((size_t)info.features * sizeof *features);
        status = pomona_preprocessor_run(preprocessor, argv[1], photo, size, pixels, &error);
        if (status == POMONA_OK) status = pomona_session_run(session, pixels, 1, features, &error);
        for (int i = 0; status == POMONA_OK && i < info.features; i++) printf("%.9g\n", (double)features[i]);
        free(pixels);
        free(features);
    }
    if (status != POMONA_OK) fprintf(stderr, "%s\n", error.message);
    pomona_session_free(&session);
    pomona_preprocessor_free(&preprocessor);
    pomona_model_free(&model);
    pomona_context_free(&context);
    return pomona_status_exit_code(status);
}
