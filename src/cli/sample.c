#include "pomona/sample.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <unistd.h>

static void show_progress(void *user, int64_t done, int64_t total) {
    (void)user;
    char a[32], b[32];
    fprintf(stderr, "\r\033[K%s/%s photos drawn%s", format_count(done, a), format_count(total, b),
            done == total ? "\n" : "");
    fflush(stderr);
}

int command_sample(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    struct pomona_sample_options options = {0};
    int64_t size = 100, classes = 24, seed = 0, threads = 0;
    bool quiet = false;
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &options.out, "DIR", "folder to draw into; needed", 0, 0},
        {"count", 'n', OPTION_INTEGER, &options.count, "N", "photos; needed", 1, 1e7},
        {"size", 0, OPTION_INTEGER, &size, "PIXELS", "side of a photo; default 100", 32, 4096},
        {"classes", 0, OPTION_INTEGER, &classes, "N", "kinds of fruit; default 24", 1, 1000},
        {"seed", 0, OPTION_INTEGER, &seed, "S", "another seed, another corpus; default 0", 0, 9e15},
        {"gps", 0, OPTION_NUMBER, &options.gps_share, "SHARE",
         "this share of the photos (0..1) carries EXIF with a\nGPS position, of nobody; default 0", 0, 1},
        OPTION_ROW_THREADS(&threads),
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL, "draw over an earlier sample in DIR", 0, 0},
        {"quiet", 'q', OPTION_FLAG, &quiet, NULL, "print nothing", 0, 0},
        {0}};
    const struct command command = {
        .name = "sample",
        .usage = "--out DIR --count N [options]",
        .summary = "Draws synthetic fruit on a turntable as JPEG files DIR/<label>/<N>_100.jpg: a corpus for "
                   "trying\n"
                   "things out. Same options, same bytes. These are drawings, not photographs.",
        .details = "Examples:\n"
                   "  pomona sample --out photos --count 1000\n"
                   "  pomona sample --out big --count 94110 --gps 0.1\n",
        .options = table};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (!options.out || options.count == 0) {
        fputs("pomona sample: --out DIR and --count N are needed (see pomona sample --help)\n", stderr);
        return 1;
    }
    options.size = (int)size, options.classes = (int)classes, options.threads = (int)threads;
    options.seed = (uint64_t)seed;
    if (!quiet && isatty(STDERR_FILENO)) options.progress = show_progress;
    struct pomona_error error = {0};
    pomona_status status = pomona_sample_make(&options, &error);
    if (status != POMONA_OK) return report_error(status, &error);
    char count[32];
    if (!quiet)
        printf("drew %s synthetic photos (drawings, not photographs) into %s\n",
               format_count(options.count, count), options.out);
    return 0;
}
