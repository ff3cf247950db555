#!/usr/bin/env python3
"""Compares slimfit with Keras: counts, shapes, logits and ten training steps.

    check_keras.py [OUT]    OUT: what TestWriteForKeras of pkg/worker wrote; without it, runs that

Prints a line a network, exits 1 if one differs. README.md tells the files.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
import tensorflow as tf

import augment

HERE = Path(__file__).resolve().parent
WRITE = ["go", "test", "-count=1", "-run", "^TestWriteForKeras$", "./pkg/worker", "-keras.out"]
TOLERANCE = 1e-4


def main(argv):
    networks = json.loads((HERE / "networks.json").read_text())
    with tempfile.TemporaryDirectory() as temp:
        out = Path(argv[0] if argv else temp)
        if not argv:
            subprocess.run([*WRITE, out], check=True, cwd=HERE.parent.parent)
        print(f"{'network':24} {'parameters':>10} {'logits differ by':>17} {'losses differ by':>17} {'averages differ by':>19}")
        faults = [f"{network['name']}: {fault}" for network in networks for fault in compare(network, out / network["name"])]
    print("\n".join(faults + [f"check-keras: {len(networks)} networks, {len(faults)} differences"]))
    return 1 if faults else 0


def compare(network, folder):
    """Prints the network's line and returns what differs."""
    keras.utils.clear_session()
    images, labels, logits, losses = (np.load(folder / f"{name}.npy") for name in ("images", "labels", "logits", "losses"))
    counts = json.loads((folder / "counts.json").read_text())
    model, layers = build(network)
    variables = [variable for layer in layers for variable in layer.weights]
    weights = [np.load(file) for file in sorted(folder.glob("[0-9][0-9].npy"))]
    faults = compare_shapes(model, layers, weights, counts)
    if faults:
        print(f"{network['name']:24} {counts['parameters']:10}")
        return faults
    for variable, values in zip(variables, weights):
        variable.assign(np.reshape(values, variable.shape))
    logits_off = worst(model(images), logits)
    order = np.arange(len(images)).reshape(network["train"]["steps"], -1)
    if "augment" in network["train"]:
        seen = np.concatenate([augment.augmented(images[batch], network["train"]["augment"], 1, step) for step, batch in enumerate(order)])
        pixels_off = worst(seen, np.load(folder / "seen.npy"))
        print(f"{network['name']:24} augmented pixels differ by {pixels_off:.1e}, {np.mean(seen != images):.0%} of them are changed")
        if not pixels_off <= TOLERANCE:
            faults.append(f"augmented pixels differ by {pixels_off:.1e}")
        images = seen
    if "select" in network["train"]:
        order = np.load(folder / "order.npy")
    keras_losses, ends, selected = train(model, network["train"], images, labels, order, variables)
    if "select" in network["train"]:
        print(f"{network['name']:24} selected: step {selected} of {len(order)}")
        if selected != np.load(folder / "selected.npy")[0] or selected == len(order):
            faults.append(f"step {np.load(folder / 'selected.npy')[0]} is selected, Keras has {selected}")
    losses_off = worst(keras_losses, losses)
    moved = {int(file.stem.removeprefix("end-")): np.load(file) for file in folder.glob("end-*.npy")}
    moved_off = max((worst(ends[i], np.reshape(values, ends[i].shape)) for i, values in moved.items()), default=0.0)
    print(f"{network['name']:24} {counts['parameters']:10} {logits_off:17.1e} {losses_off:17.1e} {moved_off:19.1e}")
    if not logits_off <= TOLERANCE:  # NaN is a difference too
        faults.append(f"logits differ by {logits_off:.1e}")
    if not losses_off <= TOLERANCE:
        faults.append(f"losses differ by {losses_off:.1e}")
    if not moved_off <= TOLERANCE:
        faults.append(f"weights or moving averages differ by {moved_off:.1e} after training")
    return faults


