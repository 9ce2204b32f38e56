/* Where credentials come from, in which order, how long they hold; against a scripted HTTP. All secrets of these tests have HUSHED
 * in them, which no message may have. */
#include "store/credentials.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"
#include "tests/store/credentials_fixture.h"
#include "tests/store/fake_http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct pomona_error error;
static struct credentials got;

static pomona_status find_as(const char *profile) {
    struct credentials_options options = {.profile = profile};
    struct credentials_source *source;
    memset(&got, 0, sizeof got);
    pomona_status status = credentials_source_new(&options, &source, &error);
    if (status == POMONA_OK) status = credentials_get(source, &got, &error);
    credentials_source_free(&source);
    return status;
}

static void assert_found(const char *profile, const char *access_key, const char *origin) {
    pomona_status status = find_as(profile);
    if (status != POMONA_OK) fail_msg("%s", error.message);
    assert_string_equal(got.access_key, access_key);
    assert_string_equal(got.origin, origin);
    assert_int_equal(fake_http_mistakes(), 0);
}

static void assert_none(const char *profile, pomona_status code, const char *part) {
    assert_failure(find_as(profile), code, part);
    if (strstr(error.message, "HUSHED") || strstr(error.where, "HUSHED")) fail_msg("told: %s", error.message);
}

#define SCRIPT(answers) fake_http_script(answers, sizeof(answers) / sizeof *(answers))

static void assert_asked(size_t i, const char *part) {
    if (!strstr(fake_http_request(i), part)) fail_msg("'%s' lacks '%s'", fake_http_request(i), part);
}

static int enter(void **state) {
    fake_http_script(NULL, 0);
    return enter_home(state);
}

/* "2030-01-01T00:00:00Z", so many seconds from now. */
static const char *time_from_now(long seconds) {
    static char text[32];
    time_t at = time(NULL) + seconds;
    struct tm parts;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &parts));
    return text;
}

#define STS_ANSWER(action, key)                                                                              \
    "<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action "Result>"             \
    "<AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials><AccessKeyId>" key "</AccessKeyId>"       \
    "<SecretAccessKey>HUSHED/" key "</SecretAccessKey><SessionToken>HUSHED+token==</SessionToken>"           \
    "<Expiration>2033-05-18T03:33:20Z</Expiration></Credentials></" action "Result></" action "Response>"

#define ROLE "[profile role]\nrole_arn = arn:aws:iam::1:role/r\nregion = eu-west-3\n"

static void test_environment(void **unused) {
    (void)unused;
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    assert_none(NULL, POMONA_E_INPUT, "AWS_SECRET_ACCESS_KEY is not");
    setenv("AWS_SECRET_ACCESS_KEY", "HUSHEDenv", 1);
    assert_found(NULL, "AKIDENV", "environment");
    assert_string_equal(got.secret_key, "HUSHEDenv");
    assert_string_equal(got.token, "");
    assert_true(got.expires == 0);
    setenv("AWS_SESSION_TOKEN", "HUSHEDtoken", 1);
    assert_found(NULL, "AKIDENV", "environment");
    assert_string_equal(got.token, "HUSHEDtoken");
    setenv("AWS_SECRET_ACCESS_KEY", "HUSHED\nX-Evil: 1", 1);
    assert_none(NULL, POMONA_E_INPUT, "the secret key has spaces or control");
    char long_key[200];
    memset(long_key, 'K', sizeof long_key);
    memcpy(long_key, "HUSHED", 6);
    long_key[128] = '\0';
    setenv("AWS_SECRET_ACCESS_KEY", long_key, 1);
    assert_none(NULL, POMONA_E_INPUT, "the secret key is longer than 127");
    long_key[127] = '\0';
    setenv("AWS_SECRET_ACCESS_KEY", long_key, 1);
    assert_found(NULL, "AKIDENV", "environment");
}

