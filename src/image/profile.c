#include "pomona/profile.h"

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "image/views.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 4096, VALUE_MAX = 128 };

static const char *const decodes[] = {"exact", "scaled", NULL}; /* by enum pomona_decode */

pomona_status pomona_profile_named(const char *name, int width, int height, struct pomona_profile *profile,
                                   struct pomona_error *error) {
    bool phone = strcmp(name, "phone") == 0;
    if (!phone && strcmp(name, "spark-compat") != 0)
        return fail(error, POMONA_E_USAGE, NULL, "unknown profile '%s': spark-compat or phone", name);
    if (width < 1 || width > MAX_SIDE || height < 1 || height > MAX_SIDE)
        return fail(error, POMONA_E_LIMIT, name, "size %d x %d: each side must be 1 to %d", width, height,
                    MAX_SIDE);
    *profile = (struct pomona_profile){.orient = phone,
                                       .crop = phone ? POMONA_CROP_SQUARE : POMONA_CROP_NONE,
                                       .width = width,
                                       .height = height,
                                       .mean = {127.5f, 127.5f, 127.5f},
                                       .std = {127.5f, 127.5f, 127.5f}};
    memcpy(profile->name, name, strlen(name) + 1);
    return POMONA_OK;
}

/* Appends to text[0..*used); what does not fit is cut. */
__attribute__((format(printf, 3, 4))) static void put(char *text, size_t *used, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + *used, POMONA_PROFILE_TEXT_MAX - *used, format, arguments);
    va_end(arguments);
    *used += (size_t)(length < 0 ? 0 : length);
    if (*used >= POMONA_PROFILE_TEXT_MAX) *used = POMONA_PROFILE_TEXT_MAX - 1;
}

/* The shortest decimal text of six to nine digits that reads back as the same float (with fewer, 100 would be 1e+02). */
static void put_float(char *text, size_t *used, float value) {
    char number[32] = "";
    for (int digits = FLT_DIG; digits <= FLT_DECIMAL_DIG; digits++) {
        snprintf(number, sizeof number, "%.*g", digits, (double)value);
        if (strtof(number, NULL) == value) break;
    }
    put(text, used, "%s", number);
}

static void put_three(char *text, size_t *used, const char *key, const float value[3]) {
    put(text, used, " %s=", key);
    for (int c = 0; c < 3; c++) {
        if (c) put(text, used, ",");
        put_float(text, used, value[c]);
    }
}

void pomona_profile_format(const struct pomona_profile *profile, char text[POMONA_PROFILE_TEXT_MAX]) {
    size_t used = 0;
    put(text, &used, "name=%s decode=%s orient=%d crop=%s size=%dx%d filter=bicubic", profile->name,
        decodes[profile->decode == POMONA_DECODE_SCALED], profile->orient ? 1 : 0,
        profile->crop == POMONA_CROP_SQUARE ? "square" : "none", profile->width, profile->height);
    put_three(text, &used, "mean", profile->mean);
    put_three(text, &used, "std", profile->std);
    put(text, &used, " layout=rgb");
    char views[VIEWS_TEXT_MAX];
    views_format(profile, views);
    if (*views) put(text, &used, " views=%s", views);
}

pomona_status pomona_profile_set_decode(struct pomona_profile *profile, const char *decode,
                                        struct pomona_error *error) {
    for (int i = 0; decodes[i]; i++)
        if (strcmp(decodes[i], decode) == 0) {
            profile->decode = (enum pomona_decode)i;
            return POMONA_OK;
        }
    return fail(error, POMONA_E_USAGE, NULL, "unknown decode '%.40s': exact or scaled", decode);
}

/* Copies the value of "key=value" at *text, up to a space or the end, and moves behind it. */
static pomona_status next_value(const char **text, const char *key, char value[VALUE_MAX],
                                struct pomona_error *error) {
    size_t length = strlen(key);
    if (strncmp(*text, key, length) != 0 || (*text)[length] != '=')
        return fail(error, POMONA_E_CORRUPT, "profile", "'%s=' expected", key);
    const char *start = *text + length + 1;
    size_t size = strcspn(start, " ");
    if (size == 0 || size >= VALUE_MAX)
        return fail(error, POMONA_E_CORRUPT, "profile", "'%s' has no valid value", key);
    memcpy(value, start, size);
    value[size] = '\0';
    *text = start + size + (start[size] == ' ');
    return POMONA_OK;
}

/* Sets *index to the place of the value among `choices` (ended by NULL). */
static pomona_status next_choice(const char **text, const char *key, const char *const *choices,
                                 pomona_status otherwise, int *index, struct pomona_error *error) {
    char value[VALUE_MAX];
    TRY(next_value(text, key, value, error));
    for (*index = 0; choices[*index]; ++*index)
        if (strcmp(choices[*index], value) == 0) return POMONA_OK;
    return fail(error, otherwise, "profile", "%s=%s is not known", key, value);
}

