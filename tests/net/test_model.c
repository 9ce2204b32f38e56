/* Models and sessions: what they promise, and what they refuse. */
#include "failing.h"
#include "network.h"
#include "pomona/model.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct pomona_error error;
static struct pomona_context *context;
static struct pomona_model *model;
static struct network net;
static struct buffer file = {.limit = (size_t)16 << 20};

static int setup(void **state) {
    (void)state;
    network_classifier(&net);
    return pomona_context_new(POMONA_TIER_AUTO, &context, NULL) == POMONA_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    pomona_model_free(&model);
    pomona_context_free(&context);
    network_free(&net);
    buffer_free(&file);
    return 0;
}

static pomona_status open_with(const char *layer, const char *profile) {
    struct pomona_model_options options = {.layer = layer, .profile = profile};
    network_pack(&net, &file);
    pomona_model_free(&model);
    return pomona_model_open_memory(context, "a.onnx", file.data, file.size, &options, &model, &error);
}

static pomona_status open_net(void) { return open_with(NULL, NULL); }

static struct pomona_model_info info_of(void) {
    struct pomona_model_info info;
    pomona_model_get_info(model, &info);
    return info;
}

/* Replaces nodes and weights by one node from "x" to "y". */
static Onnx__Node *single_node(const char *op, const char *inputs) {
    net.graph.n_node = 0;
    net.graph.n_initializer = 0;
    return network_node(&net, op, inputs, "y");
}

static void the_embedded_model_opens(void **state) {
    (void)state;
    assert_int_equal(pomona_model_open_embedded(context, NULL, &model, &error), POMONA_OK);
    struct pomona_model_info info = info_of();
    assert_string_equal(info.name, "embedded");
    assert_string_equal(info.profile.name, "phone");
    assert_false(info.profile_assumed);
    assert_true(info.profile.orient);
    assert_int_equal(info.profile.crop, POMONA_CROP_SQUARE);
    assert_true(info.features >= 64 && info.features <= 4096);
    assert_int_equal(info.input_width, info.profile.width);
    assert_true(info.macs > 1000000 && info.weight_bytes > 100000);
    assert_true(info.activation_bytes < 64u << 20);
}

/* A photo that ends where memory ends, on every tier, in either precision. */
static void a_session_reads_no_further_than_its_pixels(void **state) {
    (void)state;
    static const char *const precisions[] = {"int8", "fp32"};
    static float features[4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < 2 * POMONA_TIER_COUNT; i++) {
        struct pomona_model_options options = {.precision = precisions[i % 2]};
        struct pomona_context *own = NULL;
        struct pomona_session *session = NULL;
        if (pomona_context_new((pomona_tier)(i / 2), &own, NULL) != POMONA_OK)
            continue; /* of another machine */
        assert_int_equal(pomona_model_open_embedded(own, &options, &model, &error), POMONA_OK);
        struct pomona_model_info info = info_of();
        assert_int_equal(pomona_session_new(model, 1, &session, &error), POMONA_OK);
        size_t pages = (info.photo_bytes + page - 1) / page * page;
        uint8_t *block = mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(block, MAP_FAILED);
        assert_int_equal(mprotect(block + pages, page, PROT_NONE), 0);
        assert_int_equal(pomona_session_run(session, block + pages - info.photo_bytes, 1, features, &error),
                         POMONA_OK);
        munmap(block, pages + page);
        pomona_session_free(&session);
        pomona_model_free(&model);
        pomona_context_free(&own);
    }
}

static void info_says_what_the_file_is(void **state) {
    (void)state;
    assert_int_equal(open_net(), POMONA_OK);
    struct pomona_model_info info = info_of();
    assert_string_equal(info.name, "a.onnx");
    assert_string_equal(info.layer, "flat");
    assert_string_equal(info.profile.name, "spark-compat");
    assert_true(info.profile_assumed);
    assert_false(info.untrained);
    assert_int_equal(info.features, 4);
    assert_int_equal(info.nodes, 5);
    assert_int_equal(info.steps, 2); /* conv with its relu, mean */
    assert_int_equal(info.macs, 6 * 6 * 4 * 27);
    assert_int_equal(strlen(info.hash), 64);
    char text[160];
    assert_true(pomona_model_step(model, 0, text, sizeof text));
    assert_string_equal(text, "conv 3x3 relu  8x8x3 -> 6x6x4  0.004 MMAC");
    assert_true(pomona_model_step(model, 1, text, 8));
    assert_string_equal(text, "mean  1");
    assert_false(pomona_model_step(model, 2, text, sizeof text));
    assert_false(pomona_model_step(model, -1, text, sizeof text));
}

