#include "classifier/graph.h"

#include "base/memory.h"

#include <math.h>

#define T(name) HEAD_TENSOR(name)

static void node1(struct onnx_writer *w, const char *op, const char *in, const char *out) {
    onnx_write_node(w, &(struct onnx_node_text){.op = op, .inputs = {in}, .outputs = {out}});
}

static void node2(struct onnx_writer *w, const char *op, const char *a, const char *b, const char *out) {
    onnx_write_node(w, &(struct onnx_node_text){.op = op, .inputs = {a, b}, .outputs = {out}});
}

static void with_attribute(struct onnx_writer *w, const char *op, const char *in, const char *out,
                           const char *attribute, int64_t value) {
    onnx_write_node(w,
                    &(struct onnx_node_text){
                        .op = op, .inputs = {in}, .outputs = {out}, .attribute = attribute, .value = value});
}

/* x . w^T + b */
static void gemm(struct onnx_writer *w, const char *x, const char *weight, const char *bias,
                 const char *out) {
    onnx_write_node(
        w,
        &(struct onnx_node_text){
            .op = "Gemm", .inputs = {x, weight, bias}, .outputs = {out}, .attribute = "transB", .value = 1});
}

static void number(struct onnx_writer *w, const char *name, double value) {
    float single = (float)value;
    onnx_write_floats(w, name, 1, 0, &single, false);
}

/* A matrix whose elements come from a table of indices: element (i, index[i]) is 1; or with `index` NULL all `value`. */
static void matrix(struct onnx_writer *w, const char *name, int rows, int columns, const int *index,
                   float value) {
    size_t count = size_multiply((size_t)rows, (size_t)columns);
    if (w->status != POMONA_OK) return;
    if (count > HEAD_MATRIX_MAX) {
        w->status = fail(w->error, POMONA_E_LIMIT, NULL,
                         "a graph of this head would need a matrix of %d x %d numbers, more than %d", rows,
                         columns, HEAD_MATRIX_MAX);
        return;
    }
    float *values = memory_new(count, sizeof *values);
    if (!values) {
        w->status = fail_memory(w->error, "head");
        return;
    }
    for (int i = 0; i < rows && index; i++) values[(size_t)i * (size_t)columns + (size_t)index[i]] = 1;
    for (size_t i = 0; i < count && !index; i++) values[i] = value;
    onnx_write_floats(w, name, (size_t)rows, (size_t)columns, values, false);
    memory_free(values);
}

/* A large constant called `name`, stored as fp16 or fp32; returns the name of its fp32 value. */
static const char *weights(struct onnx_writer *w, const char *name, const char *name_half, int rows,
                           int columns, const float *values, bool half) {
    onnx_write_floats(w, half ? name_half : name, (size_t)rows, (size_t)columns, values, half);
    if (half) with_attribute(w, "Cast", name_half, name, "to", 1);
    return name;
}

static void linear_logits(struct onnx_writer *w, const struct head *head, bool half) {
    const char *weight =
        weights(w, T("weight"), T("weight.fp16"), head->leaves, head->features, head->weight, half);
    onnx_write_floats(w, T("bias"), (size_t)head->leaves, 0, head->bias, false);
    gemm(w, T("x"), weight, T("bias"), T("logits"));
}

/* (x - mean) * scale -> `out`, and its squared length -> `square`. */
static void scaled(struct onnx_writer *w, const float *mean, const float *scale, int features,
                   const char *const names[6]) {
    onnx_write_floats(w, names[0], (size_t)features, 0, mean, false);
    onnx_write_floats(w, names[1], (size_t)features, 0, scale, false);
    node2(w, "Sub", T("x"), names[0], names[2]);
    node2(w, "Mul", names[2], names[1], names[3]);
    node2(w, "Mul", names[3], names[3], names[4]);
    node2(w, "MatMul", names[4], T("ones"), names[5]);
}

