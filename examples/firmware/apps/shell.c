/* A console to talk to: each line is a command. */
#include "kit.h"

static char line[64];

static void read_line(void) {
    uint8_t length = 0;
    for (;;) {
        /* What comes over the second UART is told on the console. */
        if (uart_count > 1) {
            int byte = uart_read(1);
            if (byte >= 0) {
                put_text("uart1 got ");
                put_char((char)byte);
                put_char('\n');
            }
        }
        int byte = uart_read(0);
        if (byte < 0) continue;
        if (byte == '\r' || byte == '\n') break;
        if (length < sizeof line - 1) line[length++] = (char)byte;
    }
    line[length] = 0;
}

/* What follows the command in the line, or null where the line is another command. */
static const char *argument_of(const char *command) {
    const char *at = line;
    while (*command) {
        if (*at++ != *command++) return 0;
    }
    if (*at == ' ') return at + 1;
    return *at ? 0 : at;
}

static uint32_t number_in(const char *text) {
    uint32_t value = 0;
    while (*text >= '0' && *text <= '9') value = value * 10 + (uint32_t)(*text++ - '0');
    return value;
}

/* Lines of 64 bytes, numbered, so that a missing one shows. */
static void flood(uint32_t kib) {
    for (uint32_t number = 0; number < kib * 16; number++) {
        for (uint32_t unit = 10000000; unit; unit /= 10) put_char((char)('0' + number / unit % 10));
        for (uint8_t column = 0; column < 55; column++) put_char((char)('A' + column % 26));
        put_char('\n');
    }
}

static void run(void) {
    const char *argument;
    if ((argument = argument_of("echo"))) {
        put_text(argument);
        put_char('\n');
    } else if ((argument = argument_of("exit"))) {
        end_run((int)number_in(argument));
    } else if (argument_of("fail")) {
        put_text("shell.c:1: assertion failed: 1 == 2\n");
        end_run(1);
    } else if (argument_of("crash")) {
        crash();
    } else if (argument_of("off")) {
        power_off();
        put_text("cannot switch off\n");
    } else if (argument_of("reset")) {
        reset_board();
        put_text("cannot reset\n");
    } else if (argument_of("hang")) {
        for (;;) {
        }
    } else if ((argument = argument_of("flood"))) {
        flood(number_in(argument));
    } else if (argument_of("binary")) {
        for (int byte = 0; byte < 256; byte++) put_char((char)byte);
    } else if ((argument = argument_of("uart1")) && uart_count > 1) {
        while (*argument) uart_write(1, *argument++);
        uart_write(1, '\n');
    } else if (line[0]) {
        put_text("unknown command\n");
    }
}

int main(void) {
    put_text("emufarm shell on " BOARD "\n");
    for (;;) {
        put_text("> ");
        read_line();
        run();
    }
}
