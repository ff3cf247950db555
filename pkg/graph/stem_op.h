#ifndef SLIMFIT_STEM_OP_H
#define SLIMFIT_STEM_OP_H

#include <tensorflow/c/tf_status.h>

// slimfit_stem_register makes the operations SlimfitStem and SlimfitStemGrad
// known to TensorFlow, once for a process.
void slimfit_stem_register(TF_Status *status);

#endif
