#include "stem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define LEAKY_SLOPE 0.2f  // models.LeakySlope

enum {
  WIDEST = 16,   // floats of the widest vector
  BAND = 256,    // windows whose gradients are summed before they are added to the rest
  SLACK = 32,    // floats behind the image that a vector of a kernel row may read
  LARGEST = 1 << 26  // floats of a padded image
};

// part is what one network has in a vector of filters.
struct part {
  int lane, count;  // of the vector
  int filters;      // of the network
  float *y;         // of the current image, at the first of count filters; in a gradient only read
  uint8_t *winner;
  const float *dy;
};

// lanes is one vector of filters.
struct lanes {
  int parts, first, count;  // filters of all networks
  float bias[WIDEST];
  struct part part[WIDEST];
};

// work is what the kernels of one call share.
struct work {
  int kernel_h, kernel_w, channels, row;  // row: values that a kernel row covers
  int pool_h, pool_w, pool_top, pool_left, pooled;
  int conv_bottom, conv_right;  // end of the kernel's positions in the padded image
  int out_h, out_w, activation;
  float slope, lower, upper;  // of the activation
  int rows, pitch;  // of the padded image, in floats
  int top, left;    // of the image in it
  float *image;
  uint8_t *live;    // windows that see anything but zeros
  int *columns;     // columns so far in which a band of rows has a value
  // Of a gradient's band:
  float *gradients;
  int32_t *places;
  int *bases;
};

// Plain C: eight floats at a time.
#define LANES 8
#define FN(name) name##_c
#define TARGET
#define ROW_ACCUMULATORS 12
#define UNROLLED(i, n) for (int i = 0; i < (n); i++)
#define EACH(expression) \
  ({ \
    struct floats8 r_; \
    for (int i = 0; i < LANES; i++) r_.v[i] = (expression); \
    r_; \
  })
#define EACH_INT(expression) \
  ({ \
    struct ints8 r_; \
    for (int i = 0; i < LANES; i++) r_.v[i] = (expression); \
    r_; \
  })
struct floats8 {
  float v[LANES];
};
struct ints8 {
  int32_t v[LANES];
};
static inline struct floats8 set_c(float x) { return EACH(x); }
static inline struct floats8 load_c(const float *p, int n) { return EACH(i < n ? p[i] : 0); }
static inline void store_c(float *p, struct floats8 x, int n) {
  for (int i = 0; i < n; i++) p[i] = x.v[i];
}
static inline struct floats8 fma_c(struct floats8 a, struct floats8 b, struct floats8 c) { return EACH(fmaf(a.v[i], b.v[i], c.v[i])); }
static inline struct floats8 add_c(struct floats8 a, struct floats8 b) { return EACH(a.v[i] + b.v[i]); }
static inline struct floats8 mul_c(struct floats8 a, struct floats8 b) { return EACH(a.v[i] * b.v[i]); }
static inline struct ints8 greater_c(struct floats8 a, struct floats8 b) { return EACH_INT(a.v[i] > b.v[i]); }
static inline struct floats8 select_c(struct ints8 m, struct floats8 a, struct floats8 b) { return EACH(m.v[i] ? b.v[i] : a.v[i]); }
static inline struct ints8 set_int_c(int32_t x) { return EACH_INT(x); }
static inline struct ints8 load_int_c(const int32_t *p) { return EACH_INT(p[i]); }
static inline void store_int_c(int32_t *p, struct ints8 x) { memcpy(p, &x, sizeof x); }
static inline struct ints8 equal_c(struct ints8 a, struct ints8 b) { return EACH_INT(a.v[i] == b.v[i]); }
static inline struct ints8 select_int_c(struct ints8 m, struct ints8 a, struct ints8 b) { return EACH_INT(m.v[i] ? b.v[i] : a.v[i]); }
static inline struct ints8 load_bytes_c(const uint8_t *p, int n) { return EACH_INT(i < n ? p[i] : 0); }
static inline void store_bytes_c(uint8_t *p, struct ints8 x, int n) {
  for (int i = 0; i < n; i++) p[i] = (uint8_t)x.v[i];
}
static inline struct ints8 places_c(struct ints8 code, int base, int pitch, int channels) {
  return EACH_INT(base + (code.v[i] >> 2 & 3) * pitch + (code.v[i] & 3) * channels);
}
#define V_FLOAT struct floats8
#define V_INT struct ints8
#define V_MASK struct ints8
#define V_SET1 set_c
#define V_LOAD(p) load_c(p, LANES)
#define V_LOAD_ANY(p) load_c(p, LANES)
#define V_LOAD_N load_c
#define V_STORE(p, x) store_c(p, x, LANES)
#define V_STORE_N store_c
#define V_FMA fma_c
#define V_ADD add_c
#define V_MUL mul_c
#define V_GREATER greater_c
#define V_SELECT select_c
#define V_SET1_INT set_int_c
#define V_LOAD_INT load_int_c
#define V_STORE_INT store_int_c
#define V_EQUAL_INT equal_c
#define V_SELECT_INT select_int_c
#define V_LOAD_BYTES_N load_bytes_c
#define V_STORE_BYTES_N store_bytes_c
#define V_PLACES places_c
#include "stem_kernel.h"