static void neighbour_logits(struct onnx_writer *w, const struct head *head, int opset, bool half) {
    static const char *const names[6] = {T("mean"),   T("scale"),   T("centred"),
                                         T("scaled"), T("squares"), T("square")};
    const int64_t neighbours = head->neighbours, spread[3] = {0, 1, -1}, flat[2] = {0, -1};
    if (opset < 11 && w->status == POMONA_OK)
        w->status = fail(w->error, POMONA_E_UNSUPPORTED, NULL,
                         "a head of neighbours needs ONNX operator set 11, and the backbone has %d", opset);
    scaled(w, head->mean, head->scale, head->features, names);
    number(w, T("smallest"), 1e-30);
    node2(w, "Max", T("square"), T("smallest"), T("square.safe"));
    node1(w, "Sqrt", T("square.safe"), T("length"));
    node2(w, "Div", T("scaled"), T("length"), T("unit"));
    const char *prototypes = weights(w, T("prototypes"), T("prototypes.fp16"), head->prototype_count,
                                     head->features, head->prototypes, half);
    number(w, T("zero"), 0);
    gemm(w, T("unit"), prototypes, T("zero"), T("similarity"));
    onnx_write_integers(w, T("neighbours"), 1, &neighbours);
    onnx_write_node(w, &(struct onnx_node_text){.op = "TopK",
                                                .inputs = {T("similarity"), T("neighbours")},
                                                .outputs = {T("nearest"), T("nearest.index")}});
    number(w, T("one"), 1);
    number(w, T("sharpness"), (double)head->sharpness);
    node2(w, "Sub", T("nearest"), T("one"), T("nearest.gap"));
    node2(w, "Mul", T("nearest.gap"), T("sharpness"), T("nearest.log"));
    node1(w, "Exp", T("nearest.log"), T("nearest.weight"));
    matrix(w, T("leaf"), head->prototype_count, head->leaves, head->prototype_leaf, 0);
    node2(w, "Gather", T("leaf"), T("nearest.index"), T("nearest.leaf")); /* [N, neighbours, leaves] */
    onnx_write_integers(w, T("spread"), 3, spread);
    node2(w, "Reshape", T("nearest.weight"), T("spread"), T("nearest.row")); /* [N, 1, neighbours] */
    node2(w, "MatMul", T("nearest.row"), T("nearest.leaf"), T("weights.row"));
    onnx_write_integers(w, T("flat"), 2, flat);
    node2(w, "Reshape", T("weights.row"), T("flat"), T("weights"));
    number(w, T("least"), 1e-12);
    node2(w, "Add", T("weights"), T("least"), T("weights.safe"));
    node1(w, "Log", T("weights.safe"), T("weights.log"));
    number(w, T("cooling"), 1 / head->temperature);
    node2(w, "Mul", T("weights.log"), T("cooling"), T("logits"));
}

/* log(sum exp(temperature * logits)): what LogSoftmax subtracts, in every column; their mean. */
static void energy(struct onnx_writer *w, const struct head *head) {
    number(w, T("temperature"), head->temperature);
    node2(w, "Mul", T("logits"), T("temperature"), T("hot"));
    with_attribute(w, "LogSoftmax", T("hot"), T("hot.log"), "axis", 1);
    node2(w, "Sub", T("hot"), T("hot.log"), T("energies"));
    matrix(w, T("mean.of"), head->leaves, 1, NULL, (float)(head->novelty.energy_weight / head->leaves));
}

static void residual(struct onnx_writer *w, const struct head *head, bool half) {
    static const char *const names[6] = {T("novelty.mean"),   T("novelty.scale"),   T("novelty.centred"),
                                         T("novelty.scaled"), T("novelty.squares"), T("novelty.square")};
    const struct head_novelty *novelty = &head->novelty;
    scaled(w, novelty->mean, novelty->scale, head->features, names);
    const char *projection = weights(w, T("projection"), T("projection.fp16"), novelty->rank, head->features,
                                     novelty->projection, half);
    number(w, T("novelty.zero"), 0);
    gemm(w, T("novelty.scaled"), projection, T("novelty.zero"), T("seen"));
    node2(w, "Mul", T("seen"), T("seen"), T("seen.squares"));
    matrix(w, T("seen.ones"), novelty->rank, 1, NULL, 1);
    node2(w, "MatMul", T("seen.squares"), T("seen.ones"), T("seen.square"));
    node2(w, "Sub", T("novelty.square"), T("seen.square"), T("left"));
    node1(w, "Relu", T("left"), T("left.safe"));
    node1(w, "Sqrt", T("left.safe"), T("residual"));
    number(w, T("residual.weight"), novelty->residual_weight);
    node2(w, "Mul", T("residual"), T("residual.weight"), T("residual.weighted"));
}

static void known(struct onnx_writer *w, const struct head *head, const char *out, bool half) {
    bool has_residual = head->novelty.rank > 0;
    energy(w, head);
    node2(w, "MatMul", T("energies"), T("mean.of"), has_residual ? T("energy") : out);
    if (has_residual) {
        residual(w, head, half);
        node2(w, "Sub", T("energy"), T("residual.weighted"), out);
    }
    onnx_write_value(w, true, out, 1);
}

void head_write_graph(struct onnx_writer *w, const struct head *head, const char *layer, int opset,
                      const struct head_outputs *outputs, bool half) {
    bool rejects = isfinite(head->novelty.threshold), merged = head->classes < head->leaves;
    with_attribute(w, "Flatten", layer, T("x"), "axis", 1);
    if (head->kind == HEAD_NEIGHBOURS || (rejects && head->novelty.rank > 0))
        matrix(w, T("ones"), head->features, 1, NULL, 1);
    if (head->kind == HEAD_LINEAR)
        linear_logits(w, head, half);
    else
        neighbour_logits(w, head, opset, half);
    with_attribute(w, "Softmax", T("logits"), merged ? T("leaves") : outputs->probabilities, "axis", 1);
    if (merged) {
        matrix(w, T("merge"), head->leaves, head->classes, head->leaf_class, 0);
        node2(w, "MatMul", T("leaves"), T("merge"), outputs->probabilities);
    }
    onnx_write_value(w, true, outputs->probabilities, (size_t)head->classes);
    if (head->groups) {
        matrix(w, T("groups"), head->classes, head->groups, head->class_group, 0);
        node2(w, "MatMul", outputs->probabilities, T("groups"), outputs->coarse);
        onnx_write_value(w, true, outputs->coarse, (size_t)head->groups);
    }
    if (rejects) known(w, head, outputs->known, half);
}
