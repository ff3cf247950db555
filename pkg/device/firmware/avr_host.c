/* Runs the AVR firmware in simavr: images come from stdin, scores and cycles go to stdout.
 * Arguments: ELF MCU PIXELS BYTES SCORES CLASSES STATE BSS_END (addresses in RAM). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>

static const uint8_t paint = 0xa5;

static void quiet(avr_t *avr, const int level, const char *format, va_list ap) {
    (void)avr, (void)level, (void)format, (void)ap;
}

int main(int argc, char **argv) {
    if (argc != 9) return 2;
    long pixels = atol(argv[3]), bytes = atol(argv[4]), scores = atol(argv[5]), classes = atol(argv[6]), state = atol(argv[7]), end = atol(argv[8]);
    elf_firmware_t firmware;
    memset(&firmware, 0, sizeof firmware);
    avr_global_logger_set(quiet);
    if (elf_read_firmware(argv[1], &firmware)) return 3;
    avr_t *avr = avr_make_mcu_by_name(argv[2]);
    if (!avr) return 4;
    avr->ramend = 0xfeff; /* more than the chip has, so that it is told how much would do */
    avr_init(avr);
    avr_load_firmware(avr, &firmware);
    memset(avr->data + end, paint, avr->ramend + 1 - end);
    for (long i = 0; i < 100000; i++) avr_run(avr); /* to the loop that waits */
    uint8_t *image = malloc(bytes);
    while (fread(image, bytes, 1, stdin) == 1) {
        memcpy(avr->data + pixels, image, bytes);
        uint64_t begin = avr->cycle;
        avr->data[state] = 1;
        while (avr->data[state] != 2) {
            int s = avr_run(avr);
            if (s == cpu_Done || s == cpu_Crashed || avr->cycle - begin > 4000000000u) return 5;
        }
        uint64_t cycles = avr->cycle - begin;
        fwrite(avr->data + scores, classes, 1, stdout);
        fwrite(&cycles, sizeof cycles, 1, stdout);
    }
    if (avr->data[end] != paint) return 6; /* the stack met the data */
    uint32_t lowest = end;
    while (lowest <= avr->ramend && avr->data[lowest] == paint) lowest++;
    uint64_t stack = avr->ramend + 1 - lowest;
    fwrite(&stack, sizeof stack, 1, stdout);
    return 0;
}
