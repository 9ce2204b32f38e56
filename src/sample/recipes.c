#include "sample/recipes.h"

#include "sample/random.h"

#include <stdio.h>

/* clang-format off */
static const struct recipe table[RECIPES] = {
    {.name = "apple-red", .base = 0xB5202A, .blush = 0xE8B04A, .mark = 0xF0C878, .size = 0.86f, .length = 0.93f, .egg = 0.08f,
     .blush_bias = -0.25f, .blush_axis = 0.35f, .blush_side = 0.3f, .clouds = 0.3f, .stripes = 13, .stripe_strength = 0.22f,
     .speckle_scale = 9, .speckle_strength = 0.5f, .speckle_size = 0.10f, .gloss = 0.75f, .stalk = 0.42f, .dimple = 0.55f},
    {.name = "apple-green", .base = 0x8DB92E, .blush = 0xC9D66B, .mark = 0xE9F0B8, .size = 0.86f, .length = 0.9f, .egg = 0.1f,
     .blush_axis = 0.4f, .clouds = 0.4f, .speckle_scale = 8, .speckle_strength = 0.6f, .speckle_size = 0.11f, .gloss = 0.7f,
     .stalk = 0.4f, .dimple = 0.5f},
    {.name = "apple-golden", .base = 0xE3C24E, .blush = 0xD9813B, .mark = 0x9A7B3C, .size = 0.84f, .length = 0.98f, .egg = 0.12f,
     .blush_bias = -0.5f, .blush_side = 0.8f, .clouds = 0.5f, .speckle_scale = 10, .speckle_strength = 0.5f, .speckle_size = 0.09f,
     .gloss = 0.55f, .stalk = 0.45f, .dimple = 0.45f},
    {.name = "apricot", .base = 0xF0A03C, .blush = 0xD9552B, .mark = 0xC04A2A, .size = 0.68f, .length = 0.97f,
     .blush_bias = -0.55f, .blush_side = 0.9f, .clouds = 0.6f, .speckle_scale = 9, .speckle_strength = 0.25f, .speckle_size = 0.12f,
     .stripes = 1, .stripe_strength = 0.16f, .gloss = 0.12f, .dimple = 0.35f},
    {.name = "avocado", .base = 0x3E4A22, .blush = 0x596B2B, .mark = 0x252C16, .size = 0.88f, .length = 1.38f, .egg = -0.24f, .pinch = -0.1f,
     .blush_axis = 0.5f, .clouds = 0.6f, .speckle_scale = 10, .speckle_strength = 0.4f, .speckle_size = 0.16f, .bump_scale = 2.6f,
     .bump_strength = 0.28f, .gloss = 0.35f, .stalk = 0.14f},
    {.name = "banana", .base = 0xF2CF3B, .blush = 0xB5B83C, .mark = 0x6B4A22, .size = 0.95f, .length = 3.0f, .pinch = -0.3f, .bend = 0.3f,
     .blush_bias = -0.75f, .blush_axis = 0.9f, .clouds = 0.3f, .stripes = 5, .stripe_strength = 0.2f, .speckle_scale = 5, .speckle_strength = 0.55f,
     .speckle_size = 0.07f, .gloss = 0.25f, .stalk = 0.5f},
    {.name = "blueberry", .base = 0x39456F, .blush = 0x8E9CC4, .mark = 0x232B48, .calyx = 0x272F50, .size = 0.58f, .length = 0.92f,
     .blush_bias = -0.1f, .blush_side = 0.4f, .clouds = 0.5f, .gloss = 0.12f, .calyx_size = 0.26f},
    {.name = "cherry", .base = 0x8E1020, .blush = 0xC92A2E, .mark = 0xE06050, .size = 0.62f, .length = 0.94f, .egg = 0.07f,
     .blush_side = 0.6f, .clouds = 0.4f, .gloss = 1.0f, .stalk = 1.5f, .dimple = 0.5f},
    {.name = "kiwi", .base = 0x7A5B35, .blush = 0x8F7040, .mark = 0x4C371F, .size = 0.76f, .length = 1.24f,
     .clouds = 0.8f, .speckle_scale = 15, .speckle_strength = 0.5f, .speckle_size = 0.2f, .bump_scale = 4.5f, .bump_strength = 0.22f, .gloss = 0.05f,
     .dimple = 0.4f},
    {.name = "lemon", .base = 0xF4D736, .blush = 0xDDC93A, .mark = 0xC9A526, .size = 0.8f, .length = 1.36f, .pinch = -0.14f,
     .blush_axis = 0.5f, .clouds = 0.4f, .speckle_scale = 13, .speckle_strength = 0.3f, .speckle_size = 0.16f, .bump_scale = 3.6f, .bump_strength = 0.07f,
     .gloss = 0.35f, .stalk = 0.1f},
    {.name = "lime", .base = 0x5B9A2B, .blush = 0x9CC043, .mark = 0x3E7420, .size = 0.7f, .length = 1.16f, .pinch = -0.08f,
     .blush_axis = 0.6f, .clouds = 0.5f, .speckle_scale = 13, .speckle_strength = 0.4f, .speckle_size = 0.15f, .bump_scale = 3.6f, .bump_strength = 0.07f,
     .gloss = 0.45f, .stalk = 0.08f},
    {.name = "lychee", .base = 0xC24A4E, .blush = 0xD98A6A, .mark = 0x8C2C34, .size = 0.62f, .length = 1.02f,
     .blush_axis = -0.5f, .clouds = 0.5f, .bump_scale = 3.0f, .bump_strength = 0.65f, .gloss = 0.08f, .stalk = 0.3f},
    {.name = "mango", .base = 0xD9A62E, .blush = 0xB83A2C, .mark = 0xE7CF7A, .size = 0.9f, .length = 1.34f, .egg = 0.12f, .bend = 0.08f,
     .blush_bias = -0.2f, .blush_axis = 0.6f, .blush_side = 0.6f, .clouds = 0.35f, .speckle_scale = 9, .speckle_strength = 0.4f, .speckle_size = 0.1f,
     .gloss = 0.4f, .stalk = 0.12f},
    {.name = "orange", .base = 0xF08A1D, .blush = 0xF5A53A, .mark = 0xC46812, .calyx = 0x5E7A36, .size = 0.82f, .length = 0.97f,
     .clouds = 0.4f, .speckle_scale = 15, .speckle_strength = 0.4f, .speckle_size = 0.17f, .bump_scale = 4.0f, .bump_strength = 0.07f,
     .gloss = 0.4f, .calyx_size = 0.09f},
    {.name = "peach", .base = 0xF2B36B, .blush = 0xC73B45, .mark = 0xF7D9A5, .size = 0.78f, .length = 0.96f, .egg = -0.04f,
     .blush_bias = -0.1f, .blush_axis = 0.3f, .blush_side = 0.9f, .clouds = 0.45f, .stripes = 1, .stripe_strength = 0.2f, .gloss = 0.05f,
     .dimple = 0.5f},
    {.name = "pear", .base = 0xB9C34A, .blush = 0xC98A3A, .mark = 0x7B6A2C, .size = 0.92f, .length = 1.36f, .egg = -0.34f, .pinch = -0.1f,
     .blush_bias = -0.7f, .blush_side = 0.8f, .clouds = 0.5f, .speckle_scale = 12, .speckle_strength = 0.55f, .speckle_size = 0.13f, .gloss = 0.3f,
     .stalk = 0.45f},
    {.name = "persimmon", .base = 0xEB7A22, .blush = 0xD9541E, .mark = 0xF0A050, .calyx = 0x6E7B3A, .size = 0.8f, .length = 0.78f,
     .blush_side = 0.5f, .clouds = 0.5f, .stripes = 4, .stripe_strength = 0.1f, .gloss = 0.6f, .calyx_size = 0.5f},
    {.name = "plum", .base = 0x4A2348, .blush = 0x8A5A86, .mark = 0x2B1630, .size = 0.7f, .length = 1.14f,
     .blush_bias = -0.15f, .blush_side = 0.5f, .clouds = 0.5f, .stripes = 1, .stripe_strength = 0.22f, .speckle_scale = 9, .speckle_strength = 0.25f,
     .speckle_size = 0.1f, .gloss = 0.4f, .stalk = 0.16f, .dimple = 0.4f},
    {.name = "pomegranate", .base = 0xB32B3A, .blush = 0xDE8A5A, .mark = 0x7E1C28, .calyx = 0xC0563E, .size = 0.86f, .length = 0.95f,
     .blush_bias = -0.2f, .blush_side = 0.6f, .clouds = 0.5f, .stripes = 6, .stripe_strength = 0.14f, .speckle_scale = 9, .speckle_strength = 0.3f,
     .speckle_size = 0.14f, .gloss = 0.45f, .stalk = 0.2f, .calyx_size = 0.24f},
    {.name = "raspberry", .base = 0xC4213F, .blush = 0xE0566A, .mark = 0x8C1230, .calyx = 0x7FA24C, .size = 0.66f, .length = 1.12f, .egg = 0.16f,
     .clouds = 0.3f, .bump_scale = 2.6f, .bump_strength = 0.95f, .gloss = 0.45f, .calyx_size = 0.42f},
    {.name = "strawberry", .base = 0xCF1F28, .blush = 0xE8653F, .mark = 0xF2D067, .calyx = 0x4F8F2F, .size = 0.78f, .length = 1.2f, .egg = 0.3f, .pinch = -0.12f,
     .blush_bias = -0.55f, .blush_axis = 0.8f, .clouds = 0.3f, .speckle_scale = 5.5f, .speckle_strength = 0.95f, .speckle_size = 0.16f,
     .bump_scale = 2.4f, .bump_strength = 0.3f, .gloss = 0.7f, .calyx_size = 0.62f},
    {.name = "tangerine", .base = 0xF5761A, .blush = 0xF79A32, .mark = 0xD25A0E, .calyx = 0x4F7A33, .size = 0.7f, .length = 0.82f,
     .clouds = 0.4f, .stripes = 9, .stripe_strength = 0.07f, .speckle_scale = 14, .speckle_strength = 0.4f, .speckle_size = 0.16f,
     .bump_scale = 3.6f, .bump_strength = 0.08f, .gloss = 0.5f, .calyx_size = 0.12f, .dimple = 0.3f},
    {.name = "tomato", .base = 0xCE2A1C, .blush = 0xE8641F, .mark = 0xF08A3A, .calyx = 0x3F7D2B, .size = 0.8f, .length = 0.82f,
     .blush_bias = -0.6f, .blush_axis = 0.7f, .clouds = 0.3f, .stripes = 5, .stripe_strength = 0.08f, .gloss = 0.9f, .stalk = 0.3f, .calyx_size = 0.44f},
    {.name = "watermelon", .base = 0x6FA046, .blush = 0x86B35A, .mark = 0x1F4D24, .size = 0.94f, .length = 1.18f,
     .clouds = 0.5f, .stripes = 7, .stripe_strength = 0.9f, .gloss = 0.35f, .stalk = 0.16f, .dimple = 0.2f},
};
/* clang-format on */