static void a_feature_space_is_model_layer_and_profile(void **state) {
    (void)state;
    char spaces[4][POMONA_HASH_TEXT_SIZE];
    float first_weight = net.tensors[0]->float_data[0];
    for (int i = 0; i < 4; i++) {
        if (i == 3) net.tensors[0]->float_data[0] += 1;
        assert_int_equal(open_with(i == 1 ? "relu" : NULL, i == 2 ? "phone" : NULL), POMONA_OK);
        memcpy(spaces[i], info_of().feature_space, sizeof spaces[i]);
        for (int j = 0; j < i; j++) assert_string_not_equal(spaces[i], spaces[j]);
    }
    net.tensors[0]->float_data[0] = first_weight;
    assert_int_equal(open_net(), POMONA_OK);
    assert_string_equal(info_of().feature_space, spaces[0]);
}

static pomona_status open_sized(const char *profile, const char *views, int size) {
    struct pomona_model_options options = {.profile = profile, .views = views, .size = size};
    network_pack(&net, &file);
    pomona_model_free(&model);
    return pomona_model_open_memory(context, "a.onnx", file.data, file.size, &options, &model, &error);
}

static const char own_profile[] = "name=mine decode=exact orient=1 crop=none size=8x8 filter=bicubic "
                                  "mean=0,0,0 std=1,1,1 layout=rgb";

static void views_and_size_are_of_the_feature_space(void **state) {
    (void)state;
    static const struct {
        const char *views;
        int size, pictures;
    } cases[] = {{NULL, 0, 1}, {"flip", 0, 2}, {"100c,60c", 0, 2}, {NULL, 16, 1}, {"crops", 16, 6}};
    char spaces[5][POMONA_HASH_TEXT_SIZE], text[POMONA_PROFILE_TEXT_MAX];
    for (int i = 0; i < 5; i++) {
        assert_int_equal(open_sized(NULL, cases[i].views, cases[i].size), POMONA_OK);
        struct pomona_model_info info = info_of();
        assert_int_equal(info.views, cases[i].pictures);
        assert_int_equal(info.input_width, cases[i].size ? cases[i].size : 8);
        assert_int_equal(info.features, 4);
        memcpy(spaces[i], info.feature_space, sizeof spaces[i]);
        for (int j = 0; j < i; j++) assert_string_not_equal(spaces[i], spaces[j]);
        pomona_profile_format(&info.profile, text); /* a whole text says the same */
        assert_int_equal(open_sized(text, NULL, 0), POMONA_OK);
        assert_string_equal(info_of().feature_space, spaces[i]);
    }
    assert_int_equal(open_sized(NULL, "100c", 8), POMONA_OK);
    assert_string_equal(info_of().feature_space, spaces[0]);
    assert_failure(open_sized(NULL, "flop", 0), POMONA_E_USAGE, "flop");
    assert_failure(open_sized(NULL, NULL, 4097), POMONA_E_USAGE, "4097");
    assert_failure(open_sized(NULL, NULL, -1), POMONA_E_USAGE, "-1");
    assert_failure(open_sized("name=x", NULL, 0), POMONA_E_USAGE, "the profile asked for");
}

static pomona_status open_decoding(const char *profile, const char *decode) {
    struct pomona_model_options options = {.profile = profile, .decode = decode};
    network_pack(&net, &file);
    pomona_model_free(&model);
    return pomona_model_open_memory(context, "a.onnx", file.data, file.size, &options, &model, &error);
}

