#include "cli/commands.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t signalled;

static void on_signal(int number) {
    signalled = 1;
    signal(number, SIG_DFL);
}

void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool was_signalled(void *unused) {
    (void)unused;
    return signalled;
}

int report_error(pomona_status status, const struct pomona_error *error) {
    char words[2 * sizeof error->message];
    fprintf(stderr, "pomona: %s\n",
            error->message[0] ? elsewhere_words(error->message, words, sizeof words)
                              : pomona_status_name(status));
    return pomona_status_exit_code(status);
}

pomona_status open_context(const char *tier, struct pomona_context **context, struct pomona_error *error) {
    pomona_tier chosen = POMONA_TIER_AUTO;
    if (tier) {
        pomona_status status = pomona_tier_parse(tier, &chosen, error);
        if (status != POMONA_OK) return status;
    }
    return pomona_context_new(chosen, context, error);
}

const char *format_count(long long value, char out[32]) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", value < 0 ? -value : value), used = 0;
    if (value < 0) out[used++] = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

void print_name(const char *name) {
    for (const char *plain = name;; plain = name) {
        while ((unsigned char)*name >= 0x20 && *name != 0x7f) name++;
        fwrite(plain, 1, (size_t)(name - plain), stdout);
        if (!*name) return;
        printf("\\x%02x", (unsigned)(unsigned char)*name++);
    }
}

void print_json_text(const char *text) {
    putchar('"');
    for (const char *plain = text;; plain = text) {
        while ((unsigned char)*text >= 0x20 && *text != '"' && *text != '\\') text++;
        fwrite(plain, 1, (size_t)(text - plain), stdout);
        if (!*text) break;
        unsigned char special = (unsigned char)*text++;
        if (special < 0x20)
            printf("\\u%04x", (unsigned)special);
        else
            printf("\\%c", special);
    }
    putchar('"');
}
