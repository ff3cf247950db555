// Checks stem.c on random shapes: values and gradients against float64 and
// every instruction set's bits against the others'. Arrays end at a page that
// may not be touched. Usage: stem_check SEED SHAPES; or "stem_check time",
// which prints the microseconds of a step's two calls for the paper's cells.
#include "../stem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;
static uint32_t draw(uint32_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % n;
}
static float uniform(void) { return (float)draw(1 << 24) / (1 << 23) - 1; }

// fenced is memory that ends at a forbidden page.
static void *fenced(size_t bytes) {
  const size_t page = sysconf(_SC_PAGESIZE), size = (bytes + page - 1) / page * page;
  char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || mprotect(p + size, page, PROT_NONE)) exit(3);
  memset(p, 0xff, size);
  return p + size - bytes;
}
static void release(void *at, size_t bytes) {
  const size_t page = sysconf(_SC_PAGESIZE), size = (bytes + page - 1) / page * page;
  munmap((char *)at + bytes - size, size + page);
}

struct example {
  struct slimfit_stem s;
  int64_t n, all, windows, taps;
  float *x, *kernel, *bias, *y[SLIMFIT_STEM_NETS], *dy[SLIMFIT_STEM_NETS], *dkernel, *dbias;
  uint8_t *winner[SLIMFIT_STEM_NETS];
};

#define FLOATS(count) (sizeof(float) * (size_t)(count))
static int64_t pixels(const struct example *e) { return e->n * e->s.height * e->s.width * e->s.channels; }

static void make(struct example *e, int black) {
  struct slimfit_stem *s = &e->s;
  e->all = 0, e->windows = e->n * s->out_h * s->out_w, e->taps = s->kernel_h * s->kernel_w * s->channels;
  for (int i = 0; i < s->nets; i++) {
    e->all += s->filters[i];
    e->y[i] = fenced(FLOATS(e->windows * s->filters[i])), e->dy[i] = fenced(FLOATS(e->windows * s->filters[i]));
    e->winner[i] = fenced(e->windows * s->filters[i]);
    for (int64_t j = 0; j < e->windows * s->filters[i]; j++) e->dy[i][j] = uniform();
  }
  e->x = fenced(FLOATS(pixels(e)));
  for (int64_t i = 0; i < pixels(e); i++) {
    const int64_t at = i % (s->height * s->width * s->channels) / s->channels, row = at / s->width, column = at % s->width;
    const int ground = row < s->height / 4 || row > s->height * 3 / 4 || column < s->width / 4 || column > s->width * 3 / 4;
    e->x[i] = black && (ground || draw(3) == 0) ? 0 : (float)draw(256) / 255;
  }
  e->kernel = fenced(FLOATS(e->taps * e->all)), e->dkernel = fenced(FLOATS(e->taps * e->all));
  e->bias = fenced(FLOATS(e->all)), e->dbias = fenced(FLOATS(e->all));
  for (int64_t i = 0; i < e->taps * e->all; i++) e->kernel[i] = uniform() / 4;
  for (int64_t i = 0; i < e->all; i++) e->bias[i] = uniform() / 4;
}

static void drop(struct example *e) {
  for (int i = 0; i < e->s.nets; i++) {
    const int64_t size = e->windows * e->s.filters[i];
    release(e->y[i], FLOATS(size)), release(e->dy[i], FLOATS(size)), release(e->winner[i], size);
  }
  release(e->x, FLOATS(pixels(e)));
  release(e->kernel, FLOATS(e->taps * e->all)), release(e->dkernel, FLOATS(e->taps * e->all));
  release(e->bias, FLOATS(e->all)), release(e->dbias, FLOATS(e->all));
}

static void run(struct example *e) {
  if (slimfit_stem_forward(&e->s, e->n, e->x, e->kernel, e->bias, e->y, e->winner) ||
      slimfit_stem_gradient(&e->s, e->n, e->x, (const float *const *)e->y, (const uint8_t *const *)e->winner,
                            (const float *const *)e->dy, e->dkernel, e->dbias))
    exit(3);
}

