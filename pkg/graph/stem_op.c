// The operations SlimfitStem and SlimfitStemGrad, registered through
// TensorFlow's C API. Its kernels.h needs headers that are not installed and its
// ops.h is no C, so what is used of them stands here.
#include "stem_op.h"

#include <stdlib.h>
#include <tensorflow/c/c_api.h>

#include "stem.h"

typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
extern TF_OpDefinitionBuilder *TF_NewOpDefinitionBuilder(const char *name);
extern void TF_RegisterOpDefinition(TF_OpDefinitionBuilder *op, TF_Status *status);
extern void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder *op, const char *attr);
extern void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder *op, const char *input);
extern void TF_OpDefinitionBuilderAddOutput(TF_OpDefinitionBuilder *op, const char *output);
extern void TF_OpDefinitionBuilderSetShapeInferenceFunction(TF_OpDefinitionBuilder *op,
                                                            void (*infer)(TF_ShapeInferenceContext *, TF_Status *));
extern void TF_ShapeInferenceContextSetUnknownShape(TF_ShapeInferenceContext *c, TF_Status *status);

typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;
extern TF_KernelBuilder *TF_NewKernelBuilder(const char *op, const char *device, void *(*create)(TF_OpKernelConstruction *),
                                             void (*compute)(void *, TF_OpKernelContext *), void (*delete)(void *));
extern void TF_RegisterKernelBuilder(const char *name, TF_KernelBuilder *builder, TF_Status *status);
extern void TF_OpKernelConstruction_GetAttrSize(TF_OpKernelConstruction *c, const char *name, int32_t *list_size, int32_t *total_size,
                                                TF_Status *status);
extern void TF_OpKernelConstruction_GetAttrInt64List(TF_OpKernelConstruction *c, const char *name, int64_t *values, int most,
                                                     TF_Status *status);
extern void TF_OpKernelConstruction_Failure(TF_OpKernelConstruction *c, TF_Status *status);
extern void TF_OpKernelContext_Failure(TF_OpKernelContext *c, TF_Status *status);
extern void TF_GetInput(TF_OpKernelContext *c, int i, TF_Tensor **tensor, TF_Status *status);
extern TF_Tensor *TF_AllocateOutput(TF_OpKernelContext *c, int i, TF_DataType type, const int64_t *dims, int rank, size_t bytes,
                                    TF_Status *status);

enum { MOST_INPUTS = 1 + 3 * SLIMFIT_STEM_NETS, MOST_OUTPUTS = 2 * SLIMFIT_STEM_NETS };

static void list(TF_OpKernelConstruction *c, const char *name, int64_t *values, int64_t least, int64_t most, int64_t *count, TF_Status *status) {
  int32_t size = 0, total = 0;
  if (TF_GetCode(status) != TF_OK) return;
  TF_OpKernelConstruction_GetAttrSize(c, name, &size, &total, status);
  if (TF_GetCode(status) != TF_OK) return;
  if (size < least || size > most) {
    TF_SetStatus(status, TF_INVALID_ARGUMENT, name);
    return;
  }
  TF_OpKernelConstruction_GetAttrInt64List(c, name, values, size, status);
  if (count) *count = size;
}

