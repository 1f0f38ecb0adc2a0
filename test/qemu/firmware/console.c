/* Talks on the semihosting console in every way there is, and asks for what the host does not give. */
#include "kit.h"
#include "semihosting.h"

enum { SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_FLEN = 0x0c, SYS_TMPNAM = 0x0d, NO_SUCH_CALL = 0x77 };

static char name[64];

static void report(const char *what, uintptr_t result) {
    put_text(what);
    put_text((intptr_t)result < 0 ? ": refused\n" : ": done\n");
}

int main(void) {
    semihosting(SYS_WRITE0, "a line\n");
    const volatile uintptr_t tt[3] = {(uintptr_t) ":tt", 4, 3};
    uintptr_t out = semihosting(SYS_OPEN, tt);
    report("open", out);
    const volatile uintptr_t text[3] = {out, (uintptr_t) "another\n", 8};
    report("write", -semihosting(SYS_WRITE, text));
    const volatile uintptr_t handle[1] = {out};
    report("length", semihosting(SYS_FLEN, handle));
    const volatile uintptr_t temporary[3] = {(uintptr_t)name, 1, sizeof name};
    report("name", semihosting(SYS_TMPNAM, temporary));
    report("no such call", semihosting(NO_SUCH_CALL, temporary));
    return 0;
}
