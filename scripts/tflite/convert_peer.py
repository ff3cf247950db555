#!/usr/bin/env python3
"""Converts a network to int8 with TensorFlow's own converter, as a peer of `slimfit export`.

    convert_peer.py SPEC.json WEIGHTS.npz -o OUT.tflite --calibration IDX
                    [--count N] [--skip N] [--dense-per-tensor] [--float32]

SPEC.json is {"input": [h, w, c], "classes": n, "model": [layers]} with the
layers as in `slimfit plan`, the last dense layer included. WEIGHTS.npz holds
NODE/kernel and NODE/bias in TensorFlow's layout, as `slimfit export --format
npz` writes them. Calibration takes N images of the file (MNIST idx, gzipped or
not) after the skipped ones. Needs tensorflow.

Prints the file's size and TensorFlow's version. `check_tflite.py accuracy` measures the file.
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf

import check_tflite

ACTIVATIONS = {
    "relu": tf.nn.relu, "relu6": tf.nn.relu6, "elu": tf.nn.elu, "tanh": tf.nn.tanh,
    "sigmoid": tf.nn.sigmoid, "none": tf.identity,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, 0.2),
}


class Names:
    """Names nodes as slimfit does: conv1, depthwise1, pool1, fc1."""

    def __init__(self):
        self.count = {}

    def __call__(self, base):
        self.count[base] = self.count.get(base, 0) + 1
        return f"{base}{self.count[base]}"


def forward(spec, weights, images):
    """Builds the inference graph; returns the probabilities."""
    name, x = Names(), images

    def convolve(node, layer, x):
        s = layer.get("stride", 1)
        x = tf.nn.conv2d(x, weights[node + "/kernel"], s, layer["padding"].upper())
        return ACTIVATIONS[layer["activation"]](tf.nn.bias_add(x, weights[node + "/bias"]))

    def depthwise(node, layer, x, activation):
        s = layer["stride"]
        x = tf.nn.depthwise_conv2d(x, weights[node + "/kernel"], [1, s, s, 1], layer["padding"].upper())
        if node + "/bias" in weights:
            x = tf.nn.bias_add(x, weights[node + "/bias"])
        return ACTIVATIONS[activation](x)

    for entry in spec["model"]:
        kind, layer = next(iter(entry.items()))
        if kind == "conv":
            x = convolve(name("conv"), layer, x)
        elif kind == "depthwise":
            x = depthwise(name("depthwise"), layer, x, layer["activation"])
        elif kind == "separable":
            x = depthwise(name("depthwise"), layer, x, "none")
            x = convolve(name("pointwise"), {"padding": "valid", "activation": layer["activation"]}, x)
        elif kind in ("maxpool", "avgpool"):
            pool = tf.nn.max_pool2d if kind == "maxpool" else tf.nn.avg_pool2d
            x = pool(x, layer["size"], layer["stride"], layer["padding"].upper())
            name("pool")
        elif kind == "globalavgpool":
            x = tf.reduce_mean(x, [1, 2], keepdims=True)
            name("pool")
        elif kind == "dense":
            node = name("fc")
            kernel = weights[node + "/kernel"]
            x = tf.matmul(tf.reshape(x, [-1, kernel.shape[0]]), kernel)
            x = ACTIVATIONS[layer["activation"]](tf.nn.bias_add(x, weights[node + "/bias"]))
        elif kind == "dropout":
            name("dropout")
        else:
            raise SystemExit(f"convert_peer: unknown layer kind {kind!r}")
    return tf.nn.softmax(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", type=pathlib.Path)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("-o", "--out", type=pathlib.Path, required=True)
    parser.add_argument("--calibration", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--dense-per-tensor", action="store_true")
    parser.add_argument("--float32", action="store_true")
    args = parser.parse_args()

    spec = json.loads(args.spec.read_text())
    weights = {k: tf.constant(v) for k, v in np.load(args.weights).items()}
    shape = [1, *spec["input"]]
    function = tf.function(lambda images: forward(spec, weights, images),
                           input_signature=[tf.TensorSpec(shape, tf.float32, "images")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    if not args.float32:
        images = check_tflite.read_idx(args.calibration)[args.skip:args.skip + args.count]
        images = images.reshape((-1, *shape)).astype(np.float32) / 255
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([i] for i in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel_quantization_for_dense_layers = args.dense_per_tensor
    model = converter.convert()
    args.out.write_bytes(model)
    print(f"{args.out.name}\t{len(model)} bytes, TensorFlow {tf.__version__}")


if __name__ == "__main__":
    main()
