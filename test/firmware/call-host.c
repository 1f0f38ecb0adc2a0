/*
 * Calls a port of the host through the user-mode network and shows what it gets. Each line from the UART is a port
 * and a path: "8080 /v1/info". For the Arm virtual machine with a virtio network device (legacy transport,
 * virtio 1.2 section 4.2.4) on QEMU's default network, where the host is 10.0.2.2.
 */
#include "kit.h"

enum { GUEST_IP = 0x0a00020f, HOST_IP = 0x0a000202, OWN_PORT = 40000 };
enum { ENTRIES = 4, BUFFER_BYTES = 2048, HEADER_BYTES = 10, PATIENCE_S = 3 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PUSH = 8, TCP_ACK = 16 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

struct queue {
    struct descriptor descriptors[ENTRIES];
    volatile uint16_t available_flags, available_index, available[ENTRIES];
    uint8_t padding[4096 - 16 * ENTRIES - 4 - 2 * ENTRIES];
    volatile uint16_t used_flags, used_index;
    volatile struct {
        uint32_t id, length;
    } used[ENTRIES];
};

static struct queue receive __attribute__((aligned(4096))), transmit __attribute__((aligned(4096)));
static uint8_t received[ENTRIES][BUFFER_BYTES], frame[BUFFER_BYTES];
static uint16_t received_index;
static uintptr_t device;
static uint8_t own_mac[6], host_mac[6];
static uint16_t port, own_port = OWN_PORT;
static uint32_t sequence, acknowledged;

#define DEVICE(offset) (*(volatile uint32_t *)(device + (offset)))
#define BARRIER() __asm__ volatile("dsb sy" ::: "memory")

static uint64_t now(void) {
    uint64_t count;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

static uint64_t second(void) {
    uint64_t frequency;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency;
}

static void put16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static void copy(uint8_t *to, const uint8_t *from, uint32_t length) {
    while (length--) *to++ = *from++;
}

static void open_queue(uint32_t number, struct queue *queue) {
    DEVICE(0x030) = number;
    DEVICE(0x038) = ENTRIES;
    DEVICE(0x03c) = 4096;
    DEVICE(0x040) = (uint32_t)((uintptr_t)queue / 4096);
}

static int open_network(void) {
    for (device = 0x0a000000; device < 0x0a004000; device += 0x200) {
        if (DEVICE(0x000) == 0x74726976 && DEVICE(0x008) == 1) break;
    }
    if (device == 0x0a004000) return 0;
    DEVICE(0x070) = 0;
    DEVICE(0x070) = 3;
    DEVICE(0x020) = 0;
    DEVICE(0x028) = 4096;
    open_queue(0, &receive);
    open_queue(1, &transmit);
    for (int at = 0; at < 6; at++) own_mac[at] = *(volatile uint8_t *)(device + 0x100 + at);
    for (uint16_t entry = 0; entry < ENTRIES; entry++) {
        receive.descriptors[entry] = (struct descriptor){(uintptr_t)received[entry], BUFFER_BYTES, 2, 0};
        receive.available[entry] = entry;
    }
    BARRIER();
    receive.available_index = ENTRIES;
    DEVICE(0x070) = 7;
    DEVICE(0x050) = 0;
    return 1;
}

static void send_frame(uint32_t length) {
    if (length < 60) length = 60;
    transmit.descriptors[0] = (struct descriptor){(uintptr_t)frame, HEADER_BYTES + length, 0, 0};
    transmit.available[transmit.available_index % ENTRIES] = 0;
    BARRIER();
    transmit.available_index++;
    BARRIER();
    DEVICE(0x050) = 1;
    while (transmit.used_index != transmit.available_index) {
    }
}

/* The next frame, or null after the patience; it is good until the call after. */
static const uint8_t *receive_frame(uint32_t *length) {
    static int32_t held = -1;
    if (held >= 0) {
        receive.available[receive.available_index % ENTRIES] = (uint16_t)held;
        BARRIER();
        receive.available_index++;
        BARRIER();
        DEVICE(0x050) = 0;
        held = -1;
    }
    uint64_t deadline = now() + PATIENCE_S * second();
    while (receive.used_index == received_index) {
        if (now() > deadline) return 0;
    }
    BARRIER();
    held = (int32_t)receive.used[received_index % ENTRIES].id;
    *length = receive.used[received_index % ENTRIES].length - HEADER_BYTES;
    received_index++;
    return received[held] + HEADER_BYTES;
}

static uint8_t *begin_frame(uint16_t type) {
    uint8_t *at = frame + HEADER_BYTES;
    for (int byte = 0; byte < HEADER_BYTES; byte++) frame[byte] = 0;
    copy(at, host_mac, 6);
    copy(at + 6, own_mac, 6);
    put16(at + 12, type);
    return at + 14;
}

static void send_arp(uint16_t operation, const uint8_t *target) {
    uint8_t *arp = begin_frame(0x0806);
    const uint8_t head[6] = {0, 1, 8, 0, 6, 4};
    copy(arp, head, 6);
    put16(arp + 6, operation);
    copy(arp + 8, own_mac, 6);
    put32(arp + 14, GUEST_IP);
    copy(arp + 18, target, 6);
    put32(arp + 24, HOST_IP);
    send_frame(42);
}

static uint32_t add_up(const uint8_t *at, uint32_t length, uint32_t sum) {
    for (uint32_t byte = 0; byte < length; byte++) sum += byte & 1 ? at[byte] : (uint32_t)at[byte] << 8;
    return sum;
}

static uint16_t folded(uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void send_tcp(uint8_t flags, const char *data, uint32_t bytes) {
    uint8_t *ip = begin_frame(0x0800), *tcp = ip + 20;
    for (int byte = 0; byte < 40; byte++) ip[byte] = 0;
    ip[0] = 0x45;
    put16(ip + 2, (uint16_t)(40 + bytes));
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, GUEST_IP);
    put32(ip + 16, HOST_IP);
    put16(ip + 10, folded(add_up(ip, 20, 0)));
    put16(tcp, own_port);
    put16(tcp + 2, port);
    put32(tcp + 4, sequence);
    put32(tcp + 8, flags & TCP_ACK ? acknowledged : 0);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 1024);
    copy(tcp + 20, (const uint8_t *)data, bytes);
    put16(tcp + 16, folded(add_up(tcp, 20 + bytes, add_up(ip + 12, 8, 6 + 20 + bytes))));
    send_frame(54 + bytes);
    sequence += bytes + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static int find_host(void) {
    for (int at = 0; at < 6; at++) host_mac[at] = 0xff;
    const uint8_t nobody[6] = {0};
    send_arp(1, nobody);
    uint32_t length;
    for (const uint8_t *at; (at = receive_frame(&length));) {
        if (get16(at + 12) == 0x0806 && get16(at + 20) == 2) {
            copy(host_mac, at + 22, 6);
            return 1;
        }
    }
    return 0;
}

/* The next segment of the connection, or null. The host's questions for our address are answered on the way. */
static const uint8_t *receive_tcp(void) {
    uint32_t length;
    for (const uint8_t *at; (at = receive_frame(&length));) {
        if (get16(at + 12) == 0x0806 && get16(at + 20) == 1) send_arp(2, at + 22);
        if (get16(at + 12) == 0x0800 && at[23] == 6 && get16(at + 36) == own_port) return at + 14;
    }
    return 0;
}

static const char *call(const char *path) {
    own_port++;
    sequence = 1000;
    send_tcp(TCP_SYN, 0, 0);
    const uint8_t *ip = receive_tcp();
    if (!ip) return "no answer";
    if (ip[33] & TCP_RST) return "refused";
    acknowledged = get32(ip + 24) + 1;

    static char request[256];
    uint32_t length = 0;
    const char *parts[] = {"GET ", path, " HTTP/1.1\r\nHost: 10.0.2.2\r\nConnection: close\r\n\r\n"};
    for (int part = 0; part < 3; part++) {
        for (const char *from = parts[part]; *from && length < sizeof request; from++) request[length++] = *from;
    }
    send_tcp(TCP_ACK | TCP_PUSH, request, length);
    while ((ip = receive_tcp())) {
        const uint8_t *tcp = ip + 20, *data = tcp + (tcp[12] >> 4) * 4, *end = ip + get16(ip + 2);
        if (tcp[13] & TCP_RST) return "reset";
        if (get32(tcp + 4) != acknowledged) continue;
        for (; data < end; data++) {
            put_char((char)*data);
            acknowledged++;
        }
        if (tcp[13] & TCP_FIN) {
            acknowledged++;
            send_tcp(TCP_ACK | TCP_FIN, 0, 0);
            return "closed";
        }
        send_tcp(TCP_ACK, 0, 0);
    }
    return "no answer";
}

int main(void) {
    static char path[128];
    put_text(open_network() ? "network found\n" : "no network\n");
    for (;;) {
        put_text("> ");
        port = 0;
        uint32_t length = 0;
        char byte;
        while ((byte = get_char()) >= '0' && byte <= '9') port = (uint16_t)(port * 10 + (byte - '0'));
        while (byte != '\n') {
            if (byte != ' ' && length < sizeof path - 1) path[length++] = byte;
            byte = get_char();
        }
        path[length] = 0;
        if (device == 0x0a004000) put_text("no network\n");
        else if (!find_host()) put_text("no host\n");
        else {
            const char *end = call(path);
            put_text("\nend: ");
            put_text(end);
            put_char('\n');
        }
    }
}
