/* Draws a scene, four pixels at a time. Only + - * / and square roots, which IEEE 754 rounds the same on every machine
 * (the build turns contraction off), so that the same scene gives the same bytes everywhere. */
#include "sample/scene.h"

#include <math.h>
#include <string.h>

enum { LANES = 4 };

typedef float f4 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef uint32_t u4 __attribute__((vector_size(16)));

struct colour4 {
    f4 c[3];
};

/* What a pixel sees of the body. */
struct surface {
    f4 coverage; /* 0..1 of the pixel */
    f4 a, b, c;  /* body coordinates */
    f4 nx, ny, nz;
    f4 pole;  /* distance to the axis, sqrt(b^2 + c^2) */
    f4 cloud; /* -1..1 */
};

static inline f4 splat(float value) { return (f4){value, value, value, value}; }

static inline f4 pick(i4 mask, f4 yes, f4 no) { return (f4)((mask & (i4)yes) | (~mask & (i4)no)); }

static inline f4 lower(f4 a, f4 b) { return pick(a < b, a, b); }

static inline f4 higher(f4 a, f4 b) { return pick(a > b, a, b); }

static inline f4 clamp01(f4 a) { return lower(higher(a, splat(0)), splat(1)); }

static inline f4 absolute(f4 a) { return higher(a, -a); }

static inline f4 root(f4 a) { return (f4){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])}; }

static inline f4 smooth(f4 a) {
    f4 x = clamp01(a);
    return x * x * (splat(3) - x - x);
}

/* The nearest lower integer, for |a| < 2^31. */
static inline i4 floor4(f4 a) {
    i4 cut = __builtin_convertvector(a, i4);
    return cut + (__builtin_convertvector(cut, f4) > a);
}

/* Like sin(2 pi a), of parabolas. */
static inline f4 wave(f4 a) {
    f4 x = a - __builtin_convertvector(floor4(a + splat(0.5f)), f4);
    return x * (splat(8) - splat(16) * absolute(x));
}

static inline u4 hash(u4 x) {
    x ^= x >> 16;
    x *= 0x7FEB352Du; /* constants: C. Wellons, "Prospecting for hash functions", 2018 */
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ x >> 16;
}

/* Eight bits of a hash as 0..1. */
static inline f4 part(u4 h, int shift) {
    return __builtin_convertvector((i4)(h >> shift & 255), f4) * splat(1.0f / 255);
}

static inline struct colour4 mix(struct colour4 from, const float to[3], f4 amount) {
    for (int k = 0; k < 3; k++) from.c[k] += (splat(to[k]) - from.c[k]) * amount;
    return from;
}

static inline struct colour4 scale_colour(struct colour4 colour, f4 amount) {
    for (int k = 0; k < 3; k++) colour.c[k] *= amount;
    return colour;
}

/* The body of revolution seen from here: an ellipse whose width varies along the axis, with a depth like a sphere's. */
static inline struct surface find_surface(const struct scene *s, f4 x, f4 y) {
    struct surface f;
    f4 t = (x * s->roll_sin - y * s->roll_cos) / s->length;
    f4 across = x * s->roll_cos + y * s->roll_sin - s->bend * s->length * (t * t - 0.4f);
    f4 width = higher(1 + s->egg * t + s->pinch * t * t, splat(0.2f));
    f4 q = across / width, rho2 = t * t + q * q, z = root(higher(1 - rho2, splat(0)));
    f4 slope = s->egg + 2 * s->pinch * t; /* of the width */
    f4 along_n = (t - q * q * slope / width) / s->length, across_n = q / width;
    f4 rho = root(higher(rho2, splat(1e-4f))), steep = root(along_n * along_n + across_n * across_n) / rho;
    f.coverage = clamp01((1 - rho) * s->scale / higher(steep, splat(0.05f)) + 0.5f);
    f4 norm = 1 / root(along_n * along_n + across_n * across_n + z * z + 1e-6f);
    f.nx = (along_n * s->roll_sin + across_n * s->roll_cos) * norm;
    f.ny = (across_n * s->roll_sin - along_n * s->roll_cos) * norm;
    f.nz = z * norm;
    f4 out = z * s->pitch_cos - t * s->pitch_sin;
    f.a = t * s->pitch_cos + z * s->pitch_sin;
    f.b = out * s->spin_cos - q * s->spin_sin;
    f.c = out * s->spin_sin + q * s->spin_cos;
    f.pole = root(f.b * f.b + f.c * f.c + 1e-6f);
    f.cloud = splat(0);
    for (int i = 0; i < 3; i++) /* each wave bends the next */
        f.cloud = wave(f.a * s->cloud[i][0] + f.b * s->cloud[i][1] + f.c * s->cloud[i][2] + s->cloud[i][3] +
                       0.22f * f.cloud) +
                  0.35f * f.cloud;
    f.cloud *= 0.7f;
    return f;
}

