/*
 * Stands in for pins by the line protocol on its second UART: what is set on a line comes back on the next one. Says
 * something that is no line of the protocol before each.
 */
#include "kit.h"

static void put_line(const char *text) {
    while (*text) uart_write(1, *text++);
}

static void put_digits(uint32_t value) {
    if (value >= 10) put_digits(value / 10);
    uart_write(1, (char)('0' + value % 10));
}

static char get_byte(void) {
    int byte;
    do {
        byte = uart_read(1);
    } while (byte < 0);
    return (char)byte;
}

static void answer(uint32_t pin, char level) {
    put_line("GPIO x 1\nhello\nGPIO ");
    put_digits(pin + 1);
    uart_write(1, ' ');
    uart_write(1, level);
    uart_write(1, '\n');
}

int main(void) {
    put_text("shim\n");
    for (;;) {
        while (get_byte() != ' ') {
        }
        uint32_t pin = 0;
        char byte;
        while ((byte = get_byte()) != ' ') pin = 10 * pin + (uint32_t)(byte - '0');
        answer(pin, get_byte());
    }
}
