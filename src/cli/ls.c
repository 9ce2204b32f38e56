#include "cli/commands.h"
#include "cli/options.h"
#include "pomona/files.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DATE_SIZE = sizeof "2026-03-31T", TIME_SIZE = sizeof "2026-03-31T22:05:09Z" };

struct printing {
    bool json, versions, uploads;
    char date[DATE_SIZE]; /* of `day`, counted from 1970; "": none */
    int64_t day;
    long long objects, folders;
    unsigned long long bytes;
};

/* A million lines are printed as fast as they come: digits by hand, and dates once a day. */

/* Right-aligned in a field of `width` that has room for it. */
static void write_number(char *field, int width, unsigned long long value) {
    do {
        field[--width] = (char)('0' + value % 10);
        value /= 10;
    } while (value && width > 0);
    while (width > 0) field[--width] = ' ';
}

static void write_two(char *field, int value) {
    field[0] = (char)('0' + value / 10);
    field[1] = (char)('0' + value % 10);
}

/* "2026-03-31T22:05:09Z", or as many blanks. */
static void format_time(struct printing *printing, int64_t seconds, char out[TIME_SIZE]) {
    enum { DAY = 86400 };
    int64_t day = seconds / DAY - (seconds % DAY < 0);
    int second = (int)(seconds - day * DAY);
    if (!printing->date[0] || day != printing->day) {
        struct tm parts;
        time_t value = (time_t)seconds;
        printing->day = day;
        if (!gmtime_r(&value, &parts) ||
            strftime(printing->date, sizeof printing->date, "%Y-%m-%dT", &parts) != DATE_SIZE - 1)
            printing->date[0] = '\0'; /* a year of more than four digits */
    }
    memset(out, ' ', TIME_SIZE - 1);
    out[TIME_SIZE - 1] = '\0';
    if (seconds == 0 || !printing->date[0]) return;
    memcpy(out, printing->date, DATE_SIZE - 1);
    memcpy(out + DATE_SIZE - 1, "00:00:00Z", TIME_SIZE - DATE_SIZE);
    write_two(out + DATE_SIZE - 1, second / 3600);
    write_two(out + DATE_SIZE + 2, second / 60 % 60);
    write_two(out + DATE_SIZE + 5, second % 60);
}

/* "SIZE  TIME  " */
static void print_head(struct printing *printing, const struct pomona_file *file) {
    enum { DIGITS = 15, GAP = 2, TIME_AT = DIGITS + GAP, HEAD_SIZE = TIME_AT + TIME_SIZE - 1 + GAP };
    char head[HEAD_SIZE + 1];
    bool sized = !file->is_folder && !printing->uploads;
    memset(head, ' ', sizeof head);
    if (!file->is_folder) format_time(printing, file->modified, head + TIME_AT);
    head[HEAD_SIZE - GAP] = ' ';
    if (sized && file->size > 999999999999999) { /* the line gets wider */
        printf("%llu%.*s", (unsigned long long)file->size, HEAD_SIZE - DIGITS, head + DIGITS);
        return;
    }
    if (sized)
        write_number(head, DIGITS, file->size);
    else
        head[DIGITS - 1] = '-';
    fwrite(head, 1, HEAD_SIZE, stdout);
}

static void print_line(struct printing *printing, const struct pomona_file *file) {
    print_head(printing, file);
    if (printing->versions)
        printf("%-7s  %-32s  ",
               file->is_delete_marker ? "deleted"
               : file->is_latest      ? "latest"
                                      : "older",
               file->version);
    print_name(file->name);
    if (printing->uploads && file->upload[0]) printf("  %s", file->upload);
    putchar('\n');
}

