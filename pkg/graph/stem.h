// A network's stem: its first convolution with the max pool, bias and
// activation after it, for a batch of images, and the gradient of kernel and
// bias. Several networks with one kernel size and pool run in one call.
//
// A position's sum starts at zero and takes the taps in order of row, column
// and channel, each by a fused multiply-add. A gradient takes the images in
// order, and the windows of an image. So all instruction sets give the same
// bits, and a filter's bits do not depend on the filters beside it.
#ifndef SLIMFIT_STEM_H
#define SLIMFIT_STEM_H

#include <stdint.h>

enum slimfit_isa { SLIMFIT_C = 0, SLIMFIT_AVX2 = 1, SLIMFIT_AVX512 = 2 };
enum slimfit_activation { SLIMFIT_NONE = 0, SLIMFIT_RELU = 1, SLIMFIT_RELU6 = 2, SLIMFIT_LEAKY_RELU = 3 };
enum { SLIMFIT_STEM_NETS = 64, SLIMFIT_STEM_NUMBERS = 17 };

// The first SLIMFIT_STEM_NUMBERS fields are the numbers of the operation's
// attribute "geometry", in order.
struct slimfit_stem {
  int64_t isa;
  int64_t height, width, channels;    // of an image; 1 to 4 channels
  int64_t kernel_h, kernel_w;         // 1 to 7
  int64_t pad_top, pad_left;          // zeros before the image
  int64_t conv_h, conv_w;             // positions of the kernel, one pixel apart
  int64_t pool_h, pool_w;             // 1 to 4; windows side by side; 1 x 1: no pool
  int64_t pool_top, pool_left;        // of the first window outside the positions
  int64_t out_h, out_w;               // windows
  int64_t activation;
  int64_t nets;
  int64_t filters[SLIMFIT_STEM_NETS];  // of each network
};

// slimfit_isa_best is what this processor has.
int slimfit_isa_best(void);

// slimfit_stem_fault says what is wrong with the numbers, NULL if nothing is.
const char *slimfit_stem_fault(const struct slimfit_stem *s);

// x: [n, height, width, channels]; kernel: [kernel_h, kernel_w, channels, all
// filters]; bias: [all filters]; y and winner of each network: [n, out_h,
// out_w, its filters]. A winner is the first position with the window's largest
// sum: its row times 4 plus its column; it is not written without a pool.
// Returns 0, or -1 without memory.
int slimfit_stem_forward(const struct slimfit_stem *s, int64_t n, const float *x, const float *kernel, const float *bias, float *const *y,
                         uint8_t *const *winner);

// dy is the gradient of y; dkernel and dbias are laid out as kernel and bias.
int slimfit_stem_gradient(const struct slimfit_stem *s, int64_t n, const float *x, const float *const *y, const uint8_t *const *winner,
                          const float *const *dy, float *dkernel, float *dbias);

#endif