static void scaled_decoding_is_another_feature_space(void **state) {
    (void)state;
    char spaces[2][POMONA_HASH_TEXT_SIZE], scaled_profile[256];
    snprintf(scaled_profile, sizeof scaled_profile, "name=mine decode=scaled %s",
             strstr(own_profile, "orient="));
    for (int with_profile = 0; with_profile < 2; with_profile++) {
        if (with_profile) network_property(&net, "pomona.profile", own_profile);
        assert_int_equal(open_decoding(NULL, NULL), POMONA_OK);
        memcpy(spaces[0], info_of().feature_space, sizeof spaces[0]);
        assert_int_equal(open_decoding(NULL, "exact"), POMONA_OK);
        assert_string_equal(info_of().feature_space, spaces[0]);
        assert_int_equal(open_decoding(NULL, "scaled"), POMONA_OK);
        assert_int_equal(info_of().profile.decode, POMONA_DECODE_SCALED);
        memcpy(spaces[1], info_of().feature_space, sizeof spaces[1]);
        assert_string_not_equal(spaces[1], spaces[0]);
    }
    assert_failure(open_decoding(NULL, "fast"), POMONA_E_USAGE, "exact or scaled");
    assert_int_equal(open_decoding(scaled_profile, NULL), POMONA_OK); /* what a table of such features says */
    assert_string_equal(info_of().feature_space, spaces[1]);
    assert_failure(open_decoding(scaled_profile, "exact"), POMONA_E_USAGE, "made for 'scaled'");

    net.properties[0]->value = scaled_profile; /* a model made for it gives nothing else */
    assert_int_equal(open_decoding(NULL, NULL), POMONA_OK);
    assert_int_equal(info_of().profile.decode, POMONA_DECODE_SCALED);
    assert_int_equal(open_decoding("mine", "scaled"), POMONA_OK);
    assert_failure(open_decoding(NULL, "exact"), POMONA_E_USAGE, "made for 'scaled'");
    assert_failure(open_decoding(own_profile, NULL), POMONA_E_USAGE, "contradicts");
    net.model.n_metadata_props = 0;
}

static void the_metadata_says_views_and_a_head_may_add_some(void **state) {
    (void)state;
    char with_views[256], of_head[256], foreign[256];
    snprintf(with_views, sizeof with_views, "%s views=100c,60c", own_profile);
    snprintf(of_head, sizeof of_head, "%s views=100c,100cm", own_profile);
    network_property(&net, "pomona.profile", own_profile);
    assert_int_equal(open_sized(NULL, NULL, 0), POMONA_OK);
    assert_int_equal(info_of().views, 1);
    assert_int_equal(open_sized("mine", "flip", 0), POMONA_OK);
    assert_int_equal(info_of().views, 2);
    assert_int_equal(open_sized(with_views, NULL, 0), POMONA_OK);
    snprintf(foreign, sizeof foreign, "%s", with_views);
    foreign[5] = 'M';
    assert_failure(open_sized(foreign, NULL, 0), POMONA_E_USAGE, "contradicts the profile");
    assert_failure(open_sized(with_views, "flip", 0), POMONA_E_USAGE, "made for others");

    network_property(&net, "pomona.head.profile", of_head);
    assert_int_equal(open_sized(NULL, NULL, 0), POMONA_OK);
    assert_int_equal(info_of().views, 2);
    assert_int_equal(open_sized("mine", "flip", 0), POMONA_OK);
    assert_failure(open_sized("phone", NULL, 0), POMONA_E_USAGE, "made for 'mine'");
    assert_failure(open_sized(NULL, "scales", 0), POMONA_E_USAGE, "made for others");
    assert_failure(open_sized(NULL, "100c", 0), POMONA_E_USAGE, "made for others");
    net.properties[1]->value = foreign;
    assert_failure(open_sized(NULL, NULL, 0), POMONA_E_CORRUPT, "contradicts the profile");
    net.model.n_metadata_props = 0;
}

/* One photo's features are the mean of those of its pictures, whatever the batch. */
static void features_of_views_are_their_mean(void **state) {
    (void)state;
    enum { PHOTOS = 3, VIEWS = 6, PIXELS = 8 * 8 * 3 };
    static uint8_t pixels[PHOTOS * VIEWS * PIXELS];
    float single[PHOTOS * VIEWS][4], mean[PHOTOS][4], one[4];
    struct pomona_session *session;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * i * 31 + i * 7);
    assert_int_equal(open_net(), POMONA_OK);
    assert_int_equal(pomona_session_new(model, PHOTOS * VIEWS, &session, &error), POMONA_OK);
    assert_int_equal(pomona_session_run(session, pixels, PHOTOS * VIEWS, single[0], &error), POMONA_OK);
    pomona_session_free(&session);
    assert_int_equal(open_sized(NULL, "crops", 0), POMONA_OK);
    assert_int_equal(pomona_session_new(model, PHOTOS, &session, &error), POMONA_OK);
    assert_int_equal(pomona_session_run(session, pixels, PHOTOS, mean[0], &error), POMONA_OK);
    for (int photo = 0; photo < PHOTOS; photo++) {
        for (int f = 0; f < 4; f++) {
            double sum = 0;
            for (int v = 0; v < VIEWS; v++) sum += (double)single[photo * VIEWS + v][f];
            assert_true(mean[photo][f] == (float)(sum / VIEWS));
        }
        assert_int_equal(pomona_session_run(session, pixels + photo * VIEWS * PIXELS, 1, one, &error),
                         POMONA_OK);
        assert_memory_equal(one, mean[photo], sizeof one);
    }
    assert_failure(pomona_session_run(session, pixels, PHOTOS + 1, mean[0], &error), POMONA_E_USAGE,
                   "4 photos");
    pomona_session_free(&session);
}

