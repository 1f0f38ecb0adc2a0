/*
 * Counts the words of its memory that are not zero, but for its own program, variables and stack; then fills all of
 * them with a pattern.
 */
#include "kit.h"

#define PATTERN 0x5eed5eedu
/* The stack is at the end of the kit's memory. */
enum { STACK = 0x10000, MIB = 0x100000 };

extern uint32_t bss_end[], stack_top[];

typedef struct {
    uintptr_t from, to;
} Part;

#if defined __arm__
/* mps2-an385: the fourth memory as well. */
#define FURTHER {0x21000000, 0x21000000 + 16 * MIB}
#else
#define FURTHER {(uintptr_t)stack_top, (uintptr_t)stack_top + 16 * MIB}
#endif

int main(void) {
    const Part parts[] = {{(uintptr_t)bss_end, (uintptr_t)stack_top - STACK}, FURTHER};
    uint32_t words = 0, left = 0;
    for (uint32_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
        for (volatile uint32_t *at = (uint32_t *)parts[part].from; at < (uint32_t *)parts[part].to; at++) {
            words++;
            if (*at != 0) left++;
            *at = PATTERN;
        }
    }
    put_text("found ");
    put_number(left);
    put_text(" of ");
    put_number(words);
    put_text(" words that are not zero\nleft\n");
    for (;;) {
    }
}
