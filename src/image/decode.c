#include "image/decode.h"

#include "image/libjpeg.h"

#include <string.h>

enum { DEFAULT_MAX_PIXELS = 50000000, DEFAULT_MAX_SCANS = 100 };

struct decode_job {
    struct jpeg_decompress_struct jpeg;
    struct libjpeg_error failure;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    const char *name;
    uint64_t max_pixels;
    int max_scans;
    bool has_all_rows;
    const struct row_sink *sink;
};

static void source_init(j_decompress_ptr jpeg) { (void)jpeg; }

/* All bytes were there from the start, so libjpeg asks for more only where the file was cut. */
static boolean source_fill(j_decompress_ptr jpeg) {
    const struct decode_job *job = jpeg->client_data;
    libjpeg_fail((j_common_ptr)jpeg, POMONA_E_CORRUPT, job->has_all_rows ? "no end marker" : "truncated");
}

static void source_skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    if ((size_t)count > jpeg->src->bytes_in_buffer) source_fill(jpeg);
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
}

static void source_end(j_decompress_ptr jpeg) { (void)jpeg; }

/* Called for every row of blocks that is read: a file may have any number of scans, each the size of the picture. Where the
 * data of a scan has ended, Huffman coding skips the rest of it, but arithmetic coding goes on inventing coefficients, up
 * to a microsecond a block: such a file may have only as many scans as fit into the limit of pixels together. */
static void check_scans(j_common_ptr common) {
    j_decompress_ptr jpeg = (j_decompress_ptr)common;
    const struct decode_job *job = jpeg->client_data;
    uint64_t scans = (uint64_t)jpeg->input_scan_number,
             pixels = (uint64_t)jpeg->image_width * jpeg->image_height;
    if (jpeg->input_scan_number > job->max_scans || (jpeg->arith_code && scans * pixels > job->max_pixels))
        libjpeg_fail(common, POMONA_E_LIMIT, "too many scans");
}

static void attach(struct decode_job *job, const void *bytes, size_t size) {
    job->source = (struct jpeg_source_mgr){.next_input_byte = bytes,
                                           .bytes_in_buffer = size,
                                           .init_source = source_init,
                                           .fill_input_buffer = source_fill,
                                           .skip_input_data = source_skip,
                                           .resync_to_restart = jpeg_resync_to_restart,
                                           .term_source = source_end};
    job->progress.progress_monitor = check_scans;
    job->jpeg.client_data = job;
    job->jpeg.src = &job->source;
    job->jpeg.progress = &job->progress;
}

/* Checks the header against the limits before anything of the picture's size is allocated, and asks for the colours
 * that Pillow asks for and for the scale that the sink wants. */
static pomona_status accept_header(struct decode_job *job, struct pomona_error *error) {
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    uint64_t pixels = (uint64_t)jpeg->image_width * jpeg->image_height;
    if (pixels > job->max_pixels)
        return fail(error, POMONA_E_LIMIT, job->name, "%u x %u pixels, more than the limit of %llu",
                    jpeg->image_width, jpeg->image_height, (unsigned long long)job->max_pixels);
    int components = jpeg->num_components;
    if (components != 1 && components != 3 && components != 4)
        return fail(error, POMONA_E_UNSUPPORTED, job->name, "JPEG of %d components", components);
    jpeg->out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
    if (job->sink->scale) {
        jpeg->scale_num =
            (unsigned)job->sink->scale(job->sink->self, (int)jpeg->image_width, (int)jpeg->image_height);
        jpeg->scale_denom = DECODE_EIGHTHS;
    }
    jpeg_calc_output_dimensions(jpeg);
    return POMONA_OK;
}

/* Pillow's MULDIV255: a * b / 255, rounded. */
static unsigned multiply_255(unsigned a, unsigned b) {
    unsigned product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/* Adobe's inverted CMYK to RGB, in place, as Pillow's "CMYK;I" and convert("RGB") do one after the other. */
static void cmyk_to_rgb(int width, uint8_t *row) {
    for (size_t x = 0; x < (size_t)width; x++) {
        const uint8_t *cmyk = row + 4 * x;
        unsigned black = cmyk[3]; /* inverted: 255 is no ink */
        uint8_t rgb[3];
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(black - multiply_255(255u - cmyk[c], black));
        memcpy(row + 3 * x, rgb, 3);
    }
}

/* Reads everything, up to the end marker. Jumps on libjpeg's errors. */
static pomona_status decode(struct decode_job *job, struct pomona_error *error) {
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg_read_header(jpeg, TRUE);
    TRY(accept_header(job, error));
    int width = (int)jpeg->output_width, height = (int)jpeg->output_height;
    TRY(job->sink->start(job->sink->self, width, height, error));
    jpeg_start_decompress(jpeg);
    JDIMENSION row_bytes = jpeg->output_width * (JDIMENSION)jpeg->output_components + DECODE_OVERREAD;
    JSAMPARRAY strip = (*jpeg->mem->alloc_sarray)((j_common_ptr)jpeg, JPOOL_IMAGE, row_bytes, DECODE_ROWS);
    while (jpeg->output_scanline < jpeg->output_height) {
        JDIMENSION filled = 0;
        while (filled < DECODE_ROWS && jpeg->output_scanline < jpeg->output_height)
            filled += jpeg_read_scanlines(jpeg, strip + filled, DECODE_ROWS - filled);
        if (jpeg->output_components == 4)
            for (JDIMENSION r = 0; r < filled; r++) cmyk_to_rgb(width, strip[r]);
        job->sink->rows(job->sink->self, (int)filled, (const uint8_t *const *)strip);
    }
    job->has_all_rows = true;
    jpeg_finish_decompress(jpeg);
    return POMONA_OK;
}

/* The only place that libjpeg jumps to. */
static pomona_status guard(struct decode_job *job, const void *bytes, size_t size,
                           struct pomona_error *error) {
    job->jpeg.err = libjpeg_error_start(&job->failure);
    if (setjmp(job->failure.jump))
        return fail(error, job->failure.status, job->name, "%s", job->failure.message);
    jpeg_create_decompress(&job->jpeg);
    attach(job, bytes, size);
    return decode(job, error);
}

pomona_status decode_rows(const char *name, const void *bytes, size_t size,
                          const struct pomona_image_limits *limits, const struct row_sink *sink,
                          struct pomona_error *error) {
    const char *other = decode_other_format(bytes, size);
    if (other) return fail(error, POMONA_E_INPUT, name, "not a JPEG: %s", other);
    struct decode_job job = {.name = name,
                             .max_pixels =
                                 limits && limits->max_pixels ? limits->max_pixels : DEFAULT_MAX_PIXELS,
                             .max_scans = limits && limits->max_scans ? limits->max_scans : DEFAULT_MAX_SCANS,
                             .sink = sink};
    pomona_status status = guard(&job, bytes, size, error);
    jpeg_destroy_decompress(&job.jpeg);
    return status;
}
