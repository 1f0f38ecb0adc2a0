/* A chain of DMA transfers that leads back to itself: the emulator never comes to its end. For raspi2b. */
#include "kit.h"

#define DMA(offset) (*(volatile uint32_t *)(0x3f007000 + (offset)))
#define BUS(address) (0xc0000000 | (uint32_t)(address))

static uint32_t source[4];
static volatile uint32_t destination[4];
static volatile uint32_t block[8] __attribute__((aligned(32)));

int main(void) {
    block[1] = BUS(source);
    block[2] = BUS(destination);
    block[3] = sizeof source;
    block[5] = BUS(block);
    put_text("copying for ever\n");
    DMA(0x04) = BUS(block);
    DMA(0x00) = 1;
    put_text("done\n");
    for (;;) {
    }
}
