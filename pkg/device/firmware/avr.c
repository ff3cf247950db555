/* Firmware for AVR: waits for the simulator to put an image into RAM. */
#include "net.h"

uint8_t pixels[NET_PIXELS];
int8_t scores[NET_CLASSES];
volatile uint8_t state; /* 1: an image is there; 2: its scores are */
volatile uint8_t answer;

int main(void) {
    for (;;) {
        while (state != 1) {
        }
        answer = (uint8_t)net_classify((const void *)pixels, scores);
        state = 2;
    }
}
