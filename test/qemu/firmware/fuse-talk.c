/* Writes to its UART and reads a fuse of the SiFive U in turn, very often. Then it says that it is done. */
#include "kit.h"

#define OTP(at) (*(volatile uint32_t *)(0x10070000 + (at)))
enum { ADDRESS = 0x00, CHIP = 0x0c, OUT = 0x18, STROBE = 0x1c, TRIM = 0x34 };
enum { ROUNDS = 5000, LINE = 50 };

int main(void) {
    OTP(CHIP) = OTP(STROBE) = OTP(TRIM) = 1;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        OTP(ADDRESS) = round % 16;
        (void)OTP(OUT);
        put_char(round % LINE ? '.' : '\n');
    }
    put_text("done\n");
    for (;;) {
    }
}
