/* Large objects to a file: ranges of one and the same object (If-Match), side by side. */
#include "base/memory.h"
#include "store/checksum.h"
#include "store/folder.h"
#include "store/place_s3.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MILLISECONDS = 100 };

struct range {
    struct s3_call call;
    struct buffer bytes;
    uint64_t offset;
    bool busy;
};

struct download {
    struct place_s3 *s3;
    char key[S3_KEY_SIZE], etag[S3_ETAG_SIZE];
    uint64_t size, asked, written;
    bool size_known;
    char checksum[16]; /* CRC-32C of the whole object as the server has it; "" : not known */
    uint32_t crc;      /* of the ranges so far */
    int descriptor;
    const char *temporary;
    struct range ranges[S3_PARTS_UNDER_WAY];
};

static pomona_status ask(struct download *download, struct range *range, struct pomona_error *error) {
    struct s3_call *call = &range->call;
    char text[64], quoted[S3_ETAG_SIZE + 2];
    range->offset = download->asked;
    range->busy = true;
    download->asked += S3_PART_BYTES;
    s3_call_aim(call, download->s3->place.places, "GET", download->s3->bucket, download->key);
    call->transfer.response = &range->bytes;
    snprintf(text, sizeof text, "bytes=%" PRIu64 "-%" PRIu64, range->offset,
             range->offset + S3_PART_BYTES - 1);
    TRY(s3_call_header(call, "Range", text, error));
    TRY(s3_call_header(call, "x-amz-checksum-mode", "ENABLED", error));
    call->whole = true; /* checked where the server answers with the whole of it */
    if (download->etag[0]) {
        snprintf(quoted, sizeof quoted, "\"%s\"", download->etag);
        TRY(s3_call_header(call, "If-Match", quoted, error));
    }
    http_start(download->s3->http, &call->transfer);
    return POMONA_OK;
}

