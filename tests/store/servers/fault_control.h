/* The requests that are for the proxy itself. */
#ifndef TESTS_STORE_FAULT_CONTROL_H
#define TESTS_STORE_FAULT_CONTROL_H

#include "tests/store/servers/fault_connection.h"

enum { FAULT_SCRIPT_BYTES = 64 << 10 };

/* Answers a request for FAULT_CONTROL_PATH, whose head is at the start of `client`; false: the connection is over. */
bool fault_control(struct fault_proxy *proxy, struct wire *client, const struct http_head *request,
                   size_t head_size);

#endif
