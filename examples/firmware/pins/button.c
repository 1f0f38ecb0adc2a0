/* A button against ground, debounced: each press toggles a LED. */
#include "wiring.h"

enum { STABLE_READS = 200 };

static int stable_level(void) {
    int level = pin_read(BUTTON);
    for (int reads = 0; reads < STABLE_READS; reads++) {
        if (pin_read(BUTTON) == level) continue;
        level = !level;
        reads = 0;
    }
    return level;
}

int main(void) {
    uint32_t presses = 0;
    int last;
    pin_direction(LED, 1);
    pin_direction(BUTTON, 0);
    last = stable_level();
    put_text("ready\n");
    for (;;) {
        int level = stable_level();
        if (level == last) continue;
        last = level;
        if (level) {
            put_text("released\n");
            continue;
        }
        presses++;
        pin_write(LED, presses & 1);
        put_text("pressed ");
        put_number(presses);
        put_char('\n');
    }
}
