/* Multipart uploads: staged in parts that are sent side by side, completed in one step.
 *
 * A receipt is "s3 UPLOAD_ID SIZE NUMBER ETAG:CRC,ETAG:CRC,..."; what a listing of unfinished uploads gives ends after the id. The number is
 * drawn for this upload and travels as the object's metadata, so that a commit that is repeated can tell its own object from another's. (A
 * hash of the file would need a pass over it before the first byte can be sent.) */
#include "base/memory.h"
#include "base/text.h"
#include "store/part_sums.h"
#include "store/place_s3.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PARTS_MAX = 9000,
    PART_STEP = 1 << 20, /* parts begin at pages of the machine */
    SLOW_PARTS = 100,
    RECEIPT_MAX = 4 << 20,
    UPLOAD_ID_SIZE = 1025,
    LOOK_MILLISECONDS = 100
};

static const char number_header[] = "x-amz-meta-pomona-upload";

/* A file mapped for reading. */
struct mapping {
    const uint8_t *data;
    size_t size;
};

static pomona_status map_file(const char *file, struct mapping *mapping, struct pomona_error *error) {
    struct stat info;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &info) != 0) {
        pomona_status status = fail_errno(error, errno, 1, file, "cannot open");
        if (descriptor >= 0) close(descriptor);
        return status;
    }
    mapping->size = (size_t)info.st_size;
    mapping->data = NULL;
    pomona_status status = POMONA_OK;
    if (mapping->size > 0) {
        void *data = mmap(NULL, mapping->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED)
            status = fail_errno(error, errno, 1, file, "cannot map");
        else
            mapping->data = data;
    }
    close(descriptor);
    return status;
}

static void unmap_file(struct mapping *mapping) {
    if (mapping->data) munmap((void *)mapping->data, mapping->size);
    mapping->data = NULL;
}

/* An upload under way. */
struct upload {
    struct place_s3 *s3;
    struct mapping file;
    char key[S3_KEY_SIZE], id[UPLOAD_ID_SIZE], number[SHA256_HEX_SIZE];
    size_t part_bytes, parts, asked, answered;
    char (*etags)[S3_ETAG_SIZE]; /* [parts] */
    struct part_sums *sums;      /* the server keeps and checks the CRC-32C */
    struct part {
        struct s3_call call;
        struct buffer answer;
        size_t number; /* from 0 */
        bool busy;
    } calls[S3_PARTS_UNDER_WAY];
};

static pomona_status create(struct upload *upload, struct pomona_error *error) {
    struct s3_call *call = &upload->calls[0].call;
    s3_call_aim(call, upload->s3->place.places, "POST", upload->s3->bucket, upload->key);
    call->transfer.response = &upload->calls[0].answer;
    call->expect_xml = true;
    TRY(s3_call_query(call, "uploads", NULL, error));
    TRY(s3_call_header(call, number_header, upload->number, error));
    TRY(s3_call_header(call, "x-amz-checksum-algorithm", "CRC32C", error));
    TRY(http_run(upload->s3->http, &call->transfer, error));
    const struct buffer *answer = &upload->calls[0].answer;
    if (!s3_xml_text(answer->data, answer->size, "UploadId", upload->id, sizeof upload->id) ||
        strpbrk(upload->id, " \n"))
        return fail(error, POMONA_E_CORRUPT, call->name, "the server gives no id for an upload");
    return POMONA_OK;
}

static pomona_status send_part(struct upload *upload, struct part *part, const struct part_sum *sum,
                               struct pomona_error *error) {
    struct s3_call *call = &part->call;
    char number[24];
    part->number = upload->asked++;
    part->busy = true;
    size_t from = part->number * upload->part_bytes, left = upload->file.size - from;
    size_t size = left < upload->part_bytes ? left : upload->part_bytes;
    snprintf(number, sizeof number, "%zu", part->number + 1);
    s3_call_aim(call, upload->s3->place.places, "PUT", upload->s3->bucket, upload->key);
    call->transfer.response = &part->answer;
    call->expect_xml = true;
    TRY(s3_call_query(call, "partNumber", number, error));
    TRY(s3_call_query(call, "uploadId", upload->id, error));
    TRY(s3_call_header(call, "x-amz-checksum-crc32c", sum->crc, error));
    s3_call_summed_body(call, size ? upload->file.data + from : NULL, size, sum->hash);
    http_start(upload->s3->http, &call->transfer);
    return POMONA_OK;
}

