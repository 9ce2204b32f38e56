#include "base/memory.h"
#include "onnx/write.h"
#include "quantise/quantise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The plan as a QDQ graph: convolutions with integer weights, and a QuantizeLinear and DequantizeLinear behind each. */

enum { NAME_SIZE = 48, INPUTS_MAX = 4, FILE_BYTES_MAX = 1 << 30, OPSET = 13, OPSET_HARD_SWISH = 14 };

/* "q/TENSOR/what" */
struct value_name {
    char text[NAME_SIZE];
};

struct graph_writing {
    const struct quantised_plan *q;
    struct onnx_writer nodes;
    const char *input, *output;
};

static struct value_name name_of(int tensor, const char *what) {
    struct value_name name;
    snprintf(name.text, sizeof name.text, "q/%d/%s", tensor, what);
    return name;
}

static void write_op(struct graph_writing *w, const char *op, const char *const inputs[INPUTS_MAX],
                     const char *output, const struct onnx_attribute_text *attributes, size_t count) {
    const char *const outputs[] = {output, NULL};
    onnx_write_operator(&w->nodes, op, NULL, inputs, outputs, attributes, count);
}

static void write_scalar(struct graph_writing *w, const char *name, float value) {
    onnx_write_tensor(&w->nodes, name, ONNX_ELEMENT_FLOAT, 0, NULL, &value, sizeof value);
}

/* QuantizeLinear and DequantizeLinear of a tensor: from value `from` to "q/TENSOR/dq". */
static void write_codes(struct graph_writing *w, int tensor, const char *from) {
    const struct tensor_code *code = &w->q->tensors[tensor];
    struct value_name scale = name_of(tensor, "s"), zero = name_of(tensor, "z"), coded = name_of(tensor, "q"),
                      decoded = name_of(tensor, "dq");
    uint8_t point = (uint8_t)code->zero;
    write_scalar(w, scale.text, code->scale);
    onnx_write_tensor(&w->nodes, zero.text, ONNX_ELEMENT_UINT8, 0, NULL, &point, 1);
    write_op(w, "QuantizeLinear", (const char *[INPUTS_MAX]){from, scale.text, zero.text}, coded.text, NULL,
             0);
    write_op(w, "DequantizeLinear", (const char *[INPUTS_MAX]){coded.text, scale.text, zero.text},
             decoded.text, NULL, 0);
}

/* The input, as N, 3, H, W and shifted, to codes. */
static void write_pixels(struct graph_writing *w) {
    static const int64_t perm[4] = {0, 3, 1, 2}, shift_dims[4] = {1, 3, 1, 1};
    const struct quantised_plan *q = w->q;
    const int64_t width = q->profile.width, height = q->profile.height;
    const int64_t first[3] = {3, height, width}, last[3] = {height, width, 3};
    int tensor = q->plan->input;
    struct value_name turned = name_of(tensor, "nchw"), shift = name_of(tensor, "shift"),
                      shifted = name_of(tensor, "shifted");
    const char *from = w->input;
    onnx_write_shaped_value(&w->nodes, false, w->input, 3, q->channels_first ? first : last);
    if (!q->channels_first) {
        const struct onnx_attribute_text order = {
            .name = "perm", .type = ONNX_ATTRIBUTE_INTS, .values = perm, .count = 4};
        write_op(w, "Transpose", (const char *[INPUTS_MAX]){from}, turned.text, &order, 1);
        from = turned.text;
    }
    if (q->pixel_shift[0] != 0 || q->pixel_shift[1] != 0 || q->pixel_shift[2] != 0) {
        onnx_write_tensor(&w->nodes, shift.text, ONNX_ELEMENT_FLOAT, 4, shift_dims, q->pixel_shift,
                          sizeof q->pixel_shift);
        write_op(w, "Add", (const char *[INPUTS_MAX]){from, shift.text}, shifted.text, NULL, 0);
        from = shifted.text;
    }
    write_codes(w, tensor, from);
}

/* A constant of a convolution behind its DequantizeLinear: "q/TENSOR/PART" from "q/TENSOR/PART.q". */
static void write_constant(struct graph_writing *w, int tensor, const char *part, enum onnx_element type,
                           size_t rank, const int64_t *dims, const void *codes, size_t size,
                           const float *scales, const void *zeros) {
    const int64_t out = dims[0];
    size_t element = type == ONNX_ELEMENT_INT8 ? 1 : 4;
    struct value_name value = name_of(tensor, part), coded, scale, zero;
    snprintf(coded.text, sizeof coded.text, "q/%d/%s.q", tensor, part);
    snprintf(scale.text, sizeof scale.text, "q/%d/%s.s", tensor, part);
    snprintf(zero.text, sizeof zero.text, "q/%d/%s.z", tensor, part);
    const struct onnx_attribute_text axis = {.name = "axis", .type = ONNX_ATTRIBUTE_INT, .value = 0};
    onnx_write_tensor(&w->nodes, coded.text, type, rank, dims, codes, size);
    onnx_write_tensor(&w->nodes, scale.text, ONNX_ELEMENT_FLOAT, 1, &out, scales,
                      (size_t)out * sizeof *scales);
    onnx_write_tensor(&w->nodes, zero.text, type, 1, &out, zeros, (size_t)out * element);
    write_op(w, "DequantizeLinear", (const char *[INPUTS_MAX]){coded.text, scale.text, zero.text}, value.text,
             &axis, 1);
}