static void test_order(void **unused) {
    (void)unused;
    put_credentials(
        "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = HUSHEDdefault\n"
        "[x]\naws_access_key_id=AKIDX\naws_secret_access_key=HUSHEDx # mine\naws_session_token=HUSHEDt\n"
        "[half]\naws_access_key_id=AKIDHALF\n[other half]\naws_secret_access_key=HUSHEDhalf\n");
    assert_found(NULL, "AKIDDEFAULT", "profile");
    assert_found("x", "AKIDX", "profile");
    assert_string_equal(got.secret_key, "HUSHEDx");
    assert_string_equal(got.token, "HUSHEDt");
    assert_none("half", POMONA_E_INPUT, "profile 'half': the secret key is missing");
    assert_none("other half", POMONA_E_INPUT, "the access key is missing");
    assert_none("none", POMONA_E_INPUT, "there is no profile 'none' in ");
    setenv("AWS_PROFILE", "x", 1);
    assert_found(NULL, "AKIDX", "profile");
    setenv("AWS_PROFILE", "none", 1);
    assert_none(NULL, POMONA_E_INPUT, "there is no profile 'none'");
    /* The environment's keys go before AWS_PROFILE, but not before a profile of the option. */
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "HUSHEDenv", 1);
    assert_found(NULL, "AKIDENV", "environment");
    assert_found("x", "AKIDX", "profile");
    /* A file that can't be read does not stand in the way of the environment's keys. */
    setenv("AWS_CONFIG_FILE", "/", 1);
    assert_found(NULL, "AKIDENV", "environment");
    assert_none("x", POMONA_E_INPUT, "is a folder");
}

static void test_none(void **unused) {
    (void)unused;
    put_config("[default]\nregion = eu-west-3\n");
    assert_none(NULL, POMONA_E_INPUT, "AWS_EC2_METADATA_DISABLED is true");
    assert_non_null(strstr(error.message, "no AWS credentials: AWS_ACCESS_KEY_ID is not set"));
    assert_non_null(strstr(error.message, "/.aws/config"));
    struct credentials_options options = {.anonymous = true};
    struct credentials_source *source;
    assert_int_equal(credentials_source_new(&options, &source, &error), POMONA_OK);
    assert_int_equal(credentials_get(source, &got, &error), POMONA_OK);
    assert_string_equal(got.access_key, "");
    credentials_source_free(&source);
}

static void test_people_wanted(void **unused) {
    (void)unused;
    put_config(
        "[profile sso]\nsso_session = mine\n[profile mfa]\nrole_arn = r\nsource_profile = mfa\nmfa_serial = "
        "m\n"
        "aws_access_key_id = A\naws_secret_access_key = HUSHED\n"
        "[profile both]\nsso_session = mine\naws_access_key_id = AKIDBOTH\naws_secret_access_key = HUSHED\n");
    assert_none("sso", POMONA_E_UNSUPPORTED, "aws configure export-credentials --profile sso");
    assert_none("mfa", POMONA_E_UNSUPPORTED, "mfa_serial");
    assert_found("both", "AKIDBOTH", "profile");
}

static void test_role(void **unused) {
    (void)unused;
    static const struct fake_answer answers[] = {
        {"POST https://sts.eu-west-3.amazonaws.com/", 200, STS_ANSWER("AssumeRole", "ASIAROLE")}};
    put_config(ROLE "source_profile = base\nexternal_id = a b/c\nrole_session_name = me@here\n"
                    "duration_seconds = 900\n[profile base]\nregion = us-west-1\n");
    put_credentials("[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = HUSHEDbase\n");
    SCRIPT(answers);
    assert_found("role", "ASIAROLE", "profile");
    assert_string_equal(got.secret_key, "HUSHED/ASIAROLE");
    assert_string_equal(got.token, "HUSHED+token==");
    assert_true(got.expires == 2000000000);
    assert_asked(0, "Credential=AKIDBASE/");
    assert_asked(0, "/eu-west-3/sts/aws4_request,SignedHeaders=content-type;host;x-amz-date,Signature=");
    assert_asked(0, "\n\nAction=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
                    "RoleSessionName=me%40here&DurationSeconds=900&ExternalId=a%20b%2Fc");
}

static void test_chain(void **unused) {
    (void)unused;
    static const struct fake_answer answers[] = {
        {"POST https://sts.amazonaws.com/", 200, STS_ANSWER("AssumeRole", "ASIAMIDDLE")},
        {"POST https://sts.eu-west-3.amazonaws.com/", 200, STS_ANSWER("AssumeRole", "ASIAROLE")}};
    put_config(ROLE "source_profile = middle\n[profile middle]\nrole_arn = m\nsource_profile = middle\n"
                    "aws_access_key_id = AKIDSELF\naws_secret_access_key = HUSHEDself\n");
    SCRIPT(answers);
    assert_found("role", "ASIAROLE", "profile");
    assert_asked(0, "Credential=AKIDSELF/");
    assert_asked(0, "/us-east-1/sts/");
    assert_asked(1, "Credential=ASIAMIDDLE/");
    assert_asked(1, "x-amz-security-token: HUSHED+token==\n");
}

