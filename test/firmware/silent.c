/* Says nothing and does nothing, asleep. */
#include "kit.h"

int main(void) {
    for (;;) __asm__ volatile("wfi");
}