static void print_object(struct printing *printing, const struct pomona_file *file) {
    char when[TIME_SIZE];
    printf("{\"name\": ");
    print_json_text(file->name);
    if (file->is_folder) {
        printf(", \"folder\": true}\n");
        return;
    }
    if (!printing->uploads) printf(", \"size\": %llu", (unsigned long long)file->size);
    if (file->modified) {
        format_time(printing, file->modified, when);
        printf(", \"%s\": \"%s\"", printing->uploads ? "begun" : "modified", when);
    }
    struct {
        const char *key, *value;
    } texts[] = {{"etag", file->etag}, {"version", file->version}, {"upload", file->upload}};
    for (int i = 0; i < 3; i++) {
        if (!texts[i].value[0]) continue;
        printf(", \"%s\": ", texts[i].key);
        print_json_text(texts[i].value);
    }
    if (printing->versions)
        printf(", \"latest\": %s, \"deleted\": %s", file->is_latest ? "true" : "false",
               file->is_delete_marker ? "true" : "false");
    puts("}");
}

static pomona_status print_file(void *user, const struct pomona_file *file, struct pomona_error *error) {
    struct printing *printing = user;
    if (file->is_folder) {
        printing->folders++;
    } else {
        printing->objects++;
        printing->bytes += file->size;
    }
    if (printing->json)
        print_object(printing, file);
    else
        print_line(printing, file);
    if (was_signalled(NULL)) {
        snprintf(error->message, sizeof error->message, "interrupted");
        return POMONA_E_INTERRUPTED;
    }
    return ferror(stdout) ? POMONA_E_IO : POMONA_OK; /* main says why */
}

static void print_total(const struct printing *printing) {
    char objects[32], folders[32], bytes[32];
    fprintf(stderr, "%s %s", format_count(printing->objects, objects),
            printing->uploads    ? "unfinished uploads"
            : printing->versions ? "versions"
                                 : "objects");
    if (!printing->uploads) fprintf(stderr, ", %s bytes", format_count((long long)printing->bytes, bytes));
    if (printing->folders) fprintf(stderr, ", %s folders", format_count(printing->folders, folders));
    fputc('\n', stderr);
}

int command_ls(struct elsewhere *elsewhere, int argc, char **argv) {
    struct printing printing = {.json = false};
    bool recursive = false;
    const char *place = NULL;
    const struct option table[] = {
        {"recursive", 'r', OPTION_FLAG, &recursive, NULL, "everything below, not one level", 0, 0},
        {"json", 0, OPTION_FLAG, &printing.json, NULL, "one JSON object a line, no total", 0, 0},
        {"versions", 0, OPTION_FLAG, &printing.versions, NULL,
         "all versions of everything below, and the marks of what was deleted", 0, 0},
        {"uploads", 0, OPTION_FLAG, &printing.uploads, NULL,
         "unfinished multipart uploads below: they can't be seen, but cost room", 0, 0},
        {0}};
    const struct command command = {
        .name = "ls",
        .usage = "PLACE [options]",
        .summary = "Lists a folder or s3://bucket/prefix: size in bytes, time (UTC), name; or one file.",
        .details =
            "One level is sorted by bytes, and folders end in /. With --recursive lines come as they are "
            "found:\n"
            "prefixes of S3 are listed side by side, so that the order across prefixes is not sorted, and "
            "memory\n"
            "does not grow with their number. Control characters in names are printed as \\xNN; --json has "
            "them\n"
            "as they are. The total goes to standard error.\n\n"
            "Exit code 0: listed; 2: there is no such thing, or no right to list it; 4: the server is "
            "away.\n\n"
            "Examples:\n"
            "  pomona ls s3://corpus/photos/\n"
            "  pomona ls s3://corpus --recursive --json | jq -r .name\n"
            "  pomona ls s3://corpus --uploads\n",
        .options = table,
        .operands = &place,
        .operand_min = 1,
        .operand_max = 1};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    if (printing.versions && printing.uploads) {
        fprintf(stderr, "pomona ls: --versions or --uploads, not both (see pomona ls --help)\n");
        return 1;
    }
    enum pomona_list_what what = printing.versions  ? POMONA_LIST_VERSIONS
                                 : printing.uploads ? POMONA_LIST_UPLOADS
                                 : recursive        ? POMONA_LIST_ALL
                                                    : POMONA_LIST_LEVEL;
    struct pomona_error error = {0};
    pomona_status status = pomona_list(elsewhere->places, place, what, print_file, &printing, &error);
    if (status != POMONA_OK) return ferror(stdout) ? 4 : report_error(status, &error);
    if (!printing.json) print_total(&printing);
    return 0;
}
