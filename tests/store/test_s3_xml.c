/* What S3 and STS say in XML, and what somebody in their place might say. */
#include "base/buffer.h"
#include "store/s3_xml.h"
#include "store/timestamp.h"
#include "store/xml_walk.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdio.h>
#include <string.h>

static struct pomona_error error;

/* The visited items as text: "key|etag|version|upload|size|modified|flags;". */
struct seen {
    struct buffer text;
    int count, stop_at; /* the stop_at-th visit fails */
};

#define SEEN_INIT ((struct seen){.text = BUFFER_INIT(1 << 20)})

static pomona_status see(void *user, const struct s3_item *item, struct pomona_error *cause) {
    struct seen *seen = user;
    if (++seen->count == seen->stop_at) return fail(cause, POMONA_E_LIMIT, item->key, "enough");
    return buffer_printf(&seen->text, cause, "%s|%s|%s|%s|%llu|%lld|%s%s%s;", item->key, item->etag,
                         item->version_id, item->upload_id, (unsigned long long)item->size,
                         (long long)item->modified, item->is_prefix ? "p" : "", item->is_latest ? "l" : "",
                         item->is_delete_marker ? "d" : "");
}

static pomona_status list(const char *xml, struct seen *seen, struct s3_list_page *page) {
    return s3_xml_list("s3://bucket", xml, strlen(xml), see, seen, page, &error);
}

static void assert_items(const char *xml, const char *expected, struct s3_list_page *page) {
    struct seen seen = SEEN_INIT;
    const char *text;
    assert_int_equal(list(xml, &seen, page), POMONA_OK);
    assert_int_equal(buffer_terminate(&seen.text, &text, &error), POMONA_OK);
    assert_string_equal(text, expected);
    buffer_free(&seen.text);
}

static void assert_refused(const char *xml, const char *part) {
    struct seen seen = SEEN_INIT;
    struct s3_list_page page;
    assert_failure(list(xml, &seen, &page), POMONA_E_CORRUPT, part);
    buffer_free(&seen.text);
}

#define HEAD    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XMLNS   " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define LISTING HEAD "<ListBucketResult" XMLNS ">"

static const char objects[] = LISTING
    "<Name>bucket</Name><Prefix>photos/</Prefix><EncodingType>url</EncodingType><KeyCount>3</KeyCount>"
    "<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated><NextContinuationToken>1+w/x==</"
    "NextContinuationToken>"
    "<Contents><Key>photos/caf%C3%A9+1%2B1%25.jpg</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>"
    "<ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>"
    "<Owner><ID>1</ID><DisplayName>Key</DisplayName></Owner><StorageClass>STANDARD</StorageClass></"
    "Contents>\n"
    "<Contents><Key>photos/b%0A.jpg</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>"
    "<ETag>plain</ETag><Size>0</Size></Contents>"
    "<CommonPrefixes><Prefix>photos/2006/</Prefix></CommonPrefixes></ListBucketResult>\n";

static void test_objects(void **unused) {
    (void)unused;
    struct s3_list_page page;
    assert_items(objects,
                 "photos/caf\xc3\xa9 1+1%.jpg|fba9dede5f27731c9771645a39863328|||434234|1255369830|;"
                 "photos/b\n.jpg|plain|||0|0|;photos/2006/||||0|0|p;",
                 &page);
    assert_true(page.truncated);
    assert_string_equal(page.continuation, "1+w/x==");
    /* Encoding behind the keys, as some servers have it; none at all; prefixed names; nothing in it. */
    assert_items(LISTING
                 "<Contents><Key>a%20b</Key></Contents><EncodingType>url</EncodingType></ListBucketResult>",
                 "a b||||0|0|;", &page);
    assert_false(page.truncated);
    assert_items(LISTING "<Contents><Key>a%20+b&amp;&#233;</Key></Contents></ListBucketResult>",
                 "a%20+b&\xc3\xa9||||0|0|;", &page);
    assert_items(
        "<s:ListBucketResult xmlns:s='x'><s:Contents><s:Key>k</s:Key></s:Contents></s:ListBucketResult>",
        "k||||0|0|;", &page);
    assert_items("\n \t<ListBucketResult/>", "", &page);
}

