/* Says nothing and keeps the CPU busy. */
#include "kit.h"

int main(void) {
    for (;;) __asm__ volatile("");
}