static void test_bad_chains(void **unused) {
    (void)unused;
    char config[2048] =
        "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n"
        "[profile lost]\nrole_arn = r\nsource_profile = none\n[profile bare]\nrole_arn = r\n"
        "[profile empty]\nregion = r\n[profile on-empty]\nrole_arn = r\nsource_profile = empty\n"
        "[profile self]\nrole_arn = r\nsource_profile = self\n"
        "[profile two]\nrole_arn = r\nsource_profile = a\ncredential_source = Environment\n"
        "[profile odd]\nrole_arn = r\ncredential_source = Elsewhere\n"
        "[profile env]\nrole_arn = r\ncredential_source = Environment\n";
    for (int i = 0; i < 9; i++) {
        size_t used = strlen(config);
        snprintf(config + used, sizeof config - used, "[profile p%d]\nrole_arn = r\nsource_profile = p%d\n",
                 i, i + 1);
    }
    put_config(config);
    put_credentials("[p9]\naws_access_key_id = A\naws_secret_access_key = HUSHED\n");
    assert_none("a", POMONA_E_INPUT, "the source_profile of 'a' leads in a circle");
    assert_none("lost", POMONA_E_INPUT, "profile 'lost': its source_profile 'none' does not exist");
    assert_none("bare", POMONA_E_INPUT, "neither source_profile");
    assert_none("on-empty", POMONA_E_INPUT, "its source_profile 'empty' has no credentials");
    assert_none("self", POMONA_E_INPUT, "the access key is missing");
    assert_none("two", POMONA_E_INPUT, "both source_profile and credential_source");
    assert_none("odd", POMONA_E_INPUT, "'Elsewhere' is none of");
    assert_none("env", POMONA_E_INPUT, "no credentials from Environment");
    assert_none("p0", POMONA_E_LIMIT, "more than 8 profiles");
    assert_int_equal(fake_http_asked(), 0);
}

static void test_web_identity(void **unused) {
    (void)unused;
    static const struct fake_answer answers[] = {{"POST https://sts.cn-north-1.amazonaws.com.cn/", 200,
                                                  STS_ANSWER("AssumeRoleWithWebIdentity", "ASIAWEB")}};
    static const struct fake_answer local[] = {
        {"POST http://127.0.0.1:9/sts", 200, STS_ANSWER("AssumeRoleWithWebIdentity", "ASIAPROFILE")}};
    put_file("token", "HUSHED.jwt\n");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "token", 1);
    assert_none(NULL, POMONA_E_INPUT, "AWS_ROLE_ARN is not");
    setenv("AWS_ROLE_ARN", "arn:r", 1);
    setenv("AWS_REGION", "cn-north-1", 1);
    SCRIPT(answers);
    assert_found(NULL, "ASIAWEB", "web identity");
    assert_asked(0,
                 "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=pomona&"
                 "WebIdentityToken=HUSHED.jwt");
    assert_null(strstr(fake_http_request(0), "Authorization"));
    put_file("token", "\n");
    assert_none(NULL, POMONA_E_INPUT, "token: the file of the web identity token is empty");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "missing", 1);
    assert_none(NULL, POMONA_E_INPUT, "missing: cannot open");
    clear_environment();
    put_file("token", "HUSHED.jwt");
    put_config(ROLE "web_identity_token_file = token\nendpoint_url = http://127.0.0.1:9/sts\n");
    SCRIPT(local);
    assert_found("role", "ASIAPROFILE", "profile");
}

