/*
 * Writes a block of the SD card on the SiFive U's third SPI controller, by the card's SPI mode (SD Physical Layer
 * Specification, chapter 7). Tells first what it found there.
 */
#include "kit.h"

enum { VALUE = 0x12345678, BLOCK_BYTES = 512, BLOCK = 5 };

#define SPI(at) (*(volatile uint32_t *)(0x10050000 + (at)))
enum { CS_MODE = 0x18, TX_DATA = 0x48, RX_DATA = 0x4c, HOLD = 2 };
enum { GO_IDLE = 0, READ_BLOCK = 17, WRITE_BLOCK = 24, START = 41, NEXT_IS_OF_APPLICATION = 55 };
enum { NOTHING = 0xff, DATA_BEGINS = 0xfe, CRC_OF_GO_IDLE = 0x95, TRIES = 1000 };

static uint32_t exchange(uint32_t byte) {
    while (SPI(TX_DATA) >> 31) {
    }
    SPI(TX_DATA) = byte;
    for (;;) {
        const uint32_t got = SPI(RX_DATA);
        if (!(got >> 31)) return got & 0xff;
    }
}

/* The first byte that is another. */
static uint32_t next_but(uint32_t passed) {
    uint32_t got = NOTHING;
    for (uint32_t tries = 0; tries < TRIES && (got = exchange(NOTHING)) == passed; tries++) {
    }
    return got;
}

static uint32_t command(uint32_t number, uint32_t argument) {
    exchange(NOTHING);
    exchange(0x40 | number);
    for (int shift = 24; shift >= 0; shift -= 8) exchange(argument >> shift & 0xff);
    exchange(CRC_OF_GO_IDLE);
    return next_but(NOTHING);
}

static void start(void) {
    SPI(CS_MODE) = HOLD;
    command(GO_IDLE, 0);
    do {
        command(NEXT_IS_OF_APPLICATION, 0);
    } while (command(START, 0) != 0);
}

/* The block's first four bytes. A card of up to 2 GiB counts bytes. */
static uint32_t word(void) {
    uint32_t value = 0;
    command(READ_BLOCK, BLOCK * BLOCK_BYTES);
    while (exchange(NOTHING) != DATA_BEGINS) {
    }
    for (uint32_t at = 0; at < BLOCK_BYTES + 2; at++) {
        const uint32_t byte = exchange(NOTHING);
        if (at < 4) value |= byte << (8 * at);
    }
    return value;
}

static void write(void) {
    command(WRITE_BLOCK, BLOCK * BLOCK_BYTES);
    exchange(NOTHING);
    exchange(DATA_BEGINS);
    for (uint32_t at = 0; at < BLOCK_BYTES + 2; at++) exchange(at < 4 ? VALUE >> (8 * at) & 0xff : 0);
    next_but(NOTHING);
    next_but(0);
}

static void show(const char *what) {
    put_text(what);
    put_number(word());
    put_text(" on the card\n");
}

int main(void) {
    start();
    show("found ");
    write();
    show("wrote ");
    put_text("left\n");
    for (;;) {
    }
}
