// The kernels of one instruction set: stem.c includes this once for each, with
// vectors of LANES floats behind the macros FN, TARGET and V_*.

#define INLINE TARGET static inline __attribute__((always_inline))

// Sums of R x C neighbouring positions for G vectors of filters, acc[R][C][G].
// x: the first position's first value; w: [taps][G * LANES].
INLINE void FN(tile)(const struct work *k, const float *x, const float *w, int step, int R, int C, int G, V_FLOAT *acc) {
  UNROLLED(i, R * C * G) acc[i] = V_SET1(0);
  const float *rows[3];
  UNROLLED(r, R) rows[r] = x + r * k->pitch;
  for (int ky = 0; ky < k->kernel_h; ky++) {
    for (int t = 0; t < k->row; t++, w += G * LANES) {
      V_FLOAT weight[2];
      UNROLLED(g, G) weight[g] = V_LOAD(w + g * LANES);
      UNROLLED(r, R) {
        UNROLLED(c, C) {
          V_FLOAT value = V_SET1(rows[r][t + c * step]);
          UNROLLED(g, G) acc[(r * C + c) * G + g] = V_FMA(value, weight[g], acc[(r * C + c) * G + g]);
        }
      }
    }
    UNROLLED(r, R) rows[r] += k->pitch;
  }
}

// Leaky ReLU, ReLU and ReLU6 in one: below zero times the slope, then between
// the limits; without an activation the slope is 1 and the limits are infinite.
INLINE V_FLOAT FN(activate)(const struct work *k, V_FLOAT v) {
  const V_FLOAT lower = V_SET1(k->lower), upper = V_SET1(k->upper);
  v = V_SELECT(V_GREATER(V_SET1(0), v), v, V_MUL(v, V_SET1(k->slope)));
  v = V_SELECT(V_GREATER(lower, v), v, lower);
  return V_SELECT(V_GREATER(v, upper), v, upper);
}

// The gradient before the activation, from the one behind it and its value.
INLINE V_FLOAT FN(deactivate)(V_FLOAT dy, V_FLOAT y, int activation) {
  const V_FLOAT zero = V_SET1(0);
  switch (activation) {
  case SLIMFIT_RELU:
    return V_SELECT(V_GREATER(y, zero), zero, dy);
  case SLIMFIT_RELU6:
    dy = V_SELECT(V_GREATER(y, zero), zero, dy);
    return V_SELECT(V_GREATER(V_SET1(6), y), zero, dy);
  case SLIMFIT_LEAKY_RELU:
    return V_SELECT(V_GREATER(y, zero), V_MUL(dy, V_SET1(LEAKY_SLOPE)), dy);
  }
  return dy;
}

// Writes one window's values and winners where a vector has the filters of
// several networks.
TARGET static __attribute__((noinline)) void FN(emit_parts)(const struct work *k, const struct lanes *l, int64_t at, V_FLOAT y, V_INT code) {
  float values[LANES];
  uint8_t codes[LANES];
  V_STORE(values, y);
  V_STORE_BYTES_N(codes, code, LANES);
  for (const struct part *p = l->part; p < l->part + l->parts; p++) {
    for (int c = 0; c < p->count; c++) p->y[at * p->filters + c] = values[p->lane + c];
    for (int c = 0; c < p->count && k->pooled; c++) p->winner[at * p->filters + c] = codes[p->lane + c];
  }
}

// Writes one window's values and winners of a vector of filters.
INLINE void FN(emit)(const struct work *k, const struct lanes *l, int64_t at, V_FLOAT best, V_INT code) {
  const V_FLOAT y = FN(activate)(k, V_ADD(best, V_LOAD(l->bias)));
  const struct part *p = l->part;
  if (l->parts > 1) {
    FN(emit_parts)(k, l, at, y, code);
    return;
  }
  V_STORE_N(p->y + at * p->filters, y, p->count);
  if (k->pooled) V_STORE_BYTES_N(p->winner + at * p->filters, code, p->count);
}

