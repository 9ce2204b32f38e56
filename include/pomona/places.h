/* Places beyond this machine: how S3 and web servers are reached. One for a process is enough; every job that reads photos takes it.
 *
 * Names: "s3://bucket/prefix", "http://host/path", "https://host/path" (to read only); everything else is a path on this machine.
 * Nothing is read or asked before the first use. Any number of threads may use one. */
#ifndef POMONA_PLACES_H
#define POMONA_PLACES_H

#include "pomona/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pomona_places;

/* Zero-initialise, then set what differs. Strings are copied. */
struct pomona_places_options {
    const char *
        endpoint_url; /* of S3: "http://127.0.0.1:7070"; NULL: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, or AWS */
    const char *
        region; /* NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's, or us-east-1; a bucket elsewhere says so itself */
    const char *profile; /* NULL: AWS_PROFILE or "default" */
    const char *
        addressing; /* "path", "virtual", or "auto" (NULL): path with an endpoint_url or a dot in the bucket's name */
    bool anonymous; /* send no signature */
    int requests;   /* at most so many under way at once, 1..256; 0: 64 */
    const char *
        scratch; /* folder for what is being written to a remote place, kept for --resume; NULL: POMONA_SCRATCH,
                                 $XDG_CACHE_HOME/pomona or ~/.cache/pomona */
    bool (*should_stop)(void *user); /* asked about ten times a second while waiting; may be NULL */
    void *user;
};

/* POMONA_E_USAGE: an endpoint that is no URL, addressing or requests out of range; POMONA_E_MEMORY. */
POMONA_API pomona_status pomona_places_new(const struct pomona_places_options *options,
                                           struct pomona_places **places, struct pomona_error *error);
POMONA_API void pomona_places_free(struct pomona_places **places);

/* Whether text names something that is not on this machine. */
POMONA_API bool pomona_places_is_remote(const char *name);

#ifdef __cplusplus
}
#endif
#endif
