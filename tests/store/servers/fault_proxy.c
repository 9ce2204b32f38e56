/* A proxy on 127.0.0.1 in front of an S3 server that goes wrong as a script says.
 *
 *   fault_proxy --listen PORT --upstream 127.0.0.1:PORT [--script FILE|-]
 *
 * PORT 0: the system chooses one. The first line of stdout is "listening 127.0.0.1:PORT". fault_script.h has the language of
 * scripts; without one nothing goes wrong. Requests and answers are passed on byte for byte, with the Host that the client
 * sent, since signatures cover it.
 *
 * GET /__fault_proxy__ reports what was seen and done as one line of JSON, POST of a script replaces the script and sets the
 * counts to nothing (400 with the reason, and nothing is changed, when it is wrong). SIGUSR1 prints the report to stdout.
 * SIGTERM and SIGINT end it. To have the server "gone for a while", end the proxy and start it again on the same port. */
#include "tests/store/servers/fault_connection.h"
#include "tests/store/servers/fault_control.h"
#include "tests/store/servers/pause.h"
#include "tests/store/servers/tcp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct listening {
    int listener;
    struct fault_proxy *proxy;
};

static void *accept_all(void *user) {
    struct listening *listening = user;
    tcp_serve(listening->listener, fault_connection_serve, listening->proxy);
    perror("fault_proxy: accept");
    exit(1);
}

static bool read_script(const char *name, struct fault_script *script) {
    char *text = calloc(1, FAULT_SCRIPT_BYTES + 1), problem[256] = "unreadable, or too long";
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    if (!file) fprintf(stderr, "fault_proxy: %s: %s\n", name, strerror(errno));
    bool good = text && file;
    if (good) {
        size_t size = fread(text, 1, FAULT_SCRIPT_BYTES, file);
        good = !ferror(file) && size < FAULT_SCRIPT_BYTES &&
               fault_script_replace(script, text, problem, sizeof problem);
        if (!good) fprintf(stderr, "fault_proxy: %s: %s\n", name, problem);
    }
    if (file && file != stdin) fclose(file);
    free(text);
    return good;
}

static int usage(void) {
    fprintf(stderr, "usage: fault_proxy --listen PORT --upstream 127.0.0.1:PORT [--script FILE|-]\n");
    return 2;
}

int main(int argc, char **argv) {
    const char *script = NULL;
    int port = -1;
    struct fault_proxy proxy = {.script = fault_script_new()};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--listen") == 0)
            port = tcp_port(argv[i + 1]);
        else if (strcmp(argv[i], "--script") == 0)
            script = argv[i + 1];
        else if (strcmp(argv[i], "--upstream") != 0 || !tcp_address(argv[i + 1], &proxy.server))
            return usage();
    }
    if (port < 0 || proxy.server.sin_port == 0) return usage();
    if (!proxy.script || (script && !read_script(script, proxy.script))) return 2;

    pause_precisely();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct listening listening = {.proxy = &proxy};
    pthread_t thread;
    listening.listener = tcp_listen(port, &port);
    if (listening.listener < 0 || pthread_create(&thread, NULL, accept_all, &listening) != 0) {
        perror("fault_proxy");
        return 1;
    }
    printf("listening 127.0.0.1:%d\n", port);
    fflush(stdout);
    for (int number; sigwait(&signals, &number) == 0 && number == SIGUSR1;) {
        fault_counts_write_json(&proxy.counts, proxy.script, stdout);
        fflush(stdout);
    }
    exit(0); /* with all threads */
}