/* Sends parts while there are calls for them and their sums are there. */
static pomona_status send_ready(struct upload *upload, struct pomona_error *error) {
    for (struct part *part = upload->calls; part < upload->calls + S3_PARTS_UNDER_WAY; part++) {
        if (part->busy) continue;
        const struct part_sum *sum =
            upload->asked < upload->parts ? part_sums_get(upload->sums, upload->asked) : NULL;
        if (!sum) break;
        TRY(send_part(upload, part, sum, error));
    }
    return POMONA_OK;
}

/* A part that has arrived is not read again: a file of any size takes the memory of the parts under way and of those whose sums are made. */
static void forget_part(const struct upload *upload, size_t number) {
    size_t from = number * upload->part_bytes, left = upload->file.size - from;
    size_t size = left < upload->part_bytes ? left : upload->part_bytes;
    if (size > 0) madvise((void *)(upload->file.data + from), size, MADV_DONTNEED);
}

static pomona_status take_part(struct upload *upload, const struct http_transfer *transfer,
                               struct pomona_error *error) {
    struct part *part = upload->calls;
    while (&part->call.transfer != transfer) part++;
    part->busy = false;
    upload->answered++;
    if (transfer->status != POMONA_OK) {
        *error = transfer->cause;
        return transfer->status;
    }
    forget_part(upload, part->number);
    s3_call_etag(&part->call, upload->etags[part->number]);
    if (!upload->etags[part->number][0] || strpbrk(upload->etags[part->number], ",: \n"))
        return fail(error, POMONA_E_CORRUPT, part->call.name, "the server gives no ETag for a part");
    return POMONA_OK;
}

