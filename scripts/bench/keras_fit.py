#!/usr/bin/env python3
"""Peer (a): Keras `fit` on NumPy arrays, as most people write it.

One process with TensorFlow's own threads; float32 images in memory; `fit`
shuffles them. The optimizer is the paper's. See README.md for what it prints.
"""
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np

import common


def build(cell):
    model = keras.Sequential([keras.Input((28, 28, 1))])
    weights = {"kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1),
               "bias_initializer": keras.initializers.Constant(0.1)}
    for i, (kernel, filters, pool) in enumerate(cell["convs"]):
        stride = cell.get("stride", 1) if i == 0 else 1
        model.add(keras.layers.Conv2D(filters, kernel, stride, padding="same", activation="relu", **weights))
        model.add(keras.layers.MaxPooling2D(pool, padding="same"))
    model.add(keras.layers.Flatten())
    if cell["units"]:
        model.add(keras.layers.Dense(cell["units"], activation="relu", **weights))
    model.add(keras.layers.Dropout(0.5))
    model.add(keras.layers.Dense(10, **weights))
    model.compile(optimizer=keras.optimizers.Adam(common.LEARNING_RATE, epsilon=common.EPSILON),
                  loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def fit(model, data, steps):
    """Trains for a number of steps: whole epochs, then the rest of one."""
    x, y = data
    epoch = -(-len(x) // common.BATCH)
    if steps >= epoch:
        model.fit(x, y, batch_size=common.BATCH, epochs=steps // epoch, verbose=0)
    if steps % epoch:
        model.fit(x, y, batch_size=common.BATCH, steps_per_epoch=steps % epoch, verbose=0)


def run_cell(args, train):
    model = build(common.CELLS[args.cell])
    fit(model, train, 1)
    first = common.seconds_since_start()
    fit(model, train, 20)
    start = time.perf_counter()
    fit(model, train, args.steps)
    common.emit(peer="keras_fit", cell=args.cell, steps=args.steps, processes=1,
                steps_per_second=args.steps / (time.perf_counter() - start),
                first_step_seconds=first, peak_rss_bytes=common.peak_rss())


def run_sweep(args, train, validation, test):
    accuracies = {}
    for cell in args.cells:
        for seed in range(args.seeds):
            keras.utils.clear_session()
            keras.utils.set_random_seed(seed)
            model = build(common.CELLS[cell])
            fit(model, train, args.steps)
            scores = [float(model.evaluate(*data, batch_size=1000, verbose=0)[1]) for data in (validation, test)]
            common.write_result(args.out, cell, seed, *scores)
            accuracies.setdefault(cell, []).append(scores[1])
    common.emit(peer="keras_fit", trials=len(args.cells) * args.seeds, steps=args.steps, order="per_seed", processes=1,
                seconds=common.seconds_since_start(), peak_rss_bytes=common.peak_rss(),
                test_accuracy={cell: float(np.mean(a)) for cell, a in accuracies.items()})


def main():
    args = common.arguments(__doc__)
    splits = [(x.astype(np.float32) / 255, y) for x, y in common.load_mnist(args.data)]
    if args.command == "cell":
        run_cell(args, splits[0])
    else:
        run_sweep(args, *splits)


if __name__ == "__main__":
    main()
