/* One attempt of a transfer as libcurl sees it. */
#ifndef STORE_HTTP_ATTEMPT_H
#define STORE_HTTP_ATTEMPT_H

#include "store/http.h"

#include <curl/curl.h>

/* Sets transfer->handle (a fresh or used easy handle) up for an attempt; url and headers are those of prepare. POMONA_E_MEMORY. */
pomona_status http_attempt_begin(struct http_transfer *transfer, const struct http_options *options,
                                 struct pomona_error *error);

/* What libcurl's result says when it is not a complete answer. */
enum http_trouble {
    HTTP_TROUBLE_NONE,      /* there is an answer to judge */
    HTTP_TROUBLE_AWAY,      /* the server can't be reached */
    HTTP_TROUBLE_TRANSIENT, /* cut off, reset, too slow */
    HTTP_TROUBLE_FATAL /* ours: a URL that is none, a certificate that is not trusted, no memory, beyond a limit */
};

/* Classifies it; fills *status and `error` for all but HTTP_TROUBLE_NONE. Sets transfer->code. */
enum http_trouble http_attempt_outcome(struct http_transfer *transfer, CURLcode result, pomona_status *status,
                                       struct pomona_error *error);

/* Frees what the attempt held; the handle stays with its connections. */
void http_attempt_end(struct http_transfer *transfer);

#endif
