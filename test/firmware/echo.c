/* Says that it is ready, then sends back each byte at once. */
#include "kit.h"

int main(void) {
    put_text("ready\n");
    for (;;) put_char(get_char());
}
