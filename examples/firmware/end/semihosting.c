#include "kit.h"
#include "semihosting.h"

_Noreturn void end_board(int code) {
    semihosting_exit(code);
    for (;;) {
    }
}

__attribute__((weak)) void power_off(void) {}
__attribute__((weak)) void reset_board(void) {}
