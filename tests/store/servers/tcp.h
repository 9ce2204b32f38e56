/* Blocking TCP on 127.0.0.1, one thread a connection: what the servers of the tests stand on. Nagle's algorithm is off
 * everywhere, so a test measures the client and not a delay of ours. */
#ifndef TESTS_STORE_TCP_H
#define TESTS_STORE_TCP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Listens on 127.0.0.1:port (0: the system chooses one) and sets *chosen; -1 with errno. */
int tcp_listen(int port, int *chosen);

/* "127.0.0.1:9000", numbers only. */
bool tcp_address(const char *text, struct sockaddr_in *address);

/* -1 with errno. */
int tcp_connect(const struct sockaddr_in *address);

/* All of it, or false. */
bool tcp_write(int fd, const void *bytes, size_t size);

/* Closes so that the other side sees "connection reset by peer" and not an orderly end. */
void tcp_reset(int fd);

/* Calls `serve` for every connection, each in a thread of its own; serve closes the descriptor. Returns only when
 * listening fails. */
void tcp_serve(int listener, void (*serve)(void *user, int client), void *user);

/* Port from a decimal word; -1: it is none. */
int tcp_port(const char *word);

#endif
