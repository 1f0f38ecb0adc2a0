/* Says of each break on its line that it has come, and of each byte. For boards with a 16550 at 0x10000000. */
#include "kit.h"
#include "memory.h"

#define UART(offset) (*(volatile uint8_t *)(0x10000000 + (offset)))
enum { DATA = 0, LINE_STATUS = 5, DATA_READY = 0x01, BREAK = 0x10 };

int main(void) {
    put_text("listening\n");
    for (;;) {
        uint8_t status = UART(LINE_STATUS);
        if (!(status & DATA_READY)) continue;
        (void)UART(DATA);
        put_text(status & BREAK ? "a break\n" : "a byte\n");
    }
}
