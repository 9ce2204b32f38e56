/* What S3 and STS say in XML, read by expat: bounded in size (64 MB), depth (16), and length of a text (8 KB); without entities of
 * its own making (a DOCTYPE is refused). */
#ifndef STORE_S3_XML_H
#define STORE_S3_XML_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An object in a listing (ListObjectsV2, ListObjectVersions) or an unfinished upload (ListMultipartUploads). Strings live for the call. */
struct s3_item {
    const char *key;
    const char *etag;       /* without quotes; "" */
    const char *version_id; /* "" */
    const char *upload_id;  /* "" */
    uint64_t size;
    int64_t modified; /* seconds of the epoch; 0: not said */
    bool is_prefix;   /* a CommonPrefixes entry: key is the prefix */
    bool is_latest, is_delete_marker;
};

struct s3_list_page {
    bool truncated;
    char continuation[2048];                 /* NextContinuationToken */
    char next_key[4096], next_version[1024]; /* NextKeyMarker, NextVersionIdMarker or NextUploadIdMarker */
};

/* Calls visit for each item in order; a failure of it ends the reading and is returned. Keys and key markers are decoded when the
 * answer says EncodingType url. Items that were visited before a failure hold for nothing. POMONA_E_CORRUPT: not such an answer, cut
 * off, numbers or times out of range, an item without a key, truncated without a place to go on, beyond the bounds. */
pomona_status s3_xml_list(const char *name, const void *text, size_t size,
                          pomona_status (*visit)(void *user, const struct s3_item *item,
                                                 struct pomona_error *error),
                          void *user, struct s3_list_page *page, struct pomona_error *error);

/* An <Error>, also one inside a 200 or in the <ErrorResponse> of STS. False: the text is none, or none that has a code. Texts are
 * cut to fit and safe to print. */
struct s3_error {
    char code[128], message[512], region[64], endpoint[256];
};
bool s3_xml_error(const void *text, size_t size, struct s3_error *out);

/* The first element of this name, at any depth: "UploadId", "ETag", "AccessKeyId". False when missing or longer than capacity. What
 * comes behind it is not looked at. */
bool s3_xml_text(const void *text, size_t size, const char *element, char *out, size_t capacity);

/* Errors of DeleteObjects: calls visit(key, code, message) for each <Error> inside <DeleteResult>. */
pomona_status s3_xml_delete_errors(const char *name, const void *text, size_t size,
                                   pomona_status (*visit)(void *user, const char *key, const char *code,
                                                          const char *message, struct pomona_error *error),
                                   void *user, struct pomona_error *error);

#endif
