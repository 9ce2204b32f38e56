#include "sample/scene.h"

#include "sample/random.h"

#include <math.h>

static void unpack_colour(uint32_t packed, const float tint[3], float colour[3]) {
    for (int c = 0; c < 3; c++) {
        float value = (float)(packed >> (16 - 8 * c) & 255) * tint[c];
        colour[c] = value > 255 ? 255 : value;
    }
}

static void unit(float v[3]) {
    float inverse = 1 / sqrtf(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    for (int i = 0; i < 3; i++) v[i] *= inverse;
}

/* What differs between specimens of a class: proportions, colours, clouds. */
static void make_specimen(struct scene *s, struct random *random) {
    struct recipe *r = &s->recipe;
    float brightness = random_range(random, 0.92f, 1.06f), tint[3];
    for (int c = 0; c < 3; c++) tint[c] = brightness * random_range(random, 0.96f, 1.04f);
    unpack_colour(r->base, tint, s->base);
    unpack_colour(r->blush, tint, s->blush);
    unpack_colour(r->mark, tint, s->mark);
    unpack_colour(r->calyx, tint, s->calyx);
    unpack_colour(0x6B4A2A, tint, s->stalk_colour);
    r->length *= random_range(random, 0.95f, 1.06f);
    r->size *= random_range(random, 0.93f, 1.03f);
    r->egg += random_range(random, -0.03f, 0.03f);
    r->bend *= random_range(random, 0.85f, 1.15f);
    r->blush_bias += random_range(random, -0.15f, 0.15f);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) s->cloud[i][k] = random_range(random, -0.75f, 0.75f);
        s->cloud[i][3] = random_range(random, 0, 1);
    }
}

static void set_angle(double turns, float *cosine, float *sine) {
    *cosine = (float)cosine_turns(turns);
    *sine = (float)sine_turns(turns);
}

/* The turntable: specimens take turns on an axis along the fruit, across it, and towards the camera. */
static void make_pose(struct scene *s, int64_t frame, struct random *random) {
    double turn = (double)(frame % FRAMES_OF_A_TURN) / FRAMES_OF_A_TURN;
    double roll = (double)random_range(random, -0.05f, 0.05f),
           pitch = (double)random_range(random, 0.01f, 0.09f);
    double spin = (double)random_range(random, 0, 1);
    switch (frame / FRAMES_OF_A_TURN % 3) {
    case 0: spin += turn; break;
    case 1: roll += turn; break;
    default: pitch += turn; break;
    }
    set_angle(roll, &s->roll_cos, &s->roll_sin);
    set_angle(pitch, &s->pitch_cos, &s->pitch_sin);
    set_angle(spin, &s->spin_cos, &s->spin_sin);
    const struct recipe *r = &s->recipe;
    float along = r->length * s->pitch_cos;
    s->length = sqrtf(along * along + s->pitch_sin * s->pitch_sin);
    s->egg = r->egg * s->pitch_cos;
    s->pinch = r->pinch * s->pitch_cos * s->pitch_cos;
    s->bend = r->bend * s->pitch_cos;
}

static void to_screen(const struct scene *s, float along, float across, float *x, float *y) {
    *x = along * s->roll_sin + across * s->roll_cos;
    *y = -along * s->roll_cos + across * s->roll_sin;
}

/* Fits the fruit with its stalk into the picture, whatever the turn. */
static void make_frame(struct scene *s) {
    const struct recipe *r = &s->recipe;
    float reach = r->length + 0.5f * r->stalk, x, y;
    if (reach < 1) reach = 1;
    s->scale = 0.49f * r->size * (float)s->size / reach;
    to_screen(s, 0.5f * r->stalk * s->pitch_cos, 0, &x, &y);
    s->center_x = 0.5f * (float)s->size - s->scale * x;
    s->center_y = 0.5f * (float)s->size - s->scale * y;
    float lean = s->bend * s->length * 0.6f, tip = lean + 0.12f * r->stalk;
    to_screen(s, 0.88f * r->length * s->pitch_cos, lean, &s->stalk[0], &s->stalk[1]);
    to_screen(s, (r->length + r->stalk) * s->pitch_cos, tip, &s->stalk[2], &s->stalk[3]);
    s->stalk_width = r->length > 2 ? 0.13f : 0.055f;
    s->stalk_in_front = s->pitch_sin >= 0;
}

static void make_light(struct scene *s, struct random *random) {
    s->light[0] = random_range(random, -0.6f, -0.35f);
    s->light[1] = random_range(random, -0.7f, -0.45f);
    s->light[2] = random_range(random, 0.6f, 0.8f);
    unit(s->light);
    for (int i = 0; i < 3; i++) s->half[i] = s->light[i];
    s->half[2] += 1;
    unit(s->half);
    s->ambient = random_range(random, 0.38f, 0.48f);
    float white = random_range(random, 242, 252);
    for (int c = 0; c < 3; c++) s->background[c] = white + random_range(random, -3, 3);
    float up = s->length * s->roll_cos, side = s->length * s->roll_sin;
    float height = sqrtf(up * up + s->roll_sin * s->roll_sin),
          width = sqrtf(side * side + s->roll_cos * s->roll_cos);
    s->shadow_x = 0.14f;
    s->shadow_y = height * 0.86f;
    s->shadow_width = 1.18f * width;
    s->shadow_height = 0.2f + 0.16f * height;
    s->shadow_strength = random_range(random, 0.26f, 0.38f);
    s->noise = (uint32_t)random_next(random);
}

void scene_make(uint64_t seed, int class_index, int64_t frame, int size, struct scene *scene) {
    int64_t specimen = frame / FRAMES_OF_A_TURN;
    struct random of_specimen = random_for(seed, (uint64_t)class_index, (uint64_t)specimen * 2);
    struct random of_photo = random_for(seed ^ (uint64_t)class_index << 40, (uint64_t)frame, 1);
    *scene = (struct scene){.recipe = recipe_for_class(class_index), .size = size};
    make_specimen(scene, &of_specimen);
    make_pose(scene, frame, &of_specimen);
    make_frame(scene);
    make_light(scene, &of_photo);
}
