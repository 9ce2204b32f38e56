/* Arguments that name things elsewhere (s3://, http://, https://): fetched before a command runs, published after it, or left to the
 * command where it reads photos from there itself. */
#ifndef CLI_ELSEWHERE_H
#define CLI_ELSEWHERE_H

#include "pomona/places.h"
#include "pomona/publication.h"

#include <stddef.h>

enum { ELSEWHERE_FETCHED_MAX = 64 };

/* What a command does with names. */
struct elsewhere_rules {
    enum { ELSEWHERE_NO_OUT, ELSEWHERE_OUT_FILE, ELSEWHERE_OUT_FOLDER } out; /* what --out is */
    /* Which it reads itself: none; photos among its operands; the same, but those may be tables, which are fetched; photos of --calibrate
     * and --check; all names of whatever kind. */
    enum {
        ELSEWHERE_FETCH,
        ELSEWHERE_OPERANDS,
        ELSEWHERE_OPERANDS_OR_TABLES,
        ELSEWHERE_CALIBRATE,
        ELSEWHERE_ALL
    } reads;
    bool resumable;     /* scratch is kept for --resume */
    bool out_is_source; /* without --out it writes into the folder that it reads */
    bool reads_results; /* of its own earlier steps: with --resume it needs what DST holds */
};

struct elsewhere {
    struct pomona_places *places; /* NULL: no argument was remote */
    struct pomona_publication *publication;
    char *fetched[ELSEWHERE_FETCHED_MAX];
    const char *names[ELSEWHERE_FETCHED_MAX]; /* what the user calls them */
    int fetched_count;
    const char *out_name; /* what the user calls the publication's path */
    bool resumable;
};

/* Takes the options of places out of argv and puts local paths in the place of remote names. False: it failed, and *code says how; the
 * sentence is printed. `elsewhere` is freed by elsewhere_end in any case. */
bool elsewhere_begin(struct elsewhere *elsewhere, const struct elsewhere_rules *rules, int *argc, char **argv,
                     int *code);

/* Publishes after exit codes 0 and 3; returns the exit code of all of it. */
int elsewhere_end(struct elsewhere *elsewhere, int code);

/* A message or a path with the user's names in the place of scratch's, into out[0..capacity). */
const char *elsewhere_words(const char *text, char *out, size_t capacity);

/* The help of those options. */
extern const char elsewhere_help[];

#endif