static void test_versions(void **unused) {
    (void)unused;
    struct s3_list_page page;
    assert_items(
        HEAD
        "<ListVersionsResult" XMLNS "><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
        "<NextKeyMarker>a%2Fb</NextKeyMarker><NextVersionIdMarker>v%2F</NextVersionIdMarker>"
        "<Version><Key>a</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><Size>5</Size></Version>"
        "<DeleteMarker><Key>a</Key><VersionId>null</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
        "</ListVersionsResult>",
        "a||v1||5|0|;a||null||0|0|ld;", &page);
    assert_string_equal(page.next_key, "a/b");
    assert_string_equal(page.next_version, "v%2F");
}

static void test_uploads(void **unused) {
    (void)unused;
    struct s3_list_page page;
    assert_items(HEAD "<ListMultipartUploadsResult" XMLNS "><UploadIdMarker/><NextKeyMarker>k</NextKeyMarker>"
                      "<NextUploadIdMarker>u2</NextUploadIdMarker><IsTruncated>false</IsTruncated>"
                      "<Upload><Key>k</Key><UploadId>u1</UploadId><Initiator><ID>x</ID></Initiator>"
                      "<Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload></ListMultipartUploadsResult>",
                 "k|||u1|0|1289422113|;", &page);
    assert_string_equal(page.next_key, "k");
    assert_string_equal(page.next_version, "u2");
}

static void test_no_listing(void **unused) {
    (void)unused;
    assert_refused("", "no element found");
    assert_refused("<html><body>Log in</body></html>", "<html>, not a listing");
    assert_refused("<Error><Code>NoSuchBucket</Code></Error>", "<Error>, not a listing");
    assert_refused("{\"a\": 1}", "line 1");
    assert_refused("<ListBucketResult><Contents></ListBucketResult>", "mismatched tag");
    assert_refused("<ListBucketResult/><ListBucketResult/>", "junk");
    assert_refused("<ListBucketResult><Contents><Key>\xff\xfe</Key></Contents></ListBucketResult>",
                   "invalid token");
    assert_refused("<ListBucketResult><Contents><Key>&unknown;</Key></Contents></ListBucketResult>",
                   "undefined entity");
}

static void test_fields_out_of_range(void **unused) {
    (void)unused;
    static const char *const fields[][2] = {{"Size", "18446744073709551616"},
                                            {"Size", "9223372036854775808"},
                                            {"Size", "-1"},
                                            {"Size", "1e9"},
                                            {"Size", ""},
                                            {"LastModified", "yesterday"},
                                            {"LastModified", "2009-02-29T00:00:00Z"},
                                            {"IsLatest", "maybe"}};
    char xml[512];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        snprintf(xml, sizeof xml,
                 "<ListBucketResult><Contents><Key>k</Key><%s>%s</%s></Contents></ListBucketResult>",
                 fields[i][0], fields[i][1], fields[i][0]);
        assert_refused(xml, fields[i][0]);
    }
    assert_refused("<ListBucketResult><IsTruncated>yes</IsTruncated></ListBucketResult>", "IsTruncated");
    assert_refused("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
                   "does not say where");
    assert_refused("<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>", "no key");
    assert_refused("<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>100%</Key></Contents></"
                   "ListBucketResult>",
                   "<Key>");
    assert_refused("<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%00b</Key></Contents></"
                   "ListBucketResult>",
                   "<Key>");
    assert_refused("<ListBucketResult><EncodingType>url</EncodingType><NextKeyMarker>%zz</NextKeyMarker></"
                   "ListBucketResult>",
                   "<NextKeyMarker>");
}

static void test_bombs(void **unused) {
    (void)unused;
    assert_refused(
        "<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
        "<!ENTITY c "
        "\"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><ListBucketResult><Name>&c;</Name></ListBucketResult>",
        "DOCTYPE");
    assert_refused("<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><ListBucketResult/>", "DOCTYPE");
    struct buffer deep = BUFFER_INIT(1 << 24);
    const char *text;
    buffer_append_text(&deep, "<ListBucketResult>", &error);
    for (int i = 0; i < 100000; i++) buffer_append_text(&deep, "<a>", &error);
    assert_int_equal(buffer_terminate(&deep, &text, &error), POMONA_OK);
    assert_refused(text, "nested too deep");
    buffer_clear(&deep);
    buffer_append_text(&deep, "<ListBucketResult><Contents><Key>", &error);
    for (int i = 0; i < XML_TEXT_MAX; i++) buffer_append_byte(&deep, 'k', &error);
    size_t full = deep.size;
    buffer_append_text(&deep, "</Key></Contents></ListBucketResult>", &error);
    assert_int_equal(buffer_terminate(&deep, &text, &error), POMONA_OK);
    struct seen seen = SEEN_INIT;
    struct s3_list_page page;
    assert_int_equal(list(text, &seen, &page), POMONA_OK);
    assert_int_equal(seen.count, 1);
    buffer_free(&seen.text);
    deep.size = full;
    buffer_append_text(&deep, "k</Key></Contents></ListBucketResult>", &error);
    assert_int_equal(buffer_terminate(&deep, &text, &error), POMONA_OK);
    assert_refused(text, "too long");
    buffer_clear(&deep);
    buffer_append_text(&deep, "<ListBucketResult><NextContinuationToken>", &error);
    for (int i = 0; i < 2048; i++) buffer_append_byte(&deep, 't', &error);
    buffer_append_text(&deep, "</NextContinuationToken></ListBucketResult>", &error);
    assert_int_equal(buffer_terminate(&deep, &text, &error), POMONA_OK);
    assert_refused(text, "NextContinuationToken");
    buffer_free(&deep);
    assert_failure(xml_walk("big", "", (size_t)XML_SIZE_MAX + 1, &(struct xml_visitor){.open = NULL}, &error),
                   POMONA_E_CORRUPT, "more than");
}

