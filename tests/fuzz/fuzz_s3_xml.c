/* Every reader of XML answers on any bytes. Run in a corpus folder:
 *
 *   tests/fuzz/seeds_s3_xml.py SEEDS
 *   build/fuzz/tests/fuzz/fuzz_s3_xml -max_len=16384 CORPUS SEEDS
 */
#include "store/s3_xml.h"
#include "store/timestamp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts are looked at from end to end, so that the sanitizers check them. */
static pomona_status visit_item(void *user, const struct s3_item *item, struct pomona_error *error) {
    size_t *sum = user;
    (void)error;
    *sum += strlen(item->key) + strlen(item->etag) + strlen(item->version_id) + strlen(item->upload_id);
    return POMONA_OK;
}

static pomona_status visit_error(void *user, const char *key, const char *code, const char *message,
                                 struct pomona_error *error) {
    size_t *sum = user;
    (void)error;
    *sum += strlen(key) + strlen(code) + strlen(message);
    return POMONA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pomona_error error;
    struct s3_list_page page;
    struct s3_error said;
    char text[64];
    int64_t seconds;
    size_t sum = 0;
    pomona_status status = s3_xml_list("fuzz", data, size, visit_item, &sum, &page, &error);
    if (status == POMONA_OK && page.truncated && !page.continuation[0] && !page.next_key[0]) abort();
    sum += strlen(page.continuation) + strlen(page.next_key) + strlen(page.next_version);
    s3_xml_error(data, size, &said);
    sum += strlen(said.code) + strlen(said.message) + strlen(said.region) + strlen(said.endpoint);
    if (s3_xml_text(data, size, "UploadId", text, sizeof text)) sum += strlen(text);
    if (s3_xml_text(data, size, "Expiration", text, sizeof text)) timestamp_parse(text, &seconds);
    s3_xml_delete_errors("fuzz", data, size, visit_error, &sum, &error);
    volatile size_t seen = sum;
    (void)seen;
    return 0;
}
