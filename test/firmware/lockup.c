/* Runs an undefined instruction at once. */
#include "kit.h"

int main(void) {
    put_text("locking up\n");
    crash();
    return 0;
}
