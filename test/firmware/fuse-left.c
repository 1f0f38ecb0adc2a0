/* Blows a fuse of the SiFive U's one-time programmable memory, bit by bit. Tells first what it found there. */
#include "kit.h"

#define OTP(at) (*(volatile uint32_t *)(0x10070000 + (at)))
enum { ADDRESS = 0x00, BIT = 0x04, CHIP = 0x0c, IN = 0x14, OUT = 0x18, STROBE = 0x1c, TRIM = 0x34, WRITE = 0x38 };
enum { FUSE = 0x200, VALUE = 0x12345678 };

static void show(const char *what) {
    OTP(ADDRESS) = FUSE;
    put_text(what);
    put_number(OTP(OUT));
    put_text(" in a fuse\n");
}

int main(void) {
    OTP(CHIP) = OTP(STROBE) = OTP(TRIM) = 1;
    show("found ");
    for (uint32_t bit = 0; bit < 32; bit++) {
        OTP(BIT) = bit;
        OTP(IN) = VALUE >> bit & 1;
        OTP(WRITE) = 1;
        OTP(WRITE) = 0;
    }
    show("blown ");
    put_text("left\n");
    for (;;) {
    }
}
