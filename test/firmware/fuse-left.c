/*
 * Blows a fuse of the one-time programmable memory: bit by bit on the SiFive U, by a letter to the graphics processor on
 * a Raspberry Pi. Tells first what it found there.
 */
#include "kit.h"

enum { VALUE = 0x12345678 };

#ifdef __riscv
#define OTP(at) (*(volatile uint32_t *)(0x10070000 + (at)))
enum { ADDRESS = 0x00, BIT = 0x04, CHIP = 0x0c, IN = 0x14, OUT = 0x18, STROBE = 0x1c, TRIM = 0x34, WRITE = 0x38 };
enum { FUSE = 0x200 };

static uint32_t fuse(void) {
    OTP(CHIP) = OTP(STROBE) = OTP(TRIM) = 1;
    OTP(ADDRESS) = FUSE;
    return OTP(OUT);
}

static void blow(void) {
    for (uint32_t bit = 0; bit < 32; bit++) {
        OTP(BIT) = bit;
        OTP(IN) = VALUE >> bit & 1;
        OTP(WRITE) = 1;
        OTP(WRITE) = 0;
    }
}
#else
#define MAILBOX ((volatile uint32_t *)0x3f00b880)
enum { READ = 0, STATUS = 6, WRITE = 8, FULL = 1u << 31, EMPTY = 1 << 30, PROPERTIES = 8 };
enum { GET_CUSTOMER_FUSES = 0x30021, SET_CUSTOMER_FUSES = 0x38021, FUSE = 3 };

static uint32_t ask(uint32_t what, uint32_t value) {
    static volatile uint32_t letter[12] __attribute__((aligned(16)));
    const uint32_t text[] = {sizeof letter, 0, what, 12, 12, FUSE, 1, value, 0};
    for (uint32_t at = 0; at < sizeof text / sizeof text[0]; at++) letter[at] = text[at];
    while (MAILBOX[STATUS] & FULL) {
    }
    MAILBOX[WRITE] = (uint32_t)letter | PROPERTIES;
    do {
        while (MAILBOX[STATUS] & EMPTY) {
        }
    } while ((MAILBOX[READ] & 15) != PROPERTIES);
    return letter[7];
}

static uint32_t fuse(void) { return ask(GET_CUSTOMER_FUSES, 0); }
static void blow(void) { ask(SET_CUSTOMER_FUSES, VALUE); }
#endif

static void show(const char *what) {
    put_text(what);
    put_number(fuse());
    put_text(" in a fuse\n");
}

int main(void) {
    show("found ");
    blow();
    show("blown ");
    put_text("left\n");
    for (;;) {
    }
}
