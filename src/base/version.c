#include "pomona/version.h"

const char *pomona_version(void) { return POMONA_VERSION; }