static void a_layer_is_a_node_or_a_value(void **state) {
    (void)state;
    assert_int_equal(open_with("n_relu", NULL), POMONA_OK);
    assert_string_equal(info_of().layer, "relu");
    assert_int_equal(info_of().features, 4 * 36);
    assert_int_equal(open_with("y", NULL), POMONA_OK);
    assert_int_equal(info_of().features, 5);
    assert_failure(open_with("nobody", NULL), POMONA_E_INPUT,
                   "a.onnx: no node and no value is called 'nobody'");
    assert_failure(open_with("w", NULL), POMONA_E_UNSUPPORTED, "layer 'w' does not depend on the photo");
    assert_null(model);
}

static void without_a_classifier_the_output_or_the_pool_is_the_layer(void **state) {
    (void)state;
    net.graph.n_node = 4;
    net.outputs[0]->name = "flat";
    assert_int_equal(open_net(), POMONA_OK);
    assert_string_equal(info_of().layer, "flat");
    net.outputs[0]->name = "pool";
    assert_int_equal(open_net(), POMONA_OK);
    assert_string_equal(info_of().layer, "pool");
    net.outputs[0]->name = "relu";
    assert_failure(open_net(), POMONA_E_INPUT, "no layer to take features from");
}

static void dense_layers_beside_the_main_path_are_no_classifier(void **state) {
    (void)state;
    net.graph.n_node = 4; /* conv, relu, pool, flat; then a gate made from flat */
    network_list(&net, "gate_shape", 4, (const int64_t[]){0, 4, 1, 1});
    network_floats(&net, "square", 2, (const int64_t[]){4, 4});
    network_node(&net, "MatMul", "flat square", "dense");
    network_node(&net, "Reshape", "dense gate_shape", "gate");
    network_node(&net, "Mul", "relu gate", "gated");
    network_node(&net, "GlobalAveragePool", "gated", "y");
    assert_int_equal(open_net(), POMONA_OK);
    assert_string_equal(info_of().layer, "y");
}

static void only_the_part_up_to_the_layer_matters(void **state) {
    (void)state;
    net.nodes[4]->op_type = "Einsum";
    net.outputs[0]->name = "flat";
    assert_int_equal(open_net(), POMONA_OK);
    assert_failure(open_with("y", NULL), POMONA_E_UNSUPPORTED,
                   "a.onnx: node 'n_y': operator Einsum is not supported");
    net.nodes[4]->domain = "com.microsoft";
    assert_failure(open_with("y", NULL), POMONA_E_UNSUPPORTED,
                   "operator com.microsoft.Einsum is not supported");
}

static void profiles_come_from_the_file(void **state) {
    (void)state;
    static const char text[] = "name=phone decode=exact orient=1 crop=square size=8x8 filter=bicubic "
                               "mean=101.5,110.5,120.5 std=51.5,61.5,71.5 layout=rgb";
    network_property(&net, "pomona.profile", text);
    network_property(&net, "pomona.untrained", "1");
    assert_int_equal(open_net(), POMONA_OK);
    assert_string_equal(info_of().profile.name, "phone");
    assert_true(info_of().profile.mean[1] == 110.5f);
    assert_false(info_of().profile_assumed);
    assert_true(info_of().untrained);
    assert_int_equal(open_with(NULL, "phone"), POMONA_OK);
    assert_failure(open_with(NULL, "spark-compat"), POMONA_E_USAGE,
                   "a.onnx: profile 'spark-compat' was asked for, but the model was made for 'phone'");
    net.properties[0]->value = "{\"name\": \"phone\"}";
    assert_failure(open_net(), POMONA_E_CORRUPT, "a.onnx: metadata pomona.profile: ");
    net.properties[0]->value = "name=phone decode=exact orient=1 crop=square size=16x8 filter=bicubic "
                               "mean=101.5,110.5,120.5 std=51.5,61.5,71.5 layout=rgb";
    assert_failure(open_net(), POMONA_E_CORRUPT, "its profile says 16x8 pixels, its input 8x8");
    net.model.n_metadata_props = 0;
    assert_failure(open_with(NULL, "nonsense"), POMONA_E_USAGE, "nonsense");
}

