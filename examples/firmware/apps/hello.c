#include "kit.h"

int main(void) {
    put_text("boot ok\n");
    return 0;
}
