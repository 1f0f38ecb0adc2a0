/*
 * Programs a word of the second flash chip, and stops in the middle of a buffered write. Tells first what it found
 * there. For arm-virt and riscv64-virt, whose flash is two 16-bit chips side by side (CFI, Intel's commands).
 */
#include "kit.h"

#if defined __aarch64__
#define FLASH ((volatile uint32_t *)0x04000000)
#else
#define FLASH ((volatile uint32_t *)0x22000000)
#endif

enum { PROGRAM = 0x00400040, READ_ARRAY = 0x00ff00ff, WRITE_TO_BUFFER = 0x00e800e8, WORDS = 0x00030003 };

static void show(const char *what) {
    put_text(what);
    for (uint32_t at = 0; at < 4; at++) {
        put_char(' ');
        put_number(FLASH[at]);
    }
    put_char('\n');
}

int main(void) {
    show("found");
    FLASH[0] = PROGRAM;
    FLASH[0] = 0x12345678;
    FLASH[0] = READ_ARRAY;
    show("programmed");
    FLASH[0] = WRITE_TO_BUFFER;
    FLASH[0] = WORDS;
    FLASH[1] = 0x11111111;
    put_text("left\n");
    for (;;) {
    }
}