static void test_sts_refuses(void **unused) {
    (void)unused;
    static const char url[] = "POST http://sts:80/";
    static const struct fake_answer denied[] = {
        {url, 403,
         "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not "
         "yours</Message></Error></ErrorResponse>"}};
    static const struct fake_answer busy[] = {
        {url, 400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"},
        {url, 503, "<html>HUSHED</html>"},
        {url, 200, STS_ANSWER("AssumeRole", "ASIALATER")}};
    static const struct fake_answer nonsense[] = {{url, 200, "<html>HUSHED</html>"}};
    static const struct fake_answer half[] = {
        {url, 200, "<R><AccessKeyId>A</AccessKeyId><SecretAccessKey>HUSHED</SecretAccessKey><SessionTok"}};
    static const struct fake_answer evil[] = {
        {url, 200,
         "<R><AccessKeyId>A</AccessKeyId><SecretAccessKey>HUSHED x</SecretAccessKey><SessionToken>t"
         "</SessionToken><Expiration>2033-05-18T03:33:20Z</Expiration></R>"}};
    static const struct fake_answer late[] = {
        {url, 200,
         "<R><AccessKeyId>A</AccessKeyId><SecretAccessKey>HUSHED</SecretAccessKey><SessionToken>t"
         "</SessionToken><Expiration>HUSHED</Expiration></R>"}};
    setenv("AWS_ENDPOINT_URL_STS", "http://sts:80", 1);
    put_config(ROLE "source_profile = role\naws_access_key_id = A\naws_secret_access_key = HUSHED\n");
    SCRIPT(denied);
    assert_none("role", POMONA_E_INPUT, "profile 'role': STS answers 403 AccessDenied: not yours");
    SCRIPT(busy);
    assert_found("role", "ASIALATER", "profile");
    assert_int_equal(fake_http_asked(), 3);
    SCRIPT(nonsense);
    assert_none("role", POMONA_E_CORRUPT, "no AccessKeyId");
    SCRIPT(half);
    assert_none("role", POMONA_E_CORRUPT, "no SessionToken");
    SCRIPT(evil);
    assert_none("role", POMONA_E_INPUT, "the secret key has spaces");
    SCRIPT(late);
    assert_none("role", POMONA_E_CORRUPT, "the expiration is not a time");
    fake_http_script(NULL, 0);
    assert_none("role", POMONA_E_IO, "does not answer");
    setenv("AWS_ENDPOINT_URL_STS", "sts", 1);
    assert_none("role", POMONA_E_INPUT, "http:// or https://");
}

static void test_process(void **unused) {
    (void)unused;
    put_config("[profile good]\ncredential_process = cat good.json # a ; b\n"
               "[profile fails]\ncredential_process = echo HUSHED >/dev/null; exit 4\n"
               "[profile odd]\ncredential_process = echo '{\"SecretAccessKey\": HUSHED}'\n"
               "[profile list]\ncredential_process = echo '[]'\n"
               "[profile newer]\ncredential_process = echo '{\"Version\": 2}'\n"
               "[profile part]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"A\"}'\n"
               "[profile endless]\ncredential_process = yes HUSHED\n");
    put_file("good.json",
             "{\"Version\": 1, \"AccessKeyId\": \"ASIAPROC\", \"SecretAccessKey\": \"HUSHEDproc\","
             "\"SessionToken\": \"HUSHEDtoken\", \"Expiration\": \"2033-05-18T03:33:20+00:00\"}");
    assert_found("good", "ASIAPROC", "profile");
    assert_string_equal(got.token, "HUSHEDtoken");
    assert_true(got.expires == 2000000000);
    assert_none("fails", POMONA_E_IO, "profile 'fails': the command ends with status 4");
    assert_none("odd", POMONA_E_CORRUPT, "profile 'odd': the answer is not JSON (line 1)");
    assert_none("list", POMONA_E_CORRUPT, "not a JSON object");
    assert_none("newer", POMONA_E_UNSUPPORTED, "a version that is not 1");
    assert_none("part", POMONA_E_INPUT, "the secret key is missing");
    assert_none("endless", POMONA_E_LIMIT, "beyond");
}

/* A profile whose command counts its calls and prints what "answer" has. */
static void put_counted(void) {
    put_config("[default]\ncredential_process = echo >>calls; cat answer\n");
    put_file("calls", "");
}

static void put_answer(const char *key, const char *expires) {
    char text[512];
    snprintf(
        text, sizeof text,
        "{\"Version\": 1, \"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"HUSHED\", \"Expiration\": \"%s\"}",
        key, expires);
    put_file("answer", text);
}

static long calls(void) {
    FILE *file = fopen("calls", "r");
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    return size;
}

static void assert_next(struct credentials_source *source, const char *key, long expected_calls) {
    if (credentials_get(source, &got, &error) != POMONA_OK) fail_msg("%s", error.message);
    assert_string_equal(got.access_key, key);
    assert_int_equal(calls(), expected_calls);
}

static void test_renewal(void **unused) {
    (void)unused;
    struct credentials_options options = {.profile = NULL};
    struct credentials_source *source;
    put_counted();
    assert_int_equal(credentials_source_new(&options, &source, &error), POMONA_OK);
    put_answer("FIRST", time_from_now(3600));
    assert_next(source, "FIRST", 1);
    put_answer("SECOND", time_from_now(100));
    assert_next(source, "FIRST", 1);
    /* Rejected by the server: read anew, by the first who says so. */
    struct credentials first = got;
    credentials_reject(source, &first);
    assert_next(source, "SECOND", 2);
    credentials_reject(source, &first);
    assert_next(source, "SECOND", 2); /* due, but just read: nothing newer is expected yet */
    credentials_reject(source, &got);
    put_file("answer", "nothing");
    assert_failure(credentials_get(source, &got, &error), POMONA_E_CORRUPT, "not JSON");
    put_answer("THIRD", time_from_now(-100));
    assert_next(source, "THIRD", 4); /* expired as they come: the server will judge */
    assert_next(source, "THIRD", 4);
    credentials_source_free(&source);
}

/* Keys that are due but still hold serve on when they can't be renewed; the error is left as it was. */
static void test_renewal_fails(void **unused) {
    (void)unused;
    struct credentials_options options = {.profile = NULL};
    struct credentials_source *source;
    put_counted();
    assert_int_equal(credentials_source_new(&options, &source, &error), POMONA_OK);
    put_answer("SHORT", time_from_now(200));
    assert_next(source, "SHORT", 1);
    put_file("answer", "nothing");
    memset(&error, 0, sizeof error);
    assert_next(source, "SHORT", 1);
    assert_string_equal(error.message, "");
    credentials_source_free(&source);
}

static void *get_in_thread(void *source) {
    struct credentials mine;
    struct pomona_error cause;
    for (int i = 0; i < 100; i++) {
        if (credentials_get(source, &mine, &cause) != POMONA_OK || strcmp(mine.access_key, "SHARED") != 0)
            return source;
        if (i == 50) credentials_reject(source, &mine);
    }
    return NULL;
}

static void test_threads(void **unused) {
    (void)unused;
    enum { THREADS = 8 };
    struct credentials_options options = {.profile = NULL};
    struct credentials_source *source;
    pthread_t threads[THREADS];
    put_counted();
    put_answer("SHARED", time_from_now(3600));
    assert_int_equal(credentials_source_new(&options, &source, &error), POMONA_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, source), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_in_range(calls(), 2, 1 + THREADS);
    credentials_source_free(&source);
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    static const struct fake_answer answers[] = {
        {"POST https://sts.eu-west-3.amazonaws.com/", 200, STS_ANSWER("AssumeRole", "ASIAROLE")}};
    put_config(ROLE "source_profile = base\n[profile base]\ncredential_process = cat answer\n");
    put_answer("BASE", "2033-05-18T03:33:20Z");
    for (long k = 1;; k++) {
        SCRIPT(answers);
        fail_allocation(k);
        pomona_status status = find_as("role");
        bool failed = failed_allocation();
        fail_allocation(0);
        if (!failed) {
            assert_int_equal(status, POMONA_OK);
            break;
        }
        /* What XML says is looked for text by text: one that is not found for want of memory counts as missing. */
        assert_true(status == POMONA_E_MEMORY || status == POMONA_E_CORRUPT);
        assert_null(strstr(error.message, "HUSHED"));
    }
}

int main(void) {
#define IN_HOME(test) cmocka_unit_test_setup_teardown(test, enter, leave_home)
    const struct CMUnitTest tests[] = {
        IN_HOME(test_environment),   IN_HOME(test_order),        IN_HOME(test_none),
        IN_HOME(test_people_wanted), IN_HOME(test_role),         IN_HOME(test_chain),
        IN_HOME(test_threads),       IN_HOME(test_bad_chains),   IN_HOME(test_process),
        IN_HOME(test_web_identity),  IN_HOME(test_renewal),      IN_HOME(test_sts_refuses),
        IN_HOME(test_out_of_memory), IN_HOME(test_renewal_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
