/* What an app may use on every board: UARTs by number, and ways to end. */
#pragma once
#include <stdint.h>

extern const uint8_t uart_count;

void uart_write(uint8_t number, char byte);
/* The next byte received, or -1. Never waits. */
int uart_read(uint8_t number);

/* The console is UART 0. */
void put_char(char byte);
void put_text(const char *text);
void put_number(uint32_t value);
/* Waits for a byte from the console. */
char get_char(void);

/* Lets the UARTs finish, then ends the run with this exit code; sleeps for ever where the board has no end. */
_Noreturn void end_run(int code);
/* The end itself: each board's port has one. */
_Noreturn void end_board(int code);
/* Switches the board off or resets it; these return where the board cannot. */
void power_off(void);
void reset_board(void);
/* Makes the CPU run an undefined instruction. */
void crash(void);
/* Called by the handlers of unexpected exceptions. */
_Noreturn void fatal_exception(void);

int main(void);
