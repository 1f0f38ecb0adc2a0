/* Sieves the primes below 200,000 again and again, some ten seconds on an emulator: nothing but the CPU and memory. Then it ends. */
#include "kit.h"

#define LIMIT 200000u
#define ROUNDS 2000

static uint8_t composite[LIMIT];

static uint32_t primes(void) {
    uint32_t count = 0;
    for (uint32_t number = 0; number < LIMIT; number++) composite[number] = 0;
    for (uint32_t number = 2; number < LIMIT; number++) {
        if (composite[number]) continue;
        count++;
        for (uint32_t multiple = 2 * number; multiple < LIMIT; multiple += number) composite[multiple] = 1;
    }
    return count;
}

int main(void) {
    uint32_t count = 0;
    for (int round = 0; round < ROUNDS; round++) count = primes();
    put_text("primes ");
    put_number(count);
    put_char('\n');
    return count == 17984 ? 0 : 1;
}