static pomona_status write_weights(struct graph_writing *w, int index) {
    const struct quantised_plan *q = w->q;
    const struct step *step = &q->plan->steps[index];
    const struct step_code *code = &q->steps[index];
    size_t out = (size_t)step->out_channels;
    bool window = step->kind != STEP_GEMM;
    const int64_t in = step->kind == STEP_DEPTHWISE ? 1 : step->in_channels / step->groups;
    const int64_t dims[4] = {step->out_channels, in, window ? step->window.kernel_height : 1,
                             window ? step->window.kernel_width : 1};
    float *scales = memory_new(out, sizeof *scales);
    int32_t *biases = memory_new(out, sizeof *biases), *zeros = memory_new(out, sizeof *zeros);
    bool made = scales && biases && zeros;
    for (size_t o = 0; made && o < out; o++) {
        scales[o] = q->tensors[step->input].scale * code->scales[o];
        biases[o] = (int32_t)rint((double)step->bias[o] / (double)scales[o]);
    }
    if (made) {
        write_constant(w, step->output, "w", ONNX_ELEMENT_INT8, 4, dims, code->weights,
                       out * code->per_channel, code->scales, zeros);
        write_constant(w, step->output, "b", ONNX_ELEMENT_INT32, 1, dims, biases, out * sizeof *biases,
                       scales, zeros);
    }
    memory_free(scales);
    memory_free(biases);
    memory_free(zeros);
    return made ? w->nodes.status : fail_memory(q->error, "weights");
}

static int64_t end_padding(int out, int stride, int kernel, int dilation, int in, int begin) {
    int needed = (out - 1) * stride + (kernel - 1) * dilation + 1 - in - begin;
    return needed > 0 ? needed : 0;
}

/* The Conv node, under the name that the layer has in the source. */
static void write_conv(struct graph_writing *w, const struct step *step, const char *output) {
    const struct window *at = &step->window;
    bool window = step->kind != STEP_GEMM;
    const int64_t kernel[2] = {window ? at->kernel_height : 1, window ? at->kernel_width : 1};
    const int64_t strides[2] = {window ? at->stride_y : 1, window ? at->stride_x : 1};
    const int64_t dilations[2] = {window && at->dilation_y > 1 ? at->dilation_y : 1,
                                  window && at->dilation_x > 1 ? at->dilation_x : 1};
    const int64_t pads[4] = {window ? at->pad_top : 0, window ? at->pad_left : 0,
                             window ? end_padding(at->out_height, at->stride_y, at->kernel_height,
                                                  (int)dilations[0], at->in_height, at->pad_top)
                                    : 0,
                             window ? end_padding(at->out_width, at->stride_x, at->kernel_width,
                                                  (int)dilations[1], at->in_width, at->pad_left)
                                    : 0};
    const int64_t groups = step->kind == STEP_DEPTHWISE ? step->in_channels : step->groups;
    const struct onnx_attribute_text attributes[] = {
        {.name = "dilations", .type = ONNX_ATTRIBUTE_INTS, .values = dilations, .count = 2},
        {.name = "group", .type = ONNX_ATTRIBUTE_INT, .value = groups},
        {.name = "kernel_shape", .type = ONNX_ATTRIBUTE_INTS, .values = kernel, .count = 2},
        {.name = "pads", .type = ONNX_ATTRIBUTE_INTS, .values = pads, .count = 4},
        {.name = "strides", .type = ONNX_ATTRIBUTE_INTS, .values = strides, .count = 2}};
    struct value_name x = name_of(step->input, "dq"), weights = name_of(step->output, "w"),
                      bias = name_of(step->output, "b");
    const char *const inputs[] = {x.text, weights.text, bias.text, NULL}, *const outputs[] = {output, NULL};
    onnx_write_operator(&w->nodes, "Conv", step->name, inputs, outputs, attributes,
                        sizeof attributes / sizeof *attributes);
}

/* Relu or Clip; returns what holds the result. */
static const char *write_clamp(struct graph_writing *w, const struct step *step, const char *from,
                               const char *to) {
    bool low = step->low > -INFINITY, high = step->high < INFINITY;
    struct value_name least = name_of(step->output, "low"), most = name_of(step->output, "high");
    if (!low && !high) return from;
    if (step->low == 0 && !high) {
        write_op(w, "Relu", (const char *[INPUTS_MAX]){from}, to, NULL, 0);
        return to;
    }
    if (low) write_scalar(w, least.text, step->low);
    if (high) write_scalar(w, most.text, step->high);
    write_op(w, "Clip", (const char *[INPUTS_MAX]){from, low ? least.text : "", high ? most.text : NULL}, to,
             NULL, 0);
    return to;
}