/* Moves each channel by up to `amount`. */
static uint32_t vary_colour(uint32_t colour, float amount, struct random *random) {
    uint32_t varied = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        float channel = (float)(colour >> shift & 255) + random_range(random, -amount, amount);
        varied |= (uint32_t)(channel < 0 ? 0 : channel > 255 ? 255 : channel) << shift;
    }
    return varied;
}

struct recipe recipe_for_class(int class_index) {
    struct recipe recipe = table[class_index % RECIPES];
    if (class_index < RECIPES) return recipe;
    struct random random =
        random_for(0x706F6D6F6E61u, (uint64_t)class_index, 0); /* whatever the corpus' seed */
    recipe.base = vary_colour(recipe.base, 60, &random);
    recipe.blush = vary_colour(recipe.blush, 60, &random);
    recipe.mark = vary_colour(recipe.mark, 40, &random);
    recipe.length *= random_range(&random, 0.85f, 1.2f);
    recipe.size *= random_range(&random, 0.8f, 1.0f);
    recipe.blush_bias += random_range(&random, -0.4f, 0.4f);
    recipe.clouds *= random_range(&random, 0.6f, 1.5f);
    return recipe;
}

void recipe_label(int class_index, char label[LABEL_SIZE]) {
    const char *name = table[class_index % RECIPES].name;
    if (class_index < RECIPES)
        snprintf(label, LABEL_SIZE, "%s", name);
    else
        snprintf(label, LABEL_SIZE, "%s-%d", name, class_index / RECIPES + 1);
}
