#include "cli/elsewhere.h"

#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char elsewhere_help[] =
    "Places: SRC, DST and files may be s3://bucket/prefix; photos and files also http(s)://...\n"
    "  --endpoint-url URL   of an S3 server other than AWS; also AWS_ENDPOINT_URL\n"
    "  --region REGION      also AWS_REGION; a bucket that is elsewhere says so itself\n"
    "  --addressing HOW     path, virtual or auto: where the bucket's name goes\n"
    "  --aws-profile NAME   of ~/.aws/config; credentials are found as the AWS CLI finds them\n"
    "  --no-sign-request    for public buckets\n"
    "  --requests N         at most N under way at once; default 64\n"
    "  --scratch DIR        where results for S3 are made; default $XDG_CACHE_HOME/pomona or "
    "~/.cache/pomona\n";

/* The names of this run, for messages: the command line is one, so this is too. */
static const struct elsewhere *current;

const char *elsewhere_words(const char *text, char *out, size_t capacity) {
    snprintf(out, capacity, "%s", text);
    for (int i = -1; current && i < current->fetched_count; i++) {
        const char *path = i >= 0                 ? current->fetched[i]
                           : current->publication ? pomona_publication_path(current->publication)
                                                  : NULL;
        const char *name = i >= 0 ? current->names[i] : current->out_name;
        for (char *at; path && (at = strstr(out, path)) != NULL;) {
            size_t before = (size_t)(at - out), length = strlen(path), other = strlen(name);
            size_t rest = strlen(at + length) + 1;
            if (before + other + rest > capacity) break;
            memmove(at + other, at + length, rest);
            memcpy(at, name, other);
        }
    }
    return out;
}

/* "--name VALUE" or "--name=VALUE" at argv[i]: its value, and how many arguments it took. NULL: another option. */
static const char *value_of(char **argv, int argc, int i, const char *name, int *taken) {
    size_t length = strlen(name);
    if (strncmp(argv[i], name, length) != 0) return NULL;
    *taken = 1;
    if (argv[i][length] == '=') return argv[i] + length + 1;
    if (argv[i][length] != '\0' || i + 1 >= argc) return NULL;
    *taken = 2;
    return argv[i + 1];
}

static void remove_arguments(int *argc, char **argv, int at, int count) {
    memmove(argv + at, argv + at + count, (size_t)(*argc - at - count + 1) * sizeof *argv);
    *argc -= count;
}

static bool take_options(struct pomona_places_options *options, int *argc, char **argv) {
    struct {
        const char *name;
        const char **target;
    } texts[] = {{"--endpoint-url", &options->endpoint_url},
                 {"--region", &options->region},
                 {"--addressing", &options->addressing},
                 {"--aws-profile", &options->profile},
                 {"--scratch", &options->scratch}};
    for (int i = 0; i < *argc;) {
        int taken = 0;
        const char *value = NULL;
        if (strcmp(argv[i], "--") == 0) return true;
        for (size_t t = 0; t < sizeof texts / sizeof *texts && !value; t++)
            if ((value = value_of(argv, *argc, i, texts[t].name, &taken))) *texts[t].target = value;
        if (!value && strcmp(argv[i], "--no-sign-request") == 0) {
            options->anonymous = true;
            value = argv[i];
            taken = 1;
        }
        if (!value && (value = value_of(argv, *argc, i, "--requests", &taken))) {
            char *end;
            long number = strtol(value, &end, 10);
            if (end == value || *end || number < 1 || number > 256) {
                fprintf(stderr, "pomona: --requests takes a whole number from 1 to 256, not '%.40s'\n",
                        value);
                return false;
            }
            options->requests = (int)number;
        }
        if (value)
            remove_arguments(argc, argv, i, taken);
        else
            i++;
    }
    return true;
}

static bool has_option(int argc, char **argv, const char *name) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return false;
}

/* How a remote name at argv[i] is used. */
enum use { USE_FETCH, USE_ITSELF, USE_OUT };

static bool follows(char **argv, int i, const char *const *names) {
    for (; i > 0 && *names; names++)
        if (strcmp(argv[i - 1], *names) == 0) return true;
    return false;
}

static enum use use_of(const struct elsewhere_rules *rules, char **argv, int i) {
    static const char *const outs[] = {"--out", "-o", NULL}, *const photos[] = {"--calibrate", "--check",
                                                                                NULL};
    /* Options whose values are files or tables, of the commands that read photos themselves. */
    static const char *const files[] = {"--model", "-m",        "--head",   "--labels",    "--manifest",
                                        "--train", "--aliases", "--groups", "--hierarchy", NULL};
    if (follows(argv, i, outs)) return rules->out == ELSEWHERE_NO_OUT ? USE_FETCH : USE_OUT;
    if (rules->reads == ELSEWHERE_ALL) return USE_ITSELF;
    if (rules->reads == ELSEWHERE_CALIBRATE) return follows(argv, i, photos) ? USE_ITSELF : USE_FETCH;
    bool operands = rules->reads == ELSEWHERE_OPERANDS || rules->reads == ELSEWHERE_OPERANDS_OR_TABLES;
    return operands && !follows(argv, i, files) ? USE_ITSELF : USE_FETCH;
}

