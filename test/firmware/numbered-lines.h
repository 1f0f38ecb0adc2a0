/* Lines of 64 bytes, each with its number, so that what is missing shows. */
#pragma once
#include "kit.h"

static inline void put_numbered_lines(uint32_t count) {
    for (uint32_t number = 0; number < count; number++) {
        char digits[8];
        uint32_t rest = number;
        for (int at = 7; at >= 0; at--) {
            digits[at] = (char)('0' + rest % 10);
            rest /= 10;
        }
        for (int at = 0; at < 8; at++) put_char(digits[at]);
        for (int column = 0; column < 55; column++) put_char((char)('A' + column % 26));
        put_char('\n');
    }
}
