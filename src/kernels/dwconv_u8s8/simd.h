/* dwconv_u8s8 on top of simd_lines.h: packing and the loop over blocks. The source that includes this defines, after its
 * blocks,
 *   dw_width(channels)           of the next block, when so many channels are left
 *   dw_group_bytes(width)
 *   dw_put(width, group, channel, i, weight)    weight i (0..3) of a channel into a group
 *   dw_together(channels)        how many of the next channels go through an image together: blocks of one width
 *   dw_run_blocks(width, block)  that many */

enum { WIDTH_MAX = 64 };

static size_t block_bytes(size_t width, int kernel_height, int kernel_width) {
    return 8 * width + dw_groups(kernel_height, kernel_width) * dw_group_bytes(width);
}

static size_t packed_bytes(int channels, int kernel_height, int kernel_width) {
    size_t bytes = 0, width;
    for (size_t left = (size_t)channels; left > 0; left -= width < left ? width : left) {
        width = dw_width(left);
        bytes += block_bytes(width, kernel_height, kernel_width);
    }
    return bytes;
}

/* The weights w [kh][kw] of one channel, for lines. */
static void pack_lines(size_t width, size_t channel, int kernel, const int8_t *w, uint8_t *group) {
    size_t bytes = dw_group_bytes(width);
    for (int kx = 0; kx < kernel; kx++, group += 2 * bytes)
        for (int ky = 0; ky < kernel; ky++) {
            int8_t weight = w[ky * kernel + kx];
            dw_put(width, ky < 4 ? group : group + bytes, channel, ky % 4, weight);
            if (kernel == 3) dw_put(width, group + bytes, channel, ky + 1, weight);
        }
}

static void pack(int channels, int kernel_height, int kernel_width, const int8_t *w, const int32_t *bias,
                 const float *multiplier, void *packed) {
    size_t taps = dw_taps(kernel_height, kernel_width), width;
    memset(packed, 0, packed_bytes(channels, kernel_height, kernel_width));
    uint8_t *block = packed;
    for (size_t first = 0, count = (size_t)channels; first < count; first += width) {
        width = dw_width(count - first);
        size_t bytes = dw_group_bytes(width);
        for (size_t c = 0; c < width && first + c < count; c++) {
            size_t position = dw_position(width, c);
            const int8_t *filter = w + (first + c) * taps;
            memcpy(block + 4 * position, &bias[first + c], 4);
            memcpy(block + 4 * (width + position), &multiplier[first + c], 4);
            uint8_t *group = block + 8 * width;
            if (dw_line_groups(kernel_height, kernel_width) > 0)
                pack_lines(width, c, kernel_width, filter, group);
            group += dw_line_groups(kernel_height, kernel_width) * bytes;
            for (size_t t = 0; t < taps; t++)
                dw_put(width, group + t / 4 * bytes, c, (int)(t % 4), filter[t]);
        }
        block += block_bytes(width, kernel_height, kernel_width);
    }
}

/* A row of padding, past whose end a block may read; then room for half of the results of two lines. */
static size_t padding_bytes(const struct window *window, int channels) {
    return ((size_t)window->in_width * (size_t)channels + 2 * MEMORY_ALIGN - 1) / MEMORY_ALIGN * MEMORY_ALIGN;
}

static size_t scratch_bytes(const struct window *window, int channels) {
    return padding_bytes(window, channels) + (size_t)window->out_width * 2 * WIDTH_MAX;
}

/* Lines need that steps inside them meet no column outside the image. */
static struct dw_shape choose_shape(const struct window *g) {
    const struct dw_shape any = {0, 0, 0, 0};
    int kernel = g->kernel_width, stride = g->stride_x;
    if (g->dilation_x != 1 || g->dilation_y != 1 || g->kernel_height != kernel) return any;
    if ((kernel != 3 && kernel != 5) || (stride != 1 && stride != 2)) return any;
    int flight = (kernel + stride - 1) / stride, steps = g->out_width - (flight - 1);
    if (steps < 0 || g->pad_left > kernel - stride) return any;
    if ((steps - 1) * stride + kernel - 1 - g->pad_left >= g->in_width) return any;
    return (struct dw_shape){kernel, stride, kernel == 3 && stride == 1 && g->stride_y == 1 ? 2 : 1, 0};
}

static void run(const struct dwconv_u8s8_args *a) {
    const struct window *g = &a->window;
    size_t channels = (size_t)a->channels;
    size_t x_image = (size_t)g->in_height * (size_t)g->in_width * channels,
           y_image = (size_t)g->out_height * (size_t)g->out_width * channels;
    size_t padding = padding_bytes(g, a->channels);
    memset(a->scratch, a->padding, padding);
    for (int image = 0; image < a->images; image++) {
        struct dw_block block = {.args = a,
                                 .shape = choose_shape(g),
                                 .packed = a->packed,
                                 .padding = a->scratch,
                                 .waiting = (uint8_t *)a->scratch + padding};
        for (size_t first = 0, count; first < channels; first += count) {
            size_t width = dw_width(channels - first);
            count = dw_together(channels - first);
            block.image = a->x + (size_t)image * x_image + first;
            block.y = a->y + (size_t)image * y_image + first;
            block.valid = count;
            block.bytes = block_bytes(width, g->kernel_height, g->kernel_width);
            dw_run_blocks(width, &block);
            block.packed += (count + width - 1) / width * block.bytes;
        }
    }
}
