/* A quantisation job at work: what its files have in common. */
#ifndef JOB_QUANTISER_H
#define JOB_QUANTISER_H

#include "base/buffer.h"
#include "pomona/classifier.h"
#include "pomona/image.h"
#include "pomona/quantise.h"
#include "quantise/quantise.h"
#include "store/listing.h"

/* Photos are dealt to a fixed number of blocks, so that sums do not depend on how many threads work. */
enum { QUANTISE_BLOCKS = 8 };

/* What a block of photos reads with. */
struct pixel_reader {
    struct pomona_places *places;
    struct pomona_preprocessor *preprocessor;
    struct buffer bytes;
    uint8_t *pixels; /* [views][height][width][3] of one photo */
    pomona_status status;
    struct pomona_error cause;
};

struct quantiser {
    const struct pomona_context *context;
    const struct pomona_quantise_options *options;
    struct pomona_quantise_result *result;
    struct pomona_error *error;
    int threads, wanted;
    int done, total; /* photos, for progress */

    struct buffer file, backbone; /* of the source */
    struct unpacked_model source;
    struct pomona_model_info info;
    struct pomona_classifier *classifier; /* NULL without a head */
    struct observable reference;          /* the plan as it was */
    struct quantised_plan q;

    struct listing photos, check;
    struct pixel_reader readers[QUANTISE_BLOCKS];
    size_t picture;  /* bytes of one */
    uint8_t *pixels; /* [count] pictures to calibrate on */
    int count;
    int correct_count, correct_each; /* of them, for the biases: every correct_each-th */
};

/* Calls task(t, block, i) for i in [0, count), block = i % QUANTISE_BLOCKS; those of one block in order, one at a time. Reports
 * progress as `what`. POMONA_E_INTERRUPTED. */
pomona_status quantiser_each(struct quantiser *t, const char *what, int count,
                             void (*task)(void *user, int block, int index), void *user);

/* Draws `wanted` photos from a listing, evenly: photo i of `count`. */
const struct listed_photo *quantiser_draw(const struct listing *photos, int count, int index);

/* Reads all views of a photo into the reader's pixels; its status tells whether that went well. */
void pixel_reader_run(struct pixel_reader *reader, const struct listed_photo *photo);

/* Whether the photo is at fault, and not the machine. */
bool pixel_reader_forgives(pomona_status status);

/* Lists the photos, reads those to calibrate on. */
pomona_status quantiser_read(struct quantiser *t);

/* Measures what the quantised network does to features and answers. */
pomona_status quantiser_check(struct quantiser *t);

#endif