#if defined(__x86_64__)

#define LANES 8
#define UNROLLED(i, n) UNROLL for (int i = 0; i < (n); i++)
#define FN(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define ROW_ACCUMULATORS 12
TARGET static inline __m256i first_avx2(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
TARGET static inline __m256i load_bytes_avx2(const uint8_t *p, int n) {
  int64_t bytes = 0;
  memcpy(&bytes, p, n);
  return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes));
}
TARGET static inline void store_bytes_avx2(uint8_t *p, __m256i x, int n) {
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  int64_t bytes = _mm_cvtsi128_si64(_mm_packus_epi16(words, words));
  if (n == LANES)
    memcpy(p, &bytes, LANES);
  else
    memcpy(p, &bytes, n);
}
TARGET static inline void store_avx2(float *p, __m256 x, int n) {
  if (n == LANES)
    _mm256_storeu_ps(p, x);
  else
    _mm256_maskstore_ps(p, first_avx2(n), x);
}
TARGET static inline __m256i places_avx2(__m256i code, int base, int pitch, int channels) {
  const __m256i row = _mm256_and_si256(_mm256_srli_epi32(code, 2), _mm256_set1_epi32(3));
  const __m256i column = _mm256_and_si256(code, _mm256_set1_epi32(3));
  const __m256i at = _mm256_add_epi32(_mm256_set1_epi32(base), _mm256_mullo_epi32(row, _mm256_set1_epi32(pitch)));
  return _mm256_add_epi32(at, _mm256_mullo_epi32(column, _mm256_set1_epi32(channels)));
}
#define V_FLOAT __m256
#define V_INT __m256i
#define V_MASK __m256
#define V_SET1 _mm256_set1_ps
#define V_LOAD _mm256_loadu_ps
#define V_LOAD_ANY _mm256_loadu_ps
#define V_LOAD_N(p, n) _mm256_maskload_ps(p, first_avx2(n))
#define V_STORE _mm256_storeu_ps
#define V_STORE_N store_avx2
#define V_FMA _mm256_fmadd_ps
#define V_ADD _mm256_add_ps
#define V_MUL _mm256_mul_ps
#define V_GREATER(a, b) _mm256_cmp_ps(a, b, _CMP_GT_OQ)
#define V_SELECT(m, a, b) _mm256_blendv_ps(a, b, m)
#define V_SET1_INT _mm256_set1_epi32
#define V_LOAD_INT(p) _mm256_loadu_si256((const __m256i *)(p))
#define V_STORE_INT(p, x) _mm256_storeu_si256((__m256i *)(p), x)
#define V_EQUAL_INT(a, b) _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b))
#define V_SELECT_INT(m, a, b) _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), m))
#define V_LOAD_BYTES_N load_bytes_avx2
#define V_STORE_BYTES_N store_bytes_avx2
#define V_PLACES places_avx2
#include "stem_kernel.h"

