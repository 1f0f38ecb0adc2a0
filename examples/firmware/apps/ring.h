/* A ring buffer: the unit under test of the example suites. */
#pragma once
#include <stdint.h>

enum { RING_SIZE = 8 };

struct ring {
    uint8_t bytes[RING_SIZE];
    uint8_t head, count;
};

static inline int ring_push(struct ring *ring, uint8_t byte) {
#ifdef SEEDED_BUG
    if (ring->count > RING_SIZE) return 0;
#else
    if (ring->count == RING_SIZE) return 0;
#endif
    ring->bytes[(ring->head + ring->count++) % RING_SIZE] = byte;
    return 1;
}

static inline int ring_pop(struct ring *ring) {
    if (ring->count == 0) return -1;
    int byte = ring->bytes[ring->head];
    ring->head = (uint8_t)((ring->head + 1) % RING_SIZE);
    ring->count--;
    return byte;
}
