/* The shared files of AWS, and the regions and endpoints that they and the environment name. */
#include "store/credentials.h"
#include "store/ini.h"
#include "store/profile_files.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"
#include "tests/store/credentials_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct pomona_error error;

static const char sample[] = "\n"
                             "# comment\n"
                             "; comment\n"
                             "stray = 1\n"
                             "[ default ]\r\n"
                             "region=eu-west-3\r\n"
                             "Aws_Access_Key_Id\t=  KEY \n"
                             "  indented = continuation\n"
                             "no sign\n"
                             "= nothing\n"
                             "empty =\n"
                             "[profile one]  # behind it\n"
                             "  region = first\n"
                             "region = a=b\n"
                             "  region = continuation\n"
                             "[profile  \"two words\"]\n"
                             "region = r2\n"
                             "[profile 'three']\n"
                             "s3 =\n"
                             "    endpoint_url = http://inside\n"
                             "    other = x\n"
                             "endpoint_url = http://outside\n"
                             "\tother = not in a block\n"
                             "[broken\n"
                             "region = three still\n"
                             "[profile one]\n"
                             "again = yes\n"
                             "region = last";

static void assert_found(const char *kind, const char *name, const char *block, const char *key,
                         const char *expected) {
    struct ini_place place = {kind, name, block, key};
    struct ini_value value;
    bool found = ini_find(sample, sizeof sample - 1, &place, &value);
    assert_int_equal(found, expected != NULL);
    if (!expected) expected = "";
    if (value.size != strlen(expected) || memcmp(value.text, expected, value.size) != 0)
        fail_msg("%s.%s: '%.*s' is not '%s'", name, key ? key : "", (int)value.size, value.text, expected);
}

static void test_ini(void **unused) {
    (void)unused;
    assert_found(NULL, "default", NULL, "region", "eu-west-3");
    assert_found(NULL, "default", NULL, "aws_access_key_id", "KEY");
    assert_found(NULL, "default", NULL, "indented", NULL);
    assert_found(NULL, "default", NULL, "empty", "");
    assert_found(NULL, "default", NULL, "stray", NULL);
    assert_found(NULL, "default", NULL, "no sign", NULL);
    assert_found(NULL, "Default", NULL, "region", NULL);
    assert_found("profile", "default", NULL, "region", NULL);
    assert_found("profile", "one", NULL, "region", "last");
    assert_found("profile", "one", NULL, "again", "yes");
    assert_found(NULL, "one", NULL, "region", NULL);
    assert_found(NULL, "profile one", NULL, "again", "yes");
    assert_found("profile", "two words", NULL, "region", "r2");
    assert_found("profile", "two", NULL, "region", NULL);
    assert_found("profile", "three", "s3", "endpoint_url", "http://inside");
    assert_found("profile", "three", NULL, "endpoint_url", "http://outside");
    assert_found("profile", "three", "s3", "other", "x");
    assert_found("profile", "three", "sts", "other", NULL);
    assert_found("profile", "three", "s3", "region", NULL);
    assert_found("profile", "three", NULL, NULL, "");
    assert_found("profile", "four", NULL, NULL, NULL);
}

/* Every beginning of the file can be searched, with nothing behind it. */
static void test_ini_truncated(void **unused) {
    (void)unused;
    struct ini_place place = {"profile", "three", "s3", "other"};
    struct ini_value value;
    for (size_t size = 0; size < sizeof sample; size++) {
        char *copy = malloc(size + 1);
        memcpy(copy, sample, size);
        char *cut = realloc(copy, size ? size : 1);
        ini_find(cut, size, &place, &value);
        assert_true(value.size <= size);
        free(cut);
    }
}