#define LANES 16
#define UNROLLED(i, n) UNROLL for (int i = 0; i < (n); i++)
#define FN(name) name##_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define ROW_ACCUMULATORS 28
TARGET static inline __mmask16 first_avx512(int n) { return (__mmask16)((1u << n) - 1); }
TARGET static inline __m512i places_avx512(__m512i code, int base, int pitch, int channels) {
  const __m512i row = _mm512_and_si512(_mm512_srli_epi32(code, 2), _mm512_set1_epi32(3));
  const __m512i column = _mm512_and_si512(code, _mm512_set1_epi32(3));
  const __m512i at = _mm512_add_epi32(_mm512_set1_epi32(base), _mm512_mullo_epi32(row, _mm512_set1_epi32(pitch)));
  return _mm512_add_epi32(at, _mm512_mullo_epi32(column, _mm512_set1_epi32(channels)));
}
#define V_FLOAT __m512
#define V_INT __m512i
#define V_MASK __mmask16
#define V_SET1 _mm512_set1_ps
#define V_LOAD _mm512_loadu_ps
#define V_LOAD_ANY _mm512_loadu_ps
#define V_LOAD_N(p, n) _mm512_maskz_loadu_ps(first_avx512(n), p)
#define V_STORE _mm512_storeu_ps
#define V_STORE_N(p, x, n) _mm512_mask_storeu_ps(p, first_avx512(n), x)
#define V_FMA _mm512_fmadd_ps
#define V_ADD _mm512_add_ps
#define V_MUL _mm512_mul_ps
#define V_GREATER(a, b) _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ)
#define V_SELECT(m, a, b) _mm512_mask_blend_ps(m, a, b)
#define V_SET1_INT _mm512_set1_epi32
#define V_LOAD_INT(p) _mm512_loadu_si512(p)
#define V_STORE_INT(p, x) _mm512_storeu_si512(p, x)
#define V_EQUAL_INT(a, b) _mm512_cmpeq_epi32_mask(a, b)
#define V_SELECT_INT(m, a, b) _mm512_mask_blend_epi32(m, a, b)
#define V_LOAD_BYTES_N(p, n) _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_avx512(n), p))
#define V_STORE_BYTES_N(p, x, n) _mm512_mask_cvtepi32_storeu_epi8(p, first_avx512(n), x)
#define V_PLACES places_avx512
#include "stem_kernel.h"

#endif

int slimfit_isa_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return SLIMFIT_C;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return SLIMFIT_AVX512;
  return SLIMFIT_AVX2;
#else
  return SLIMFIT_C;
#endif
}

static int outside(int64_t v, int64_t least, int64_t most) { return v < least || v > most; }

const char *slimfit_stem_fault(const struct slimfit_stem *s) {
  if (outside(s->isa, SLIMFIT_C, slimfit_isa_best())) return "no such vector unit";
  if (outside(s->height, 1, 1 << 15) || outside(s->width, 1, 1 << 15) || outside(s->channels, 1, 4)) return "size of the images";
  if (outside(s->kernel_h, 1, 7) || outside(s->kernel_w, 1, 7)) return "size of the kernel";
  if (outside(s->pad_top, 0, s->kernel_h - 1) || outside(s->pad_left, 0, s->kernel_w - 1)) return "padding";
  if (outside(s->conv_h, 1, s->height) || outside(s->conv_w, 1, s->width)) return "positions of the kernel";
  if (outside(s->pool_h, 1, 4) || outside(s->pool_w, 1, 4)) return "size of the pool";
  if (outside(s->pool_top, 0, s->pool_h - 1) || outside(s->pool_left, 0, s->pool_w - 1)) return "padding of the pool";
  if (outside(s->out_h, 1, s->conv_h) || outside(s->out_w, 1, s->conv_w)) return "number of windows";
  if ((s->out_h - 1) * s->pool_h - s->pool_top >= s->conv_h || (s->out_w - 1) * s->pool_w - s->pool_left >= s->conv_w)
    return "windows beyond the positions of the kernel";
  if (s->pool_h * s->pool_w == 1 && (s->out_h != s->conv_h || s->out_w != s->conv_w)) return "number of windows without a pool";
  if ((s->out_h * s->pool_h + 16) * (s->out_w * s->pool_w + 16) * s->channels > LARGEST) return "size of the images";
  if (outside(s->activation, SLIMFIT_NONE, SLIMFIT_LEAKY_RELU)) return "activation";
  if (outside(s->nets, 1, SLIMFIT_STEM_NETS)) return "number of networks";
  for (int64_t i = 0; i < s->nets; i++)
    if (outside(s->filters[i], 1, 1 << 16)) return "filters";
  return NULL;
}

