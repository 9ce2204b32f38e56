#include "base/memory.h"
#include "image/libjpeg.h"
#include "pomona/image.h"

/* libjpeg writes into a block that grows. */
struct encode_job {
    struct jpeg_compress_struct jpeg;
    struct libjpeg_error failure;
    struct jpeg_destination_mgr destination;
    uint8_t *bytes;
    size_t capacity;
};

enum { FIRST_BYTES = 16384 };

static void grow(struct encode_job *job, size_t capacity) {
    size_t used = job->capacity;
    uint8_t *bytes = memory_resize(job->bytes, capacity, 1);
    if (!bytes) libjpeg_fail((j_common_ptr)&job->jpeg, POMONA_E_MEMORY, "out of memory");
    job->bytes = bytes;
    job->capacity = capacity;
    job->destination.next_output_byte = bytes + used;
    job->destination.free_in_buffer = capacity - used;
}

static void destination_init(j_compress_ptr jpeg) { grow(jpeg->client_data, FIRST_BYTES); }

static boolean destination_full(j_compress_ptr jpeg) {
    struct encode_job *job = jpeg->client_data;
    grow(job, size_multiply(job->capacity, 2));
    return TRUE;
}

static void destination_end(j_compress_ptr jpeg) { (void)jpeg; }

static void encode(struct encode_job *job, const struct pomona_image *image, int quality) {
    struct jpeg_compress_struct *jpeg = &job->jpeg;
    jpeg->image_width = (JDIMENSION)image->width;
    jpeg->image_height = (JDIMENSION)image->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg); /* 4:2:0, islow, the standard's Huffman tables */
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        const uint8_t *row = image->pixels + 3 * (size_t)jpeg->next_scanline * (size_t)image->width;
        JSAMPROW rows[1] = {(JSAMPROW)(uintptr_t)row}; /* libjpeg's interface has no const */
        jpeg_write_scanlines(jpeg, rows, 1);
    }
    jpeg_finish_compress(jpeg);
}

/* The only place that libjpeg jumps to. */
static pomona_status guard(struct encode_job *job, const struct pomona_image *image, int quality,
                           struct pomona_error *error) {
    job->jpeg.err = libjpeg_error_start(&job->failure);
    if (setjmp(job->failure.jump)) return fail(error, job->failure.status, NULL, "%s", job->failure.message);
    jpeg_create_compress(&job->jpeg);
    job->destination.init_destination = destination_init;
    job->destination.empty_output_buffer = destination_full;
    job->destination.term_destination = destination_end;
    job->jpeg.client_data = job;
    job->jpeg.dest = &job->destination;
    encode(job, image, quality);
    return POMONA_OK;
}

pomona_status pomona_image_encode(const struct pomona_image *image, int quality, uint8_t **bytes,
                                  size_t *size, struct pomona_error *error) {
    *bytes = NULL;
    *size = 0;
    if (!image->pixels || image->width < 1 || image->height < 1 || quality < 1 || quality > 100)
        return fail(error, POMONA_E_USAGE, NULL, "a picture and a quality of 1 to 100 are needed");
    struct encode_job job = {0};
    pomona_status status = guard(&job, image, quality, error);
    jpeg_destroy_compress(&job.jpeg);
    if (status == POMONA_OK) {
        *bytes = job.bytes;
        *size = job.capacity - job.destination.free_in_buffer;
    } else {
        memory_free(job.bytes);
    }
    return status;
}
