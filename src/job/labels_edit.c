#include "base/file_sink.h"
#include "base/memory.h"
#include "classifier/classifier.h"
#include "classifier/graph.h"
#include "job/hierarchy.h"
#include "pomona/labels.h"
#include "store/folder.h"

#include <string.h>
#include <sys/stat.h>

enum { FILE_BYTES_MAX = 1 << 30, HISTORY_BYTES_MAX = 1 << 24 };

/* One change in progress. The classifier is this call's own, so it is changed in place before it is written. */
struct edit {
    const struct pomona_labels_options *options;
    struct pomona_labels_result *result;
    struct pomona_error *error;
    struct pomona_classifier *classifier;
    struct hierarchy hierarchy;
    struct buffer file, history;
    bool half;
};

static pomona_status check_out(const struct edit *e) {
    struct stat in, out;
    const struct pomona_labels_options *options = e->options;
    if (!options->model || !options->out)
        return fail(e->error, POMONA_E_USAGE, NULL, "a model and a file to write are needed");
    if (options->overwrite || !path_exists(options->out)) return POMONA_OK;
    if (stat(options->model, &in) == 0 && stat(options->out, &out) == 0 && in.st_dev == out.st_dev &&
        in.st_ino == out.st_ino)
        return POMONA_OK;
    return fail(e->error, POMONA_E_EXISTS, options->out, "exists already: --overwrite replaces it");
}

/* Whether the file's head has weights as fp16. */
static pomona_status find_half(struct edit *e) {
    struct onnx_graph graph;
    TRY(onnx_graph_load(e->options->model, e->file.data, e->file.size, &graph, e->error));
    for (int i = 0; i < graph.value_count; i++) {
        const char *name = graph.values[i].name;
        e->half |= strcmp(name, HEAD_TENSOR("weight.fp16")) == 0 ||
                   strcmp(name, HEAD_TENSOR("prototypes.fp16")) == 0;
    }
    onnx_graph_free(&graph);
    return POMONA_OK;
}

static pomona_status edit_open(struct edit *e, const struct pomona_context *context) {
    TRY(check_out(e));
    TRY(file_read(e->options->model, &e->file, e->error));
    TRY(pomona_classifier_open_memory(context, e->options->model, e->file.data, e->file.size, NULL,
                                      &e->classifier, e->error));
    TRY(find_half(e));
    TRY(buffer_append_text(&e->history, e->classifier->history, e->error));
    if (e->history.size && e->history.data[e->history.size - 1] != '\n')
        TRY(buffer_append_byte(&e->history, '\n', e->error));
    return buffer_printf(&e->history, e->error, "%d: ", ++e->classifier->info.labels_version);
}

static pomona_status edit_write(struct edit *e) {
    char profile[POMONA_PROFILE_TEXT_MAX];
    struct classifier_parts parts;
    struct buffer backbone = BUFFER_INIT(FILE_BYTES_MAX), out = BUFFER_INIT(FILE_BYTES_MAX);
    pomona_status status;
    classifier_parts_of(e->classifier, e->half, profile, &parts);
    TRY_GOTO(buffer_terminate(&e->history, &parts.history, e->error), status, done);
    TRY_GOTO(classifier_cut_backbone(e->options->model, e->file.data, e->file.size, &backbone, e->error),
             status, done);
    TRY_GOTO(classifier_write(&parts, e->options->model, backbone.data, backbone.size, &out, e->error),
             status, done);
    TRY_GOTO(file_write(e->options->out, out.data, out.size, e->error), status, done);
    if (e->result)
        *e->result =
            (struct pomona_labels_result){e->classifier->head.classes, parts.labels_version, out.size};
done:
    buffer_free(&backbone);
    buffer_free(&out);
    return status;
}

static pomona_status edit_end(struct edit *e, pomona_status status) {
    if (status == POMONA_OK) status = edit_write(e);
    pomona_classifier_free(&e->classifier);
    hierarchy_free(&e->hierarchy);
    buffer_free(&e->file);
    buffer_free(&e->history);
    return status;
}

/* Adds to the history's line, in which a name must not start another one. */
static pomona_status note(struct edit *e, const char *before, const char *name) {
    TRY(buffer_append_text(&e->history, before, e->error));
    for (; *name; name++)
        TRY(buffer_append_byte(&e->history, *name == '\n' || *name == '\r' ? ' ' : (uint8_t)*name, e->error));
    return POMONA_OK;
}

static pomona_status find_class(const struct edit *e, const char *name, int *index) {
    *index = pomona_classifier_find(e->classifier, name);
    if (*index >= 0) return POMONA_OK;
    return fail(e->error, POMONA_E_USAGE, e->options->model, "has no class '%.160s'", name);
}