/* Cut after every byte: never taken for whole (only the line break at the end may be missing). */
static void test_truncated(void **unused) {
    (void)unused;
    size_t whole = sizeof objects - 2;
    for (size_t size = 0; size < whole; size++) {
        struct seen seen = SEEN_INIT;
        struct s3_list_page page;
        /* A block of its own, so that a sanitizer sees a byte read behind it. */
        struct buffer cut = BUFFER_INIT(1 << 16);
        assert_int_equal(buffer_append(&cut, objects, size, &error), POMONA_OK);
        assert_int_equal(s3_xml_list("cut", cut.data, cut.size, see, &seen, &page, &error), POMONA_E_CORRUPT);
        buffer_free(&cut);
        buffer_free(&seen.text);
    }
}

static void test_visit_fails(void **unused) {
    (void)unused;
    struct seen seen = SEEN_INIT;
    struct s3_list_page page;
    seen.stop_at = 2;
    assert_failure(list(objects, &seen, &page), POMONA_E_LIMIT, "enough");
    assert_int_equal(seen.count, 2);
    buffer_free(&seen.text);
}

static void test_out_of_memory(void **unused) {
    (void)unused;
    for (long k = 1;; k++) {
        struct seen seen = SEEN_INIT;
        struct s3_list_page page;
        fail_allocation(k);
        pomona_status status = list(objects, &seen, &page);
        bool failed = failed_allocation();
        fail_allocation(0);
        buffer_free(&seen.text);
        assert_int_equal(status, failed ? POMONA_E_MEMORY : POMONA_OK);
        if (!failed) break;
    }
}

static bool read_error(const char *xml, struct s3_error *out) { return s3_xml_error(xml, strlen(xml), out); }

static void test_errors(void **unused) {
    (void)unused;
    struct s3_error out;
    assert_true(
        read_error(HEAD "<Error><Code>PermanentRedirect</Code><Message>Use the\nother &lt;one&gt;</Message>"
                        "<Endpoint>b.s3-eu-west-3.amazonaws.com</Endpoint><Region>eu-west-3</Region>"
                        "<Details><Code>Not this</Code></Details></Error>",
                   &out));
    assert_string_equal(out.code, "PermanentRedirect");
    assert_string_equal(out.message, "Use the\\x0Aother <one>");
    assert_string_equal(out.region, "eu-west-3");
    assert_string_equal(out.endpoint, "b.s3-eu-west-3.amazonaws.com");
    assert_true(read_error("  \n" HEAD "<Error><Code>InternalError</Code><Mess", &out));
    assert_string_equal(out.code, "InternalError");
    assert_true(read_error("<ErrorResponse xmlns='x'><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                           "<Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>",
                           &out));
    assert_string_equal(out.code, "AccessDenied");
    assert_string_equal(out.message, "no");
    assert_false(read_error(objects, &out));
    assert_false(read_error("", &out));
    assert_false(s3_xml_error(NULL, 0, &out));
    assert_false(read_error("<Error>", &out));
    assert_false(read_error(
        "<CompleteMultipartUploadResult><Error><Code>x</Code></Error></CompleteMultipartUploadResult>",
        &out));
    char xml[2048] = "<Error><Code>", *at = xml + strlen(xml);
    memset(at, 'c', 1000);
    snprintf(at + 1000, 100, "</Code></Error>");
    assert_true(read_error(xml, &out));
    assert_int_equal(strlen(out.code), sizeof out.code - 1);
}

