/* Credentials that the machine has: of a container's agent and of an instance's metadata, against a scripted HTTP. */
#include "store/credentials.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"
#include "tests/store/credentials_fixture.h"
#include "tests/store/fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pomona_error error;
static struct credentials got;

static pomona_status find(void) {
    struct credentials_options options = {.profile = NULL};
    struct credentials_source *source;
    memset(&got, 0, sizeof got);
    pomona_status status = credentials_source_new(&options, &source, &error);
    if (status == POMONA_OK) status = credentials_get(source, &got, &error);
    credentials_source_free(&source);
    return status;
}

static void assert_found(const char *access_key, const char *origin) {
    pomona_status status = find();
    if (status != POMONA_OK) fail_msg("%s", error.message);
    assert_string_equal(got.access_key, access_key);
    assert_string_equal(got.origin, origin);
    assert_string_equal(got.token, "HUSHEDtoken");
    assert_true(got.expires == 2000000000);
    assert_int_equal(fake_http_mistakes(), 0);
    /* No proxy hears of it; STS alone may be behind one. */
    assert_int_equal(fake_http_direct(), fake_http_asked() - (strcmp(origin, "profile") == 0));
}

static void assert_none(pomona_status code, const char *part) {
    assert_failure(find(), code, part);
    if (strstr(error.message, "HUSHED") || strstr(error.where, "HUSHED")) fail_msg("told: %s", error.message);
}

static void assert_asked(size_t i, const char *part) {
    if (!strstr(fake_http_request(i), part)) fail_msg("'%s' lacks '%s'", fake_http_request(i), part);
}

#define SCRIPT(answers) fake_http_script(answers, sizeof(answers) / sizeof *(answers))

#define DOCUMENT(key)                                                                                        \
    "{\"Code\": \"Success\", \"Type\": \"AWS-HMAC\", \"AccessKeyId\": \"" key "\","                          \
    "\"SecretAccessKey\": \"HUSHEDkey\", \"Token\": \"HUSHEDtoken\", \"Expiration\": "                       \
    "\"2033-05-18T03:33:20Z\"}"

static int enter(void **state) {
    fake_http_script(NULL, 0);
    return enter_home(state);
}

static void test_container(void **unused) {
    (void)unused;
    static const struct fake_answer relative[] = {
        {"GET http://169.254.170.2/v2/credentials/id", 200, DOCUMENT("ASIAECS")}};
    static const struct fake_answer full[] = {
        {"GET http://169.254.170.23/v1/credentials", 200, DOCUMENT("ASIAEKS")}};
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic HUSHED", 1);
    SCRIPT(full);
    assert_found("ASIAEKS", "container");
    assert_asked(0, "\nAuthorization: Basic HUSHED\n");
    put_file("token", "HUSHEDfile\n");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token", 1);
    SCRIPT(full);
    assert_found("ASIAEKS", "container");
    assert_asked(0, "\nAuthorization: HUSHEDfile\n");
    put_file("token", "HUSHED\nX-Evil: 1\n");
    assert_none(POMONA_E_INPUT, "token: a token with control characters");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "none", 1);
    assert_none(POMONA_E_INPUT, "none: cannot open");
    unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/id", 1);
    SCRIPT(relative);
    assert_found("ASIAECS", "container");
    assert_null(strstr(fake_http_request(0), "Authorization"));
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/", 1);
    assert_none(POMONA_E_INPUT, "is not a path");
}