static void geometry(struct slimfit_stem *s, int same, int pool_same) {
  const int64_t size[2] = {s->height, s->width}, kernel[2] = {s->kernel_h, s->kernel_w}, pool[2] = {s->pool_h, s->pool_w};
  int64_t conv[2], pad[2], out[2], top[2];
  for (int i = 0; i < 2; i++) {
    conv[i] = same ? size[i] : size[i] - kernel[i] + 1, pad[i] = same ? (kernel[i] - 1) / 2 : 0;
    out[i] = pool_same ? (conv[i] + pool[i] - 1) / pool[i] : conv[i] / pool[i];
    top[i] = pool_same ? (out[i] * pool[i] - conv[i]) / 2 : 0;
  }
  s->conv_h = conv[0], s->conv_w = conv[1], s->pad_top = pad[0], s->pad_left = pad[1];
  s->out_h = out[0], s->out_w = out[1], s->pool_top = top[0], s->pool_left = top[1];
}

static double value(const struct example *e, int64_t image, int64_t r, int64_t c, int64_t f, double *size) {
  const struct slimfit_stem *s = &e->s;
  double sum = 0;
  *size = 0;
  for (int64_t ky = 0; ky < s->kernel_h; ky++)
    for (int64_t kx = 0; kx < s->kernel_w; kx++)
      for (int64_t ch = 0; ch < s->channels; ch++) {
        const int64_t iy = r + ky - s->pad_top, ix = c + kx - s->pad_left;
        if (iy < 0 || iy >= s->height || ix < 0 || ix >= s->width) continue;
        const double p = (double)e->x[((image * s->height + iy) * s->width + ix) * s->channels + ch] *
                         e->kernel[((ky * s->kernel_w + kx) * s->channels + ch) * e->all + f];
        sum += p, *size += fabs(p);
      }
  return sum;
}

static double active(const struct slimfit_stem *s, double v) {
  switch (s->activation) {
  case SLIMFIT_RELU: return v > 0 ? v : 0;
  case SLIMFIT_RELU6: return v > 6 ? 6 : v > 0 ? v : 0;
  case SLIMFIT_LEAKY_RELU: return v > 0 ? v : 0.2f * v;
  }
  return v;
}

static double slope(const struct slimfit_stem *s, double y) {
  switch (s->activation) {
  case SLIMFIT_RELU: return y > 0;
  case SLIMFIT_RELU6: return y > 0 && y < 6;
  case SLIMFIT_LEAKY_RELU: return y > 0 ? 1 : 0.2f;
  }
  return 1;
}

static double worst_value, worst_gradient;
static int faults;

static void fault(const struct slimfit_stem *s, const char *what, double got, double want) {
  if (faults++ > 10) return;
  fprintf(stderr, "%s: %.9g, want %.9g: %dx%dx%d kernel %dx%d pool %dx%d pads %d %d %d %d out %dx%d isa %d nets %d activation %d\n", what,
          got, want, (int)s->height, (int)s->width, (int)s->channels, (int)s->kernel_h, (int)s->kernel_w, (int)s->pool_h, (int)s->pool_w,
          (int)s->pad_top, (int)s->pad_left, (int)s->pool_top, (int)s->pool_left, (int)s->out_h, (int)s->out_w, (int)s->isa,
          (int)s->nets, (int)s->activation);
}

