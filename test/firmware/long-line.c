/* One line of 10 MiB. */
#include "kit.h"

int main(void) {
    for (uint32_t count = 0; count < 10 * 1024 * 1024; count++) put_char((char)('a' + count % 26));
    put_text("\nthe line is over\n");
    return 0;
}
