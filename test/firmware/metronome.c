/* A numbered line each 100 ms of guest time, without an end, asleep in between. */
#include "kit.h"
#include "systick.h"

int main(void) {
    systick_start(100);
    for (uint32_t number = 1;; number++) {
        systick_wait();
        put_text("tick ");
        put_number(number);
        put_char('\n');
    }
}