static void test_where_a_token_goes(void **unused) {
    (void)unused;
    static const char *const good[] = {"http://localhost/x",        "http://127.0.0.1:51679/x",
                                       "http://127.9.8.7",          "http://[::1]:80/x",
                                       "http://169.254.170.2?x",    "http://[fd00:ec2::23]/x",
                                       "https://agent.example/a#b", "https://10.0.0.1/x"};
    static const char *const bad[] = {"http://agent.example/x",
                                      "http://10.0.0.1/x",
                                      "http://169.254.169.254/x",
                                      "http://127.0.0.1.evil.example/x",
                                      "http://127.0.0.1@evil.example/x",
                                      "http://127.1/x",
                                      "http://localhost\\@evil.example/x",
                                      "http://[::1].evil.example/x",
                                      "http://evil.example#localhost",
                                      "http:///x",
                                      "https:///x",
                                      "https://user@agent.example/",
                                      "http://127.0.0.1/a\nb",
                                      "ftp://localhost/x",
                                      "localhost/x"};
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "HUSHED", 1);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char request[128];
        snprintf(request, sizeof request, "GET %s", good[i]);
        struct fake_answer answer = {request, 200, DOCUMENT("ASIA")};
        fake_http_script(&answer, 1);
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", good[i], 1);
        assert_found("ASIA", "container");
    }
    fake_http_script(NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i], 1);
        assert_none(POMONA_E_INPUT, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    }
    assert_int_equal(fake_http_asked(), 0);
}

static void test_container_fails(void **unused) {
    (void)unused;
    static const char url[] = "GET http://localhost/";
    static const struct fake_answer refused[] = {{url, 401, "{\"message\": \"HUSHED\"}"}};
    static const struct fake_answer nonsense[] = {{url, 200, "HUSHED"}};
    static const struct fake_answer null_token[] = {
        {url, 200,
         "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"HUSHED\", \"Token\": null, \"Expiration\": null}"}};
    static const struct fake_answer later[] = {{url, 503, ""}, {url, 200, DOCUMENT("ASIALATER")}};
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/", 1);
    assert_none(POMONA_E_IO, "the container's credentials: the server does not answer");
    SCRIPT(refused);
    assert_none(POMONA_E_INPUT, "answers 401");
    SCRIPT(nonsense);
    assert_none(POMONA_E_CORRUPT, "not JSON");
    SCRIPT(later);
    assert_found("ASIALATER", "container");
    SCRIPT(null_token);
    assert_int_equal(find(), POMONA_OK);
    assert_string_equal(got.token, "");
    assert_true(got.expires == 0);
}

#define IMDS "http://169.254.169.254/latest/"

static void test_instance(void **unused) {
    (void)unused;
    static const struct fake_answer answers[] = {
        {"PUT " IMDS "api/token", 200, "HUSHEDimds=="},
        {"GET " IMDS "meta-data/iam/security-credentials/", 200, "my role\n"},
        {"GET " IMDS "meta-data/iam/security-credentials/my%20role", 200, DOCUMENT("ASIAEC2")}};
    static const struct fake_answer own[] = {
        {"PUT http://[::1]:1338/latest/api/token", 200, "t"},
        {"GET http://[::1]:1338/latest/meta-data/iam/security-credentials/", 200, "r"},
        {"GET http://[::1]:1338/latest/meta-data/iam/security-credentials/r", 200, DOCUMENT("ASIAOWN")}};
    setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    SCRIPT(answers);
    assert_found("ASIAEC2", "instance");
    assert_asked(0, "\nX-aws-ec2-metadata-token-ttl-seconds: 21600\n");
    assert_asked(1, "\nX-aws-ec2-metadata-token: HUSHEDimds==\n");
    assert_asked(2, "\nX-aws-ec2-metadata-token: HUSHEDimds==\n");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://[::1]:1338/", 1);
    SCRIPT(own);
    assert_found("ASIAOWN", "instance");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://x\n", 1);
    assert_none(POMONA_E_INPUT, "AWS_EC2_METADATA_SERVICE_ENDPOINT: is not a URL");
}