/* cos(n psi), psi the angle around the axis. */
static inline f4 meridians(const struct surface *f, int n) {
    f4 re = f->b / f->pole, im = f->c / f->pole, x = re, y = im;
    for (int i = 1; i < n; i++) {
        f4 next = x * re - y * im;
        y = x * im + y * re;
        x = next;
    }
    return x;
}

/* Stripes along the meridians; a single one is a narrow groove. */
static inline struct colour4 add_stripes(const struct scene *s, const struct surface *f,
                                         struct colour4 colour) {
    f4 stripe = meridians(f, s->recipe.stripes);
    if (s->recipe.stripes == 1) {
        stripe = higher(stripe, splat(0));
        for (int i = 0; i < 6; i++) stripe *= stripe;
    } else {
        stripe = smooth(1.1f * stripe + 0.9f * f->cloud + 0.35f);
    }
    return mix(colour, s->mark, stripe * s->recipe.stripe_strength * smooth(4 * f->pole));
}

/* At most one speckle in each cell of a lattice through the body. */
static inline struct colour4 add_speckles(const struct scene *s, const struct surface *f,
                                          struct colour4 colour) {
    const struct recipe *r = &s->recipe;
    f4 a = f->a * r->speckle_scale, b = f->b * r->speckle_scale, c = f->c * r->speckle_scale;
    i4 ia = floor4(a), ib = floor4(b), ic = floor4(c);
    u4 h = hash((u4)ia * 0x8DA6B343u ^ (u4)ib * 0xD8163841u ^ (u4)ic * 0xCB1AB31Fu);
    f4 da = a - __builtin_convertvector(ia, f4) - 0.25f - 0.5f * part(h, 0);
    f4 db = b - __builtin_convertvector(ib, f4) - 0.25f - 0.5f * part(h, 8);
    f4 dc = c - __builtin_convertvector(ic, f4) - 0.25f - 0.5f * part(h, 16);
    f4 radius = r->speckle_size * (1.2f + part(h, 24)),
       blur = splat(0.6f * r->speckle_scale / s->scale + 0.02f);
    f4 spot = clamp01((radius - root(da * da + db * db + dc * dc)) / blur + 0.5f);
    return mix(colour, s->mark, spot * r->speckle_strength);
}

/* Drupelets, pores and scales: darker between bumps. */
static inline struct colour4 add_bumps(const struct scene *s, const struct surface *f,
                                       struct colour4 colour) {
    float scale = s->recipe.bump_scale;
    f4 a = wave(f->a * scale), b = wave(f->b * scale), c = wave(f->c * scale);
    f4 bump = a * b + b * c + c * a;
    return scale_colour(colour,
                        lower(higher(1 + 0.4f * s->recipe.bump_strength * bump, splat(0.35f)), splat(1.5f)));
}

/* The stalk's end: a hollow, and five leaves. */
static inline struct colour4 add_pole(const struct scene *s, const struct surface *f, struct colour4 colour) {
    const struct recipe *r = &s->recipe;
    f4 top = pick(f->a > splat(0), splat(1), splat(0));
    f4 hollow = clamp01(1 - f->pole * 2.8f), blossom = clamp01(1 - f->pole * 9);
    colour = scale_colour(colour, 1 - r->dimple * (top * hollow * hollow + (1 - top) * blossom));
    if (r->calyx_size > 0) {
        f4 star = meridians(f, 5), reach = r->calyx_size * (0.6f + 0.4f * star);
        f4 leaf = top * clamp01((reach - f->pole) * s->scale * 0.8f + 0.5f);
        colour = mix(colour, s->calyx, leaf);
        colour = scale_colour(colour, 1 - leaf * 0.35f * (0.5f - 0.5f * star));
    }
    return colour;
}

static inline struct colour4 skin(const struct scene *s, const struct surface *f) {
    const struct recipe *r = &s->recipe;
    f4 blush = r->blush_bias + r->blush_axis * f->a + r->blush_side * f->b + r->clouds * f->cloud;
    struct colour4 colour = {{splat(s->base[0]), splat(s->base[1]), splat(s->base[2])}};
    colour = mix(colour, s->blush, smooth(0.5f + 0.7f * blush));
    if (r->stripes > 0) colour = add_stripes(s, f, colour);
    if (r->speckle_scale > 0) colour = add_speckles(s, f, colour);
    if (r->bump_scale > 0) colour = add_bumps(s, f, colour);
    if (r->calyx_size > 0 || r->dimple > 0) colour = add_pole(s, f, colour);
    return colour;
}

