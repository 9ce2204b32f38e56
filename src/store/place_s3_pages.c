/* The listings that are read page by page: versions and unfinished uploads. */
#include "store/place_s3.h"

#include <stdio.h>
#include <string.h>

struct visitor {
    struct place_s3 *s3;
    place_visit visit;
    void *user;
};

static pomona_status visit_item(void *user, const struct s3_item *item, struct pomona_error *error) {
    struct visitor *visitor = user;
    const char *name = s3_name(visitor->s3, item->key);
    if (!name || !name[0]) return POMONA_OK;
    struct place_item seen = s3_place_item(name, item);
    return visitor->visit(visitor->user, &seen, error);
}

/* All pages of "?what" below a prefix; the next page begins at `first_marker` and `second_marker`. */
static pomona_status list_pages(struct place *place, const char *what, const char *first_marker,
                                const char *second_marker, const char *prefix, place_visit visit, void *user,
                                struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct visitor visitor = {s3, visit, user};
    struct s3_call call = S3_CALL_INIT;
    struct s3_list_page page = {0};
    struct buffer answer = BUFFER_INIT(S3_ANSWER_MAX);
    char key[S3_KEY_SIZE + 1];
    pomona_status status = s3_key(s3, prefix, key, error);
    if (status == POMONA_OK && key[0] && !prefix[0]) memcpy(key + strlen(key), "/", 2);
    while (status == POMONA_OK) {
        s3_call_aim(&call, place->places, "GET", s3->bucket, "");
        call.transfer.response = &answer;
        call.expect_xml = true;
        TRY_GOTO(s3_call_query(&call, what, NULL, error), status, out);
        TRY_GOTO(s3_call_query(&call, "encoding-type", "url", error), status, out);
        TRY_GOTO(s3_call_query(&call, "prefix", key, error), status, out);
        if (page.next_key[0]) TRY_GOTO(s3_call_query(&call, first_marker, page.next_key, error), status, out);
        if (page.next_version[0])
            TRY_GOTO(s3_call_query(&call, second_marker, page.next_version, error), status, out);
        TRY_GOTO(http_run(s3->http, &call.transfer, error), status, out);
        memset(&page, 0, sizeof page);
        TRY_GOTO(s3_xml_list(call.name, answer.data, answer.size, visit_item, &visitor, &page, error), status,
                 out);
        if (!page.truncated) break;
        if (!page.next_key[0])
            status = fail(error, POMONA_E_CORRUPT, call.name,
                          "the listing goes on, but the server does not say where");
    }
out:
    buffer_free(&answer);
    s3_call_free(&call);
    return status;
}

pomona_status s3_versions(struct place *place, const char *prefix, place_visit visit, void *user,
                          struct pomona_error *error) {
    return list_pages(place, "versions", "key-marker", "version-id-marker", prefix, visit, user, error);
}

struct receipts {
    place_visit visit;
    void *user;
};

/* An unfinished upload's receipt, as far as a listing knows it: enough to drop it. */
static pomona_status visit_staged(void *user, const struct place_item *item, struct pomona_error *error) {
    struct receipts *receipts = user;
    char receipt[1100];
    if (strlen(item->staged) > 1024)
        return fail(error, POMONA_E_CORRUPT, item->name, "has an upload id without end");
    snprintf(receipt, sizeof receipt, "s3 %s", item->staged);
    struct place_item with = *item;
    with.staged = receipt;
    return receipts->visit(receipts->user, &with, error);
}

pomona_status s3_list_staged(struct place *place, const char *prefix, place_visit visit, void *user,
                             struct pomona_error *error) {
    struct receipts receipts = {visit, user};
    return list_pages(place, "uploads", "key-marker", "upload-id-marker", prefix, visit_staged, &receipts,
                      error);
}
