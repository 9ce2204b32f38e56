/* Signatures against published vectors: RFC 4231 (HMAC), the AWS Signature Version 4 test suite, the AWS documents' examples of
 * IAM and S3 ("Signature Calculations for the Authorization Header"). */
#include "store/hmac.h"
#include "store/sigv4.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdio.h>
#include <string.h>

static struct pomona_error error;

static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static const struct credentials suite_keys = {.access_key = "AKIDEXAMPLE",
                                              .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
static const struct credentials s3_keys = {.access_key = "AKIAIOSFODNN7EXAMPLE",
                                           .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

enum { SUITE_TIME = 1440938160 /* 20150830T123600Z */, S3_TIME = 1369353600 /* 20130524T000000Z */ };

static void assert_hmac(const void *key, size_t key_size, const char *data, size_t size,
                        const char *expected) {
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    hmac_sha256(key, key_size, data, size, digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, expected);
}

static void test_hmac(void **unused) {
    (void)unused;
    uint8_t key[131];
    char data[50];
    memset(key, 0x0b, 20);
    assert_hmac(key, 20, "Hi There", 8, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hmac("Jefe", 4, "what do ya want for nothing?", 28,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    assert_hmac(key, 20, data, 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    assert_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_hmac("", 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* Signs and compares the end of the Authorization line, which has the names and the signature. */
static void assert_signature(const struct sigv4_request *request, const struct credentials *keys,
                             const char *names, const char *signature) {
    struct buffer out = BUFFER_INIT(1 << 16);
    char expected[512];
    const char *text;
    assert_int_equal(sigv4_sign(request, keys, &out, &error), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    snprintf(expected, sizeof expected, "SignedHeaders=%s,Signature=%s\n", names, signature);
    const char *found = strstr(text, "SignedHeaders=");
    assert_non_null(found);
    assert_string_equal(found, expected);
    assert_memory_equal(text, request->headers, strlen(request->headers));
    buffer_free(&out);
}

static struct sigv4_request suite_request(const char *method, const char *path, const char *query,
                                          const char *headers) {
    return (struct sigv4_request){.method = method,
                                  .host = "example.amazonaws.com",
                                  .path = path,
                                  .query = query,
                                  .headers = headers,
                                  .payload_hash = empty_hash,
                                  .region = "us-east-1",
                                  .service = "service",
                                  .now = SUITE_TIME};
}

static void test_suite(void **unused) {
    (void)unused;
    static const struct {
        const char *method, *path, *query, *headers, *names, *signature;
    } cases[] = {
        {"GET", "/", "", "", "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}, /* get-vanilla */
        {"POST", "/", "", "", "host;x-amz-date",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"}, /* post-vanilla */
        {"GET", "/", "Param2=value2&Param1=value1", "", "host;x-amz-date",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"}, /* get-vanilla-query-order-key-case */
        {"GET", "/%E1%88%B4", "", "", "host;x-amz-date",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"}, /* get-utf8 */
        {"GET", "/", "", "My-Header1:value2\nMy-Header1:value2\nMy-Header1:value1\n",
         "host;my-header1;x-amz-date",
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"}, /* get-header-key-duplicate */
        {"GET", "/", "", "My-Header1: value1\nMy-Header2: \"a   b   c\"\n",
         "host;my-header1;my-header2;x-amz-date",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"}, /* get-header-value-trim */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sigv4_request request =
            suite_request(cases[i].method, cases[i].path, cases[i].query, cases[i].headers);
        assert_signature(&request, &suite_keys, cases[i].names, cases[i].signature);
    }
}

static void test_suite_with_token(void **unused) {
    (void)unused;
    struct credentials keys = suite_keys;
    snprintf(
        keys.token, sizeof keys.token, "%s",
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRq"
        "TflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75Y"
        "U9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9K"
        "SYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==");
    struct sigv4_request request = suite_request("POST", "/", "", ""); /* post-sts-header-before */
    assert_signature(&request, &keys, "host;x-amz-date;x-amz-security-token",
                     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

static void test_iam(void **unused) {
    (void)unused;
    struct sigv4_request request =
        suite_request("GET", "/", "Action=ListUsers&Version=2010-05-08",
                      "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n");
    request.host = "iam.amazonaws.com";
    request.service = "iam";
    assert_signature(&request, &suite_keys, "content-type;host;x-amz-date",
                     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

static void test_s3(void **unused) {
    (void)unused;
    struct sigv4_request request = {.method = "GET",
                                    .host = "examplebucket.s3.amazonaws.com",
                                    .path = "/test.txt",
                                    .query = "",
                                    .headers = "Range: bytes=0-9\n",
                                    .payload_hash = empty_hash,
                                    .region = "us-east-1",
                                    .service = "s3",
                                    .now = S3_TIME};
    assert_signature(&request, &s3_keys, "host;range;x-amz-content-sha256;x-amz-date",
                     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    request.path = "/";
    request.headers = "";
    request.query = "lifecycle";
    assert_signature(&request, &s3_keys, "host;x-amz-content-sha256;x-amz-date",
                     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    request.query = "prefix=J&max-keys=2";
    assert_signature(&request, &s3_keys, "host;x-amz-content-sha256;x-amz-date",
                     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    request.method = "PUT";
    request.path = "/test%24file.text";
    request.query = "";
    request.headers = "Date: Fri, 24 May 2013 00:00:00 GMT\nx-amz-storage-class: REDUCED_REDUNDANCY\n";
    request.payload_hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    assert_signature(&request, &s3_keys, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void test_whole_answer(void **unused) {
    (void)unused;
    struct buffer out = BUFFER_INIT(1 << 16);
    const char *text;
    struct sigv4_request request = suite_request("GET", "/", "", "");
    assert_int_equal(sigv4_sign(&request, &suite_keys, &out, &error), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text,
                        "x-amz-date: 20150830T123600Z\n"
                        "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                        "aws4_request,SignedHeaders=host;x-amz-date,"
                        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31\n");
    /* Nobody signs nothing. */
    static const struct credentials nobody = {.token = ""};
    buffer_clear(&out);
    request.headers = "Range: bytes=0-9";
    assert_int_equal(sigv4_sign(&request, &nobody, &out, &error), POMONA_OK);
    assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
    assert_string_equal(text, "Range: bytes=0-9\n");
    buffer_free(&out);
}

/* The order of parts is that of names, not that of "name=value": `-` comes before `=`. */
static void test_query_order(void **unused) {
    (void)unused;
    struct sigv4_request sorted = suite_request("GET", "/", "a=&a=1&a=2&a-b=0&a.=", ""), mixed = sorted;
    struct buffer first = BUFFER_INIT(1 << 16), second = first;
    mixed.query = "a-b=0&&a=2&a.&a=1&a";
    assert_int_equal(sigv4_sign(&sorted, &suite_keys, &first, &error), POMONA_OK);
    assert_int_equal(sigv4_sign(&mixed, &suite_keys, &second, &error), POMONA_OK);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    buffer_free(&first);
    buffer_free(&second);
}

static void test_encode(void **unused) {
    (void)unused;
    static const char *const cases[][3] = {
        {"photos/a b.jpg", "photos/a%20b.jpg", "photos%2Fa%20b.jpg"},
        {"100%+1", "100%25%2B1", "100%25%2B1"},
        {"caf\xc3\xa9/\xff", "caf%C3%A9/%FF", "caf%C3%A9%2F%FF"},
        {"line\nbreak\t\x01", "line%0Abreak%09%01", "line%0Abreak%09%01"},
        {"../a//b/./~c_d-e.f", "../a//b/./~c_d-e.f", "..%2Fa%2F%2Fb%2F.%2F~c_d-e.f"},
        {"?=&#;:@!$'()*,[]\"<>\\^`{|}",
         "%3F%3D%26%23%3B%3A%40%21%24%27%28%29%2A%2C%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D",
         "%3F%3D%26%23%3B%3A%40%21%24%27%28%29%2A%2C%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D"},
        {"", "", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int keep = 0; keep < 2; keep++) {
            struct buffer out = BUFFER_INIT(1 << 10);
            const char *text;
            assert_int_equal(sigv4_encode(&out, cases[i][0], keep, &error), POMONA_OK);
            assert_int_equal(buffer_terminate(&out, &text, &error), POMONA_OK);
            assert_string_equal(text, cases[i][keep ? 1 : 2]);
            buffer_free(&out);
        }
}

static void test_bounds(void **unused) {
    (void)unused;
    char query[4 * SIGV4_PARTS_MAX + 8] = "";
    struct buffer out = BUFFER_INIT(1 << 16);
    struct sigv4_request request = suite_request("GET", "/", query, "");
    for (int i = 0; i < SIGV4_PARTS_MAX; i++) memcpy(query + 4 * i, "a=b&", 5);
    assert_int_equal(sigv4_sign(&request, &suite_keys, &out, &error), POMONA_OK);
    memcpy(query + 4 * SIGV4_PARTS_MAX, "c", 2);
    assert_failure(sigv4_sign(&request, &suite_keys, &out, &error), POMONA_E_LIMIT, "more than 64");
    request.query = "";
    request.headers = "no colon\n";
    assert_failure(sigv4_sign(&request, &suite_keys, &out, &error), POMONA_E_INTERNAL, "without a colon");
    request.headers = "";
    request.now = (time_t)1 << 50;
    assert_failure(sigv4_sign(&request, &suite_keys, &out, &error), POMONA_E_INTERNAL, "no calendar");
    request.now = SUITE_TIME;
    struct buffer small = BUFFER_INIT(100);
    assert_failure(sigv4_sign(&request, &suite_keys, &small, &error), POMONA_E_LIMIT, "beyond 100 bytes");
    buffer_free(&small);
    buffer_free(&out);
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    struct sigv4_request request = suite_request("GET", "/", "b=1&a=2", "Range: bytes=0-9\n");
    for (long k = 1;; k++) {
        struct buffer out = BUFFER_INIT(1 << 16);
        fail_allocation(k);
        pomona_status status = sigv4_sign(&request, &suite_keys, &out, &error);
        bool failed = failed_allocation();
        fail_allocation(0);
        buffer_free(&out);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (failed) assert_null(strstr(error.message, suite_keys.secret_key));
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac),        cmocka_unit_test(test_suite),
        cmocka_unit_test(test_iam),         cmocka_unit_test(test_suite_with_token),
        cmocka_unit_test(test_s3),          cmocka_unit_test(test_whole_answer),
        cmocka_unit_test(test_query_order), cmocka_unit_test(test_encode),
        cmocka_unit_test(test_bounds),      cmocka_unit_test(test_out_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
