/* What the fruit look like: invented recipes with the names of real fruit. */
#ifndef SAMPLE_RECIPES_H
#define SAMPLE_RECIPES_H

#include <stddef.h>
#include <stdint.h>

enum { RECIPES = 24, LABEL_SIZE = 48 };

/* A body of revolution around an axis; lengths are in units of its radius, colours 0xRRGGBB. */
struct recipe {
    const char *name;
    uint32_t base, blush;                     /* the skin, and what it turns to */
    uint32_t mark;                            /* stripes or speckles */
    uint32_t calyx;                           /* leaves at the stalk */
    float size;                               /* share of the picture, 0..1 */
    float length;                             /* half axis */
    float egg, pinch;                         /* width along the axis, t = -1..1: 1 + egg t + pinch t^2 */
    float bend;                               /* of the axis, a parabola */
    float blush_bias, blush_axis, blush_side; /* amount of blush: bias + axis a + side b + clouds */
    float clouds;
    int stripes; /* meridians, 0 for none */
    float stripe_strength;
    float speckle_scale; /* cells a radius, 0 for none */
    float speckle_strength, speckle_size;
    float bump_scale, bump_strength;
    float gloss;
    float stalk;      /* length, 0 for none */
    float calyx_size; /* 0 for none */
    float dimple;     /* darkness where the stalk sits */
};

/* The recipe of class 0, 1, ...: the table's, and after its end the same again with other colours and proportions. */
struct recipe recipe_for_class(int class_index);

/* The label of a class: "apple-red", ... and from class RECIPES on "apple-red-2" and so on. */
void recipe_label(int class_index, char label[LABEL_SIZE]);

#endif