// against64 checks one network set's results against sums in float64.
static void against64(struct example *e) {
  const struct slimfit_stem *s = &e->s;
  double *dk = calloc(e->taps * e->all, sizeof *dk), *dk_size = calloc(e->taps * e->all, sizeof *dk_size);
  double *db = calloc(e->all, sizeof *db), *db_size = calloc(e->all, sizeof *db_size);
  for (int64_t at = 0; at < e->windows; at++) {
    const int64_t image = at / (s->out_h * s->out_w), py = at / s->out_w % s->out_h, px = at % s->out_w;
    int64_t f = 0;
    for (int net = 0; net < s->nets; net++)
      for (int64_t c = 0; c < s->filters[net]; c++, f++) {
        const int64_t i = at * s->filters[net] + c;
        double best = -INFINITY, second = -INFINITY, size = 0;
        int code = 0;
        for (int64_t dy = 0; dy < s->pool_h; dy++)
          for (int64_t dx = 0; dx < s->pool_w; dx++) {
            const int64_t r = py * s->pool_h - s->pool_top + dy, q = px * s->pool_w - s->pool_left + dx;
            if (r < 0 || r >= s->conv_h || q < 0 || q >= s->conv_w) continue;
            double now, v = value(e, image, r, q, f, &now);
            if (now > size) size = now;
            if (v > best)
              second = best, best = v, code = (int)(dy * 4 + dx);
            else if (v > second)
              second = v;
          }
        const double want = active(s, best + e->bias[f]), scale = size + fabs(e->bias[f]) + 1e-30, off = fabs(e->y[net][i] - want) / scale;
        if (!(off <= 1e-6)) fault(s, "value", e->y[net][i], want);
        if (off > worst_value) worst_value = off;
        const int pooled = s->pool_h * s->pool_w > 1, got = pooled ? e->winner[net][i] : 0;
        if (pooled && got != code && (best - second > 1e-6 * scale || size == 0)) fault(s, "winner", got, code);
        const double g = e->dy[net][i] * slope(s, e->y[net][i]);
        db[f] += g, db_size[f] += fabs(g);
        const int64_t r = py * s->pool_h - s->pool_top + got / 4, q = px * s->pool_w - s->pool_left + got % 4;
        for (int64_t t = 0; t < e->taps; t++) {
          const int64_t ch = t % s->channels, iy = r + t / s->channels / s->kernel_w - s->pad_top;
          const int64_t ix = q + t / s->channels % s->kernel_w - s->pad_left;
          if (iy < 0 || iy >= s->height || ix < 0 || ix >= s->width) continue;
          const double p = g * e->x[((image * s->height + iy) * s->width + ix) * s->channels + ch];
          dk[t * e->all + f] += p, dk_size[t * e->all + f] += fabs(p);
        }
      }
  }
  for (int64_t i = 0; i < e->taps * e->all; i++) {
    const double off = fabs(e->dkernel[i] - dk[i]) / (dk_size[i] + 1e-30);
    if (!(off <= 1e-5)) fault(s, "gradient of the kernel", e->dkernel[i], dk[i]);
    if (off > worst_gradient) worst_gradient = off;
  }
  for (int64_t i = 0; i < e->all; i++)
    if (!(fabs(e->dbias[i] - db[i]) <= 1e-5 * db_size[i])) fault(s, "gradient of the bias", e->dbias[i], db[i]);
  free(dk), free(dk_size), free(db), free(db_size);
}

// alike checks that two instruction sets gave the same bits.
static void alike(struct example *a, struct example *b) {
  const struct slimfit_stem *s = &b->s;
  for (int net = 0; net < s->nets; net++) {
    const int64_t size = a->windows * s->filters[net];
    if (memcmp(a->y[net], b->y[net], FLOATS(size))) fault(s, "bits of values", 0, 0);
    if (memcmp(a->winner[net], b->winner[net], size)) fault(s, "winners", 0, 0);
  }
  if (memcmp(a->dkernel, b->dkernel, FLOATS(a->taps * a->all)) || memcmp(a->dbias, b->dbias, FLOATS(a->all)))
    fault(s, "bits of gradients", 0, 0);
}