// One window of any size, by tiles of R x C positions of which those outside
// the window or the positions of the kernel do not count.
INLINE void FN(window)(const struct work *k, const struct lanes *l, const float *w, int step, int py, int px, int R, int C, int G) {
  const int y0 = py ? 0 : k->pool_top, x0 = px ? 0 : k->pool_left;
  const int y1 = MIN(k->pool_h, k->conv_bottom - py * k->pool_h), x1 = MIN(k->pool_w, k->conv_right - px * k->pool_w);
  const float *x = k->image + (int64_t)py * k->pool_h * k->pitch + px * k->pool_w * k->channels;
  V_FLOAT best[2];
  V_INT code[2];
  UNROLLED(g, G) best[g] = V_SET1(0), code[g] = V_SET1_INT(y0 * 4 + x0);
  int begun = 0;
  for (int ty = 0; ty < k->pool_h && k->live[py * k->out_w + px]; ty += R) {
    V_FLOAT acc[2 * 9];
    FN(tile)(k, x + ty * k->pitch, w, step, R, C, G, acc);
    UNROLLED(r, R) {
      UNROLLED(c, C) {
        if (ty + r < y0 || ty + r >= y1 || c < x0 || c >= x1) continue;
        UNROLLED(g, G) {
          V_FLOAT v = acc[(r * C + c) * G + g];
          V_MASK more = V_GREATER(v, best[g]);
          best[g] = begun ? V_SELECT(more, best[g], v) : v;
          code[g] = begun ? V_SELECT_INT(more, code[g], V_SET1_INT((ty + r) * 4 + c)) : code[g];
        }
        begun = 1;
      }
    }
  }
  UNROLLED(g, G) FN(emit)(k, l + g, (int64_t)py * k->out_w + px, best[g], code[g]);
}

// Two whole windows of 2 x 2 side by side.
INLINE void FN(windows2)(const struct work *k, const struct lanes *l, const float *w, int step, int py, int px, int G) {
  V_FLOAT acc[2 * 8];
  FN(tile)(k, k->image + (int64_t)py * 2 * k->pitch + px * 2 * k->channels, w, step, 2, 4, G, acc);
  UNROLLED(u, 2) {
    UNROLLED(g, G) {
      V_FLOAT best = acc[2 * u * G + g];
      V_INT code = V_SET1_INT(0);
      UNROLLED(i, 3) {
        const int r = (i + 1) / 2, c = (i + 1) % 2;
        V_FLOAT v = acc[(r * 4 + 2 * u + c) * G + g];
        V_MASK more = V_GREATER(v, best);
        best = V_SELECT(more, best, v), code = V_SELECT_INT(more, code, V_SET1_INT(r * 4 + c));
      }
      FN(emit)(k, l + g, (int64_t)py * k->out_w + px + u, best, code);
    }
  }
}

// Up to 2 x 4 positions without a pool.
INLINE void FN(positions)(const struct work *k, const struct lanes *l, const float *w, int step, int py, int px, int G) {
  V_FLOAT acc[2 * 8];
  FN(tile)(k, k->image + (int64_t)py * k->pitch + px * k->channels, w, step, 2, 4, G, acc);
  UNROLLED(r, 2) {
    UNROLLED(c, 4) {
      if (py + r >= k->out_h || px + c >= k->out_w) continue;
      UNROLLED(g, G) FN(emit)(k, l + g, (int64_t)(py + r) * k->out_w + px + c, acc[(r * 4 + c) * G + g], V_SET1_INT(0));
    }
  }
}

INLINE void FN(blank)(const struct work *k, const struct lanes *l, int py, int px, int G) {
  UNROLLED(g, G) FN(emit)(k, l + g, (int64_t)py * k->out_w + px, V_SET1(0), V_SET1_INT(0));
}

// All windows of the padded image for G vectors of filters.
INLINE void FN(image)(const struct work *k, const struct lanes *l, const float *w, int step, int G) {
  const int H = k->out_h, W = k->out_w;
  const uint8_t *live = k->live;
  if (!k->pooled) {
    for (int py = 0; py < H; py += 2)
      for (int px = 0; px < W; px += 4) {
        int any = 0;
        for (int r = py; r < MIN(py + 2, H); r++)
          for (int c = px; c < MIN(px + 4, W); c++) any |= live[r * W + c];
        if (any)
          FN(positions)(k, l, w, step, py, px, G);
        else
          for (int r = py; r < MIN(py + 2, H); r++)
            for (int c = px; c < MIN(px + 4, W); c++) FN(blank)(k, l, r, c, G);
      }
    return;
  }
  const int pairs = k->pool_h == 2 && k->pool_w == 2 && !k->pool_top && !k->pool_left;
  for (int py = 0; py < H; py++) {
    int px = 0;
    if (pairs && py * 2 + 2 <= k->conv_bottom)
      for (; px * 2 + 4 <= k->conv_right && px + 2 <= W; px += 2) {
        if (live[py * W + px] | live[py * W + px + 1])
          FN(windows2)(k, l, w, step, py, px, G);
        else
          FN(blank)(k, l, py, px, G), FN(blank)(k, l, py, px + 1, G);
      }
    for (; px < W; px++) {
      if (k->pool_h == 3 && k->pool_w == 3)
        FN(window)(k, l, w, step, py, px, 3, 3, G);
      else
        FN(window)(k, l, w, step, py, px, 2, 4, G);
    }
  }
}