static pomona_status publish_to(struct elsewhere *elsewhere, const struct elsewhere_rules *rules, int argc,
                                char **argv, char **argument, bool fetch, struct pomona_error *error) {
    struct pomona_publication_options options = {
        .uri = *argument,
        .kind = rules->out == ELSEWHERE_OUT_FILE ? POMONA_PUBLISH_FILE : POMONA_PUBLISH_FOLDER,
        .resumable = rules->resumable,
        .overwrite = has_option(argc, argv, "--overwrite"),
        .look_only = has_option(argc, argv, "--dry-run") || has_option(argc, argv, "-n"),
        .fetch = fetch || has_option(argc, argv, "--only-new") || has_option(argc, argv, "--retry-failed") ||
                 (rules->reads_results && has_option(argc, argv, "--resume"))};
    elsewhere->out_name = *argument;
    pomona_status status =
        pomona_publication_open(elsewhere->places, &options, &elsewhere->publication, error);
    if (status == POMONA_OK) *argument = (char *)pomona_publication_path(elsewhere->publication);
    return status;
}

static pomona_status fetch(struct elsewhere *elsewhere, char **argument, struct pomona_error *error) {
    if (elsewhere->fetched_count == ELSEWHERE_FETCHED_MAX) {
        snprintf(error->message, sizeof error->message, "more than %d remote arguments",
                 ELSEWHERE_FETCHED_MAX);
        return POMONA_E_USAGE;
    }
    int at = elsewhere->fetched_count;
    elsewhere->names[at] = *argument;
    pomona_status status = pomona_fetch(elsewhere->places, *argument, &elsewhere->fetched[at], error);
    if (status != POMONA_OK) return status;
    *argument = elsewhere->fetched[at];
    elsewhere->fetched_count++;
    return POMONA_OK;
}

/* "--name=s3://..." as two arguments would need room in argv: the equals sign is looked behind instead. */
static char *remote_part(char *argument) {
    char *equals = argument[0] == '-' ? strchr(argument, '=') : NULL;
    char *name = equals ? equals + 1 : argument;
    return pomona_places_is_remote(name) ? name : NULL;
}

static pomona_status replace(struct elsewhere *elsewhere, const struct elsewhere_rules *rules, int argc,
                             char **argv, struct pomona_error *error) {
    bool out_given = has_option(argc, argv, "--out") || has_option(argc, argv, "-o");
    for (int i = 0; i < argc; i++) {
        char *remote = remote_part(argv[i]);
        if (!remote) continue;
        if (remote != argv[i]) {
            snprintf(error->message, sizeof error->message,
                     "%.200s: write a remote name apart from its option: --out %.200s", argv[i], remote);
            return POMONA_E_USAGE;
        }
        enum use use = use_of(rules, argv, i);
        pomona_status status = POMONA_OK;
        if (use == USE_ITSELF && rules->reads == ELSEWHERE_OPERANDS_OR_TABLES) {
            bool is_table = false;
            status = pomona_remote_is_table(elsewhere->places, remote, &is_table, error);
            if (is_table) use = USE_FETCH;
        }
        if (status != POMONA_OK) return status;
        /* pomona pack --check reads all of it anyway. */
        if (use == USE_ITSELF && rules->reads == ELSEWHERE_OPERANDS && has_option(argc, argv, "--check"))
            use = USE_FETCH;
        if (use == USE_OUT)
            status = publish_to(elsewhere, rules, argc, argv, &argv[i], rules->out_is_source, error);
        else if (use == USE_FETCH && rules->out_is_source && !out_given)
            status = publish_to(elsewhere, rules, argc, argv, &argv[i], true, error);
        else if (use == USE_FETCH)
            status = fetch(elsewhere, &argv[i], error);
        if (status != POMONA_OK) return status;
    }
    return POMONA_OK;
}

bool elsewhere_begin(struct elsewhere *elsewhere, const struct elsewhere_rules *rules, int *argc, char **argv,
                     int *code) {
    struct pomona_places_options options = {.should_stop = was_signalled};
    struct pomona_error error = {0};
    bool any = rules->reads == ELSEWHERE_ALL;
    *elsewhere = (struct elsewhere){.resumable = rules->resumable};
    *code = 1;
    if (!take_options(&options, argc, argv)) return false;
    for (int i = 0; i < *argc; i++) any = any || remote_part(argv[i]);
    if (!any || has_option(*argc, argv, "--help")) return true;
    current = elsewhere;
    catch_signals();
    pomona_status status = pomona_places_new(&options, &elsewhere->places, &error);
    if (status == POMONA_OK) status = replace(elsewhere, rules, *argc, argv, &error);
    if (status != POMONA_OK) *code = report_error(status, &error);
    return status == POMONA_OK;
}

int elsewhere_end(struct elsewhere *elsewhere, int code) {
    struct pomona_error error = {0};
    struct pomona_publication_result result = {0};
    if (elsewhere->publication) {
        bool finished = code == 0 || code == 3;
        pomona_status status =
            finished ? pomona_publication_commit(elsewhere->publication, &result, &error) : POMONA_OK;
        if (status != POMONA_OK) {
            code = report_error(status, &error);
            if (elsewhere->resumable) fprintf(stderr, "pomona: go on with --resume\n");
        }
        /* What was refused left nothing to go on from, unless a job had begun: a key may be taken away in its middle. */
        bool refused = code == 1 || code == 2;
        bool left = !refused || pomona_publication_has_work(elsewhere->publication);
        bool keep = elsewhere->resumable && (status != POMONA_OK || (!finished && left));
        pomona_publication_close(&elsewhere->publication, keep);
    }
    for (int i = 0; i < elsewhere->fetched_count; i++) pomona_fetched_free(&elsewhere->fetched[i]);
    elsewhere->fetched_count = 0;
    pomona_places_free(&elsewhere->places);
    current = NULL;
    return code;
}
