#include "fault_trials.h"

#include "store/folder.h"
#include "store/listing.h"
#include "store/photo_file.h"
#include "tests/base/failing.h"
#include "tests/base/unit.h"

#include <stdlib.h>
#include <string.h>

static void begin(const struct fault_trial *trial) {
    if (trial->begin) trial->begin();
}

static void check(const struct fault_trial *trial, pomona_status status) {
    if (trial->check) trial->check(status);
}

bool fail_call(const struct fault_trial *trial, enum fault_call call, long k, int cause, int for_good,
               pomona_status expected) {
    begin(trial);
    fault_set(call, k, cause, for_good);
    pomona_status status = trial->run();
    bool happened = fault_happened();
    fault_set(call, 0, 0, 0);
    if (status != (happened ? expected : POMONA_OK))
        fail_msg("call %ld of kind %d: status %d, %s", k, (int)call, status, trial->error->message);
    check(trial, status);
    return happened;
}

void fail_every_call(const struct fault_trial *trial, enum fault_call call, int cause, int for_good,
                     pomona_status expected) {
    for (long k = 1; fail_call(trial, call, k, cause, for_good, expected); k++) assert_in_range(k, 1, 1000);
}

/* One run whose k-th allocation fails. Returns whether that was reached. */
static bool fail_one_allocation(const struct fault_trial *trial, long k) {
    begin(trial);
    fail_allocation(k);
    pomona_status status = trial->run();
    bool happened = failed_allocation();
    fail_allocation(0);
    /* The C library's own allocations (opening a folder, say) surface as I/O errors. */
    bool known = status == POMONA_OK || (happened && (status == POMONA_E_MEMORY || status == POMONA_E_IO));
    if (!known) fail_msg("allocation %ld: status %d, %s", k, status, trial->error->message);
    check(trial, status);
    return happened;
}

void fail_every_allocation(const struct fault_trial *trial) {
    long k = 1;
    while (fail_one_allocation(trial, k)) k++;
    assert_true(k > 1);
}

void fail_some_allocations(const struct fault_trial *trial, long tried) {
    begin(trial);
    long before = allocations();
    assert_int_equal(trial->run(), POMONA_OK);
    long total = allocations() - before, step = getenv("POMONA_LONG") ? 1 : total / tried + 1;
    check(trial, POMONA_OK);
    for (long k = 1; k <= total; k += step) fail_one_allocation(trial, k);
}

void digest_files(const char *folder, const char *pattern, char hex[SHA256_HEX_SIZE]) {
    struct pomona_error error = {0};
    struct listing listing = LISTING_INIT;
    struct buffer content = BUFFER_INIT(1 << 24);
    struct sha256 hash;
    uint8_t digest[SHA256_SIZE];
    sha256_start(&hash);
    pomona_status status =
        path_exists(folder) ? listing_walk(folder, pattern, NULL, NULL, &listing, &error) : POMONA_OK;
    if (status != POMONA_OK) fail_msg("%s", error.message);
    for (size_t i = 0; i < listing.count; i++) {
        const char *name = strrchr(listing.photos[i].uri, '/');
        sha256_add_field(&hash, name, strlen(name));
        assert_int_equal(photo_file_read(&listing.photos[i], &content, &error), POMONA_OK);
        sha256_add_field(&hash, content.data, content.size);
    }
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
    buffer_free(&content);
    listing_free(&listing);
}