// memory is one block that is handed out in aligned pieces.
struct memory {
  char *block;
  size_t used;
};

static void *take(struct memory *m, size_t bytes) {
  void *p = m->block ? m->block + m->used : NULL;
  m->used += (bytes + 63) & ~(size_t)63;
  return p;
}

static struct work describe(const struct slimfit_stem *s) {
  struct work k = {
      .kernel_h = s->kernel_h, .kernel_w = s->kernel_w, .channels = s->channels, .row = s->kernel_w * s->channels,
      .pool_h = s->pool_h, .pool_w = s->pool_w, .pool_top = s->pool_top, .pool_left = s->pool_left,
      .pooled = s->pool_h * s->pool_w > 1,
      .conv_bottom = s->conv_h + s->pool_top, .conv_right = s->conv_w + s->pool_left,
      .out_h = s->out_h, .out_w = s->out_w, .activation = s->activation,
      .slope = s->activation == SLIMFIT_LEAKY_RELU ? LEAKY_SLOPE : 1,
      .lower = s->activation == SLIMFIT_RELU || s->activation == SLIMFIT_RELU6 ? 0 : -INFINITY,
      .upper = s->activation == SLIMFIT_RELU6 ? 6 : INFINITY,
      .top = s->pad_top + s->pool_top, .left = s->pad_left + s->pool_left,
  };
  // A tile may begin at every position of a window and ends up to 3 after it.
  k.rows = k.out_h * k.pool_h + 3 + k.kernel_h;
  k.pitch = (k.out_w * k.pool_w + 3 + k.kernel_w) * k.channels;
  return k;
}

// share gives the call its memory; band is 0 but for a gradient.
static void share(struct work *k, struct memory *m, int band) {
  k->image = take(m, sizeof(float) * ((size_t)k->rows * k->pitch + SLACK));
  k->live = take(m, (size_t)k->out_h * k->out_w);
  k->columns = take(m, sizeof(int) * (2 * (size_t)k->pitch + 2));
  k->gradients = take(m, sizeof(float) * WIDEST * (size_t)band);
  k->places = take(m, sizeof(int32_t) * WIDEST * (size_t)band);
  k->bases = take(m, sizeof(int) * (size_t)band);
}

// pad puts an image into the padded one, whose zeros stay.
static void pad(const struct work *k, const struct slimfit_stem *s, const float *x) {
  const int64_t rows = MIN(s->height, k->rows - k->top), wide = MIN(s->width * s->channels, k->pitch - k->left * k->channels);
  for (int64_t r = 0; r < rows; r++)
    memcpy(k->image + (k->top + r) * k->pitch + k->left * k->channels, x + r * s->width * s->channels, sizeof(float) * wide);
}

// four numbers' bits, wherever they lie.
typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));

// find_live marks the windows that see anything but zeros. For the others every
// sum is zero, and a gradient of the kernel too, whatever the weights: pictures
// of digits are half such windows.
static void find_live(const struct work *k) {
  int *any = k->columns + k->pitch + 1, *before = k->columns;
  for (int py = 0; py < k->out_h; py++) {
    memset(any, 0, sizeof(int) * k->pitch);
    for (int r = 0; r < k->pool_h + k->kernel_h - 1; r++) {
      const float *x = k->image + (size_t)(py * k->pool_h + r) * k->pitch;
      int c = 0;
      for (; c + 4 <= k->pitch; c += 4) *(four *)(any + c) |= *(const four *)(x + c);
      for (; c < k->pitch; c++) any[c] |= x[c] != 0;
    }
    before[0] = 0;
    for (int c = 0; c < k->pitch; c++) before[c + 1] = before[c] + (any[c] != 0);
    const int step = k->pool_w * k->channels, wide = (k->pool_w + k->kernel_w - 1) * k->channels;
    for (int px = 0; px < k->out_w; px++) k->live[py * k->out_w + px] = before[px * step + wide] != before[px * step];
  }
}

