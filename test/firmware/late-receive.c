/*
 * Enables receive on its UART only 300 ms after its start, then says of each byte how many have come. For boards with
 * the CMSDK UART.
 */
#include "kit.h"
#include "memory.h"
#include "systick.h"

#define UART(offset) (*(volatile uint32_t *)(0x40004000 + (offset)))
enum { CTRL = 0x08, BAUDDIV = 0x10, TX_ENABLE = 1, RX_ENABLE = 2 };

void kit_start(void) {
    UART(BAUDDIV) = 217;
    UART(CTRL) = TX_ENABLE;
    end_run(main());
}

int main(void) {
    put_text("not listening\n");
    sleep_ms(300);
    UART(CTRL) = TX_ENABLE | RX_ENABLE;
    put_text("listening\n");
    for (uint32_t count = 1;; count++) {
        get_char();
        put_number(count);
        put_char('\n');
    }
}
