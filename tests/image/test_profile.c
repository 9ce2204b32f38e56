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

static const char longest_views[] = "99tlm,99trm,99blm,99brm,98tlm,98trm,98blm,98brm,97tlm,97trm,97blm,97brm,"
                                    "96tlm,96trm,96blm,96brm";

static void texts_read_back(void **state) {
    (void)state;
    static const float odd[] = {0.485f * 255, 0.1f, 1e-30f, FLT_MAX, 16777217.0f, 1.0f / 3, FLT_MIN};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct pomona_profile profile, back;
        char text[POMONA_PROFILE_TEXT_MAX];
        assert_int_equal(pomona_profile_named("phone", 4096, 1, &profile, &error), POMONA_OK);
        memcpy(profile.name, "abcdefghijklmnopqrstuvwxyz.-_09", 32);
        for (int c = 0; c < 3; c++) profile.mean[c] = -odd[i], profile.std[c] = odd[i];
        assert_int_equal(pomona_profile_set_views(&profile, longest_views, &error), POMONA_OK);
        pomona_profile_format(&profile, text);
        assert_true(strlen(text) < POMONA_PROFILE_TEXT_MAX - 1); /* nothing was cut */
        assert_int_equal(pomona_profile_parse(text, &back, &error), POMONA_OK);
        assert_memory_equal(back.mean, profile.mean, sizeof back.mean);
        assert_memory_equal(back.std, profile.std, sizeof back.std);
        assert_string_equal(back.name, profile.name);
        assert_true(back.orient && back.crop == POMONA_CROP_SQUARE && back.width == 4096 && back.height == 1);
    }
}

static struct pomona_profile phone(void) {
    struct pomona_profile profile;
    assert_int_equal(pomona_profile_named("phone", 128, 128, &profile, &error), POMONA_OK);
    return profile;
}

static void views_come_last_and_only_where_there_are_any(void **state) {
    (void)state;
    static const struct {
        const char *asked, *text;
        int pictures;
    } cases[] = {{"100c", "", 1},
                 {"100", "", 1},
                 {"flip", " views=100c,100cm", 2},
                 {"scales", " views=100c,60c", 2},
                 {"crops", " views=100c,50c,50tl,50tr,50bl,50br", 6},
                 {"60", " views=60c", 1},
                 {"100m", " views=100cm", 1},
                 {"10tlm,99br,50cm", " views=10tlm,99br,50cm", 3},
                 {longest_views, NULL, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pomona_profile profile = phone(), back;
        char text[POMONA_PROFILE_TEXT_MAX], wanted[512];
        snprintf(wanted, sizeof wanted, "%s%s%s", phone_text,
                 cases[i].text ? cases[i].text : " views=", cases[i].text ? "" : longest_views);
        assert_int_equal(pomona_profile_set_views(&profile, cases[i].asked, &error), POMONA_OK);
        assert_int_equal(pomona_profile_pictures(&profile), cases[i].pictures);
        pomona_profile_format(&profile, text);
        assert_string_equal(text, wanted);
        assert_int_equal(pomona_profile_parse(text, &back, &error), POMONA_OK);
        pomona_profile_format(&back, text);
        assert_string_equal(text, wanted);
        assert_int_equal(pomona_profile_set_views(&profile, "100c", &error), POMONA_OK);
        pomona_profile_format(&profile, text);
        assert_string_equal(text, phone_text);
    }
    assert_int_equal(pomona_profile_pictures(&(struct pomona_profile){.views = 0}), 1);
}

static void decoding_is_exact_or_scaled(void **state) {
    (void)state;
    struct pomona_profile profile = phone(), back, before;
    char text[POMONA_PROFILE_TEXT_MAX], exact[POMONA_HASH_TEXT_SIZE], scaled[POMONA_HASH_TEXT_SIZE];
    pomona_profile_hash(&profile, exact);
    assert_int_equal(profile.decode, POMONA_DECODE_EXACT);
    assert_int_equal(pomona_profile_set_decode(&profile, "scaled", &error), POMONA_OK);
    assert_int_equal(profile.decode, POMONA_DECODE_SCALED);
    pomona_profile_format(&profile, text);
    assert_memory_equal(text, "name=phone decode=scaled orient=1 ", 34);
    assert_int_equal(pomona_profile_parse(text, &back, &error), POMONA_OK);
    assert_int_equal(back.decode, POMONA_DECODE_SCALED);
    pomona_profile_hash(&back, scaled);
    assert_string_not_equal(scaled, exact);
    before = profile;
    static const char *const bad[] = {"", "Scaled", "scaled ", "fast", "1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_failure(pomona_profile_set_decode(&profile, bad[i], &error), POMONA_E_USAGE,
                       "exact or scaled");
    assert_memory_equal(&profile, &before, sizeof profile);
    assert_int_equal(pomona_profile_set_decode(&profile, "exact", &error), POMONA_OK);
    pomona_profile_format(&profile, text);
    assert_string_equal(text, phone_text);
}

static void other_views_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",       "c",        "9c",     "101c",        "060c",     "60x",
                                      "60mc",   "60cmm",    "100tl",  "60c,",        ",60c",     "60c,60c",
                                      "60,60c", "60 c",     "-60c",   "1000000c",    "Flip",     "60C",
                                      "6 0",    "flip,60c", "60tlmx", "9999999999c", "60c,,50c", "60\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pomona_profile profile = phone(), before = profile, parsed;
        char text[512];
        assert_failure(pomona_profile_set_views(&profile, bad[i], &error), POMONA_E_USAGE, "views");
        assert_memory_equal(&profile, &before, sizeof profile);
        snprintf(text, sizeof text, "%s views=%s", phone_text, bad[i]);
        assert_int_not_equal(pomona_profile_parse(text, &parsed, &error), POMONA_OK);
    }
    static const char *const not_canonical[] = {"100c", "flip", "60", "100c,60"};
    for (size_t i = 0; i < sizeof not_canonical / sizeof *not_canonical; i++) {
        struct pomona_profile parsed;
        char text[512];
        snprintf(text, sizeof text, "%s views=%s", phone_text, not_canonical[i]);
        assert_failure(pomona_profile_parse(text, &parsed, &error), POMONA_E_CORRUPT, "canonical");
    }
    struct pomona_profile profile = phone();
    char many[128] = "";
    for (int i = 0; i < 17; i++) snprintf(many + strlen(many), 8, "%s%d", i ? "," : "", 50 + i);
    assert_failure(pomona_profile_set_views(&profile, many, &error), POMONA_E_USAGE, "more than 16");
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
        cmocka_unit_test(views_come_last_and_only_where_there_are_any),
        cmocka_unit_test(decoding_is_exact_or_scaled),
        cmocka_unit_test(other_views_are_refused),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(hashes_are_those_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