static void inputs_are_photos(void **state) {
    (void)state;
    Onnx__TensorType *type = net.inputs[0]->type[0]->tensor_type[0];
    Onnx__Dimension **dims = type->shape[0]->dim;
    type->elem_type = 2;
    assert_failure(open_net(), POMONA_E_UNSUPPORTED, "input 'x' has element type 2, not FLOAT");
    type->elem_type = 1;
    dims[1]->dim_value = 4;
    assert_failure(open_net(), POMONA_E_UNSUPPORTED, "input 'x' is no RGB image");
    dims[1]->dim_value = 3;
    dims[2]->dim_value = 5000;
    assert_failure(open_net(), POMONA_E_LIMIT, "more than 4096x4096");
    dims[2]->dim_value = -7;
    assert_failure(open_net(), POMONA_E_CORRUPT, "input 'x' has a negative dimension -7");
    dims[2]->dim_value = 0;
    assert_failure(open_net(), POMONA_E_UNSUPPORTED, "the network takes any image size");
    network_property(
        &net, "pomona.profile",
        "name=phone decode=exact orient=1 crop=square size=8x8 filter=bicubic mean=0,0,0 std=1,1,1 "
        "layout=rgb");
    assert_int_equal(open_net(), POMONA_OK);
    network_input(&net, "z", 1, (const int64_t[]){1});
    assert_failure(open_net(), POMONA_E_UNSUPPORTED, "the network has 2 inputs");
}

static void shapes_must_fit(void **state) {
    (void)state;
    net.tensors[0]->dims[1] = 9, net.tensors[0]->dims[2] = 1;
    assert_failure(open_net(), POMONA_E_CORRUPT, "node 'n_conv' (Conv): weights of 4x9x1x3 and group 1");
    net.tensors[0]->dims[1] = 3, net.tensors[0]->dims[2] = 3;
    net.tensors[1]->dims[0] = 2, net.tensors[1]->n_float_data = 2;
    assert_failure(open_net(), POMONA_E_CORRUPT, "node 'n_conv' (Conv): 2 biases for 4 channels");
    net.tensors[1]->dims[0] = 4, net.tensors[1]->n_float_data = 4;
    net.tensors[2]->dims[0] = 4, net.tensors[2]->dims[1] = 5;
    assert_failure(open_with("y", NULL), POMONA_E_CORRUPT, "node 'n_y' (Gemm): a matrix of 5x4 does not fit");
    net.tensors[2]->dims[0] = 5, net.tensors[2]->dims[1] = 4;
    network_ints(&net, net.nodes[0], "kernel_shape", 2, (const int64_t[]){5, 3});
    assert_failure(open_net(), POMONA_E_CORRUPT, "kernel_shape 5x3 contradicts weights of 3x3");
    net.nodes[0]->n_attribute = 0;
    network_ints(&net, net.nodes[0], "dilations", 2, (const int64_t[]){1, 9});
    assert_failure(open_net(), POMONA_E_CORRUPT, "its window of 19 does not fit an image of 8");
}

static void sizes_have_bounds(void **state) {
    (void)state;
    network_ints(&net, net.nodes[0], "pads", 4, (const int64_t[]){1 << 20, 0, 0, 0});
    assert_failure(open_net(), POMONA_E_UNSUPPORTED, "attribute 'pads' has 1048576");
    net.nodes[0]->n_attribute = 0;
    network_ints(&net, net.nodes[0], "strides", 2, (const int64_t[]){0, 1});
    assert_failure(open_net(), POMONA_E_LIMIT, "attribute 'strides' has 0");
    single_node("Pad", "x pads");
    int64_t pads[8] = {0, 0, 4096, 4096, 0, 0, 4096, 4096};
    network_list(&net, "pads", 8, pads);
    assert_int_equal(open_with("y", NULL), POMONA_OK); /* 8200 x 8200 x 3 is large, but within bounds */
    network_node(&net, "Pad", "y pads", "z");
    assert_failure(open_with("z", NULL), POMONA_E_LIMIT, "node 'n_z' (Pad): its result has more than");
}

