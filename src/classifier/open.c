#include "classifier/open.h"

#include "base/memory.h"
#include "classifier/graph.h"
#include "classifier/labels.h"
#include "onnx/splice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_VERSION_MAX = 1 << 30 }; /* so that the next one is a number too */

/* What reading needs to know everywhere. */
struct reading {
    const char *where;
    const struct onnx_graph *graph;
    struct pomona_classifier *classifier;
    struct pomona_error *error;
};

static pomona_status damaged(struct reading *r, const char *what) {
    return fail(r->error, POMONA_E_CORRUPT, r->where, "damaged classifier: %s is missing or makes no sense",
                what);
}

static pomona_status copy_text(struct reading *r, const char *key, const char **out) {
    const char *text = onnx_graph_property(r->graph, key);
    if (!text) return damaged(r, key);
    *out = arena_copy_text(&r->classifier->texts, text, strlen(text));
    return *out ? POMONA_OK : fail_memory(r->error, "classifier");
}

static pomona_status read_number(struct reading *r, const char *key, double low, double high, double *out) {
    const char *text = onnx_graph_property(r->graph, key);
    char *end = NULL;
    if (!text || !*text) return damaged(r, key);
    *out = strtod(text, &end);
    return *end == '\0' && *out >= low && *out <= high ? POMONA_OK : damaged(r, key);
}

static pomona_status read_integer(struct reading *r, const char *key, int low, int high, int *out) {
    double value = 0;
    TRY(read_number(r, key, low, high, &value));
    if (value != floor(value)) return damaged(r, key);
    *out = (int)value;
    return POMONA_OK;
}

static const struct onnx_tensor *find_tensor(const struct onnx_graph *graph, const char *name) {
    for (int i = 0; i < graph->value_count; i++)
        if (graph->values[i].constant && strcmp(graph->values[i].name, name) == 0)
            return graph->values[i].constant;
    return NULL;
}

/* A copy of a float constant [rows][columns] (columns 0: rank 1), by either of two names. rows or columns below 0 accept any size
 * and are filled in. */
static pomona_status read_floats(struct reading *r, const char *name, const char *name_half, int *rows,
                                 int *columns, float **out) {
    const struct onnx_tensor *tensor = find_tensor(r->graph, name);
    if (!tensor && name_half) tensor = find_tensor(r->graph, name_half);
    if (!tensor || tensor->type != ONNX_FLOAT || tensor->rank != (columns ? 2 : 1)) return damaged(r, name);
    int64_t sizes[2] = {tensor->dims[0], columns ? tensor->dims[1] : 1};
    if (sizes[0] < 1 || sizes[0] > HEAD_PROTOTYPES_MAX || sizes[1] < 1 || sizes[1] > HEAD_PROTOTYPES_MAX)
        return damaged(r, name);
    if (*rows < 0) *rows = (int)sizes[0];
    if (columns && *columns < 0) *columns = (int)sizes[1];
    if (sizes[0] != *rows || (columns && sizes[1] != *columns)) return damaged(r, name);
    *out = memory_new(tensor->count, sizeof **out);
    if (!*out) return fail_memory(r->error, "head");
    memcpy(*out, tensor->floats, tensor->count * sizeof **out);
    return POMONA_OK;
}

static pomona_status read_neighbours(struct reading *r) {
    struct head *head = &r->classifier->head;
    double sharpness;
    float *leaf = NULL;
    head->prototype_count = head->features = head->leaves = -1;
    TRY(read_floats(r, HEAD_TENSOR("prototypes"), HEAD_TENSOR("prototypes.fp16"), &head->prototype_count,
                    &head->features, &head->prototypes));
    TRY(read_floats(r, HEAD_TENSOR("mean"), NULL, &head->features, NULL, &head->mean));
    TRY(read_floats(r, HEAD_TENSOR("scale"), NULL, &head->features, NULL, &head->scale));
    TRY(read_integer(r, HEAD_KEY("neighbours"), 1, HEAD_NEIGHBOURS_MAX, &head->neighbours));
    TRY(read_number(r, HEAD_KEY("sharpness"), 0, 1e9, &sharpness));
    head->sharpness = (float)sharpness;
    TRY(read_floats(r, HEAD_TENSOR("leaf"), NULL, &head->prototype_count, &head->leaves, &leaf));
    head->prototype_leaf = memory_new((size_t)head->prototype_count, sizeof *head->prototype_leaf);
    for (int i = 0; head->prototype_leaf && i < head->prototype_count; i++) {
        const float *row = leaf + (size_t)i * (size_t)head->leaves;
        int at = 0;
        while (at < head->leaves && row[at] != 1.0f) at++;
        head->prototype_leaf[i] = at; /* head_check refuses what lies beyond */
    }
    memory_free(leaf);
    return head->prototype_leaf ? POMONA_OK : fail_memory(r->error, "head");
}

