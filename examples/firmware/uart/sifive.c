#include "uart.h"

enum { TXDATA = 0x00, RXDATA = 0x04, TXCTRL = 0x08, RXCTRL = 0x0c, IP = 0x14, TX_WATERMARK = 1 };
enum { MTIMECMP = 0x2004000, MTIME = 0x200bff8, TIMER_PENDING = 1 << 7 };

void uart_open(uintptr_t base) {
    REGISTER(base, TXCTRL) = 0x10001;
    REGISTER(base, RXCTRL) = 1;
}

void uart_put(uintptr_t base, uint8_t byte) {
    while ((int32_t)REGISTER(base, TXDATA) < 0) {
    }
    REGISTER(base, TXDATA) = byte;
}

int uart_get(uintptr_t base) {
    uint32_t data = REGISTER(base, RXDATA);
    return (int32_t)data < 0 ? -1 : (int)(data & 0xff);
}

/* A few ticks of the CPU's timer. */
static void wait_for_timer(void) {
    REGISTER(MTIMECMP, 4) = 0;
    REGISTER(MTIMECMP, 0) = REGISTER(MTIME, 0) + 4;
    uintptr_t pending;
    do {
        __asm__ volatile("csrr %0, mip" : "=r"(pending));
    } while (!(pending & TIMER_PENDING));
}

/*
 * With a watermark of one byte, the interrupt is pending when the queue is empty. QEMU has it pending always, but
 * empties the queue by a timer that fires before any that is started later.
 */
void uart_drain(uintptr_t base) {
    while (!(REGISTER(base, IP) & TX_WATERMARK)) {
    }
    wait_for_timer();
}