static pomona_status write_linear(struct graph_writing *w, int index) {
    const struct step *step = &w->q->plan->steps[index];
    bool pooled = w->q->tensors[step->output].role == TENSOR_FLOAT;
    struct value_name conv = name_of(step->output, "conv"), sum = name_of(step->output, "sum"),
                      clamped = name_of(step->output, "act");
    const char *value = conv.text;
    TRY(write_weights(w, index));
    write_conv(w, step, conv.text);
    if (step->second >= 0) {
        struct value_name residual = name_of(step->second, "dq");
        write_op(w, "Add", (const char *[INPUTS_MAX]){value, residual.text}, sum.text, NULL, 0);
        value = sum.text;
    }
    value = write_clamp(w, step, value, clamped.text);
    if (!pooled) {
        write_codes(w, step->output, value);
        return w->nodes.status;
    }
    struct value_name mean = name_of(w->q->plan->output, "mean");
    write_op(w, "GlobalAveragePool", (const char *[INPUTS_MAX]){value}, mean.text, NULL, 0);
    return w->nodes.status;
}

static void write_unary(struct graph_writing *w, const struct step *step) {
    struct value_name from = name_of(step->input, "dq"), to = name_of(step->output, "f");
    const struct onnx_attribute_text line[] = {
        {.name = "alpha", .type = ONNX_ATTRIBUTE_FLOAT, .number = step->alpha},
        {.name = "beta", .type = ONNX_ATTRIBUTE_FLOAT, .number = step->beta}};
    const char *value = to.text, *const inputs[INPUTS_MAX] = {from.text};
    switch (step->kind) {
    case STEP_SIGMOID: write_op(w, "Sigmoid", inputs, to.text, NULL, 0); break;
    case STEP_HARD_SIGMOID: write_op(w, "HardSigmoid", inputs, to.text, line, 2); break;
    case STEP_HARD_SWISH: write_op(w, "HardSwish", inputs, to.text, NULL, 0); break;
    default: value = write_clamp(w, step, from.text, to.text); break;
    }
    write_codes(w, step->output, value);
}

static void write_mean(struct graph_writing *w, const struct step *step) {
    struct value_name mean = name_of(step->output, "mean");
    const struct onnx_attribute_text axis = {.name = "axis", .type = ONNX_ATTRIBUTE_INT, .value = 1};
    const int64_t features = step->out_channels;
    if (w->q->tensors[step->input].role == TENSOR_CODED) {
        struct value_name from = name_of(step->input, "dq");
        write_op(w, "GlobalAveragePool", (const char *[INPUTS_MAX]){from.text}, mean.text, NULL, 0);
    }
    write_op(w, "Flatten", (const char *[INPUTS_MAX]){mean.text}, w->output, &axis, 1);
    onnx_write_shaped_value(&w->nodes, true, w->output, 1, &features);
}

static pomona_status write_graph(struct graph_writing *w) {
    const struct plan *plan = w->q->plan;
    write_pixels(w);
    for (int i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step_is_linear(step))
            TRY(write_linear(w, i));
        else if (step->kind == STEP_MEAN)
            write_mean(w, step);
        else
            write_unary(w, step);
    }
    return w->nodes.status;
}

/* Metadata of the source that says something about another file, or is written anew. */
static bool is_left_out(const char *key) {
    return strcmp(key, "pomona.backbone") == 0 || strcmp(key, "pomona.profile") == 0 ||
           strcmp(key, "pomona.quantised") == 0 || strncmp(key, "pomona.head.", 12) == 0 ||
           strncmp(key, "pomona.train.", 13) == 0;
}

pomona_status quantisation_write(const struct quantised_plan *q, const char *output,
                                 const struct onnx_property *properties, int property_count,
                                 struct buffer *out) {
    struct buffer graph = BUFFER_INIT(FILE_BYTES_MAX);
    struct graph_writing writing = {.q = q,
                                    .nodes = onnx_write_to(&graph, q->error),
                                    .input = q->graph->values[q->graph->inputs[0].value].name,
                                    .output = output};
    struct onnx_writer fields = onnx_write_to(out, q->error);
    char profile[POMONA_PROFILE_TEXT_MAX];
    int opset = OPSET;
    for (int i = 0; i < q->plan->step_count; i++)
        if (q->plan->steps[i].kind == STEP_HARD_SWISH) opset = OPSET_HARD_SWISH;
    pomona_profile_format(&q->profile, profile);
    fields.status = write_graph(&writing);
    if (fields.status == POMONA_OK) onnx_write_model(&fields, "backbone", opset, &graph);
    onnx_write_property(&fields, "pomona.profile", profile);
    for (int i = 0; i < q->graph->property_count; i++)
        if (!is_left_out(q->graph->properties[i].key))
            onnx_write_property(&fields, q->graph->properties[i].key, q->graph->properties[i].value);
    for (int i = 0; i < property_count; i++)
        onnx_write_property(&fields, properties[i].key, properties[i].value);
    buffer_free(&graph);
    return fields.status;
}