static pomona_status send_parts(struct upload *upload, struct pomona_error *error) {
    const struct pomona_places_options *options = &upload->s3->place.places->options;
    while (upload->answered < upload->parts) {
        TRY(send_ready(upload, error));
        if (options->should_stop && options->should_stop(options->user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while writing");
        struct http_transfer *transfer = http_next(upload->s3->http, LOOK_MILLISECONDS);
        if (transfer) TRY(take_part(upload, transfer, error));
    }
    return POMONA_OK;
}

static pomona_status write_receipt(const struct upload *upload, struct buffer *receipt,
                                   struct pomona_error *error) {
    buffer_clear(receipt);
    TRY(buffer_printf(receipt, error, "s3 %s %zu %s ", upload->id, upload->file.size, upload->number));
    for (size_t i = 0; i < upload->parts; i++)
        TRY(buffer_printf(receipt, error, "%s%s:%s", i ? "," : "", upload->etags[i],
                          part_sums_get(upload->sums, i)->crc));
    return POMONA_OK;
}

static pomona_status draw_number(struct upload *upload, struct pomona_error *error) {
    uint8_t bytes[SHA256_SIZE];
    if (getentropy(bytes, sizeof bytes) != 0) return fail_errno(error, errno, 0, NULL, "no random number");
    text_hex(bytes, sizeof bytes, upload->number);
    return POMONA_OK;
}

static void wake(void *user) {
    const struct upload *upload = user;
    http_wake(upload->s3->http);
}

/* Over TLS nobody can change a part on its way and the server compares the CRC, so the signature leaves the bytes out, as those of the
 * AWS SDKs do: SHA-256 is most of what an upload costs. */
static pomona_status begin_sums(struct upload *upload, struct pomona_error *error) {
    struct place_address address;
    TRY(places_address(upload->s3->place.places, upload->s3->bucket, &address, error));
    return part_sums_new(&(struct part_sums_options){.data = upload->file.data,
                                                     .size = upload->file.size,
                                                     .part_bytes = upload->part_bytes,
                                                     .parts = upload->parts,
                                                     .ahead = S3_PARTS_UNDER_WAY,
                                                     .hashed = strncmp(address.base, "https://", 8) != 0,
                                                     .done = wake,
                                                     .user = upload},
                         &upload->sums, error);
}

static pomona_status upload_file(struct upload *upload, const char *name, const char *file,
                                 struct buffer *receipt, struct pomona_error *error) {
    TRY(s3_key(upload->s3, name, upload->key, error));
    TRY(map_file(file, &upload->file, error));
    TRY(draw_number(upload, error));
    upload->part_bytes = (upload->file.size / PARTS_MAX / PART_STEP + 1) * PART_STEP;
    if (upload->part_bytes < S3_PART_BYTES) upload->part_bytes = S3_PART_BYTES;
    upload->parts = upload->file.size ? (upload->file.size - 1) / upload->part_bytes + 1 : 1;
    upload->etags = memory_new(upload->parts, sizeof *upload->etags);
    if (!upload->etags) return fail_memory(error, "upload");
    TRY(create(upload, error));
    TRY(begin_sums(upload, error));
    TRY(send_parts(upload, error));
    return write_receipt(upload, receipt, error);
}

pomona_status s3_stage(struct place *place, const char *name, const char *file, struct buffer *receipt,
                       struct pomona_error *error) {
    struct upload *upload = memory_new(1, sizeof *upload);
    if (!upload) return fail_memory(error, "upload");
    struct pomona_error own;
    upload->s3 = (struct place_s3 *)place;
    for (int i = 0; i < S3_PARTS_UNDER_WAY; i++) {
        upload->calls[i].call = S3_CALL_INIT;
        upload->calls[i].answer = BUFFER_INIT(S3_ANSWER_MAX);
    }
    pomona_status status = upload_file(upload, name, file, receipt, error ? error : &own);
    part_sums_free(&upload->sums);
    for (int i = 0; i < S3_PARTS_UNDER_WAY; i++) {
        if (upload->calls[i].busy) http_cancel(upload->s3->http, &upload->calls[i].call.transfer);
        s3_call_free(&upload->calls[i].call);
        buffer_free(&upload->calls[i].answer);
    }
    if (status != POMONA_OK &&
        upload->id[0]) { /* what can't be used takes no room; if this fails too, recover finds it */
        char text[UPLOAD_ID_SIZE + 4];
        snprintf(text, sizeof text, "s3 %s", upload->id);
        s3_unstage(place, name, text, NULL);
    }
    unmap_file(&upload->file);
    memory_free(upload->etags);
    memory_free(upload);
    return status;
}

/* A receipt taken apart; `rest` is the list of ETags. */
struct receipt {
    char id[UPLOAD_ID_SIZE], number[SHA256_HEX_SIZE];
    uint64_t size;
    const char *etags;
};

static bool parse_receipt(const char *text, struct receipt *receipt) {
    int used = 0;
    memset(receipt, 0, sizeof *receipt);
    receipt->etags = "";
    if (sscanf(text, "s3 %1024s%n", receipt->id, &used) != 1) return false;
    if (!text[used]) return true;
    const char *rest = text + used;
    if (sscanf(rest, " %" SCNu64 " %64s %n", &receipt->size, receipt->number, &used) != 2) return false;
    receipt->etags = rest + used;
    return true;
}

static pomona_status write_complete(const struct receipt *receipt, struct buffer *body,
                                    struct pomona_error *error) {
    TRY(buffer_append_text(body, "<CompleteMultipartUpload>", error));
    const char *at = receipt->etags;
    for (int number = 1; *at; number++) {
        size_t length = strcspn(at, ","), etag = strcspn(at, ":,");
        TRY(buffer_printf(body, error, "<Part><PartNumber>%d</PartNumber><ETag>&quot;%.*s&quot;</ETag>",
                          number, (int)etag, at));
        if (etag < length)
            TRY(buffer_printf(body, error, "<ChecksumCRC32C>%.*s</ChecksumCRC32C>", (int)(length - etag - 1),
                              at + etag + 1));
        TRY(buffer_append_text(body, "</Part>", error));
        at += length + (at[length] == ',');
    }
    return buffer_append_text(body, "</CompleteMultipartUpload>", error);
}

/* Whether the object that is there is the one of the receipt: an earlier commit was carried out, only its answer was lost. */
static bool is_committed(struct place_s3 *s3, const char *key, const struct receipt *receipt) {
    struct s3_call call = S3_CALL_INIT;
    char size[32], number[SHA256_HEX_SIZE], expected[32];
    s3_call_aim(&call, s3->place.places, "HEAD", s3->bucket, key);
    bool same = http_run(s3->http, &call.transfer, NULL) == POMONA_OK &&
                http_header(&call.transfer, "content-length", size, sizeof size) &&
                http_header(&call.transfer, number_header, number, sizeof number);
    snprintf(expected, sizeof expected, "%" PRIu64, receipt->size);
    same = same && strcmp(size, expected) == 0 && strcmp(number, receipt->number) == 0;
    s3_call_free(&call);
    return same;
}

pomona_status s3_commit(struct place *place, const char *name, const char *receipt_text,
                        struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct receipt receipt;
    struct s3_call call = S3_CALL_INIT;
    struct buffer body = BUFFER_INIT(RECEIPT_MAX), answer = BUFFER_INIT(S3_ANSWER_MAX);
    char key[S3_KEY_SIZE];
    pomona_status status = s3_key(s3, name, key, error);
    if (status == POMONA_OK && (!parse_receipt(receipt_text, &receipt) || !receipt.etags[0]))
        status = fail(error, POMONA_E_CORRUPT, name, "the receipt of its upload is damaged");
    if (status == POMONA_OK) status = write_complete(&receipt, &body, error);
    if (status == POMONA_OK) {
        s3_call_aim(&call, place->places, "POST", s3->bucket, key);
        call.transfer.response = &answer;
        /* Putting thousands of parts together takes minutes. */
        call.transfer.slow_answer = receipt.size / S3_PART_BYTES >= SLOW_PARTS;
        call.expect_xml = true;
        status = s3_call_query(&call, "uploadId", receipt.id, error);
        if (status == POMONA_OK) status = s3_call_body(&call, body.data, body.size, false, error);
        if (status == POMONA_OK) status = http_run(s3->http, &call.transfer, error);
        if (status != POMONA_OK && status != POMONA_E_INTERRUPTED && is_committed(s3, key, &receipt))
            status = POMONA_OK;
    }
    buffer_free(&body);
    buffer_free(&answer);
    s3_call_free(&call);
    return status;
}

pomona_status s3_unstage(struct place *place, const char *name, const char *receipt_text,
                         struct pomona_error *error) {
    struct place_s3 *s3 = (struct place_s3 *)place;
    struct receipt receipt;
    struct s3_call call = S3_CALL_INIT;
    char key[S3_KEY_SIZE];
    pomona_status status = s3_key(s3, name, key, error);
    if (status == POMONA_OK && !parse_receipt(receipt_text, &receipt))
        status = fail(error, POMONA_E_CORRUPT, name, "the receipt of its upload is damaged");
    if (status == POMONA_OK) {
        s3_call_aim(&call, place->places, "DELETE", s3->bucket, key);
        status = s3_call_query(&call, "uploadId", receipt.id, error);
        if (status == POMONA_OK) status = http_run(s3->http, &call.transfer, error);
        if (status != POMONA_OK && strcmp(call.code, "NoSuchUpload") == 0) status = POMONA_OK;
    }
    s3_call_free(&call);
    return status;
}
