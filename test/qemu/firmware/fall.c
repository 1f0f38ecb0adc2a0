/* Overwrites its vector table, then faults: the CPU cannot even fetch the handler's address. For mps2-an385. */
#include "kit.h"

int main(void) {
    put_text("falling\n");
    for (uint32_t at = 0; at < 0x40; at += 4) *(volatile uint32_t *)at = 0xfffffffe;
    crash();
    return 0;
}
