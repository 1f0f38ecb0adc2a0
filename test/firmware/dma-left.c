/*
 * Lets one channel of the DMA controller copy, which leaves its interrupt raised, and loads another without starting
 * it. Tells first how it found them. For raspi2b.
 */
#include "kit.h"

#define DMA(offset) (*(volatile uint32_t *)(0x3f007000 + (offset)))
#define BUS(address) (0xc0000000 | (uint32_t)(address))

enum { CS = 0x00, CONTROL_BLOCK = 0x04, TI = 0x08, NEXT_CHANNEL = 0x100, INT_STATUS = 0xfe0, ENABLE = 0xff0 };
enum { ACTIVE = 1, INTERRUPT = 1, DESTINATION_INCREMENT = 1 << 4, SOURCE_INCREMENT = 1 << 8 };

static uint32_t source[4] = {11, 12, 13, 14};
static volatile uint32_t destination[4];
static volatile uint32_t block[8] __attribute__((aligned(32)));

static void show(const char *what) {
    static const uint16_t offsets[] = {CS, CONTROL_BLOCK, TI, NEXT_CHANNEL + CONTROL_BLOCK, INT_STATUS, ENABLE};
    put_text(what);
    for (uint32_t at = 0; at < sizeof offsets / sizeof offsets[0]; at++) {
        put_char(' ');
        put_number(DMA(offsets[at]));
    }
    put_char('\n');
}

int main(void) {
    show("found");
    block[0] = INTERRUPT | DESTINATION_INCREMENT | SOURCE_INCREMENT;
    block[1] = BUS(source);
    block[2] = BUS(destination);
    block[3] = sizeof source;
    DMA(CONTROL_BLOCK) = BUS(block);
    DMA(CS) = ACTIVE;
    DMA(NEXT_CHANNEL + CONTROL_BLOCK) = BUS(block);
    put_text("copied ");
    put_number(destination[3]);
    put_char('\n');
    show("set");
    put_text("left\n");
    for (;;) {
    }
}
