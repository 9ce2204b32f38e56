/* What the proxy itself answers, as S3 words it. */
#ifndef TESTS_STORE_FAULT_ANSWER_H
#define TESTS_STORE_FAULT_ANSWER_H

#include "tests/store/servers/fault_script.h"

enum { FAULT_ANSWER_BYTES = 32 << 10 };

/* The whole response (head and body, to be sent in one piece) to a request that meets FAULT_STATUS, FAULT_ERROR200, FAULT_SKEW or
 * FAULT_REDIRECT, in out[0..FAULT_ANSWER_BYTES); its size. */
size_t fault_answer_write(const struct fault *fault, const struct http_head *request, bool closes, char *out);

/* Any other response of one piece; size 0: it does not fit. */
size_t fault_answer_plain(int code, const char *type, const char *text, char *out, size_t capacity);

#endif
