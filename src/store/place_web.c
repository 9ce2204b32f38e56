/* A web server, to read only. Names are appended to the root with everything but letters, digits and `-._~/` percent-encoded; the name ""
 * is the root itself, as the user wrote it. */
#include "base/file_sink.h"
#include "base/memory.h"
#include "store/folder.h"
#include "store/place_kind.h"
#include "store/places.h"
#include "store/sigv4.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FETCH_MAX = 1 << 30 };

struct place_web {
    struct place place;
    struct http *http;
    char etag[256];
};

struct request {
    struct http_transfer transfer;
    const struct place_web *web;
    const char *name, *range;
    char uri[1280];
};

static pomona_status prepare(struct http_transfer *transfer, struct pomona_error *error) {
    const struct request *request = transfer->user;
    TRY(buffer_append_text(&transfer->url, request->web->place.root, error));
    if (request->name[0]) {
        TRY(buffer_append_byte(&transfer->url, '/', error));
        TRY(sigv4_encode(&transfer->url, request->name, true, error));
    }
    return request->range ? buffer_printf(&transfer->headers, error, "Range: bytes=%s\n", request->range)
                          : POMONA_OK;
}

static struct request start(struct place *place, const char *method, const char *name,
                            struct buffer *response) {
    struct request request = {.transfer = HTTP_TRANSFER_INIT, .web = (struct place_web *)place, .name = name};
    request.transfer.method = method;
    request.transfer.prepare = prepare;
    request.transfer.response = response;
    char shown[1024];
    place_shown(place->root, shown, sizeof shown);
    snprintf(request.uri, sizeof request.uri, "%s%s%s", shown, name[0] ? "/" : "", name);
    return request;
}

static pomona_status run(struct request *request, struct pomona_error *error) {
    request->transfer.user = request;
    request->transfer.name = request->uri;
    return http_run(request->web->http, &request->transfer, error);
}

static void free_web(struct place *place) {
    struct place_web *web = (struct place_web *)place;
    http_free(&web->http);
    memory_free(web);
}

static pomona_status stat_web(struct place *place, const char *name, struct place_item *item,
                              struct pomona_error *error) {
    struct place_web *web = (struct place_web *)place;
    struct request request = start(place, "HEAD", name, NULL);
    char text[64];
    pomona_status status = run(&request, error);
    if (status == POMONA_OK) {
        http_header(&request.transfer, "etag", web->etag, sizeof web->etag);
        *item = (struct place_item){
            .name = name, .etag = web->etag, .version = "", .staged = "", .is_latest = true};
        if (http_header(&request.transfer, "content-length", text, sizeof text))
            item->size = strtoull(text, NULL, 10);
        if (http_header(&request.transfer, "last-modified", text, sizeof text))
            item->modified = curl_getdate(text, NULL);
    }
    http_transfer_free(&request.transfer);
    return status;
}

static pomona_status read_web(struct place *place, const char *name, struct buffer *out, char *etag,
                              struct pomona_error *error) {
    struct request request = start(place, "GET", name, out);
    buffer_clear(out);
    pomona_status status = run(&request, error);
    if (status == POMONA_OK && etag) http_header(&request.transfer, "etag", etag, 256);
    http_transfer_free(&request.transfer);
    return status;
}

static pomona_status read_range_web(struct place *place, const char *name, uint64_t offset, size_t size,
                                    const char *etag, void *data, struct pomona_error *error) {
    struct buffer out = BUFFER_INIT(size);
    struct request request = start(place, "GET", name, &out);
    char range[64], now[256] = "";
    if (size == 0) return POMONA_OK;
    snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, offset, offset + size - 1);
    request.range = range;
    pomona_status status = run(&request, error);
    http_header(&request.transfer, "etag", now, sizeof now);
    if (status == POMONA_OK && etag && etag[0] && strcmp(etag, now) != 0)
        status = fail(error, POMONA_E_INPUT, request.uri, "changed while it was being read");
    if (status == POMONA_OK && (request.transfer.code != 206 || out.size != size))
        status = fail(error, POMONA_E_UNSUPPORTED, request.uri, "the server does not give parts of it");
    if (status == POMONA_OK) memcpy(data, out.data, size);
    http_transfer_free(&request.transfer);
    buffer_free(&out);
    return status;
}

static pomona_status fetch_web(struct place *place, const char *name, const char *file,
                               struct pomona_error *error) {
    struct buffer all = BUFFER_INIT(FETCH_MAX);
    pomona_status status = read_web(place, name, &all, NULL, error);
    if (status == POMONA_OK) status = file_write(file, all.data, all.size, error);
    buffer_free(&all);
    return status;
}

static const struct place_kind web_kind = {.name = "a web server",
                                           .free = free_web,
                                           .stat = stat_web,
                                           .read = read_web,
                                           .read_range = read_range_web,
                                           .fetch = fetch_web};

pomona_status place_web_open(struct pomona_places *places, const char *root, struct place **place,
                             struct pomona_error *error) {
    struct place_web *web = memory_new(1, sizeof *web);
    if (!web) return fail_memory(error, "place");
    web->place.kind = &web_kind;
    web->place.places = places;
    web->place.root = memory_copy_string(root);
    pomona_status status =
        web->place.root ? places_http(places, &web->http, error) : fail_memory(error, "place");
    if (status != POMONA_OK) {
        memory_free(web->place.root);
        memory_free(web);
        return status;
    }
    size_t length = strlen(web->place.root);
    while (length > 8 && web->place.root[length - 1] == '/') web->place.root[--length] = '\0';
    *place = &web->place;
    return POMONA_OK;
}