static void broadcasts_have_bounds(void **state) {
    (void)state;
    single_node("Add", "column row");
    network_floats(&net, "column", 2, (const int64_t[]){40000, 1});
    network_floats(&net, "row", 2, (const int64_t[]){1, 40000});
    net.nodes[0]->output[0] = "sum";
    network_node(&net, "Add", "x sum", "y");
    assert_failure(open_with("y", NULL), POMONA_E_LIMIT, "node 'n_y' (Add): its constant takes more memory");
}

static void wrong_attributes_and_types_are_refused(void **state) {
    (void)state;
    network_int(&net, net.nodes[1], "mystery", 1);
    assert_failure(open_net(), POMONA_E_UNSUPPORTED,
                   "node 'n_relu' (Relu): attribute 'mystery' is not supported");
    net.nodes[1]->n_attribute = 0;
    network_ints(&net, net.nodes[0], "group", 1, (const int64_t[]){1});
    assert_failure(open_net(), POMONA_E_CORRUPT,
                   "node 'n_conv' (Conv): attribute 'group' has the wrong type");
    net.nodes[0]->n_attribute = 0;
    static int64_t bias[4] = {1, 2, 3, 4};
    net.tensors[1]->data_type = 7;
    net.tensors[1]->n_float_data = 0;
    net.tensors[1]->int64_data = bias;
    net.tensors[1]->n_int64_data = 4;
    assert_failure(open_net(), POMONA_E_CORRUPT, "node 'n_conv' (Conv): input 2 ('b') has the wrong type");
}

static void nothing_mixes_the_photos_of_a_batch(void **state) {
    (void)state;
    single_node("Reshape", "x shape");
    network_list(&net, "shape", 2, (const int64_t[]){3, -1});
    assert_failure(open_with("y", NULL), POMONA_E_UNSUPPORTED, "node 'n_y' (Reshape): it mixes the photos");
    network_ints(&net, single_node("ReduceMean", "x"), "axes", 1, (const int64_t[]){0});
    assert_failure(open_with("y", NULL), POMONA_E_UNSUPPORTED, "it mixes the photos");
    network_int(&net, single_node("Concat", "x x"), "axis", 0);
    assert_failure(open_with("y", NULL), POMONA_E_UNSUPPORTED, "it mixes the photos");
    single_node("Squeeze", "x");
    assert_failure(open_with("y", NULL), POMONA_E_UNSUPPORTED,
                   "node 'n_y' (Squeeze): it drops the batch axis");
}

static void sessions_have_bounds(void **state) {
    (void)state;
    struct pomona_session *session = NULL;
    static const uint8_t pixels[3 * 8 * 8 * 3];
    float features[3 * 4];
    assert_int_equal(open_net(), POMONA_OK);
    assert_failure(pomona_session_new(model, 0, &session, &error), POMONA_E_USAGE, "a batch of 0 photos");
    assert_failure(pomona_session_new(model, 65, &session, &error), POMONA_E_USAGE, "a batch of 65 photos");
    assert_null(session);
    assert_int_equal(pomona_session_new(model, 2, &session, &error), POMONA_OK);
    assert_failure(pomona_session_run(session, pixels, 3, features, &error), POMONA_E_USAGE, "3 photos");
    assert_failure(pomona_session_run(session, pixels, 0, features, &error), POMONA_E_USAGE, "0 photos");
    assert_int_equal(pomona_session_run(session, pixels, 2, features, &error), POMONA_OK);
    assert_memory_equal(features, features + 4, 4 * sizeof *features);
    pomona_session_free(&session);
    pomona_session_free(&session);
    pomona_session_free(NULL);
}

