/* A LED is lit as long as an input is high: a switch, or a button against supply. */
#include "wiring.h"

int main(void) {
    int last = -1;
    pin_direction(LED, 1);
    pin_direction(BUTTON, 0);
    for (;;) {
        int level = pin_read(BUTTON);
        if (level == last) continue;
        last = level;
        pin_write(LED, level);
        put_text(level ? "high\n" : "low\n");
    }
}