static void test_texts(void **unused) {
    (void)unused;
    static const char xml[] =
        "<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>VXB &amp; lo</UploadId>"
        "<Empty/></InitiateMultipartUploadResult>";
    char out[12], small[8];
    assert_true(s3_xml_text(xml, sizeof xml - 1, "UploadId", out, sizeof out));
    assert_string_equal(out, "VXB & lo");
    assert_false(s3_xml_text(xml, sizeof xml - 1, "UploadId", small, sizeof small));
    assert_true(s3_xml_text(xml, sizeof xml - 1, "Empty", out, sizeof out));
    assert_string_equal(out, "");
    assert_false(s3_xml_text(xml, sizeof xml - 1, "ETag", out, sizeof out));
    assert_false(s3_xml_text(NULL, 0, "ETag", out, sizeof out));
}

static pomona_status see_error(void *user, const char *key, const char *code, const char *message,
                               struct pomona_error *cause) {
    return buffer_printf(user, cause, "%s|%s|%s;", key, code, message);
}

static void test_delete_errors(void **unused) {
    (void)unused;
    static const char xml[] =
        HEAD "<DeleteResult" XMLNS "><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>"
             "<VersionId>v</VersionId><Code>AccessDenied</Code><Message>no</Message></Error>"
             "<Error><Key>c</Key><Code>InternalError</Code></Error></DeleteResult>";
    struct buffer seen = BUFFER_INIT(1 << 10);
    const char *text;
    assert_int_equal(s3_xml_delete_errors("b", xml, sizeof xml - 1, see_error, &seen, &error), POMONA_OK);
    assert_int_equal(buffer_terminate(&seen, &text, &error), POMONA_OK);
    assert_string_equal(text, "b|AccessDenied|no;c|InternalError|;");
    buffer_free(&seen);
    assert_failure(s3_xml_delete_errors("b", xml, sizeof xml - 20, see_error, &seen, &error),
                   POMONA_E_CORRUPT, "b: ");
    buffer_free(&seen);
    assert_failure(s3_xml_delete_errors("b", objects, sizeof objects - 1, see_error, &seen, &error),
                   POMONA_E_CORRUPT, "not a <DeleteResult>");
}

static void test_timestamps(void **unused) {
    (void)unused;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {{"1970-01-01T00:00:00Z", 0},
                 {"2009-10-12T17:50:30.000Z", 1255369830},
                 {"2009-10-12T19:50:30+02:00", 1255369830},
                 {"2009-10-12T14:20:30.123456789-0330", 1255369830},
                 {"2000-02-29T12:00:00Z", 951825600},
                 {"2016-12-31T23:59:60Z", 1483228800},
                 {"2038-01-19T03:14:08Z", 2147483648},
                 {"1969-12-31T23:59:59Z", -1},
                 {"0001-01-01T00:00:00Z", -62135596800},
                 {"9999-12-31T23:59:59Z", 253402300799}};
    static const char *const bad[] = {"",
                                      "2009-10-12",
                                      "2009-10-12T17:50:30",
                                      "2009-10-12T17:50:30.Z",
                                      "2009-10-12T17:50:30Zx",
                                      "2009-13-12T17:50:30Z",
                                      "2009-00-12T17:50:30Z",
                                      "2009-02-29T17:50:30Z",
                                      "1900-02-29T17:50:30Z",
                                      "0000-02-01T17:50:30Z",
                                      "2009-10-12T24:00:00Z",
                                      "2009-10-12T17:60:30Z",
                                      "2009-10-12T17:50:61Z",
                                      "2009-10-12T17:50:30+2:00",
                                      "2009-10-12T17:50:30+24:00",
                                      " 2009-10-12T17:50:30Z",
                                      "+009-10-12T17:50:30Z"};
    int64_t seconds;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(timestamp_parse(cases[i].text, &seconds));
        if (seconds != cases[i].seconds) fail_msg("%s: %lld", cases[i].text, (long long)seconds);
    }
    seconds = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (timestamp_parse(bad[i], &seconds)) fail_msg("%s was taken for a time", bad[i]);
    assert_true(seconds == 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),   cmocka_unit_test(test_versions),
        cmocka_unit_test(test_uploads),   cmocka_unit_test(test_no_listing),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_fields_out_of_range),
        cmocka_unit_test(test_bombs),     cmocka_unit_test(test_visit_fails),
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_texts),     cmocka_unit_test(test_delete_errors),
        cmocka_unit_test(test_timestamps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