static void test_comments(void **unused) {
    (void)unused;
    static const char *const cases[][2] = {{"value # comment", "value"}, {"value\t; comment", "value"},
                                           {"val#ue;x", "val#ue;x"},     {"#value", "#value"},
                                           {"a b  #c # d", "a b"},       {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ini_value value = {cases[i][0], strlen(cases[i][0])};
        ini_cut_comment(&value);
        assert_int_equal(value.size, strlen(cases[i][1]));
        assert_memory_equal(value.text, cases[i][1], value.size);
    }
}

static void assert_value(const char *profile, const char *key, const char *expected) {
    struct profile_files *files;
    char out[256];
    assert_int_equal(profile_files_read(&files, &error), POMONA_OK);
    assert_int_equal(profile_files_get(files, profile, key, out, sizeof out, &error), POMONA_OK);
    assert_string_equal(out, expected);
    profile_files_free(&files);
}

static void test_two_files(void **unused) {
    (void)unused;
    struct profile_files *files;
    char out[8];
    assert_value("default", "region", ""); /* there are no files */
    put_config(
        "\xef\xbb\xbf[default]\nregion = old # here\nboth = config\n[profile default]\nregion = new\n"
        "[profile x]\nboth = config\ncredential_process = a ; b # c\nlong = 12345678\n[y]\nregion = no\n");
    put_credentials("[x]\nboth = credentials\n[profile x]\nboth = no\n[z]\nboth = z\n");
    assert_value("default", "region", "new");
    assert_value("default", "both", "config");
    assert_value("x", "both", "credentials");
    assert_value("x", "credential_process", "a ; b # c");
    assert_value("y", "region", "");
    assert_int_equal(profile_files_read(&files, &error), POMONA_OK);
    assert_true(profile_files_have(files, "default") && profile_files_have(files, "x"));
    assert_true(profile_files_have(files, "z") && !profile_files_have(files, "y"));
    assert_failure(profile_files_get(files, "x", "long", out, sizeof out, &error), POMONA_E_INPUT,
                   "longer than 7");
    profile_files_free(&files);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/config", 1);
    assert_value("default", "region", "old");
    setenv("AWS_CONFIG_FILE", ".", 1);
    assert_failure(profile_files_read(&files, &error), POMONA_E_INPUT, "is a folder");
    unsetenv("HOME");
    setenv("AWS_CONFIG_FILE", "/none/none", 1);
    assert_value("default", "region", "");
}

static void test_files_out_of_memory(void **unused) {
    (void)unused;
    put_config("[default]\nregion = r\n");
    put_credentials("[default]\n");
    for (long k = 1;; k++) {
        struct profile_files *files;
        fail_allocation(k);
        pomona_status status = profile_files_read(&files, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        profile_files_free(&files);
        if (!failed) break;
    }
}

static void assert_region(const char *profile, const char *expected) {
    char out[32];
    struct credentials_options options = {.profile = profile};
    assert_int_equal(credentials_region(&options, out, sizeof out, &error), POMONA_OK);
    assert_string_equal(out, expected);
}

static void test_region(void **unused) {
    (void)unused;
    char out[32];
    struct credentials_options options = {.profile = NULL};
    assert_region(NULL, "");
    put_config(
        "[default]\nregion = eu-west-3\n[profile x]\nregion = eu-north-1\n[profile bad]\nregion = a.b/c\n");
    assert_region(NULL, "eu-west-3");
    assert_region("x", "eu-north-1");
    assert_region("none", "");
    setenv("AWS_PROFILE", "x", 1);
    assert_region(NULL, "eu-north-1");
    assert_region("default", "eu-west-3");
    setenv("AWS_DEFAULT_REGION", "us-west-1", 1);
    assert_region("x", "us-west-1");
    setenv("AWS_REGION", "us-west-2", 1);
    assert_region("x", "us-west-2");
    assert_failure(credentials_region(&options, out, 8, &error), POMONA_E_INPUT, "AWS_REGION: is longer");
    setenv("AWS_REGION", "evil.example/", 1);
    assert_failure(credentials_region(&options, out, sizeof out, &error), POMONA_E_INPUT,
                   "not the name of a region");
    clear_environment();
    options.profile = "bad";
    assert_failure(credentials_region(&options, out, sizeof out, &error), POMONA_E_INPUT,
                   "not the name of a region");
}

static void assert_endpoint(const char *profile, const char *expected) {
    char out[64];
    struct credentials_options options = {.profile = profile};
    assert_int_equal(credentials_endpoint(&options, out, sizeof out, &error), POMONA_OK);
    assert_string_equal(out, expected);
}

static void test_endpoint(void **unused) {
    (void)unused;
    char out[64];
    struct credentials_options options = {.profile = NULL};
    assert_endpoint(NULL, "");
    put_config(
        "[default]\nservices = local # those\nendpoint_url = http://all\n[profile x]\nendpoint_url = "
        "https://x\n"
        "[services local]\nsts =\n  endpoint_url = http://sts\ns3 =\n  endpoint_url = http://s3 ; here\n"
        "[profile off]\nignore_configured_endpoint_urls = true\nendpoint_url = http://off\n"
        "[profile bad]\nendpoint_url = ftp://x\n");
    assert_endpoint(NULL, "http://s3");
    assert_endpoint("x", "https://x");
    assert_endpoint("off", "");
    assert_endpoint("none", "");
    setenv("AWS_ENDPOINT_URL", "http://any", 1);
    assert_endpoint("x", "http://any");
    setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:7070", 1);
    assert_endpoint("x", "http://127.0.0.1:7070");
    assert_endpoint("off", "");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE", 1);
    assert_endpoint("x", "");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", 1);
    assert_endpoint("off", "http://127.0.0.1:7070");
    clear_environment();
    options.profile = "bad";
    assert_failure(credentials_endpoint(&options, out, sizeof out, &error), POMONA_E_INPUT,
                   "http:// or https://");
    options.profile = "x";
    assert_failure(credentials_endpoint(&options, out, 4, &error), POMONA_E_INPUT, "longer than 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ini),
        cmocka_unit_test(test_ini_truncated),
        cmocka_unit_test(test_comments),
        cmocka_unit_test_setup_teardown(test_two_files, enter_home, leave_home),
        cmocka_unit_test_setup_teardown(test_files_out_of_memory, enter_home, leave_home),
        cmocka_unit_test_setup_teardown(test_region, enter_home, leave_home),
        cmocka_unit_test_setup_teardown(test_endpoint, enter_home, leave_home)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