static pomona_status next_name(const char **text, char name[32], struct pomona_error *error) {
    char value[VALUE_MAX];
    TRY(next_value(text, "name", value, error));
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++)
        if (length > 31 || !(isalnum((unsigned char)value[i]) || strchr("._-", value[i])))
            return fail(error, POMONA_E_CORRUPT, "profile",
                        "'name' must be at most 31 letters, digits, dots, dashes or underscores");
    memcpy(name, value, length + 1);
    return POMONA_OK;
}

static pomona_status next_size(const char **text, struct pomona_profile *profile,
                               struct pomona_error *error) {
    char value[VALUE_MAX];
    long long width = 0, height = 0;
    TRY(next_value(text, "size", value, error));
    char *cross = strchr(value, 'x');
    if (cross) *cross = '\0';
    if (!cross || !text_parse_int(value, 1, MAX_SIDE, &width) ||
        !text_parse_int(cross + 1, 1, MAX_SIDE, &height))
        return fail(error, POMONA_E_CORRUPT, "profile", "'size' must be WxH, each side 1 to %d", MAX_SIDE);
    profile->width = (int)width;
    profile->height = (int)height;
    return POMONA_OK;
}

static pomona_status next_three(const char **text, const char *key, float low, float out[3],
                                struct pomona_error *error) {
    char value[VALUE_MAX];
    TRY(next_value(text, key, value, error));
    const char *at = value;
    for (int c = 0; c < 3; c++) {
        char *end;
        out[c] = strtof(at, &end);
        bool separated = *end == (c < 2 ? ',' : '\0');
        if (end == at || !separated || !(out[c] > low && out[c] <= FLT_MAX))
            return fail(error, POMONA_E_CORRUPT, "profile", "'%s' must be three numbers in range", key);
        at = end + 1;
    }
    return POMONA_OK;
}

/* The views come last and may be absent. */
static pomona_status next_views(const char **text, struct pomona_profile *profile,
                                struct pomona_error *error) {
    char value[VALUE_MAX];
    struct pomona_error cause = {0};
    if (strncmp(*text, "views=", 6) != 0) return POMONA_OK;
    TRY(next_value(text, "views", value, error));
    if (pomona_profile_set_views(profile, value, &cause) != POMONA_OK)
        return fail(error, POMONA_E_CORRUPT, "profile", "%s", cause.message);
    return POMONA_OK;
}

pomona_status pomona_profile_parse(const char *text, struct pomona_profile *profile,
                                   struct pomona_error *error) {
    static const char *const bicubic[] = {"bicubic", NULL}, *const rgb[] = {"rgb", NULL},
                             *const no_yes[] = {"0", "1", NULL}, *const crops[] = {"none", "square", NULL};
    struct pomona_profile p = {0};
    const char *at = text;
    int choice;
    TRY(next_name(&at, p.name, error));
    TRY(next_choice(&at, "decode", decodes, POMONA_E_UNSUPPORTED, &choice, error));
    p.decode = (enum pomona_decode)choice;
    TRY(next_choice(&at, "orient", no_yes, POMONA_E_CORRUPT, &choice, error));
    p.orient = choice == 1;
    TRY(next_choice(&at, "crop", crops, POMONA_E_CORRUPT, &choice, error));
    p.crop = choice == 1 ? POMONA_CROP_SQUARE : POMONA_CROP_NONE;
    TRY(next_size(&at, &p, error));
    TRY(next_choice(&at, "filter", bicubic, POMONA_E_UNSUPPORTED, &choice, error));
    TRY(next_three(&at, "mean", -INFINITY, p.mean, error));
    TRY(next_three(&at, "std", 0.0f, p.std, error));
    TRY(next_choice(&at, "layout", rgb, POMONA_E_UNSUPPORTED, &choice, error));
    TRY(next_views(&at, &p, error));
    char canonical[POMONA_PROFILE_TEXT_MAX];
    pomona_profile_format(&p, canonical);
    if (strcmp(canonical, text) != 0)
        return fail(error, POMONA_E_CORRUPT, "profile", "the text is not canonical: '%s' is", canonical);
    *profile = p;
    return POMONA_OK;
}

void pomona_profile_hash(const struct pomona_profile *profile, char hex[POMONA_HASH_TEXT_SIZE]) {
    char text[POMONA_PROFILE_TEXT_MAX];
    pomona_profile_format(profile, text);
    sha256_hex_of(text, strlen(text), hex);
}