/* Lambert's law with some light from everywhere, and a highlight. */
static inline struct colour4 light(const struct scene *s, const struct surface *f, struct colour4 colour) {
    f4 facing = higher(f->nx * s->light[0] + f->ny * s->light[1] + f->nz * s->light[2], splat(0));
    f4 bright = (s->ambient + (1.12f - s->ambient) * facing) * (0.8f + 0.2f * f->nz);
    f4 glint = higher(f->nx * s->half[0] + f->ny * s->half[1] + f->nz * s->half[2], splat(0));
    f4 glint4 = glint * glint * glint * glint, glint16 = glint4 * glint4 * glint4 * glint4;
    f4 shine = (glint16 * 0.14f + glint16 * glint16 * glint16 * 0.62f) * s->recipe.gloss * 255;
    colour = scale_colour(colour, bright);
    for (int k = 0; k < 3; k++) colour.c[k] += shine;
    return colour;
}

static inline struct colour4 background(const struct scene *s, f4 x, f4 y, f4 u, f4 v) {
    f4 dx = (x - s->shadow_x) / s->shadow_width, dy = (y - s->shadow_y) / s->shadow_height;
    f4 dark = clamp01(1 - 0.7f * (dx * dx + dy * dy));
    f4 bright = (1 - s->shadow_strength * dark * dark) * (1 - 0.06f * (u * u + v * v));
    struct colour4 colour = {{splat(s->background[0]), splat(s->background[1]), splat(s->background[2])}};
    return scale_colour(colour, bright);
}

static inline struct colour4 add_stalk(const struct scene *s, f4 x, f4 y, struct colour4 colour) {
    float dx = s->stalk[2] - s->stalk[0], dy = s->stalk[3] - s->stalk[1], length2 = dx * dx + dy * dy + 1e-6f;
    f4 px = x - s->stalk[0], py = y - s->stalk[1], along = clamp01((px * dx + py * dy) / length2);
    f4 ex = px - along * dx, ey = py - along * dy;
    f4 inside = s->stalk_width * (1.25f - 0.5f * along) - root(ex * ex + ey * ey);
    f4 edge = clamp01(inside * s->scale + 0.5f);
    colour = mix(colour, s->stalk_colour, edge);
    return scale_colour(colour, 1 - edge * clamp01((ex * s->light[0] + ey * s->light[1]) * -6) * 0.45f);
}

static inline void store(const struct scene *s, int row, int column, int count, struct colour4 colour,
                         uint8_t *pixels) {
    u4 lane = {0, 1, 2, 3};
    u4 h = hash(((uint32_t)row * 4096u + (uint32_t)column + lane) ^ s->noise);
    f4 grain = (part(h, 0) + part(h, 8) - 1) * 2.2f; /* as a sensor has it */
    i4 value[3];
    for (int k = 0; k < 3; k++)
        value[k] =
            __builtin_convertvector(lower(higher(colour.c[k] + grain, splat(0)), splat(255)) + 0.5f, i4);
    uint8_t *out = pixels + 3 * ((size_t)row * (size_t)s->size + (size_t)column);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 3; k++) out[3 * i + k] = (uint8_t)value[k][i];
}

static inline bool any(f4 share) { return share[0] + share[1] + share[2] + share[3] > 0; }

void scene_draw(const struct scene *s, uint8_t *pixels) {
    const f4 lane = {0, 1, 2, 3};
    const float per_pixel = 1 / s->scale, half = 2.0f / (float)s->size;
    const float bulge = 1.25f + 0.6f * s->bend * s->length, reach2 = s->length * s->length + bulge * bulge;
    for (int row = 0; row < s->size; row++)
        for (int column = 0; column < s->size; column += LANES) {
            f4 px = (float)column + lane + 0.5f, py = splat((float)row + 0.5f);
            f4 x = (px - s->center_x) * per_pixel, y = (py - s->center_y) * per_pixel;
            struct colour4 colour = background(s, x, y, px * half - 1, py * half - 1);
            bool stalk = s->recipe.stalk > 0;
            if (stalk && !s->stalk_in_front) colour = add_stalk(s, x, y, colour);
            if (any(clamp01(1 + reach2 - x * x - y * y))) {
                struct surface f = find_surface(s, x, y);
                struct colour4 fruit = light(s, &f, skin(s, &f));
                for (int k = 0; k < 3; k++) colour.c[k] += (fruit.c[k] - colour.c[k]) * f.coverage;
            }
            if (stalk && s->stalk_in_front) colour = add_stalk(s, x, y, colour);
            int left = s->size - column;
            store(s, row, column, left < LANES ? left : LANES, colour, pixels);
        }
}