static void test_instance_has_none(void **unused) {
    (void)unused;
    static const char token[] = "PUT " IMDS "api/token",
                      role[] = "GET " IMDS "meta-data/iam/security-credentials/";
    static const struct fake_answer away[] = {{token, 0, NULL}};
    static const struct fake_answer old[] = {{token, 404, ""}};
    static const struct fake_answer odd[] = {{token, 200, "HUSHED\nX-Evil: 1"}};
    static const struct fake_answer bare[] = {{token, 200, "t"}, {role, 404, ""}};
    static const struct fake_answer empty[] = {{token, 200, "t"}, {role, 200, "\n"}};
    static const struct fake_answer broken[] = {{token, 200, "t"}, {role, 400, "HUSHED"}};
    static const struct fake_answer failed[] = {{token, 200, "t"},
                                                {role, 200, "r"},
                                                {"GET " IMDS "meta-data/iam/security-credentials/r", 200,
                                                 "{\"Code\": \"AssumeRoleUnauthorizedAccess\"}"}};
    unsetenv("AWS_EC2_METADATA_DISABLED");
    SCRIPT(away);
    assert_none(POMONA_E_INPUT, "no instance role (the instance's metadata: the server does not answer)");
    SCRIPT(old);
    assert_none(POMONA_E_INPUT, "no instance role (the instance's metadata: the server answers 404");
    SCRIPT(odd);
    assert_none(POMONA_E_INPUT, "a token that is none");
    SCRIPT(bare);
    assert_none(POMONA_E_INPUT, "(the instance has no role)");
    SCRIPT(empty);
    assert_none(POMONA_E_INPUT, "(the instance has no role)");
    SCRIPT(broken);
    assert_none(POMONA_E_IO, "answers 400");
    SCRIPT(failed);
    assert_none(POMONA_E_INPUT, "there are no credentials: AssumeRoleUnauthorizedAccess");
    setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
    fake_http_script(NULL, 0);
    assert_none(POMONA_E_INPUT, "AWS_EC2_METADATA_DISABLED is true");
    assert_int_equal(fake_http_asked(), 0);
}

static void test_sources_of_a_role(void **unused) {
    (void)unused;
    static const char sts[] = "POST https://sts.amazonaws.com/";
    static const char answer[] =
        "<R><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>HUSHED</SecretAccessKey>"
        "<SessionToken>HUSHEDtoken</SessionToken><Expiration>2033-05-18T03:33:20Z</Expiration></R>";
    static const struct fake_answer container[] = {{"GET http://localhost/", 200, DOCUMENT("ASIAAGENT")},
                                                   {sts, 200, answer}};
    static const struct fake_answer instance[] = {
        {"PUT " IMDS "api/token", 200, "t"},
        {"GET " IMDS "meta-data/iam/security-credentials/", 200, "r"},
        {"GET " IMDS "meta-data/iam/security-credentials/r", 200, DOCUMENT("ASIAEC2")},
        {sts, 200, answer}};
    put_config("[default]\nrole_arn = r\ncredential_source = EcsContainer\n");
    assert_none(POMONA_E_INPUT, "no credentials from EcsContainer");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/", 1);
    SCRIPT(container);
    assert_found("ASIAROLE", "profile");
    assert_asked(1, "Credential=ASIAAGENT/");
    put_config("[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n");
    assert_none(POMONA_E_INPUT, "no credentials from Ec2InstanceMetadata: AWS_EC2_METADATA_DISABLED");
    unsetenv("AWS_EC2_METADATA_DISABLED");
    SCRIPT(instance);
    assert_found("ASIAROLE", "profile");
    assert_asked(3, "Credential=ASIAEC2/");
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    static const struct fake_answer answers[] = {
        {"PUT " IMDS "api/token", 200, "t"},
        {"GET " IMDS "meta-data/iam/security-credentials/", 200, "r"},
        {"GET " IMDS "meta-data/iam/security-credentials/r", 200, DOCUMENT("ASIAEC2")}};
    unsetenv("AWS_EC2_METADATA_DISABLED");
    for (long k = 1;; k++) {
        SCRIPT(answers);
        fail_allocation(k);
        pomona_status status = find();
        bool failed = failed_allocation();
        fail_allocation(0);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
}

int main(void) {
#define IN_HOME(test) cmocka_unit_test_setup_teardown(test, enter, leave_home)
    const struct CMUnitTest tests[] = {IN_HOME(test_container),         IN_HOME(test_where_a_token_goes),
                                       IN_HOME(test_container_fails),   IN_HOME(test_instance),
                                       IN_HOME(test_instance_has_none), IN_HOME(test_sources_of_a_role),
                                       IN_HOME(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