/* The classifier by hand: (pixel - 127.5) / 127.5, 3x3 convolution, relu, mean. */
static void numbers_are_right(void **state) {
    (void)state;
    uint8_t pixels[8][8][3];
    float features[4];
    for (size_t i = 0; i < sizeof pixels; i++) ((uint8_t *)pixels)[i] = (uint8_t)(i * 7 % 251);
    assert_int_equal(open_net(), POMONA_OK);
    struct pomona_session *session = NULL;
    assert_int_equal(pomona_session_new(model, 1, &session, &error), POMONA_OK);
    assert_int_equal(pomona_session_run(session, pixels[0][0], 1, features, &error), POMONA_OK);
    pomona_session_free(&session);
    const float *w = net.tensors[0]->float_data, *b = net.tensors[1]->float_data;
    for (size_t out = 0; out < 4; out++) {
        double mean = 0;
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 6; x++) {
                double sum = b[out];
                for (int i = 0; i < 27; i++)
                    sum += w[out * 27 + (size_t)i] * (pixels[y + i % 9 / 3][x + i % 3][i / 9] / 127.5 - 1);
                mean += sum > 0 ? sum / 36 : 0;
            }
        assert_true(fabs(mean - (double)features[out]) < 1e-5);
    }
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    network_pack(&net, &file);
    for (long k = 1;; k++) {
        struct pomona_session *session = NULL;
        memset(&error, 0, sizeof error);
        fail_allocation(k);
        pomona_status status =
            pomona_model_open_memory(context, "a.onnx", file.data, file.size, NULL, &model, &error);
        if (status == POMONA_OK) status = pomona_session_new(model, 2, &session, &error);
        int failed = failed_allocation();
        fail_allocation(0);
        pomona_session_free(&session);
        pomona_model_free(&model);
        if (!failed) {
            assert_int_equal(status, POMONA_OK);
            assert_true(k > 20);
            return;
        }
        assert_true(status == POMONA_E_MEMORY || status == POMONA_OK);
    }
}

static void a_missing_file_is_named(void **state) {
    (void)state;
    assert_failure(pomona_model_open(context, "/nowhere/b.onnx", NULL, &model, &error), POMONA_E_INPUT,
                   "/nowhere/b.onnx");
    assert_failure(pomona_model_open(context, "/tmp", NULL, &model, &error), POMONA_E_INPUT, "/tmp");
}

/* Damage behind the loader's back: shapes and names that still parse. Nothing may crash; a sanitizer looks on. */
static void no_changed_byte_does_harm(void **state) {
    (void)state;
    static const uint8_t changes[] = {0x01, 0x04, 0x80, 0xFF};
    network_pack(&net, &file);
    for (size_t at = 0; at < file.size; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            struct pomona_session *session = NULL;
            static uint8_t pixels[64 * 64 * 3];
            file.data[at] ^= changes[i];
            pomona_status status =
                pomona_model_open_memory(context, "a.onnx", file.data, file.size, NULL, &model, &error);
            if (status == POMONA_OK && info_of().input_width <= 64 && info_of().input_height <= 64 &&
                info_of().features <= 4096 && pomona_session_new(model, 1, &session, &error) == POMONA_OK) {
                static float features[4096];
                pomona_session_run(session, pixels, 1, features, &error);
            }
            pomona_session_free(&session);
            pomona_model_free(&model);
            file.data[at] ^= changes[i];
        }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_embedded_model_opens),
        T(a_session_reads_no_further_than_its_pixels),
        T(info_says_what_the_file_is),
        T(a_feature_space_is_model_layer_and_profile),
        T(views_and_size_are_of_the_feature_space),
        T(scaled_decoding_is_another_feature_space),
        T(the_metadata_says_views_and_a_head_may_add_some),
        T(features_of_views_are_their_mean),
        T(a_layer_is_a_node_or_a_value),
        T(without_a_classifier_the_output_or_the_pool_is_the_layer),
        T(dense_layers_beside_the_main_path_are_no_classifier),
        T(only_the_part_up_to_the_layer_matters),
        T(profiles_come_from_the_file),
        T(inputs_are_photos),
        T(shapes_must_fit),
        T(sizes_have_bounds),
        T(broadcasts_have_bounds),
        T(wrong_attributes_and_types_are_refused),
        T(nothing_mixes_the_photos_of_a_batch),
        T(sessions_have_bounds),
        T(numbers_are_right),
        T(every_failed_allocation_is_reported),
        T(a_missing_file_is_named),
        T(no_changed_byte_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