static pomona_status write_out(struct download *download, const struct range *range,
                               struct pomona_error *error) {
    for (size_t done = 0; done < range->bytes.size;) {
        ssize_t count = pwrite(download->descriptor, range->bytes.data + done, range->bytes.size - done,
                               (off_t)(range->offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail_errno(error, errno, 0, download->temporary, "cannot write");
        done += (size_t)count;
    }
    download->written += range->bytes.size;
    if (download->checksum[0])
        download->crc ^= crc32c_followed(crc32c(0, range->bytes.data, range->bytes.size),
                                         download->size - range->offset - range->bytes.size);
    return POMONA_OK;
}

static pomona_status check_sum(const struct download *download, struct pomona_error *error) {
    char ours[9];
    if (!download->checksum[0]) return POMONA_OK;
    crc_base64(download->crc, ours);
    if (strcmp(ours, download->checksum) == 0) return POMONA_OK;
    return fail(error, POMONA_E_CORRUPT, download->ranges[0].call.name,
                "the bytes do not match their checksum");
}

/* A range's answer has no checksum of the whole object, a HEAD's has, if it was put there with one. One that was made of parts mostly has only the
 * checksum of its parts' checksums, which says nothing without their sizes. */
static void ask_checksum(struct download *download) {
    struct s3_call call = S3_CALL_INIT;
    char etag[S3_ETAG_SIZE], type[32];
    s3_call_aim(&call, download->s3->place.places, "HEAD", download->s3->bucket, download->key);
    if (s3_call_header(&call, "x-amz-checksum-mode", "ENABLED", NULL) == POMONA_OK &&
        http_run(download->s3->http, &call.transfer, NULL) == POMONA_OK) {
        s3_call_etag(&call, etag);
        if (strcmp(etag, download->etag) != 0 ||
            !http_header(&call.transfer, "x-amz-checksum-type", type, sizeof type) ||
            strcmp(type, "FULL_OBJECT") != 0 ||
            !http_header(&call.transfer, "x-amz-checksum-crc32c", download->checksum,
                         sizeof download->checksum))
            download->checksum[0] = '\0';
    }
    s3_call_free(&call);
}

/* The first answer says how large the object is and which one. */
static pomona_status learn(struct download *download, const struct range *range, struct pomona_error *error) {
    const struct http_transfer *transfer = &range->call.transfer;
    char text[96];
    const char *slash;
    if (transfer->code == 200) /* all of it, whatever was asked */
        download->size = range->bytes.size;
    else if (http_header(transfer, "content-range", text, sizeof text) && (slash = strchr(text, '/')))
        download->size = strtoull(slash + 1, NULL, 10);
    else
        return fail(error, POMONA_E_CORRUPT, range->call.name, "the server does not say how large it is");
    download->size_known = true;
    s3_call_etag(&range->call, download->etag);
    if (download->size > S3_PART_BYTES && transfer->code == 206) ask_checksum(download);
    return POMONA_OK;
}

static pomona_status take(struct download *download, const struct http_transfer *transfer,
                          struct pomona_error *error) {
    struct range *range = download->ranges;
    while (&range->call.transfer != transfer) range++;
    range->busy = false;
    if (transfer->code == 416 && range->offset == 0) { /* nothing in it */
        download->size_known = true;
        return POMONA_OK;
    }
    if (transfer->status == POMONA_E_EXISTS)
        return fail(error, POMONA_E_INPUT, range->call.name, "changed while it was being read");
    if (transfer->status != POMONA_OK) {
        *error = transfer->cause;
        return transfer->status;
    }
    if (!download->size_known) TRY(learn(download, range, error));
    uint64_t expected = range->offset < download->size ? download->size - range->offset : 0;
    if (transfer->code == 206 && expected > S3_PART_BYTES) expected = S3_PART_BYTES;
    if (range->bytes.size != expected)
        return fail(error, POMONA_E_CORRUPT, range->call.name, "%zu bytes came instead of %" PRIu64,
                    range->bytes.size, expected);
    return write_out(download, range, error);
}

static pomona_status read_ranges(struct download *download, struct pomona_error *error) {
    const struct pomona_places_options *options = &download->s3->place.places->options;
    while (!download->size_known || download->written < download->size) {
        for (struct range *range = download->ranges; range < download->ranges + S3_PARTS_UNDER_WAY; range++) {
            bool more = download->size_known ? download->asked < download->size : download->asked == 0;
            if (!range->busy && more) TRY(ask(download, range, error));
        }
        if (options->should_stop && options->should_stop(options->user))
            return fail(error, POMONA_E_INTERRUPTED, NULL, "interrupted while reading");
        struct http_transfer *transfer = http_next(download->s3->http, LOOK_MILLISECONDS);
        if (transfer) TRY(take(download, transfer, error));
    }
    return POMONA_OK;
}

static pomona_status fetch_to(struct download *download, const char *file, struct pomona_error *error) {
    TRY(read_ranges(download, error));
    TRY(check_sum(download, error));
    if (fsync(download->descriptor) != 0)
        return fail_errno(error, errno, 0, download->temporary, "cannot sync");
    if (rename(download->temporary, file) != 0) return fail_errno(error, errno, 0, file, "cannot rename to");
    return POMONA_OK;
}

pomona_status s3_fetch(struct place *place, const char *name, const char *file, struct pomona_error *error) {
    struct download *download = memory_new(1, sizeof *download);
    size_t size = strlen(file);
    char *temporary = memory_new(size + 5, 1);
    struct pomona_error own;
    if (!error) error = &own;
    pomona_status status = download && temporary ? POMONA_OK : fail_memory(error, "download");
    if (status == POMONA_OK) {
        memcpy(temporary, file, size);
        memcpy(temporary + size, ".tmp", 5);
        download->s3 = (struct place_s3 *)place;
        download->temporary = temporary;
        for (int i = 0; i < S3_PARTS_UNDER_WAY; i++) {
            download->ranges[i].call = S3_CALL_INIT;
            download->ranges[i].bytes = BUFFER_INIT((size_t)4 << 30);
        }
        download->descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        status = s3_key(download->s3, name, download->key, error);
        if (status == POMONA_OK && download->descriptor < 0)
            status = fail_errno(error, errno, 0, temporary, "cannot make");
        if (status == POMONA_OK) status = fetch_to(download, file, error);
        for (int i = 0; i < S3_PARTS_UNDER_WAY; i++) {
            if (download->ranges[i].busy) http_cancel(download->s3->http, &download->ranges[i].call.transfer);
            s3_call_free(&download->ranges[i].call);
            buffer_free(&download->ranges[i].bytes);
        }
        if (download->descriptor >= 0) close(download->descriptor);
        if (status != POMONA_OK) unlink(temporary);
    }
    memory_free(temporary);
    memory_free(download);
    return status;
}
