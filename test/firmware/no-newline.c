/* Its last line has no end. */
#include "kit.h"

int main(void) {
    put_text("first line\nlast line without an end");
    return 0;
}
