// Package tflite writes trained networks as TensorFlow Lite (LiteRT) files,
// float32 and full-integer int8, reads such files back and runs them. It is
// pure Go: nothing here needs TensorFlow or Python.
//
// # What a file holds
//
// One image in, [1, h, w, c]; a runtime may resize the batch. In a float32 file
// the image is float32 in [0, 1] (a pixel divided by 255). In an int8 file it is
// int8 with scale 1/255 and zero point -128, which makes it the pixel minus 128.
//
// Two outputs of one value a class by default: the probabilities first, so that
// a program that reads only the first output gets them, then the logits.
// The logits cost four bytes of file and keep the class apart where int8
// probabilities tie.
//
// Dropout is left out. FULLY_CONNECTED flattens by itself, so no RESHAPE is
// written. ReLU and ReLU6 are fused; leaky ReLU, ELU, tanh and sigmoid become
// ops of their own. Global average pooling becomes MEAN.
//
// # Quantization
//
// Quantize follows TensorFlow Lite's int8 specification: convolutions have one
// weight scale for each output channel, dense layers one for the tensor (or one
// for each unit, see Options.DensePerChannel), weights lie in [-127, 127] with
// zero point 0, biases are int32 with scale input x weight, pools keep their
// input's scale, softmax has scale 1/256 and zero point -128, tanh 1/128 and 0,
// sigmoid 1/256 and -128.
//
// # Running
//
// Model.Run evaluates images. Its int8 kernels give the same bits as TensorFlow
// Lite's reference kernels (BUILTIN_REF), those of LiteRT or of TensorFlow Lite
// Micro, which have none for ELU. Runtimes that use other kernels, the default
// XNNPACK delegate among them, may round each operation differently in its last
// place; where leaky_relu, tanh or sigmoid follow one another that grows to many
// steps of a score, and to other classes.
package tflite
