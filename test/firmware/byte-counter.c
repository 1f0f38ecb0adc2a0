/*
 * Takes a line with a number, then as many bytes, and says how many came with a checksum over them
 * (c = c * 31 + byte, modulo 2^32, from 0); and so on.
 */
#include "kit.h"

int main(void) {
    put_text("ready\n");
    for (;;) {
        uint32_t wanted = 0;
        for (char byte = get_char(); byte != '\n'; byte = get_char()) {
            if (byte >= '0' && byte <= '9') wanted = wanted * 10 + (uint32_t)(byte - '0');
        }
        if (wanted == 0) return 0;
        uint32_t checksum = 0;
        for (uint32_t count = 0; count < wanted; count++) checksum = checksum * 31 + (uint8_t)get_char();
        put_text("received ");
        put_number(wanted);
        put_text(" checksum ");
        put_number(checksum);
        put_char('\n');
    }
}