static void *create(TF_OpKernelConstruction *c) {
  TF_Status *status = TF_NewStatus();
  struct slimfit_stem *s = calloc(1, sizeof *s);
  if (s) {
    list(c, "geometry", &s->isa, SLIMFIT_STEM_NUMBERS, SLIMFIT_STEM_NUMBERS, NULL, status);
    list(c, "filters", s->filters, 1, SLIMFIT_STEM_NETS, &s->nets, status);
    if (TF_GetCode(status) == TF_OK) {
      const char *fault = slimfit_stem_fault(s);
      if (fault) TF_SetStatus(status, TF_INVALID_ARGUMENT, fault);
    }
  } else {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory");
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(c, status);
  TF_DeleteStatus(status);
  return s;
}

static void delete(void *s) { free(s); }

// call holds the tensors of one call; it fails with the status.
struct call {
  TF_OpKernelContext *context;
  TF_Status *status;
  TF_Tensor *in[MOST_INPUTS], *out[MOST_OUTPUTS];
  int ins, outs;
};

static int failed(const struct call *c) { return TF_GetCode(c->status) != TF_OK; }

static void fail(struct call *c, TF_Code code, const char *why) {
  if (!failed(c)) TF_SetStatus(c->status, code, why);
}

// input returns the next input's values: floats, or bytes, of the shape; a
// first dimension of -1 is not looked at.
static const void *input(struct call *c, TF_DataType type, int rank, const int64_t *dims) {
  TF_Tensor *t = NULL;
  if (failed(c)) return NULL;
  TF_GetInput(c->context, c->ins, &t, c->status);
  if (failed(c)) return NULL;
  c->in[c->ins++] = t;
  int fits = TF_TensorType(t) == type && TF_NumDims(t) == rank;
  for (int i = 0; fits && i < rank; i++) fits = dims[i] == TF_Dim(t, i) || (i == 0 && dims[i] < 0);
  if (!fits) fail(c, TF_INVALID_ARGUMENT, "an input has another type or shape than the operation says");
  return fits ? TF_TensorData(t) : NULL;
}

static void *output(struct call *c, TF_DataType type, int rank, const int64_t *dims) {
  if (failed(c)) return NULL;
  size_t size = TF_DataTypeSize(type);
  for (int i = 0; i < rank; i++) size *= dims[i];
  TF_Tensor *t = TF_AllocateOutput(c->context, c->outs, type, dims, rank, size, c->status);
  if (t) c->out[c->outs++] = t;
  return failed(c) ? NULL : TF_TensorData(t);
}

static struct call begin(TF_OpKernelContext *context) { return (struct call){.context = context, .status = TF_NewStatus()}; }

static void end(struct call *c) {
  for (int i = 0; i < c->ins; i++) TF_DeleteTensor(c->in[i]);
  for (int i = 0; i < c->outs; i++) TF_DeleteTensor(c->out[i]);
  if (failed(c)) TF_OpKernelContext_Failure(c->context, c->status);
  TF_DeleteStatus(c->status);
}

static int64_t all_filters(const struct slimfit_stem *s) {
  int64_t n = 0;
  for (int i = 0; i < s->nets; i++) n += s->filters[i];
  return n;
}

static void forward(void *kernel, TF_OpKernelContext *context) {
  const struct slimfit_stem *s = kernel;
  struct call c = begin(context);
  const int64_t all = all_filters(s), weights_dims[] = {s->kernel_h, s->kernel_w, s->channels, all};
  const float *x = input(&c, TF_FLOAT, 4, (int64_t[]){-1, s->height, s->width, s->channels});
  const float *weights = input(&c, TF_FLOAT, 4, weights_dims), *bias = input(&c, TF_FLOAT, 1, &all);
  const int64_t n = failed(&c) ? 0 : TF_Dim(c.in[0], 0);
  const int pooled = s->pool_h * s->pool_w > 1;
  float *y[SLIMFIT_STEM_NETS];
  uint8_t *winner[SLIMFIT_STEM_NETS];
  for (int i = 0; i < s->nets; i++) y[i] = output(&c, TF_FLOAT, 4, (int64_t[]){n, s->out_h, s->out_w, s->filters[i]});
  for (int i = 0; i < s->nets; i++) winner[i] = output(&c, TF_UINT8, 4, (int64_t[]){pooled ? n : 0, s->out_h, s->out_w, s->filters[i]});
  if (!failed(&c) && slimfit_stem_forward(s, n, x, weights, bias, y, winner)) fail(&c, TF_RESOURCE_EXHAUSTED, "no memory");
  end(&c);
}

static void gradient(void *kernel, TF_OpKernelContext *context) {
  const struct slimfit_stem *s = kernel;
  struct call c = begin(context);
  const int64_t all = all_filters(s), weights_dims[] = {s->kernel_h, s->kernel_w, s->channels, all};
  const int pooled = s->pool_h * s->pool_w > 1;
  const float *x = input(&c, TF_FLOAT, 4, (int64_t[]){-1, s->height, s->width, s->channels});
  const int64_t n = failed(&c) ? 0 : TF_Dim(c.in[0], 0);
  const float *y[SLIMFIT_STEM_NETS], *dy[SLIMFIT_STEM_NETS];
  const uint8_t *winner[SLIMFIT_STEM_NETS];
  for (int i = 0; i < s->nets; i++) y[i] = input(&c, TF_FLOAT, 4, (int64_t[]){n, s->out_h, s->out_w, s->filters[i]});
  for (int i = 0; i < s->nets; i++) winner[i] = input(&c, TF_UINT8, 4, (int64_t[]){pooled ? n : 0, s->out_h, s->out_w, s->filters[i]});
  for (int i = 0; i < s->nets; i++) dy[i] = input(&c, TF_FLOAT, 4, (int64_t[]){n, s->out_h, s->out_w, s->filters[i]});
  float *dweights = output(&c, TF_FLOAT, 4, weights_dims), *dbias = output(&c, TF_FLOAT, 1, &all);
  if (!failed(&c) && slimfit_stem_gradient(s, n, x, y, winner, dy, dweights, dbias)) fail(&c, TF_RESOURCE_EXHAUSTED, "no memory");
  end(&c);
}

static void unknown_shapes(TF_ShapeInferenceContext *c, TF_Status *status) { TF_ShapeInferenceContextSetUnknownShape(c, status); }

static void define(const char *name, const char *const *inputs, const char *const *outputs, void (*compute)(void *, TF_OpKernelContext *),
                   TF_Status *status) {
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddAttr(op, "N: int >= 1");
  TF_OpDefinitionBuilderAddAttr(op, "geometry: list(int)");
  TF_OpDefinitionBuilderAddAttr(op, "filters: list(int)");
  for (; *inputs; inputs++) TF_OpDefinitionBuilderAddInput(op, *inputs);
  for (; *outputs; outputs++) TF_OpDefinitionBuilderAddOutput(op, *outputs);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shapes);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, delete), status);
}

void slimfit_stem_register(TF_Status *status) {
  const char *const in[] = {"x: float", "kernel: float", "bias: float", NULL}, *const out[] = {"y: N * float", "winner: N * uint8", NULL};
  const char *const back_in[] = {"x: float", "y: N * float", "winner: N * uint8", "dy: N * float", NULL};
  const char *const back_out[] = {"dkernel: float", "dbias: float", NULL};
  define("SlimfitStem", in, out, forward, status);
  if (TF_GetCode(status) == TF_OK) define("SlimfitStemGrad", back_in, back_out, gradient, status);
}
