/* Pixels for test_pillow.py. Reads commands from standard input, one a line: MODE W H PATH, where MODE is
 *   decode, orient            the photo as stored, or upright (W and H are not used)
 *   resize                    the photo as stored, resized to W x H
 *   spark-compat, phone       through a preprocessor, which is kept while MODE, W and H stay the same; with views as in
 *                             phone:100c,60tlm the pictures stand below each other, phone+scaled decodes scaled
 * and answers each with "ok W H\n" and W * H * 3 bytes, or with "error CODE MESSAGE\n". */
#include "base/io.h"
#include "base/memory.h"
#include "pomona/image.h"

#include <stdio.h>
#include <string.h>

struct tool {
    struct pomona_context *context;
    struct pomona_preprocessor *preprocessor;
    char profile[POMONA_PROFILE_TEXT_MAX];
};

struct command {
    char mode[160];
    int width, height;
    const char *path;
    struct buffer file;
};

static pomona_status resize(struct tool *tool, const struct command *c, struct pomona_image *image,
                            struct pomona_error *error) {
    struct pomona_image photo = {0};
    TRY(pomona_image_decode(c->path, c->file.data, c->file.size, false, NULL, &photo, error));
    pomona_status status = pomona_image_resize(tool->context, &photo, c->width, c->height, image, error);
    pomona_image_free(&photo);
    return status;
}

static pomona_status preprocess(struct tool *tool, const struct command *c, struct pomona_image *image,
                                struct pomona_error *error) {
    struct pomona_profile profile;
    char text[POMONA_PROFILE_TEXT_MAX];
    char name[sizeof c->mode];
    memcpy(name, c->mode, sizeof name);
    char *views = strchr(name, ':');
    if (views) *views++ = '\0';
    char *decode = strchr(name, '+');
    if (decode) *decode++ = '\0';
    TRY(pomona_profile_named(name, c->width, c->height, &profile, error));
    if (decode) TRY(pomona_profile_set_decode(&profile, decode, error));
    if (views) TRY(pomona_profile_set_views(&profile, views, error));
    pomona_profile_format(&profile, text);
    if (strcmp(text, tool->profile) != 0) {
        pomona_preprocessor_free(&tool->preprocessor);
        TRY(pomona_preprocessor_new(tool->context, &profile, NULL, &tool->preprocessor, error));
        memcpy(tool->profile, text, sizeof text);
    }
    int rows = c->height * pomona_profile_pictures(&profile);
    image->pixels = memory_new(3 * (size_t)c->width, (size_t)rows);
    if (!image->pixels) return fail_memory(error, "pixels");
    image->width = c->width;
    image->height = rows;
    return pomona_preprocessor_run(tool->preprocessor, c->path, c->file.data, c->file.size, image->pixels,
                                   error);
}

static pomona_status run(struct tool *tool, struct command *c, struct pomona_image *image,
                         struct pomona_error *error) {
    TRY(file_read(c->path, &c->file, error));
    if (strcmp(c->mode, "decode") == 0 || strcmp(c->mode, "orient") == 0)
        return pomona_image_decode(c->path, c->file.data, c->file.size, c->mode[0] == 'o', NULL, image,
                                   error);
    if (strcmp(c->mode, "resize") == 0) return resize(tool, c, image, error);
    return preprocess(tool, c, image, error);
}

static void answer(pomona_status status, const struct pomona_image *image, const struct pomona_error *error) {
    if (status == POMONA_OK) {
        printf("ok %d %d\n", image->width, image->height);
        fwrite(image->pixels, 3, (size_t)image->width * (size_t)image->height, stdout);
    } else {
        printf("error %d %s\n", status, error->message);
    }
    fflush(stdout);
}

int main(void) {
    struct tool tool = {0};
    struct pomona_error error = {0};
    if (pomona_context_new(POMONA_TIER_AUTO, &tool.context, &error) != POMONA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    char line[4096];
    struct command command = {.file = BUFFER_INIT((size_t)1 << 30)};
    while (fgets(line, sizeof line, stdin)) {
        int path = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%159s %d %d %n", command.mode, &command.width, &command.height, &path) != 3) break;
        command.path = line + path;
        struct pomona_image image = {0};
        answer(run(&tool, &command, &image, &error), &image, &error);
        pomona_image_free(&image);
    }
    buffer_free(&command.file);
    pomona_preprocessor_free(&tool.preprocessor);
    pomona_context_free(&tool.context);
    return 0;
}
