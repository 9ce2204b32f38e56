#include "net/choose_profile.h"

#include "base/error.h"

#include <string.h>

enum { SIDE_MAX = 4096 };

struct choosing {
    const char *file;
    const struct onnx_graph *graph;
    const struct pomona_model_options *options;
    struct profile_choice *choice;
    struct pomona_error *error;
};

#define FAIL(c, code, ...) fail((c)->error, (code), (c)->file, __VA_ARGS__)

static bool is_whole_text(const char *profile) { return profile && strchr(profile, '='); }

/* A text of `what`, whose mistakes are of the kind `code`. */
static pomona_status parse(struct choosing *c, const char *what, const char *text, pomona_status code,
                           struct pomona_profile *profile) {
    struct pomona_error cause = {0};
    pomona_status status = pomona_profile_parse(text, profile, &cause);
    if (status == POMONA_OK) return POMONA_OK;
    return FAIL(c, status == POMONA_E_UNSUPPORTED ? status : code, "%s: %.300s", what, cause.message);
}

/* Whether two profiles differ in nothing but what an option may add: scaled decoding, views and size. */
static bool agree(const struct pomona_profile *own, const struct pomona_profile *wanted) {
    struct pomona_profile a = *own, b = *wanted;
    char texts[2][POMONA_PROFILE_TEXT_MAX];
    a.width = b.width, a.height = b.height;
    if (own->views == 0) b.views = 0;
    if (own->decode == POMONA_DECODE_EXACT) b.decode = POMONA_DECODE_EXACT;
    pomona_profile_format(&a, texts[0]);
    pomona_profile_format(&b, texts[1]);
    return strcmp(texts[0], texts[1]) == 0;
}

/* The profile in the file's metadata; without one, a named one at the size that the input declares. */
static pomona_status read_own(struct choosing *c, int64_t width, int64_t height) {
    struct profile_choice *choice = c->choice;
    const struct pomona_model_options *options = c->options;
    const char *text = onnx_graph_property(c->graph, "pomona.profile"), *asked = options->profile;
    bool has_head_profile = onnx_graph_property(c->graph, PROFILE_OF_HEAD) != NULL;
    if (width > SIDE_MAX || height > SIDE_MAX)
        return FAIL(c, POMONA_E_LIMIT, "input of %lldx%lld pixels, more than %dx%d", (long long)width,
                    (long long)height, SIDE_MAX, SIDE_MAX);
    choice->own_width = (int)width, choice->own_height = (int)height;
    choice->assumed = !text && !has_head_profile;
    if (text) {
        TRY(parse(c, "metadata pomona.profile", text, POMONA_E_CORRUPT, &choice->profile));
        const struct pomona_profile *own = &choice->profile;
        if (width == 0) choice->own_width = own->width;
        if (height == 0) choice->own_height = own->height;
        if (!has_head_profile && (choice->own_width != own->width || choice->own_height != own->height))
            return FAIL(c, POMONA_E_CORRUPT, "its profile says %dx%d pixels, its input %dx%d", own->width,
                        own->height, choice->own_width, choice->own_height);
        return POMONA_OK;
    }
    if (is_whole_text(asked) || has_head_profile) return POMONA_OK; /* which says all */
    if ((width == 0 || height == 0) && options->size == 0)
        return FAIL(c, POMONA_E_UNSUPPORTED,
                    "the network takes any image size and its metadata has no pomona.profile that says one");
    return pomona_profile_named(asked ? asked : "spark-compat", width ? (int)width : options->size,
                                height ? (int)height : options->size, &choice->profile, c->error);
}

/* A whole text, of the head or asked for, takes the place of a profile that agrees with it. */
static pomona_status take_text(struct choosing *c, const char *what, const char *text, pomona_status code) {
    struct pomona_profile wanted;
    struct profile_choice *choice = c->choice;
    TRY(parse(c, what, text, code, &wanted));
    if (*choice->profile.name && !agree(&choice->profile, &wanted))
        return FAIL(c, code, "%s contradicts the profile that the model was made for", what);
    choice->profile = wanted;
    return POMONA_OK;
}

static pomona_status add_views(struct choosing *c, const char *views) {
    struct pomona_profile *profile = &c->choice->profile, wanted = *profile;
    TRY(pomona_profile_set_views(&wanted, views, c->error));
    if (profile->views > 0 && !(agree(profile, &wanted)))
        return FAIL(c, POMONA_E_USAGE, "views '%.120s' were asked for, but the model was made for others",
                    views);
    *profile = wanted;
    return POMONA_OK;
}

static pomona_status set_decode(struct choosing *c, const char *decode) {
    struct pomona_profile *profile = &c->choice->profile, wanted = *profile;
    TRY(pomona_profile_set_decode(&wanted, decode, c->error));
    if (!agree(profile, &wanted))
        return FAIL(c, POMONA_E_USAGE, "decode '%.20s' was asked for, but the model was made for 'scaled'",
                    decode);
    *profile = wanted;
    return POMONA_OK;
}

pomona_status profile_choose(const char *file, const struct onnx_graph *graph, int64_t width, int64_t height,
                             const struct pomona_model_options *options, struct profile_choice *choice,
                             struct pomona_error *error) {
    struct choosing choosing = {file, graph, options, choice, error}, *c = &choosing;
    const char *of_head = onnx_graph_property(graph, PROFILE_OF_HEAD);
    *choice = (struct profile_choice){.own_width = 0};
    if (options->size < 0 || options->size > SIDE_MAX)
        return FAIL(c, POMONA_E_USAGE, "a size of %d pixels is not in 1..%d", options->size, SIDE_MAX);
    TRY(read_own(c, width, height));
    if (of_head) TRY(take_text(c, "metadata " PROFILE_OF_HEAD, of_head, POMONA_E_CORRUPT));
    const char *asked = options->profile, *name = choice->profile.name;
    if (asked && !is_whole_text(asked) && strcmp(asked, name) != 0)
        return FAIL(c, POMONA_E_USAGE, "profile '%.60s' was asked for, but the model was made for '%.60s'",
                    asked, name);
    if (is_whole_text(asked)) TRY(take_text(c, "the profile asked for", asked, POMONA_E_USAGE));
    if (options->decode) TRY(set_decode(c, options->decode));
    if (options->views) TRY(add_views(c, options->views));
    if (options->size > 0) choice->profile.width = choice->profile.height = options->size;
    return POMONA_OK;
}