static int64_t all_filters(const struct slimfit_stem *s) {
  int64_t n = 0;
  for (int64_t i = 0; i < s->nets; i++) n += s->filters[i];
  return n;
}

// vectors cuts all filters into vectors of at most wide, the last one narrow
// where that does, and returns their number.
static int vectors(const struct slimfit_stem *s, int wide, const float *bias, struct lanes *l) {
  int n = 0;
  const int64_t all = all_filters(s);
  int64_t net = 0, channel = 0;
  for (int64_t first = 0; first < all; n++) {
    l[n].first = first, l[n].count = MIN(wide, all - first), l[n].parts = 0;
    memset(l[n].bias, 0, sizeof l[n].bias);
    if (bias) memcpy(l[n].bias, bias + first, sizeof(float) * l[n].count);
    for (int lane = 0; lane < l[n].count;) {
      struct part *p = &l[n].part[l[n].parts++];
      p->lane = lane, p->count = MIN(l[n].count - lane, s->filters[net] - channel), p->filters = s->filters[net];
      lane += p->count, channel += p->count;
      if (channel == s->filters[net]) net++, channel = 0;
    }
    first += l[n].count;
  }
  return n;
}

// point aims the parts at an image of the networks' tensors.
static void point(const struct slimfit_stem *s, struct lanes *l, int count, int64_t image, float *const *y, uint8_t *const *winner,
                  const float *const *dy) {
  int64_t net = 0, channel = 0;
  for (int i = 0; i < count; i++)
    for (int j = 0; j < l[i].parts; j++) {
      struct part *p = &l[i].part[j];
      const int64_t at = image * s->out_h * s->out_w * p->filters + channel;
      p->y = y[net] + at, p->winner = winner[net] ? winner[net] + at : NULL, p->dy = dy ? dy[net] + at : NULL;
      channel += p->count;
      if (channel == s->filters[net]) net++, channel = 0;
    }
}

// set is the code for one instruction set.
struct set {
  int lanes;
  void (*image1)(const struct work *, const struct lanes *, const float *);
  void (*image2)(const struct work *, const struct lanes *, const float *);
  int (*collect)(const struct work *, const struct lanes *, int, int, float *);
  void (*rows)(const struct work *, int, int, int, float *);
  int (*taps)(const struct work *, int, float *, int);
};

static struct set choose(int64_t isa, int64_t filters) {
#if defined(__x86_64__)
  // Half a wide vector takes as long as a whole one, and on some processors
  // twice as long as a narrow one.
  if (isa == SLIMFIT_AVX512 && filters > 8)
    return (struct set){16, image1_avx512, image2_avx512, collect_avx512, rows_any_avx512, taps_any_avx512};
  if (isa >= SLIMFIT_AVX2) return (struct set){8, image1_avx2, NULL, collect_avx2, rows_any_avx2, taps_any_avx2};
#endif
  return (struct set){8, image1_c, NULL, collect_c, rows_any_c, taps_any_c};
}

// pack lays the kernel out as [taps][vectors of the call].
static void pack(const struct work *k, const float *kernel, int64_t all, const struct lanes *l, int vectors, int wide, float *w) {
  for (int tap = 0; tap < k->kernel_h * k->row; tap++)
    for (int v = 0; v < vectors; v++, w += wide)
      for (int i = 0; i < wide; i++) w[i] = i < l[v].count ? kernel[tap * all + l[v].first + i] : 0;
}

