/* Names of jobs: equal jobs have equal names, and so equal bytes. */
#ifndef JOB_UUID_H
#define JOB_UUID_H

#include "base/sha256.h"

/* A UUID of version 8 (RFC 9562: free form) from the first half of what was hashed. */
void uuid_from_hash(struct sha256 *hash, char uuid[37]);

#endif
