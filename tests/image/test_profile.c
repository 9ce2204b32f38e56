#include "pomona/profile.h"
#include "unit.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static struct pomona_error error;

static const char phone_text[] = "name=phone decode=exact orient=1 crop=square size=128x128 filter=bicubic "
                                 "mean=127.5,127.5,127.5 std=127.5,127.5,127.5 layout=rgb";

static void named_profiles_have_their_text(void **state) {
    (void)state;
    struct pomona_profile profile;
    char text[POMONA_PROFILE_TEXT_MAX];
    assert_int_equal(pomona_profile_named("phone", 128, 128, &profile, &error), POMONA_OK);
    pomona_profile_format(&profile, text);
    assert_string_equal(text, phone_text);
    assert_int_equal(pomona_profile_named("spark-compat", 224, 160, &profile, &error), POMONA_OK);
    pomona_profile_format(&profile, text);
    assert_string_equal(text, "name=spark-compat decode=exact orient=0 crop=none size=224x160 filter=bicubic "
                              "mean=127.5,127.5,127.5 std=127.5,127.5,127.5 layout=rgb");
    assert_failure(pomona_profile_named("Phone", 128, 128, &profile, &error), POMONA_E_USAGE, "Phone");
    assert_failure(pomona_profile_named("phone", 0, 128, &profile, &error), POMONA_E_LIMIT, "0 x 128");
    assert_failure(pomona_profile_named("phone", 128, 4097, &profile, &error), POMONA_E_LIMIT, "4097");
}

static void texts_read_back(void **state) {
    (void)state;
    static const float odd[] = {0.485f * 255, 0.1f, 1e-30f, FLT_MAX, 16777217.0f, 1.0f / 3, FLT_MIN};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct pomona_profile profile, back;
        char text[POMONA_PROFILE_TEXT_MAX];
        assert_int_equal(pomona_profile_named("phone", 4096, 1, &profile, &error), POMONA_OK);
        memcpy(profile.name, "abcdefghijklmnopqrstuvwxyz.-_09", 32);
        for (int c = 0; c < 3; c++) profile.mean[c] = -odd[i], profile.std[c] = odd[i];
        pomona_profile_format(&profile, text);
        assert_true(strlen(text) < POMONA_PROFILE_TEXT_MAX - 1); /* nothing was cut */
        assert_int_equal(pomona_profile_parse(text, &back, &error), POMONA_OK);
        assert_memory_equal(back.mean, profile.mean, sizeof back.mean);
        assert_memory_equal(back.std, profile.std, sizeof back.std);
        assert_string_equal(back.name, profile.name);
        assert_true(back.orient && back.crop == POMONA_CROP_SQUARE && back.width == 4096 && back.height == 1);
    }
}

static void anything_else_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *old, *new;
        pomona_status status;
        const char *part;
    } cases[] = {
        {"name=", "nome=", POMONA_E_CORRUPT, "name"},
        {"phone", "", POMONA_E_CORRUPT, "name"},
        {"phone", "a/b", POMONA_E_CORRUPT, "name"},
        {"phone", "abcdefghijklmnopqrstuvwxyz012345", POMONA_E_CORRUPT, "name"},
        {"exact", "fast", POMONA_E_UNSUPPORTED, "decode=fast"},
        {"bicubic", "lanczos", POMONA_E_UNSUPPORTED, "filter"},
        {"rgb", "bgr", POMONA_E_UNSUPPORTED, "layout"},
        {"orient=1", "orient=2", POMONA_E_CORRUPT, "orient"},
        {"orient=1", "", POMONA_E_CORRUPT, "orient"},
        {"square", "round", POMONA_E_CORRUPT, "crop"},
        {"128x128", "128", POMONA_E_CORRUPT, "size"},
        {"128x128", "0x128", POMONA_E_CORRUPT, "size"},
        {"128x128", "128x4097", POMONA_E_CORRUPT, "size"},
        {"128x128", "0128x128", POMONA_E_CORRUPT, "canonical"},
        {"mean=127.5,", "mean=127.50,", POMONA_E_CORRUPT, "canonical"},
        {"mean=127.5,127.5,", "mean=127.5,", POMONA_E_CORRUPT, "mean"},
        {"mean=127.5,", "mean=nan,", POMONA_E_CORRUPT, "mean"},
        {"mean=127.5,", "mean=1e99,", POMONA_E_CORRUPT, "mean"},
        {"std=127.5,", "std=0,", POMONA_E_CORRUPT, "std"},
        {"std=127.5,", "std=-1,", POMONA_E_CORRUPT, "std"},
        {"std=127.5,", "std=0x1p7,", POMONA_E_CORRUPT, "canonical"},
        {"layout=rgb", "layout=rgb ", POMONA_E_CORRUPT, "canonical"},
        {"layout=rgb", "layout=rgb x=1", POMONA_E_CORRUPT, "canonical"},
        {" crop", "  crop", POMONA_E_CORRUPT, "crop"},
        {"decode=exact orient=1", "orient=1 decode=exact", POMONA_E_CORRUPT, "decode"},
    };
    struct pomona_profile untouched, profile;
    memset(&untouched, 7, sizeof untouched);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        const char *at = strstr(phone_text, cases[i].old);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - phone_text), phone_text, cases[i].new,
                 at + strlen(cases[i].old));
        profile = untouched;
        assert_failure(pomona_profile_parse(text, &profile, &error), cases[i].status, cases[i].part);
        assert_memory_equal(&profile, &untouched, sizeof profile);
    }
    for (size_t cut = 0; cut < sizeof phone_text - 1; cut++) {
        char text[sizeof phone_text] = "";
        memcpy(text, phone_text, cut);
        assert_int_not_equal(pomona_profile_parse(text, &profile, &error), POMONA_OK);
    }
}

static void hashes_are_those_of_the_text(void **state) {
    (void)state;
    struct pomona_profile profile;
    char hex[POMONA_HASH_TEXT_SIZE];
    assert_int_equal(pomona_profile_parse(phone_text, &profile, &error), POMONA_OK);
    pomona_profile_hash(&profile, hex);
    assert_string_equal(hex,
                        "8b80d6d3d817a013baf067ea8099041788e9245ab44c4632140279a6ebcd047a"); /* sha256sum */
    profile.width = 127;
    char other[POMONA_HASH_TEXT_SIZE];
    pomona_profile_hash(&profile, other);
    assert_string_not_equal(hex, other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_profiles_have_their_text),
        cmocka_unit_test(texts_read_back),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(hashes_are_those_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