TARGET static void FN(image1)(const struct work *k, const struct lanes *l, const float *w) {
  if (k->channels == 1)
    FN(image)(k, l, w, 1, 1);
  else
    FN(image)(k, l, w, k->channels, 1);
}

TARGET __attribute__((unused)) static void FN(image2)(const struct work *k, const struct lanes *l, const float *w) {
  if (k->channels == 1)
    FN(image)(k, l, w, 1, 2);
  else
    FN(image)(k, l, w, k->channels, 2);
}

// Loads one window's vector of a network's tensors.
INLINE void FN(gather)(const struct work *k, const struct lanes *l, int64_t at, V_FLOAT *dy, V_FLOAT *y, V_INT *code) {
  if (l->parts == 1) {
    const struct part *p = l->part;
    *dy = V_LOAD_N(p->dy + at * p->filters, p->count), *y = V_LOAD_N(p->y + at * p->filters, p->count);
    *code = k->pooled ? V_LOAD_BYTES_N(p->winner + at * p->filters, p->count) : V_SET1_INT(0);
    return;
  }
  float dys[LANES] = {0}, ys[LANES] = {0};
  uint8_t codes[LANES] = {0};
  for (int i = 0; i < l->parts; i++) {
    const struct part *p = l->part + i;
    for (int c = 0; c < p->count; c++) dys[p->lane + c] = p->dy[at * p->filters + c], ys[p->lane + c] = p->y[at * p->filters + c];
    if (k->pooled)
      for (int c = 0; c < p->count; c++) codes[p->lane + c] = p->winner[at * p->filters + c];
  }
  *dy = V_LOAD_N(dys, LANES), *y = V_LOAD_N(ys, LANES), *code = V_LOAD_BYTES_N(codes, LANES);
}

// Collects the gradients of the windows [first, last) with where their winners
// see the image, without those that see only zeros; returns their number.
TARGET static int FN(collect)(const struct work *k, const struct lanes *l, int first, int last, float *bias) {
  V_FLOAT sum = V_SET1(0);
  int count = 0;
  for (int at = first; at < last; at++) {
    V_FLOAT dy, y;
    V_INT code;
    FN(gather)(k, l, at, &dy, &y, &code);
    V_FLOAT g = FN(deactivate)(dy, y, k->activation);
    sum = V_ADD(sum, g);
    if (!k->live[at]) continue;
    const int base = at / k->out_w * k->pool_h * k->pitch + at % k->out_w * k->pool_w * k->channels;
    V_STORE_N(k->gradients + count * LANES, g, LANES);
    V_STORE_INT(k->places + count * LANES, V_PLACES(code, base, k->pitch, k->channels));
    k->bases[count++] = base;
  }
  V_STORE_N(bias, V_ADD(V_LOAD(bias), sum), LANES);
  return count;
}

// Adds to sums, [filters][R][V * LANES], by vectors of a kernel row: every
// filter takes the row that its winner sees. stride: floats between windows.
INLINE void FN(rows)(const struct work *k, int stride, int count, int filters, int row0, float *sums, int R, int V) {
  const int wide = V * LANES;
  for (int f = 0; f < filters; f++) {
    V_FLOAT acc[28];
    UNROLLED(i, R * V) acc[i] = V_SET1(0);
    const float *g = k->gradients + f;
    const int32_t *place = k->places + f;
    for (int i = 0; i < count; i++, g += stride, place += stride) {
      V_FLOAT gradient = V_SET1(*g);
      const float *x = k->image + *place + row0 * k->pitch;
      UNROLLED(r, R) {
        UNROLLED(v, V) acc[r * V + v] = V_FMA(gradient, V_LOAD_ANY(x + v * LANES), acc[r * V + v]);
        x += k->pitch;
      }
    }
    float *to = sums + (f * k->kernel_h + row0) * wide;
    UNROLLED(i, R * V) V_STORE(to + i * LANES, V_ADD(V_LOAD(to + i * LANES), acc[i]));
  }
}

