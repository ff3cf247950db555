/* Firmware for Cortex-M under qemu: images come from images.bin, scores and instructions go to scores.bin,
 * by semihosting. With -icount shift=0 an instruction takes a nanosecond, and SysTick counts 25 MHz. */
#include "net.h"
#include <stddef.h>

extern uint32_t data_load[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];

static uint8_t pixels[NET_PIXELS];
static int8_t scores[NET_CLASSES];

static uint32_t call(uint32_t op, const void *argument) {
    register uint32_t r0 __asm__("r0") = op;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open(const char *name, uint32_t mode, uint32_t length) {
    uint32_t args[3] = {(uint32_t)name, mode, length};
    return call(1, args);
}

static uint32_t move(uint32_t op, uint32_t file, const void *at, uint32_t n) { /* bytes that were not moved */
    uint32_t args[3] = {file, (uint32_t)at, n};
    return call(op, args);
}

static uint32_t volatile *const control = (uint32_t *)0xe000e010, *const reload = (uint32_t *)0xe000e014, *const value = (uint32_t *)0xe000e018;

static void stop(uint32_t code) {
    uint32_t args[2] = {0x20026, code};
    (void)call(0x20, args);
    for (;;) {
    }
}

static void run(void) {
    uint32_t in = open("images.bin", 1, 10), out = open("scores.bin", 5, 10), *p;
    if (in == UINT32_MAX || out == UINT32_MAX) {
        stop(3);
    }
    for (p = bss_end; p < (uint32_t *)__builtin_frame_address(0) - 64; p++) {
        *p = 0xa5a5a5a5;
    }
    *reload = 0xffffff;
    *control = 5;
    while (move(6, in, pixels, NET_PIXELS) == 0) {
        uint32_t begin = *value, took;
        (void)net_classify((const void *)pixels, scores);
        took = (begin - *value) & 0xffffff;
        (void)move(5, out, scores, NET_CLASSES);
        (void)move(5, out, &took, sizeof took);
    }
    for (p = bss_end; *p == 0xa5a5a5a5; p++) {
    }
    uint32_t stack = (uint32_t)((uint8_t *)stack_top - (uint8_t *)p);
    (void)move(5, out, &stack, sizeof stack);
    stop(0);
}

void reset(void) {
    uint32_t *from = data_load, *to;
    for (to = data_begin; to < data_end;) {
        *to++ = *from++;
    }
    for (to = bss_begin; to < bss_end;) {
        *to++ = 0;
    }
    run();
}

static void fault(void) { stop(4); }

__attribute__((section(".vectors"), used)) static void *const vectors[] = {stack_top, reset, fault, fault, fault, fault, fault};