def compare_shapes(model, layers, weights, counts):
    """Returns what differs in numbers of parameters and in shapes."""
    folded = {layer.name.replace("norm", "layer") for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)}
    sizes = {"weights": 0, "biases": 0, "parameters_trained": model.count_params()}
    for layer in model.layers:
        for variable in layer.weights:
            size = int(np.prod(variable.shape))
            if variable.name.endswith("kernel") or variable.name == "alpha":
                sizes["weights"] += size
            elif variable.name == "gamma" or variable.name == "bias" and layer.name not in folded:
                sizes["biases"] += size  # a normalised layer is deployed with one bias a channel
    sizes["parameters"] = sizes["weights"] + sizes["biases"]
    counts.setdefault("parameters_trained", counts["parameters"])
    faults = [f"{counts[name]} {name}, Keras has {size}" for name, size in sizes.items() if counts[name] != size]
    ours, theirs = [w.shape for w in weights], [tuple(v.shape) for layer in layers for v in layer.weights]
    theirs = [shape[-1:] if shape[:-1] == (1,) * len(shape[:-1]) and ours[i] == shape[-1:] else shape for i, shape in enumerate(theirs)]  # prelu's
    if ours != theirs:
        faults.append(f"variables {ours}, Keras has {theirs}")
    ours, theirs = output_shapes(counts), [as_image(layer.output.shape) for layer in layers if layer.name.startswith("layer") and not layer.name.endswith("-depthwise")]
    if ours != theirs:
        faults.append(f"outputs {ours}, Keras has {theirs}")
    return faults


def output_shapes(counts):
    """The layers' outputs; the depthwise half of a separable layer, which Keras does not show, left out."""
    layers = counts["layers"]
    return [tuple(layer["output"]) for i, layer in enumerate(layers)
            if not (i + 1 < len(layers) and layers[i + 1]["name"].startswith("pointwise"))]


def as_image(shape):
    """(batch, h, w, c) or (batch, n) as (h, w, c)."""
    return tuple(shape[1:]) if len(shape) == 4 else (1, 1, shape[1])


def build(network):
    """The Keras model, and its layers in the order of slimfit's weights. The layers that a footprint counts are called layer0,
    layer1, ..., their batch normalisations norm0, ..."""
    b = Builder()
    x = inputs = keras.Input(network["input"])
    for layer in network["layers"] + [{"dense": {"units": network["classes"], "activation": "none"}}]:
        x = b.add(x, layer)
    return keras.Model(inputs, x), b.layers


class Builder:
    def __init__(self):
        self.layers = []

    def apply(self, layer, x):
        self.layers.append(layer)
        return layer(x)

    def add(self, x, layer):
        """The layer and what follows it: batch normalisation, then the activation."""
        (kind, o), = layer.items()
        if kind == "dense" and len(x.shape) == 4:
            x = keras.layers.Flatten()(x)
        if kind == "residual":
            return self.residual(x, o)
        return self.one(x, kind, o, len(self.layers))

    def one(self, x, kind, o, name):
        if kind == "dropout":
            return self.apply(keras.layers.Dropout(o, name=f"dropout{name}"), x)
        if kind == "activation":
            return self.activate(x, o, f"layer{name}" if o == "prelu" else f"activation{name}")
        norm = isinstance(o, dict) and o.get("batchnorm", False)
        if norm == "both":  # of separable: Keras normalises no part of a SeparableConv2D
            x = self.one(x, "depthwise", o | {"activation": "none", "batchnorm": True, "bias": False}, f"{name}-depthwise")
            kind, o = "conv", o | {"kernel": [1, 1], "stride": 1, "padding": "valid", "batchnorm": True}
        x = self.apply(keras_layer(kind, o, f"layer{name}"), x)
        if norm:
            x = self.apply(keras.layers.BatchNormalization(name=f"norm{name}"), x)
        return self.activate(x, o.get("activation", "none"), f"activation{name}")

    def residual(self, x, o):
        y = x
        for layer in o["layers"]:
            y = self.add(y, layer)
        if x.shape != y.shape:
            stride = [-(-a // b) for a, b in zip(x.shape[1:3], y.shape[1:3])]
            norm = isinstance(o["shortcut"], dict)
            project = {"kernel": [1, 1], "filters": y.shape[3], "stride": stride, "padding": "same", "batchnorm": norm, "bias": not norm}
            x = self.one(x, "conv", project, len(self.layers))
        name = len(self.layers)
        x = self.apply(keras.layers.Add(name=f"layer{name}"), [y, x])
        return self.activate(x, o["activation"], f"activation{name}")

    def activate(self, x, name, layer):
        if name == "none":
            return x
        if name == "prelu":
            return self.apply(keras.layers.PReLU(shared_axes=[1, 2] if len(x.shape) == 4 else None, name=layer), x)
        if name == "leaky_relu":
            return keras.layers.LeakyReLU(negative_slope=0.2)(x)
        return keras.layers.Activation("hard_silu" if name == "hard_swish" else name)(x)


def keras_layer(kind, o, name):
    if kind == "globalavgpool":
        return keras.layers.GlobalAveragePooling2D(name=name)
    bias = {"use_bias": o.get("bias", True), "name": name}
    if kind == "dense":
        return keras.layers.Dense(o["units"], **bias)
    window = {"strides": o["stride"], "padding": o["padding"]}
    if kind == "maxpool":
        return keras.layers.MaxPooling2D(o["size"], **window, name=name)
    if kind == "avgpool":
        return keras.layers.AveragePooling2D(o["size"], **window, name=name)
    window |= {"kernel_size": o["kernel"]} | bias
    if kind in ("conv", "depthwise"):
        window["dilation_rate"] = o.get("dilation", 1)
    if kind == "conv":
        return keras.layers.Conv2D(o["filters"], **window)
    if kind == "depthwise":
        return keras.layers.DepthwiseConv2D(depth_multiplier=o["multiplier"], **window)
    if kind == "separable":
        return keras.layers.SeparableConv2D(o["filters"], depth_multiplier=o["multiplier"], **window)
    raise ValueError(f"unknown layer kind {kind}")


def class_weights(recipe, labels, classes):
    """By class; names are numbers here."""
    weights = recipe.get("class_weights", {})
    if weights.get("balanced"):
        return len(labels) / (classes * np.bincount(labels, minlength=classes))
    return np.array([weights.get("named", {}).get(str(i), 1) for i in range(classes)], float)


LOOK_EVERY, VALIDATED = 1000, 100  # steps between validations; the first images, which validate


def train(model, recipe, images, labels, order, variables):
    """Returns the loss of each step before its update, the variables at the end, and after which step they were so: averaged where
    the recipe has ema, those that were best on the first images where it has select."""
    optimizer = keras_optimizer(recipe)
    weights = class_weights(recipe, labels, model.output_shape[1])
    averages = [variable.numpy() for variable in variables]
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "alpha"])
    optimizer.build(model.trainable_variables)
    entropy = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.get("label_smoothing", 0))

    @tf.function
    def descend(x, y, weight):
        with tf.GradientTape() as tape:
            loss = entropy(tf.one_hot(y, model.output_shape[1]), model(x, training=True), sample_weight=weight)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    losses, best = [], (-1, 0, None)
    for step, batch in enumerate(order):
        losses.append(descend(images[batch], labels[batch], weights[labels[batch]].astype(np.float32)).numpy())
        keep = min(recipe.get("ema", 0), (2 + step) / (11 + step))  # as tf.train.ExponentialMovingAverage has it
        averages = [keep * average + (1 - keep) * variable.numpy() if variable.trainable else variable.numpy()
                    for average, variable in zip(averages, variables)]
        if "select" in recipe and ((step + 1) % LOOK_EVERY == 0 or step + 1 == len(order)):
            right = np.mean(np.argmax(model(images[:VALIDATED]), 1) == labels[:VALIDATED])
            if right > best[0]:
                best = right, step + 1, averages
    return (losses, best[2], best[1]) if "select" in recipe else (losses, averages, len(order))


