/* One photo, ready to be drawn: a recipe seen from somewhere, under some light. */
#ifndef SAMPLE_SCENE_H
#define SAMPLE_SCENE_H

#include "sample/recipes.h"

#include <stdbool.h>

/* Screen coordinates have their origin at the fruit's centre, x to the right, y down, in units of the fruit's radius. Body
 * coordinates (a, b, c) are a along the axis towards the stalk, b and c across; the body is the unit sphere in them. */
struct scene {
    struct recipe recipe;
    int size;                        /* pixels of a side */
    float center_x, center_y, scale; /* pixels; pixels a radius */
    float roll_cos, roll_sin;        /* of the axis in the picture, 0 is upright */
    float pitch_cos, pitch_sin;      /* of the axis out of the picture */
    float spin_cos, spin_sin;        /* around the axis */
    float length, egg, pinch, bend;  /* as they look from here */
    float cloud[3][4];               /* waves over the body: direction and phase */
    float light[3], half[3]; /* towards the lamp; between lamp and eye; unit vectors: right, down, out */
    float ambient;
    float base[3], blush[3], mark[3], calyx[3], background[3], stalk_colour[3]; /* 0..255 */
    float shadow_x, shadow_y, shadow_width, shadow_height, shadow_strength;
    float stalk[4], stalk_width; /* from x, y to x, y; half width */
    bool stalk_in_front;
    uint32_t noise;
};

enum { FRAMES_OF_A_TURN = 120 }; /* three degrees a frame */

/* Sets up frame 0, 1, ... of a class: every FRAMES_OF_A_TURN frames show another specimen on another axis. */
void scene_make(uint64_t seed, int class_index, int64_t frame, int size, struct scene *scene);

/* Draws it: pixels [size][size][3]. */
void scene_draw(const struct scene *scene, uint8_t *pixels);

#endif