/* `merged` (may be NULL) says of each class whether it may have the name already; else `own` may. */
static pomona_status check_name(const struct edit *e, const char *name, int own, const bool *merged) {
    if (!*name || strpbrk(name, "\n\r"))
        return fail(e->error, POMONA_E_USAGE, NULL, "a name must not be empty or hold a line break");
    int user = pomona_classifier_find(e->classifier, name);
    if (user < 0 || user == own || (merged && merged[user])) return POMONA_OK;
    return fail(e->error, POMONA_E_USAGE, e->options->model, "'%.160s' is already a name of class '%.160s'",
                name, e->classifier->classes[user].name);
}

/* Adds the lines of `aliases` to `out`, all but `name`. */
static pomona_status add_aliases(struct edit *e, const char *aliases, const char *name, struct buffer *out) {
    while (*aliases) {
        size_t length = strcspn(aliases, "\n");
        if (length && (length != strlen(name) || memcmp(aliases, name, length) != 0)) {
            if (out->size) TRY(buffer_append_byte(out, '\n', e->error));
            TRY(buffer_append(out, aliases, length, e->error));
        }
        aliases += length + (aliases[length] == '\n');
    }
    return POMONA_OK;
}

/* Gives class `c` its name and the aliases gathered in `text`. */
static pomona_status set_names(struct edit *e, int c, const char *name, const struct buffer *text) {
    struct pomona_class *class = &e->classifier->classes[c];
    class->name = name;
    class->aliases = text->size ? arena_copy_text(&e->classifier->texts, (char *)text->data, text->size) : "";
    return class->aliases ? POMONA_OK : fail_memory(e->error, "labels");
}

static pomona_status rename_class(struct edit *e, const char *old_name, const char *new_name) {
    int c;
    struct buffer text = BUFFER_INIT(HISTORY_BYTES_MAX);
    TRY(find_class(e, old_name, &c));
    TRY(check_name(e, new_name, c, NULL));
    TRY(note(e, "renamed ", e->classifier->classes[c].name));
    TRY(note(e, " to ", new_name));
    pomona_status status = add_aliases(e, e->classifier->classes[c].aliases, new_name, &text);
    if (status == POMONA_OK) status = set_names(e, c, new_name, &text);
    buffer_free(&text);
    return status == POMONA_OK ? note(e, "\n", "") : status;
}

static pomona_status add_alias(struct edit *e, const char *class_name, const char *alias) {
    int c;
    struct buffer text = BUFFER_INIT(HISTORY_BYTES_MAX);
    TRY(find_class(e, class_name, &c));
    TRY(check_name(e, alias, -1, NULL));
    TRY(note(e, "added alias ", alias));
    TRY(note(e, " to ", e->classifier->classes[c].name));
    pomona_status status = add_aliases(e, e->classifier->classes[c].aliases, "", &text);
    if (status == POMONA_OK) status = add_aliases(e, alias, "", &text);
    if (status == POMONA_OK) status = set_names(e, c, e->classifier->classes[c].name, &text);
    buffer_free(&text);
    return status == POMONA_OK ? note(e, "\n", "") : status;
}

/* Drops the groups that no class is in; `number` [groups] is scratch. */
static void compact_groups(struct pomona_classifier *c, int *number) {
    struct head *head = &c->head;
    int groups = 0;
    for (int g = 0; g < head->groups; g++) number[g] = -1;
    for (int i = 0; i < head->classes; i++) number[head->class_group[i]] = 0;
    for (int g = 0; g < head->groups; g++) {
        if (number[g] < 0) continue;
        c->groups[groups] = c->groups[g];
        number[g] = groups++;
    }
    head->groups = head->groups ? groups : 0;
    for (int i = 0; head->groups && i < head->classes; i++)
        c->classes[i].group = head->class_group[i] = number[head->class_group[i]];
}

/* Moves the classes together: those of `merged` but the first are now the first. `number` [classes]. */
static void join_classes(struct pomona_classifier *c, const bool *merged, int first, int *number) {
    struct head *head = &c->head;
    int classes = 0, at_first = first;
    for (int i = 0; i < first; i++) at_first -= merged[i];
    for (int i = 0; i < head->classes; i++) {
        number[i] = at_first;
        if (merged[i] && i != first) continue;
        number[i] = classes;
        c->classes[classes] = c->classes[i];
        head->class_group[classes++] = head->class_group[i];
    }
    head->classes = c->info.classes = classes;
    for (int i = 0; i < head->leaves; i++) head->leaf_class[i] = number[head->leaf_class[i]];
}