static pomona_status read_weights(struct reading *r) {
    struct head *head = &r->classifier->head;
    const char *kind = r->classifier->info.kind;
    bool neighbours = strcmp(kind, "knn") == 0 || strcmp(kind, "prototype") == 0;
    head->kind = neighbours ? HEAD_NEIGHBOURS : HEAD_LINEAR;
    if (head->kind == HEAD_NEIGHBOURS) return read_neighbours(r);
    head->leaves = head->features = -1;
    TRY(read_floats(r, HEAD_TENSOR("weight"), HEAD_TENSOR("weight.fp16"), &head->leaves, &head->features,
                    &head->weight));
    return read_floats(r, HEAD_TENSOR("bias"), NULL, &head->leaves, NULL, &head->bias);
}

static pomona_status read_novelty(struct reading *r) {
    struct head *head = &r->classifier->head;
    struct head_novelty *novelty = &head->novelty;
    struct pomona_classifier_info *info = &r->classifier->info;
    novelty->threshold = -INFINITY;
    if (!onnx_graph_property(r->graph, HEAD_KEY("threshold"))) return POMONA_OK;
    TRY(read_number(r, HEAD_KEY("threshold"), -1e300, 1e300, &novelty->threshold));
    TRY(read_number(r, HEAD_KEY("false_reject"), 0, 1, &info->false_reject));
    TRY(read_number(r, HEAD_KEY("energy_weight"), -1e300, 1e300, &novelty->energy_weight));
    TRY(read_number(r, HEAD_KEY("residual_weight"), -1e300, 1e300, &novelty->residual_weight));
    if (!find_tensor(r->graph, HEAD_TENSOR("novelty.mean"))) return POMONA_OK;
    novelty->rank = -1;
    TRY(read_floats(r, HEAD_TENSOR("projection"), HEAD_TENSOR("projection.fp16"), &novelty->rank,
                    &head->features, &novelty->projection));
    TRY(read_floats(r, HEAD_TENSOR("novelty.mean"), NULL, &head->features, NULL, &novelty->mean));
    return read_floats(r, HEAD_TENSOR("novelty.scale"), NULL, &head->features, NULL, &novelty->scale);
}

/* The class of each leaf: the metadata's after a merge, else its own. */
static pomona_status read_leaves(struct reading *r) {
    struct head *head = &r->classifier->head;
    const char *text = onnx_graph_property(r->graph, HEAD_KEY("leaves"));
    head->leaf_class = memory_new((size_t)head->leaves, sizeof *head->leaf_class);
    if (!head->leaf_class) return fail_memory(r->error, "head");
    for (int i = 0; i < head->leaves; i++) {
        char *end = NULL;
        long value = text ? strtol(text, &end, 10) : i;
        if (text && (end == text || *end != '\n' || value < 0 || value > HEAD_LEAVES_MAX))
            return damaged(r, HEAD_KEY("leaves"));
        head->leaf_class[i] = (int)value;
        if (text) text = end + 1;
    }
    return POMONA_OK;
}

static pomona_status read_labels(struct reading *r) {
    struct pomona_classifier *c = r->classifier;
    struct head *head = &c->head;
    TRY(read_integer(r, HEAD_KEY("class_count"), 1, HEAD_LEAVES_MAX, &head->classes));
    TRY(read_integer(r, HEAD_KEY("group_count"), 0, HEAD_LEAVES_MAX, &head->groups));
    const char *classes = onnx_graph_property(r->graph, HEAD_KEY("classes"));
    const char *groups = onnx_graph_property(r->graph, HEAD_KEY("groups"));
    if (!classes || (head->groups > 0 && !groups)) return damaged(r, HEAD_KEY("classes"));
    TRY(labels_parse_classes(r->where, classes, head->classes, &c->texts, &c->classes, r->error));
    if (head->groups)
        TRY(labels_parse_groups(r->where, groups, head->groups, &c->texts, &c->groups, r->error));
    head->class_group = memory_new((size_t)head->classes, sizeof *head->class_group);
    if (!head->class_group) return fail_memory(r->error, "head");
    for (int i = 0; i < head->classes; i++) {
        head->class_group[i] = c->classes[i].group;
        if (!head->groups) c->classes[i].group = -1;
    }
    return read_leaves(r);
}