int slimfit_stem_forward(const struct slimfit_stem *s, int64_t n, const float *x, const float *kernel, const float *bias, float *const *y,
                         uint8_t *const *winner) {
  struct work k = describe(s);
  const int64_t all = all_filters(s);
  const struct set set = choose(s->isa, all);
  const size_t most = (all + set.lanes - 1) / set.lanes, taps = k.kernel_h * k.row;
  struct memory m = {0};
  struct lanes *l;
  float *w;
  for (int pass = 0;; pass++) {
    m.used = 0;
    l = take(&m, sizeof *l * most);
    w = take(&m, sizeof *w * taps * most * set.lanes);
    share(&k, &m, 0);
    if (pass) break;
    if (!(m.block = calloc(m.used, 1))) return -1;
  }
  const int count = vectors(s, set.lanes, bias, l);
  for (int i = 0; i < count; i += set.image2 ? 2 : 1)
    pack(&k, kernel, all, l + i, MIN(set.image2 ? 2 : 1, count - i), set.lanes, w + i * taps * set.lanes);
  for (int64_t image = 0; image < n; image++) {
    pad(&k, s, x + image * s->height * s->width * s->channels);
    find_live(&k);
    point(s, l, count, image, y, winner, NULL);
    for (int i = 0; i < count;) {
      const int two = set.image2 && i + 1 < count;
      (two ? set.image2 : set.image1)(&k, l + i, w + i * taps * set.lanes);
      i += two ? 2 : 1;
    }
  }
  free(m.block);
  return 0;
}

int slimfit_stem_gradient(const struct slimfit_stem *s, int64_t n, const float *x, const float *const *y, const uint8_t *const *winner,
                          const float *const *dy, float *dkernel, float *dbias) {
  struct work k = describe(s);
  const int64_t all = all_filters(s);
  struct set set = choose(s->isa, all);
  const struct set narrow = choose(s->isa, 8);  // a kernel row is seldom longer
  const int row_lanes = k.row <= 8 ? narrow.lanes : set.lanes, per_row = (k.row + row_lanes - 1) / row_lanes;
  const int most = (all + set.lanes - 1) / set.lanes, taps = k.kernel_h * k.row, band_rows = k.out_w < BAND ? BAND / k.out_w : 1;
  const int band = band_rows * k.out_w;
  // Cycles of a window: two multiply-adds or two loads each.
  const int by_taps = k.pool_h * k.pool_w * taps, by_rows = MIN(all, set.lanes) * (2 + k.kernel_h * per_row);
  const int by_filters = set.taps(&k, 0, NULL, 0) && by_taps < by_rows;
  const size_t sums_size = by_filters ? (size_t)taps * set.lanes : (size_t)set.lanes * k.kernel_h * per_row * row_lanes;
  struct memory m = {0};
  struct lanes *l;
  float *sums, *bias;
  for (int pass = 0;; pass++) {
    m.used = 0;
    l = take(&m, sizeof *l * most);
    sums = take(&m, sizeof *sums * sums_size * most);
    bias = take(&m, sizeof *bias * set.lanes * most);
    share(&k, &m, band);
    if (pass) break;
    if (!(m.block = calloc(m.used, 1))) return -1;
  }
  const int count = vectors(s, set.lanes, NULL, l);
  for (int64_t image = 0; image < n; image++) {
    pad(&k, s, x + image * s->height * s->width * s->channels);
    find_live(&k);
    point(s, l, count, image, (float *const *)y, (uint8_t *const *)winner, dy);
    for (int i = 0; i < count; i++)
      for (int first = 0; first < k.out_h * k.out_w; first += band) {
        const int found = set.collect(&k, l + i, first, MIN(first + band, k.out_h * k.out_w), bias + i * set.lanes);
        if (by_filters)
          set.taps(&k, found, sums + i * sums_size, 1);
        else
          (k.row <= 8 ? narrow.rows : set.rows)(&k, set.lanes, found, l[i].count, sums + i * sums_size);
      }
  }
  for (int i = 0; i < count; i++)
    for (int f = 0; f < l[i].count; f++) {
      dbias[l[i].first + f] = bias[i * set.lanes + f];
      for (int tap = 0; tap < taps; tap++) {
        const int64_t at = by_filters ? tap * set.lanes + f
                                      : ((int64_t)f * k.kernel_h + tap / k.row) * per_row * row_lanes + tap % k.row;
        dkernel[tap * all + l[i].first + f] = sums[i * sums_size + at];
      }
    }
  free(m.block);
  return 0;
}