static pomona_status gather_merged(struct edit *e, const char *const *names, int count, const char *into,
                                   bool *merged, struct buffer *text, int *first) {
    struct pomona_class *classes = e->classifier->classes;
    for (int i = 0; i < count; i++) {
        int c;
        TRY(find_class(e, names[i], &c));
        if (merged[c])
            return fail(e->error, POMONA_E_USAGE, NULL, "class '%.160s' is named twice", classes[c].name);
        merged[c] = true;
        if (i == 0)
            *first = c;
        else
            classes[*first].photos += classes[c].photos;
        TRY(add_aliases(e, classes[c].aliases, into, text));
        TRY(note(e, i ? ", " : "merged ", classes[c].name));
    }
    TRY(check_name(e, into, -1, merged));
    TRY(note(e, " into ", into));
    return note(e, "\n", "");
}

static pomona_status merge_classes(struct edit *e, const char *const *names, int count, const char *into) {
    if (count < 2) return fail(e->error, POMONA_E_USAGE, NULL, "at least two classes are needed to merge");
    struct buffer text = BUFFER_INIT(HISTORY_BYTES_MAX);
    size_t classes = (size_t)e->classifier->head.classes, groups = (size_t)e->classifier->head.groups;
    bool *merged = memory_new(classes, sizeof *merged);
    int *number = memory_new(classes + groups, sizeof *number), first = 0;
    pomona_status status = merged && number ? gather_merged(e, names, count, into, merged, &text, &first)
                                            : fail_memory(e->error, "labels");
    if (status == POMONA_OK) status = set_names(e, first, into, &text);
    if (status == POMONA_OK) {
        join_classes(e->classifier, merged, first, number);
        if (groups) compact_groups(e->classifier, number);
    }
    memory_free(merged);
    memory_free(number);
    buffer_free(&text);
    return status;
}

static pomona_status set_hierarchy(struct edit *e, const char *file) {
    struct pomona_classifier *c = e->classifier;
    const char **names = memory_new((size_t)c->head.classes, sizeof *names);
    if (!names) return fail_memory(e->error, "labels");
    for (int i = 0; i < c->head.classes; i++) names[i] = c->classes[i].name;
    pomona_status status = hierarchy_read(file, names, c->head.classes, &e->hierarchy, e->error);
    memory_free((void *)names);
    TRY(status);
    c->groups = e->hierarchy.groups;
    c->head.groups = c->info.groups = e->hierarchy.group_count;
    for (int i = 0; i < c->head.classes; i++)
        c->classes[i].group = c->head.class_group[i] = e->hierarchy.class_group[i];
    TRY(note(e, "hierarchy from ", file));
    return note(e, "\n", "");
}

#define EDIT(options, result, error)                                                                         \
    {                                                                                                        \
        options, result, error, NULL, HIERARCHY_INIT, BUFFER_INIT(FILE_BYTES_MAX),                           \
            BUFFER_INIT(HISTORY_BYTES_MAX), false                                                            \
    }

pomona_status pomona_labels_rename(const struct pomona_context *context,
                                   const struct pomona_labels_options *options, const char *old_name,
                                   const char *new_name, struct pomona_labels_result *result,
                                   struct pomona_error *error) {
    struct edit e = EDIT(options, result, error);
    pomona_status status = edit_open(&e, context);
    return edit_end(&e, status == POMONA_OK ? rename_class(&e, old_name, new_name) : status);
}

pomona_status pomona_labels_merge(const struct pomona_context *context,
                                  const struct pomona_labels_options *options, const char *const *names,
                                  int count, const char *into, struct pomona_labels_result *result,
                                  struct pomona_error *error) {
    struct edit e = EDIT(options, result, error);
    pomona_status status = edit_open(&e, context);
    return edit_end(&e, status == POMONA_OK ? merge_classes(&e, names, count, into) : status);
}

pomona_status pomona_labels_alias(const struct pomona_context *context,
                                  const struct pomona_labels_options *options, const char *class_name,
                                  const char *alias, struct pomona_labels_result *result,
                                  struct pomona_error *error) {
    struct edit e = EDIT(options, result, error);
    pomona_status status = edit_open(&e, context);
    return edit_end(&e, status == POMONA_OK ? add_alias(&e, class_name, alias) : status);
}

pomona_status pomona_labels_hierarchy(const struct pomona_context *context,
                                      const struct pomona_labels_options *options, const char *file,
                                      struct pomona_labels_result *result, struct pomona_error *error) {
    struct edit e = EDIT(options, result, error);
    pomona_status status = edit_open(&e, context);
    return edit_end(&e, status == POMONA_OK ? set_hierarchy(&e, file) : status);
}

const char *pomona_labels_history(const struct pomona_classifier *classifier) { return classifier->history; }
