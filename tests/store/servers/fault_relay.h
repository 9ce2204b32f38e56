/* Passes a message from one connection to another, and spoils its body on request. */
#ifndef TESTS_STORE_FAULT_RELAY_H
#define TESTS_STORE_FAULT_RELAY_H

#include "tests/store/servers/http_wire.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPOIL_NOTHING = -1 };

struct relay_spoil {
    int64_t cut; /* payload bytes after which to stop, at the latest one before the end; SPOIL_NOTHING */
    int64_t
        flip; /* payload byte in which a bit is flipped, taken modulo the size; where the size is not announced:
                                 the first byte; SPOIL_NOTHING */
    unsigned flip_bit;        /* 0 to 7 */
    int64_t bytes_per_second; /* of the body; SPOIL_NOTHING: as fast as it comes */
};

#define RELAY_UNSPOILT ((struct relay_spoil){SPOIL_NOTHING, SPOIL_NOTHING, 0, SPOIL_NOTHING})

enum relay_end {
    RELAY_WHOLE,
    RELAY_CUT,         /* as asked for */
    RELAY_SOURCE_LOST, /* ended in the middle */
    RELAY_TARGET_LOST, /* takes no more */
    RELAY_ANSWERED     /* there is an answer before the whole body was sent; call again to go on */
};

struct relay {
    /* Set by the caller. */
    struct wire *from; /* the head is at its start; head and body are used up */
    int to;            /* -1: the message is dropped */
    int answers;       /* a descriptor to look at for an early answer; -1: none */
    struct relay_spoil spoil;
    /* Counted before the bytes leave: who has got an answer and asks for the counts then finds it in them. */
    _Atomic unsigned long *bytes; /* passed on, with the head */
    _Atomic unsigned long *flips;
    /* Its own. */
    size_t head_size;
    struct http_body body;
    uint64_t seen; /* bytes of payload */
};

void relay_start(struct relay *relay, const struct http_head *head, size_t head_size);
enum relay_end relay_message(struct relay *relay);

#endif
