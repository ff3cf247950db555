#ifndef SLIMFIT_SUBNORMAL_H
#define SLIMFIT_SUBNORMAL_H

#include <stdint.h>

// Subnormal numbers cost a processor over a hundred cycles each. TensorFlow's own
// threads take them for zero; these functions say so to the calling thread.
// slimfit_flush_subnormals returns what slimfit_float_mode takes back.
#if defined(__SSE2__)
#include <xmmintrin.h>

static inline uint64_t slimfit_flush_subnormals(void) {
  unsigned was = _mm_getcsr();
  _mm_setcsr(was | 0x8040);  // flush to zero, denormals are zero
  return was;
}

static inline void slimfit_float_mode(uint64_t was) { _mm_setcsr((unsigned)was); }
#elif defined(__aarch64__)
static inline void slimfit_float_mode(uint64_t was) { __asm__ volatile("msr fpcr, %0" : : "r"(was)); }

static inline uint64_t slimfit_flush_subnormals(void) {
  uint64_t was;
  __asm__ volatile("mrs %0, fpcr" : "=r"(was));
  slimfit_float_mode(was | 1 << 24);  // FZ
  return was;
}
#else
static inline uint64_t slimfit_flush_subnormals(void) { return 0; }
static inline void slimfit_float_mode(uint64_t was) { (void)was; }
#endif

#endif
