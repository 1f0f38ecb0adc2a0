/* A numbered line each 100 ms for 60 s of guest time, asleep in between. */
#include "kit.h"
#include "systick.h"

int main(void) {
    systick_start(100);
    for (uint32_t number = 1; number <= 600; number++) {
        systick_wait();
        put_text("tick ");
        put_number(number);
        put_char('\n');
    }
    return 0;
}
