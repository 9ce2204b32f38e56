#include "pomona/labels.h"

#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

enum { OPERANDS_MAX = 256 };

static void print_list(const struct pomona_classifier *classifier) {
    struct pomona_class class;
    struct pomona_classifier_info info;
    pomona_classifier_get_info(classifier, &info);
    printf("labels    version %d, %d classes, %d groups\n", info.labels_version, info.classes, info.groups);
    for (int i = 0; pomona_classifier_class(classifier, i, &class); i++) {
        printf("  %4d  %s", i, class.name);
        if (class.group >= 0) printf("  [%s]", pomona_classifier_group(classifier, class.group));
        if (class.photos) printf("  %lld photos", (long long)class.photos);
        for (const char *a = class.aliases; *a;) {
            int length = (int)strcspn(a, "\n");
            printf("%s%.*s", a == class.aliases ? "  = " : ", ", length, a);
            a += length + (a[length] == '\n');
        }
        putchar('\n');
    }
    const char *history = pomona_labels_history(classifier);
    if (*history) printf("history\n%s", history);
}

static void print_json(const struct pomona_classifier *classifier) {
    struct pomona_class class;
    struct pomona_classifier_info info;
    pomona_classifier_get_info(classifier, &info);
    printf("{\n  \"labels_version\": %d,\n  \"history\": ", info.labels_version);
    print_json_text(pomona_labels_history(classifier));
    printf(",\n  \"classes\": [");
    for (int i = 0; pomona_classifier_class(classifier, i, &class); i++) {
        printf("%s\n    {\"name\": ", i ? "," : "");
        print_json_text(class.name);
        printf(", \"group\": ");
        if (class.group >= 0)
            print_json_text(pomona_classifier_group(classifier, class.group));
        else
            printf("null");
        printf(", \"photos\": %lld, \"aliases\": ", (long long)class.photos);
        print_json_text(class.aliases);
        putchar('}');
    }
    puts("\n  ]\n}");
}

static pomona_status list(const struct pomona_context *context, const char *model, bool json,
                          struct pomona_error *error) {
    struct pomona_classifier *classifier = NULL;
    pomona_status status = pomona_classifier_open(context, model, NULL, &classifier, error);
    if (status == POMONA_OK) (json ? print_json : print_list)(classifier);
    pomona_classifier_free(&classifier);
    return status;
}

static int usage(const char *text) {
    fprintf(stderr, "pomona labels: %s (see pomona labels --help)\n", text);
    return 1;
}

int command_labels(struct elsewhere *elsewhere, int argc, char **argv) {
    (void)elsewhere;
    static const char *const actions[] = {"rename", "merge", "alias", "hierarchy"};
    static const int needs[] = {4, 4, 4, 3};
    struct pomona_labels_options options = {0};
    const char *o[OPERANDS_MAX] = {NULL}, *into = NULL;
    bool json = false;
    int count = 0, action = 0;
    const struct option table[] = {
        {"out", 'o', OPTION_TEXT, &options.out, "FILE.onnx", "file to write; may be MODEL itself", 0, 0},
        {"into", 0, OPTION_TEXT, &into, "NAME", "merge: name of the new class", 0, 0},
        {"overwrite", 0, OPTION_FLAG, &options.overwrite, NULL, "replace another file", 0, 0},
        {"json", 0, OPTION_FLAG, &json, NULL, "list: print one JSON object", 0, 0},
        {0}};
    const struct command command = {
        .name = "labels",
        .usage = "[rename|merge|alias|hierarchy] MODEL [arguments] [options]",
        .summary = "Shows or changes a classifier's labels, without training again.",
        .details = "Examples:\n  pomona labels fruit.onnx\n"
                   "  pomona labels rename fruit.onnx OLD NEW --out new.onnx\n"
                   "  pomona labels merge fruit.onnx A B --into NAME --out new.onnx\n"
                   "  pomona labels alias fruit.onnx CLASS NAME --out new.onnx\n"
                   "  pomona labels hierarchy fruit.onnx classes.csv --out new.onnx\n",
        .options = table,
        .operands = o,
        .operand_min = 1,
        .operand_max = OPERANDS_MAX,
        .operand_count = &count};
    enum options_outcome outcome = options_parse(&command, argc, argv);
    if (outcome != OPTIONS_RUN) return outcome == OPTIONS_DONE ? 0 : 1;
    while (action < 4 && strcmp(o[0], actions[action]) != 0) action++;
    if (action == 4 && count > 1) return usage("unknown action");
    if (action < 4) {
        if (count < needs[action] || (action != 1 && count > needs[action]))
            return usage("wrong number of arguments");
        if (!options.out) return usage("--out FILE.onnx is needed");
        if (action == 1 && !into) return usage("merge needs --into NAME");
    }
    options.model = o[1];
    struct pomona_error error = {0};
    struct pomona_context *context = NULL;
    struct pomona_labels_result r = {0};
    pomona_status status = open_context(NULL, &context, &error);
    if (status == POMONA_OK)
        status = action == 0   ? pomona_labels_rename(context, &options, o[2], o[3], &r, &error)
                 : action == 1 ? pomona_labels_merge(context, &options, o + 2, count - 2, into, &r, &error)
                 : action == 2 ? pomona_labels_alias(context, &options, o[2], o[3], &r, &error)
                 : action == 3 ? pomona_labels_hierarchy(context, &options, o[2], &r, &error)
                               : list(context, o[0], json, &error);
    pomona_context_free(&context);
    if (status != POMONA_OK) return report_error(status, &error);
    if (action < 4)
        printf("written   %s, labels version %d, %d classes\n",
               elsewhere_words(options.out, (char[4096]){0}, 4096), r.labels_version, r.classes);
    return 0;
}