TARGET static void FN(rows_any)(const struct work *k, int stride, int count, int filters, float *sums) {
  const int V = (k->row + LANES - 1) / LANES, most = V == 1 ? 7 : ROW_ACCUMULATORS / V;
  for (int row0 = 0; row0 < k->kernel_h;) {
    const int R = MIN(MIN(most, 7), k->kernel_h - row0);
#define ROWS(r, v) \
  case (v) * 8 + (r): \
    FN(rows)(k, stride, count, filters, row0, sums, r, v); \
    break;
    switch (V * 8 + R) {
      ROWS(1, 1) ROWS(2, 1) ROWS(3, 1) ROWS(4, 1) ROWS(5, 1) ROWS(6, 1) ROWS(7, 1)
      ROWS(1, 2) ROWS(2, 2) ROWS(3, 2) ROWS(4, 2) ROWS(5, 2) ROWS(6, 2)
#if LANES < 16
      ROWS(1, 3) ROWS(2, 3) ROWS(3, 3) ROWS(4, 3)
      ROWS(1, 4) ROWS(2, 4) ROWS(3, 4)
#else
      ROWS(7, 2)
#endif
    }
    row0 += R;
  }
}
#undef ROWS

// Adds to sums, [kernel_h * row][LANES], by vectors of filters: every position
// of a window gives its values to the filters that it won.
INLINE void FN(taps)(const struct work *k, int count, float *sums, int R, int T) {
  V_FLOAT acc[25];
  UNROLLED(i, R * T) acc[i] = V_SET1(0);
  for (int i = 0; i < count; i++) {
    const V_FLOAT g = V_LOAD(k->gradients + i * LANES);
    const V_INT place = V_LOAD_INT(k->places + i * LANES);
    for (int dy = 0; dy < k->pool_h; dy++)
      for (int dx = 0; dx < k->pool_w; dx++) {
        const int at = k->bases[i] + dy * k->pitch + dx * k->channels;
        const V_FLOAT won = V_SELECT(V_EQUAL_INT(place, V_SET1_INT(at)), V_SET1(0), g);
        const float *x = k->image + at;
        UNROLLED(r, R) {
          UNROLLED(t, T) acc[r * T + t] = V_FMA(V_SET1(x[t]), won, acc[r * T + t]);
          x += k->pitch;
        }
      }
  }
  UNROLLED(i, R * T) V_STORE(sums + i * LANES, V_ADD(V_LOAD(sums + i * LANES), acc[i]));
}

// Whether taps has the kernel's size, and is run.
TARGET static int FN(taps_any)(const struct work *k, int count, float *sums, int run) {
#define TAPS(r, t) \
  case (r) * 8 + (t): \
    if (run) FN(taps)(k, count, sums, r, t); \
    return 1;
  if (k->row > 7) return 0;
  switch (k->kernel_h * 8 + k->row) {
    TAPS(1, 1) TAPS(1, 2) TAPS(1, 3) TAPS(1, 4) TAPS(2, 2) TAPS(3, 3)
#if LANES == 16
    TAPS(4, 4) TAPS(5, 5)
#endif
  }
  return 0;
}
#undef TAPS

#undef UNROLLED
#undef INLINE
#undef LANES
#undef FN
#undef TARGET
#undef ROW_ACCUMULATORS
#undef V_FLOAT
#undef V_INT
#undef V_MASK
#undef V_SET1
#undef V_LOAD
#undef V_LOAD_ANY
#undef V_LOAD_N
#undef V_STORE
#undef V_STORE_N
#undef V_FMA
#undef V_ADD
#undef V_MUL
#undef V_GREATER
#undef V_SELECT
#undef V_SET1_INT
#undef V_LOAD_INT
#undef V_STORE_INT
#undef V_EQUAL_INT
#undef V_SELECT_INT
#undef V_LOAD_BYTES_N
#undef V_STORE_BYTES_N
#undef V_PLACES
