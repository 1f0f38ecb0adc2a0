/* Writes to each page of 480 MiB of memory above itself, and tells how far it is. For boards with RAM at 0x40000000. */
#include "kit.h"

int main(void) {
    for (uint32_t mib = 16; mib < 496; mib++) {
        for (uint32_t page = 0; page < 256; page++) {
            *(volatile uint32_t *)(0x40000000ul + mib * 0x100000ul + page * 4096ul) = mib;
        }
        if (mib % 16 == 15) {
            put_number(mib - 15);
            put_text(" MiB\n");
        }
    }
    put_text("all touched\n");
    for (;;) __asm__ volatile("wfi");
}
