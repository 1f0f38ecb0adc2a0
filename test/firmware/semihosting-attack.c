/*
 * Does on the host, by semihosting, what each line from the UART asks for, and reports what it got:
 * read PATH, write PATH, remove PATH, rename PATH TO, system COMMAND, cmdline, exit.
 */
#include "kit.h"
#include "semihosting.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_REMOVE = 0x0e,
    SYS_RENAME = 0x0f,
    SYS_SYSTEM = 0x12,
    SYS_GET_CMDLINE = 0x15,
};

static char line[512], data[64];

static uint32_t length_of(const char *text) {
    uint32_t length = 0;
    while (text[length]) length++;
    return length;
}

static void read_line(void) {
    uint32_t length = 0;
    for (char byte = get_char(); byte != '\n'; byte = get_char()) {
        if (length < sizeof line - 1) line[length++] = byte;
    }
    line[length] = 0;
}

static char *argument_of(const char *command) {
    char *at = line;
    while (*command) {
        if (*at++ != *command++) return 0;
    }
    return *at == ' ' ? at + 1 : *at ? 0 : at;
}

static void report(const char *what, intptr_t result) {
    put_text(what);
    if (result < 0) put_text(": refused\n");
    else {
        put_text(": DONE ");
        put_number((uint32_t)result);
        put_char('\n');
    }
}

static intptr_t open_file(const char *path, uintptr_t mode) {
    const volatile uintptr_t block[3] = {(uintptr_t)path, mode, length_of(path)};
    return (intptr_t)semihosting(SYS_OPEN, block);
}

static void read_file(const char *path) {
    intptr_t handle = open_file(path, 0);
    if (handle < 0) return report("read", -1);
    const volatile uintptr_t block[3] = {(uintptr_t)handle, (uintptr_t)data, sizeof data - 1};
    uintptr_t missing = semihosting(SYS_READ, block);
    if (missing >= sizeof data - 1) return report("read", -1);
    put_text("read: DONE ");
    put_text(data);
    put_char('\n');
}

static void write_file(const char *path) {
    intptr_t handle = open_file(path, 4);
    if (handle < 0) return report("write", -1);
    const volatile uintptr_t block[3] = {(uintptr_t)handle, (uintptr_t) "written by the guest\n", 21};
    report("write", semihosting(SYS_WRITE, block) == 0 ? 21 : -1);
    const volatile uintptr_t closed[1] = {(uintptr_t)handle};
    semihosting(SYS_CLOSE, closed);
}

static void run(void) {
    char *path;
    if ((path = argument_of("read"))) read_file(path);
    else if ((path = argument_of("write"))) write_file(path);
    else if ((path = argument_of("remove"))) {
        const volatile uintptr_t block[2] = {(uintptr_t)path, length_of(path)};
        report("remove", semihosting(SYS_REMOVE, block) == 0 ? 0 : -1);
    } else if ((path = argument_of("rename"))) {
        char *to = path;
        while (*to && *to != ' ') to++;
        if (*to) *to++ = 0;
        const volatile uintptr_t block[4] = {(uintptr_t)path, length_of(path), (uintptr_t)to, length_of(to)};
        report("rename", semihosting(SYS_RENAME, block) == 0 ? 0 : -1);
    } else if ((path = argument_of("system"))) {
        const volatile uintptr_t block[2] = {(uintptr_t)path, length_of(path)};
        report("system", semihosting(SYS_SYSTEM, block) == 0 ? 0 : -1);
    } else if (argument_of("cmdline")) {
        volatile uintptr_t block[2] = {(uintptr_t)data, sizeof data - 1};
        if (semihosting(SYS_GET_CMDLINE, block) == 0 && data[0]) {
            put_text("cmdline: DONE ");
            put_text(data);
            put_char('\n');
        } else report("cmdline", -1);
    } else if (argument_of("exit")) end_run(0);
}

int main(void) {
    for (;;) {
        put_text("> ");
        read_line();
        run();
    }
}
