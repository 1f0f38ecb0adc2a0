/* Counts presses of a button on a 7-segment display with a common cathode. */
#include "wiring.h"

/* Segment A is bit 0. */
static const uint8_t digits[] = {0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f};

static void show(uint32_t digit) {
    for (uint32_t segment = 0; segment < 7; segment++) pin_write(SEGMENT_A + segment, digits[digit] >> segment & 1);
    put_text("shows ");
    put_number(digit);
    put_char('\n');
}

int main(void) {
    uint32_t digit = 0;
    int last;
    for (uint32_t segment = 0; segment < 7; segment++) pin_direction(SEGMENT_A + segment, 1);
    pin_direction(BUTTON, 0);
    last = pin_read(BUTTON);
    show(digit);
    for (;;) {
        int level = pin_read(BUTTON);
        if (level == last) continue;
        last = level;
        if (level) {
            put_text("released\n");
            continue;
        }
        digit = (digit + 1) % 10;
        show(digit);
    }
}
