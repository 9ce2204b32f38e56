#include "tests/store/servers/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10 };

struct arrival {
    void (*serve)(void *user, int client);
    void *user;
    int client;
};

int tcp_port(const char *word) {
    char *end;
    long port = strtol(word, &end, 10);
    return *word && !*end && port >= 0 && port < 65536 ? (int)port : -1;
}

bool tcp_address(const char *text, struct sockaddr_in *address) {
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host || tcp_port(colon + 1) <= 0) return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)tcp_port(colon + 1))};
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static void send_at_once(int fd) { setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); }

int tcp_listen(int port, int *chosen) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    /* A proxy that was killed must come back on its port at once, whatever connections it had. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        close(fd);
        return -1;
    }
    *chosen = ntohs(address.sin_port);
    return fd;
}

int tcp_connect(const struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    send_at_once(fd);
    return fd;
}

bool tcp_write(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

void tcp_reset(int fd) {
    /* A linger time of nothing makes close() send RST. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

static void *serve_arrival(void *user) {
    struct arrival arrival = *(struct arrival *)user;
    free(user);
    arrival.serve(arrival.user, arrival.client);
    return NULL;
}

void tcp_serve(int listener, void (*serve)(void *user, int client), void *user) {
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&detached, STACK_BYTES);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0 && errno == EMFILE) usleep(1000); /* some connection will end */
        if (client < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EMFILE)) continue;
        if (client < 0) break;
        send_at_once(client);
        struct arrival *arrival = malloc(sizeof *arrival);
        pthread_t thread;
        if (arrival) *arrival = (struct arrival){serve, user, client};
        if (!arrival || pthread_create(&thread, &detached, serve_arrival, arrival) != 0) {
            free(arrival);
            close(client);
        }
    }
    pthread_attr_destroy(&detached);
}
