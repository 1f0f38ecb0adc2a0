/* Blinks a LED, and says so. */
#include "wiring.h"

int main(void) {
    pin_direction(LED, 1);
    put_text("blink\n");
    for (;;) {
        pin_write(LED, 1);
        put_text("on\n");
        wait_turns(3000000);
        pin_write(LED, 0);
        put_text("off\n");
        wait_turns(3000000);
    }
}
