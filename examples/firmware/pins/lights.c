/* Traffic lights: each key on the console goes on to the next, a pedestrian's button asks for red. */
#include "wiring.h"

enum { RED, RED_YELLOW, GREEN, YELLOW, PHASES };

static void light(uint32_t phase) {
    static const char *const names[] = {"red", "red and yellow", "green", "yellow"};
    pin_write(LED, phase == RED || phase == RED_YELLOW);
    pin_write(LED2, phase == RED_YELLOW || phase == YELLOW);
    pin_write(LED3, phase == GREEN);
    put_text(names[phase]);
    put_char('\n');
}

int main(void) {
    uint32_t phase = RED;
    int last;
    pin_direction(LED, 1);
    pin_direction(LED2, 1);
    pin_direction(LED3, 1);
    pin_direction(BUTTON, 0);
    last = pin_read(BUTTON);
    light(phase);
    for (;;) {
        int level = pin_read(BUTTON);
        int is_pressed = last && !level;
        last = level;
        if (is_pressed && phase == GREEN) {
            light(YELLOW);
            phase = RED;
            light(phase);
        }
        if (uart_read(0) < 0) continue;
        phase = (phase + 1) % PHASES;
        light(phase);
    }
}
