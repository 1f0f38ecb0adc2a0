/* All values of a byte, sixteen times, between two lines. */
#include "kit.h"

int main(void) {
    put_text("binary begins\n");
    for (int round = 0; round < 16; round++) {
        for (int byte = 0; byte < 256; byte++) put_char((char)byte);
    }
    put_text("\nbinary ends\n");
    return 0;
}
