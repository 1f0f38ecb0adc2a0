/*
 * Shows eight bars of colour on a display of 320 by 200 points, with a white square that goes on by its own width with
 * each byte from the console. For arm-virt (ramfb), q35 (the VGA's own registers) and Raspberry Pis (the mailbox).
 */
#include "kit.h"

enum { WIDTH = 320, HEIGHT = 200, BAR = 40, SQUARE = 40, POINTS = WIDTH * HEIGHT };

#if defined __x86_64__ || defined __i386__
#define BANKED 1
#endif

static uint32_t colour_at(uint32_t x, uint32_t y, uint32_t square) {
    uint32_t bar = x / BAR;
    if (y < SQUARE && x >= square && x < square + SQUARE) return 0xffffff;
    return (bar & 1 ? 0xff : 0) | (bar & 2 ? 0xff00 : 0) | (bar & 4 ? 0xff0000 : 0x400000);
}

#ifdef BANKED
/* Bochs' extension of the VGA: a display of any size, seen through a window of 64 KiB. */
enum { INDEX = 0x1ce, DATA = 0x1cf, WINDOW = 0xa0000, WINDOW_POINTS = 0x4000 };

static void out16(uint16_t port, uint16_t value) { __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void set_display(uint16_t index, uint16_t value) {
    out16(INDEX, index);
    out16(DATA, value);
}

static void open_display(void) {
    /* Colour registers at 3dx, and the display is shown at all. */
    out8(0x3c2, 0x63);
    (void)in8(0x3da);
    out8(0x3c0, 0x20);
    set_display(4, 0);
    set_display(1, WIDTH);
    set_display(2, HEIGHT);
    set_display(3, 32);
    set_display(4, 1);
}

static void draw(uint32_t square) {
    for (uint32_t at = 0; at < POINTS; at++) {
        if (at % WINDOW_POINTS == 0) set_display(5, (uint16_t)(at / WINDOW_POINTS));
        volatile uint32_t *window = (volatile uint32_t *)(uintptr_t)WINDOW;
        window[at % WINDOW_POINTS] = colour_at(at % WIDTH, at / WIDTH, square);
    }
}
#else
static volatile uint32_t own_frame[POINTS] __attribute__((aligned(4096)));
static volatile uint32_t *frame = own_frame;

static uint32_t big32(uint32_t value) { return __builtin_bswap32(value); }

/* QEMU's own: the guest says by the configuration device where its picture lies. */
enum { CONFIG = 0x09020000, DIRECTORY = 0x19 };
#define CONFIG_DATA (*(volatile uint8_t *)(uintptr_t)CONFIG)
#define CONFIG_SELECT (*(volatile uint16_t *)(uintptr_t)(CONFIG + 8))
#define CONFIG_DMA ((volatile uint32_t *)(uintptr_t)(CONFIG + 16))

static uint32_t config_read(uint32_t bytes) {
    uint32_t value = 0;
    while (bytes--) value = value << 8 | CONFIG_DATA;
    return value;
}

static int is_ramfb(const char *name) {
    const char *wanted = "etc/ramfb";
    while (*wanted && *wanted == *name) wanted++, name++;
    return *wanted == *name;
}

static uint32_t find_ramfb(void) {
    CONFIG_SELECT = __builtin_bswap16(DIRECTORY);
    for (uint32_t count = config_read(4); count > 0; count--) {
        char name[56];
        (void)config_read(4);
        uint32_t select = config_read(2);
        (void)config_read(2);
        for (uint32_t at = 0; at < sizeof name; at++) name[at] = (char)CONFIG_DATA;
        if (is_ramfb(name)) return select;
    }
    return 0;
}

static void open_ramfb(void) {
    static volatile uint32_t config[7] __attribute__((aligned(16)));
    static volatile uint32_t transfer[4] __attribute__((aligned(16)));
    config[1] = big32((uint32_t)(uintptr_t)own_frame);
    config[2] = big32(0x34325258); /* XR24 */
    config[4] = big32(WIDTH);
    config[5] = big32(HEIGHT);
    config[6] = big32(WIDTH * 4);
    transfer[0] = big32(find_ramfb() << 16 | 0x18);
    transfer[1] = big32(sizeof config);
    transfer[3] = big32((uint32_t)(uintptr_t)config);
    CONFIG_DMA[0] = 0;
    CONFIG_DMA[1] = big32((uint32_t)(uintptr_t)transfer);
    while (transfer[0] != 0) {
    }
}

/* A Raspberry Pi: the graphics processor is asked by letter for a frame, and says where it is. */
#define MAILBOX ((volatile uint32_t *)(uintptr_t)0x3f00b880)
enum { READ = 0, STATUS = 6, WRITE = 8, FULL = 1u << 31, EMPTY = 1 << 30, PROPERTIES = 8 };

static void open_mailbox(void) {
    static volatile uint32_t letter[32] __attribute__((aligned(16)));
    static const uint32_t text[] = {
        sizeof letter, 0,
        0x48003, 8, 8, WIDTH, HEIGHT,
        0x48004, 8, 8, WIDTH, HEIGHT,
        0x48005, 4, 4, 32,
        0x48006, 4, 4, 0,
        0x40001, 8, 8, 16, 0,
        0,
    };
    for (uint32_t at = 0; at < sizeof text / sizeof text[0]; at++) letter[at] = text[at];
    while (MAILBOX[STATUS] & FULL) {
    }
    MAILBOX[WRITE] = (uint32_t)(uintptr_t)letter | PROPERTIES;
    do {
        while (MAILBOX[STATUS] & EMPTY) {
        }
    } while ((MAILBOX[READ] & 15) != PROPERTIES);
    frame = (volatile uint32_t *)(uintptr_t)(letter[23] & 0x3fffffff);
}

static void open_display(void) {
    if (BOARD[0] == 'r') open_mailbox();
    else open_ramfb();
}

static void draw(uint32_t square) {
    for (uint32_t at = 0; at < POINTS; at++) frame[at] = colour_at(at % WIDTH, at / WIDTH, square);
}
#endif

int main(void) {
    open_display();
    for (uint32_t square = 0;; square = (square + SQUARE) % WIDTH) {
        draw(square);
        put_text("drawn\n");
        (void)get_char();
    }
}