class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """slimfit's schedules and its warm-up."""

    def __init__(self, recipe):
        self.recipe = recipe

    def __call__(self, step):
        r, step = self.recipe, tf.cast(step, tf.float32)
        rate = tf.constant(float(r["learning_rate"]))
        if r["schedule"] == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(r["learning_rate"], r["steps"])(step)
        elif r.get("at"):
            rates = [r["learning_rate"] * r["factor"] ** i for i in range(len(r["at"]) + 1)]
            rate = keras.optimizers.schedules.PiecewiseConstantDecay([at - 1 for at in r["at"]], rates)(step)
        elif r["schedule"] != "constant":
            falls = keras.optimizers.schedules.ExponentialDecay(r["learning_rate"], r["every"], r["factor"], staircase=r["schedule"] == "step")
            rate = falls(step)
        return rate * tf.minimum(1.0, (step + 1) / max(r.get("warmup", 0), 1))


def keras_optimizer(recipe):
    rate = Rate(recipe)
    more = {"weight_decay": recipe["weight_decay"] or None, "global_clipnorm": recipe.get("gradient_clip")}
    if recipe["optimizer"] == "adam":
        return keras.optimizers.Adam(rate, epsilon=recipe["epsilon"], **more)
    if recipe["optimizer"] == "adadelta":
        return keras.optimizers.Adadelta(rate, rho=recipe["rho"], epsilon=recipe["epsilon"], **more)
    momentum = recipe["momentum"] if recipe["optimizer"] == "momentum" else 0.0
    return keras.optimizers.SGD(rate, momentum=momentum, nesterov=recipe.get("nesterov", False), **more)


def worst(a, b):
    """The largest difference; NaN if there is a NaN, infinity if the shapes differ."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.max(np.abs(a - b))) if a.shape == b.shape else float("inf")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
