/* Packed weights of the integer products, on top of a simd_i8/ISA.h: strips of 1 to 4 vectors of output channels, each strip
 * [vectors][LANES] biases, [vectors][LANES] multipliers, then for each step of GROUP inputs [vectors] weights. Lanes past the last
 * channel and inputs past the last are 0. */
#ifndef KERNELS_SIMD_I8_PANEL_H
#define KERNELS_SIMD_I8_PANEL_H

#include <stdbool.h>

/* How many vectors the next strip has when `channels` remain: as even as possible, and at most two where a product has so few steps
 * that registers keep all of its weights (gemm_u8s8/simd_stream.h). */
static inline int strip_vectors(int channels, size_t steps) {
    int most = steps <= STREAM_STEPS_MAX && VECTORS_MAX > 2 ? 2 : VECTORS_MAX;
    int left = (channels + LANES - 1) / LANES, strips = (left + most - 1) / most;
    return (left + strips - 1) / strips;
}

static inline size_t strip_bytes(int vectors, size_t steps) {
    return (size_t)vectors * LANES * (sizeof(int32_t) + sizeof(float) + steps * GROUP);
}

static inline size_t strips_bytes(int channels, size_t steps) {
    size_t bytes = 0;
    for (int left = channels, vectors; left > 0; left -= vectors * LANES) {
        vectors = strip_vectors(left, steps);
        bytes += strip_bytes(vectors, steps);
    }
    return bytes;
}

/* Whether the last strip of two vectors needs only half of the second (24 channels of 32): a tile of its own saves a quarter of the
 * products where a half register costs half. */
static inline bool strip_is_narrow(int channels, int vectors) {
    return NARROW && vectors == 2 && channels <= LANES + LANES / 2;
}

/* The channel of a strip in lane `lane` of vector `vector`. In order, or in that in which packing 32-bit lanes to bytes
 * within 128 bits leaves them, so that bytes_store() has nothing to sort. */
static inline int packed_channel(int vectors, int vector, int lane, bool in_order) {
    return in_order ? vector * LANES + lane : 4 * vectors * (lane / 4) + 4 * vector + lane % 4;
}

/* What is packed: w [channels][inputs], or, for RGBX pixels, w [channels][3][steps]. */
struct panel_source {
    int channels;
    size_t inputs; /* of one channel in w */
    size_t steps;  /* of GROUP inputs */
    bool rgbx;     /* a step is a pixel, and its fourth byte counts nothing */
    const int8_t *w;
    const int32_t *bias;
    const float *multiplier;
    bool in_order; /* channels, see packed_channel() */
};

static inline int8_t panel_weight(const struct panel_source *s, int channel, size_t place) {
    if (s->rgbx) {
        size_t pixel = place / GROUP, colour = place % GROUP;
        return colour == 3 ? 0 : s->w[((size_t)channel * 3 + colour) * s->steps + pixel];
    }
    return place < s->inputs ? s->w[(size_t)channel * s->inputs + place] : 0;
}

static inline void pack_lane(const struct panel_source *s, int channel, int vectors, size_t slot, size_t lane,
                             uint8_t *strip) {
    int32_t *bias = (int32_t *)(void *)strip;
    float *multiplier = (float *)(void *)(strip + (size_t)vectors * LANES * sizeof *bias);
    int8_t *w = (int8_t *)(multiplier + (size_t)vectors * LANES) + slot * LANES * GROUP;
    int32_t sum = 0;
    for (size_t step = 0; step < s->steps; step++, w += (size_t)vectors * LANES * GROUP)
        for (size_t t = 0; t < GROUP; t++) {
            int8_t weight = channel < s->channels ? panel_weight(s, channel, step * GROUP + t) : 0;
            w[weights_place(lane, t)] = weight;
            sum += weight;
        }
    bias[slot * LANES + lane] =
        channel < s->channels ? (int32_t)((uint32_t)s->bias[channel] + X_OFFSET * (uint32_t)sum) : 0;
    multiplier[slot * LANES + lane] = channel < s->channels ? s->multiplier[channel] : 0;
}

static inline void strips_pack(const struct panel_source *s, void *packed) {
    uint8_t *strip = packed;
    for (int first = 0, vectors; first < s->channels; first += vectors * LANES) {
        vectors = strip_vectors(s->channels - first, s->steps);
        bool in_order = s->in_order || strip_is_narrow(s->channels - first, vectors);
        for (int i = 0; i < vectors; i++)
            for (int lane = 0; lane < LANES; lane++)
                pack_lane(s, first + packed_channel(vectors, i, lane, in_order), vectors, (size_t)i,
                          (size_t)lane, strip);
        strip += strip_bytes(vectors, s->steps);
    }
}

#endif
