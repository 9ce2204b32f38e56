#include "cli/commands.h"
#include "pomona/version.h"

#include <stdio.h>
#include <string.h>

/* What commands do with remote names; see cli/elsewhere.h. */
static const struct elsewhere_rules
    long_job = {.out = ELSEWHERE_OUT_FOLDER, .reads = ELSEWHERE_OPERANDS, .resumable = true},
    several_steps = {.out = ELSEWHERE_OUT_FOLDER,
                     .reads = ELSEWHERE_OPERANDS,
                     .resumable = true,
                     .reads_results = true},
    packs = {.out = ELSEWHERE_OUT_FOLDER, .reads = ELSEWHERE_OPERANDS},
    in_place = {.out = ELSEWHERE_OUT_FOLDER, .reads = ELSEWHERE_FETCH, .out_is_source = true},
    to_file = {.out = ELSEWHERE_OUT_FILE, .reads = ELSEWHERE_FETCH},
    photos_to_folder = {.out = ELSEWHERE_OUT_FOLDER, .reads = ELSEWHERE_OPERANDS_OR_TABLES},
    photos_to_file = {.out = ELSEWHERE_OUT_FILE, .reads = ELSEWHERE_OPERANDS},
    calibrated = {.out = ELSEWHERE_OUT_FILE, .reads = ELSEWHERE_CALIBRATE},
    to_folder = {.out = ELSEWHERE_OUT_FOLDER, .reads = ELSEWHERE_FETCH},
    reads_only = {.out = ELSEWHERE_NO_OUT, .reads = ELSEWHERE_FETCH},
    by_itself = {.out = ELSEWHERE_NO_OUT, .reads = ELSEWHERE_ALL};

static const struct {
    const char *name, *summary;
    int (*run)(struct elsewhere *elsewhere, int argc, char **argv);
    const struct elsewhere_rules *rules;
} commands[] = {
    {"run", "features, principal components and report in one go", command_run, &several_steps},
    {"features", "photos in, CNN features out, as Parquet parts", command_features, &long_job},
    {"pca", "principal components and scores of features", command_pca, &in_place},
    {"train", "a classifier from the features of labelled photos", command_train, &to_file},
    {"evaluate", "how good a classifier is, with a report", command_evaluate, &photos_to_folder},
    {"predict", "what photos show, by a trained classifier", command_predict, &photos_to_file},
    {"labels", "names of a classifier: list, rename, merge, alias, hierarchy", command_labels, &to_file},
    {"quantize", "an int8 network of an fp32 one, with photos as examples", command_quantize, &calibrated},
    {"moments", "exact sums of features: info, merge, subtract", command_moments, &to_file},
    {"compare", "accuracy, speed, memory and energy of models, and which to take", command_compare,
     &to_folder},
    {"pack", "many small photos in few large files, read like a folder", command_pack, &packs},
    {"diff", "compare two folders of features by path", command_diff, &reads_only},
    {"verify", "is a result folder whole, byte by byte?", command_verify, &by_itself},
    {"recover", "tidy a result folder after an interruption", command_recover, &by_itself},
    {"ls", "list a folder or a bucket", command_ls, &by_itself},
    {"cp", "copy files between folders, buckets and the web", command_cp, &by_itself},
    {"rm", "remove files, objects, versions, unfinished uploads", command_rm, &by_itself},
    {"sample", "draw a synthetic corpus of fruit photos", command_sample, &to_folder},
    {"model", "look into a model file; export, strip, join", command_model, &to_file},
    {"bench", "how fast this machine is: photos a second by stage", command_bench, &reads_only},
    {"cpu", "show the kernels chosen for this machine", command_cpu, &reads_only},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *file) {
    fputs("Usage: pomona COMMAND [arguments]\n\npomona turns photos into knowledge.\n\nCommands:\n", file);
    for (int i = 0; i < COMMANDS; i++) fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(file,
            "\npomona COMMAND --help explains a command; pomona --version prints the version.\n\n"
            "A first look:\n"
            "  pomona sample --out photos --count 1000\n"
            "  pomona run photos --out result\n\n"
            "%s\n"
            "Exit codes: 0 done; 1 bad usage; 2 bad input, nothing written; 3 done, with more failed photos\n"
            "than --max-errors; 4 I/O; 5 internal; 130 interrupted, go on with --resume.\n\n"
            "Environment: POMONA_TIER=scalar|avx2|avx512|neon|neondot forces a tier, as --tier does.\n",
            elsewhere_help);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return 1;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("pomona %s\n", pomona_version());
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) {
            struct elsewhere elsewhere;
            int code, count = argc - 2;
            if (elsewhere_begin(&elsewhere, commands[i].rules, &count, argv + 2, &code))
                code = commands[i].run(&elsewhere, count, argv + 2);
            code = elsewhere_end(&elsewhere, code);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                perror("pomona: standard output");
                return code ? code : 4;
            }
            return code;
        }
    fprintf(stderr, "pomona: unknown command '%s' (see pomona --help)\n", name);
    return 1;
}