static void check(int black) {
  struct example e = {.n = draw(4)};
  struct slimfit_stem *s = &e.s;
  const int wide = draw(8) == 0;
  s->kernel_h = 1 + draw(7), s->kernel_w = draw(2) ? s->kernel_h : 1 + draw(7);
  s->height = s->kernel_h + draw(wide ? 40 : 14), s->width = s->kernel_w + draw(wide ? 40 : 14), s->channels = 1 + (draw(2) ? 0 : draw(4));
  s->pool_h = 1 + draw(4), s->pool_w = draw(4) ? s->pool_h : 1 + draw(4);
  s->activation = draw(4), s->nets = draw(2) ? 1 : 1 + draw(6);
  for (int i = 0; i < s->nets; i++) s->filters[i] = s->nets == 1 ? 1 + draw(40) : 1 + draw(9);
  const int same = draw(2), pool_same = draw(2);
  if (!same && !pool_same) s->height += 3, s->width += 3;
  if (same && !pool_same && (s->height < s->pool_h || s->width < s->pool_w)) s->height += 4, s->width += 4;
  geometry(s, same, pool_same);
  if (slimfit_stem_fault(s)) fault(s, slimfit_stem_fault(s), 0, 0);
  make(&e, black);
  run(&e);
  against64(&e);
  for (int isa = SLIMFIT_AVX2; isa <= slimfit_isa_best(); isa++) {
    struct example o = e;
    o.s.isa = isa;
    for (int i = 0; i < s->nets; i++)
      o.y[i] = fenced(FLOATS(e.windows * s->filters[i])), o.winner[i] = fenced(e.windows * s->filters[i]);
    o.dkernel = fenced(FLOATS(e.taps * e.all)), o.dbias = fenced(FLOATS(e.all));
    run(&o);
    alike(&e, &o);
    for (int i = 0; i < s->nets; i++)
      release(o.y[i], FLOATS(e.windows * s->filters[i])), release(o.winner[i], e.windows * s->filters[i]);
    release(o.dkernel, FLOATS(e.taps * e.all)), release(o.dbias, FLOATS(e.all));
  }
  drop(&e);
}

static double cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e6 + t.tv_nsec * 1e-3;
}

static void measure(void) {
  static const int cells[][3] = {{5, 32, 2}, {5, 16, 2}, {5, 14, 2}, {5, 8, 2}, {5, 2, 2}, {3, 32, 2}, {3, 16, 2}, {1, 32, 2}, {1, 16, 2},
                                 {5, 2, 4}, {5, 32, 4}, {5, 32, 3}, {5, 32, 1}, {7, 32, 2}};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
    for (int isa = SLIMFIT_AVX2; isa <= slimfit_isa_best(); isa++)
      for (int black = 0; black < 2; black++) {
        struct example e = {.n = 50, .s = {.isa = isa, .height = 28, .width = 28, .channels = 1, .kernel_h = cells[i][0],
                                           .kernel_w = cells[i][0], .pool_h = cells[i][2], .pool_w = cells[i][2], .activation = SLIMFIT_RELU,
                                           .nets = 1, .filters = {cells[i][1]}}};
        geometry(&e.s, 1, 1);
        make(&e, black);
        double forward = 1e9, gradient = 1e9;
        for (int r = 0; r < 40; r++) {
          const double a = cpu();
          slimfit_stem_forward(&e.s, e.n, e.x, e.kernel, e.bias, e.y, e.winner);
          const double b = cpu();
          slimfit_stem_gradient(&e.s, e.n, e.x, (const float *const *)e.y, (const uint8_t *const *)e.winner, (const float *const *)e.dy,
                                e.dkernel, e.dbias);
          const double c = cpu();
          if (b - a < forward) forward = b - a;
          if (c - b < gradient) gradient = c - b;
        }
        printf("%dx%dx%-2d pool %d isa %d %s forward %6.0f us gradient %6.0f us\n", cells[i][0], cells[i][0], cells[i][1], cells[i][2], isa,
               black ? "digits" : "full  ", forward, gradient);
        drop(&e);
      }
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "time")) return measure(), 0;
  if (argc != 3) return 2;
  state = strtoull(argv[1], NULL, 10) * 2654435761u + 1;
  const int shapes = atoi(argv[2]);
  for (int i = 0; i < shapes && faults < 10; i++) check(draw(2));
  printf("%d shapes, isa up to %d: values within %.2g of the sum of absolute products, gradients within %.2g\n", shapes, slimfit_isa_best(),
         worst_value, worst_gradient);
  return faults > 0;
}