static pomona_status read_facts(struct reading *r) {
    static const char prefix[] = "pomona.train.";
    struct pomona_classifier *c = r->classifier;
    c->facts = arena_new(&c->texts, (size_t)r->graph->property_count, sizeof *c->facts);
    if (!c->facts) return fail_memory(r->error, "classifier");
    for (int i = 0; i < r->graph->property_count; i++) {
        const char *key = r->graph->properties[i].key;
        if (strncmp(key, prefix, sizeof prefix - 1) != 0) continue;
        struct onnx_property *fact = &c->facts[c->fact_count++];
        fact->key = arena_copy_text(&c->texts, key, strlen(key));
        if (!fact->key) return fail_memory(r->error, "classifier");
        TRY(copy_text(r, key, &fact->value));
    }
    return POMONA_OK;
}

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const struct class_entry *)a)->name, ((const struct class_entry *)b)->name);
}

/* Names and aliases of all classes, sorted. */
static pomona_status index_names(struct reading *r) {
    struct pomona_classifier *c = r->classifier;
    size_t capacity = (size_t)c->head.classes;
    for (int i = 0; i < c->head.classes; i++)
        for (const char *a = c->classes[i].aliases; *a; a++)
            capacity += a == c->classes[i].aliases || a[-1] == '\n';
    c->entries = arena_new(&c->texts, capacity, sizeof *c->entries);
    if (!c->entries) return fail_memory(r->error, "classifier");
    for (int i = 0; i < c->head.classes; i++) {
        c->entries[c->entry_count++] = (struct class_entry){c->classes[i].name, i};
        for (const char *alias = c->classes[i].aliases; *alias;) {
            size_t length = strcspn(alias, "\n");
            char *copy = arena_copy_text(&c->texts, alias, length);
            if (!copy) return fail_memory(r->error, "classifier");
            c->entries[c->entry_count++] = (struct class_entry){copy, i};
            alias += length + (alias[length] == '\n');
        }
    }
    qsort(c->entries, (size_t)c->entry_count, sizeof *c->entries, compare_entries);
    for (int i = 1; i < c->entry_count; i++)
        if (strcmp(c->entries[i - 1].name, c->entries[i].name) == 0)
            return fail(r->error, POMONA_E_CORRUPT, r->where,
                        "damaged classifier: two classes are called '%.160s'", c->entries[i].name);
    return POMONA_OK;
}

pomona_status classifier_read_head(const char *where, const struct onnx_graph *graph,
                                   struct pomona_classifier *c, struct pomona_error *error) {
    struct reading reading = {where, graph, c, error}, *r = &reading;
    struct pomona_classifier_info *info = &c->info;
    int version = 0;
    c->texts = ARENA_INIT(SIZE_MAX);
    if (!onnx_graph_property(graph, HEAD_KEY("kind")))
        return fail(error, POMONA_E_INPUT, where,
                    "has no head: it gives features, not classes (pomona train makes a classifier of it)");
    TRY(read_integer(r, HEAD_KEY("version"), 1, INT32_MAX, &version));
    if (version != 1)
        return fail(error, POMONA_E_UNSUPPORTED, where, "a head of version %d; this pomona reads 1", version);
    TRY(copy_text(r, HEAD_KEY("kind"), &info->kind));
    TRY(copy_text(r, HEAD_KEY("calibration"), &info->calibration));
    TRY(copy_text(r, HEAD_KEY("layer"), &c->layer));
    TRY(copy_text(r, HEAD_KEY("feature_space"), &c->feature_space));
    if (onnx_graph_property(graph, HEAD_KEY("precision")))
        TRY(copy_text(r, HEAD_KEY("precision"), &c->precision));
    if (!onnx_graph_property(graph, ONNX_ORIGINAL_KEY)) TRY(copy_text(r, "pomona.profile", &c->profile));
    TRY(copy_text(r, HEAD_KEY("labels_history"), &c->history));
    TRY(read_integer(r, HEAD_KEY("labels_version"), 1, LABELS_VERSION_MAX, &info->labels_version));
    TRY(read_number(r, HEAD_KEY("temperature"), 1e-9, 1e9, &c->head.temperature));
    TRY(read_number(r, HEAD_KEY("fine_confidence"), 0, 1, &c->head.fine_confidence));
    TRY(read_number(r, HEAD_KEY("coarse_confidence"), 0, 1, &c->head.coarse_confidence));
    TRY(read_weights(r));
    TRY(read_novelty(r));
    TRY(read_labels(r));
    TRY(read_facts(r));
    TRY(head_check(&c->head, where, error));
    return index_names(r);
}
