/* One connection of a client, from its first request to its last; it has its own connection to the server. */
#ifndef TESTS_STORE_FAULT_CONNECTION_H
#define TESTS_STORE_FAULT_CONNECTION_H

#include "tests/store/servers/fault_counts.h"
#include "tests/store/servers/fault_script.h"

#include <netinet/in.h>

struct fault_proxy {
    struct sockaddr_in server;
    struct fault_script *script;
    struct fault_counts counts;
};

/* Requests for this path are for the proxy: GET reports, POST replaces the script and clears the counts. */
#define FAULT_CONTROL_PATH "/__fault_proxy__"

/* `proxy`: struct fault_proxy. Closes `client`. */
void fault_connection_serve(void *proxy, int client);

#endif
