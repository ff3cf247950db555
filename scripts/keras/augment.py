"""slimfit's augmentation in NumPy, written from its documentation: pixels in [0, 1], [n, h, w, c].

Only the draws are TensorFlow's: uniform numbers by kind of change, keyed by (seed, kind, step).
"""
import hashlib

import numpy as np
import tensorflow as tf


def key(seed, kind, step):
    """The state of the draws: the first number of the PCG generator (128 bits, DXSM) that SHA-256 of the words starts, and the step."""
    digest = hashlib.sha256(f"{seed}\0augment\0{kind}".encode()).digest()
    state = int.from_bytes(digest[:8], "little") << 64 | int.from_bytes(digest[8:16], "little")
    state = (state * 0x2360ED051FC65DA44385DF649FCCF645 + 0x5851F42D4C957F2D14057B7EF767814F) % 2**128
    high, low = state >> 64, state % 2**64 | 1
    high ^= high >> 32
    high = high * 0xDA942042E4DD58B5 % 2**64
    high ^= high >> 48
    return np.array([high * low % 2**64, step], np.uint64).astype(np.int64)


def augmented(images, o, seed, step):
    n, h, w, c = images.shape

    def draw(kind):
        return tf.raw_ops.StatelessRandomUniform(shape=[n, 1], seed=key(seed, kind, step), dtype=tf.float32).numpy()[:, 0].astype(np.float64)

    def spread(kind, most):
        return most * (2 * draw(kind) - 1)

    def flips(kind, ways):
        return np.where(o.get("flip") in ways, np.where(draw(f"flip {kind}") < 0.5, -1, 1), 1)

    def each(values):
        return values[:, None, None, None]

    # where each pixel comes from: scaled and flipped, sheared, turned about the middle, shifted by whole pixels
    angle, shear, size = np.radians(spread("rotate", o.get("rotate", 0))), spread("shear", o.get("shear", 0)), 1 + spread("scale", o.get("scale", 0))
    y, x = np.mgrid[:h, :w] - np.array([(h - 1) / 2, (w - 1) / 2])[:, None, None]
    x, y = np.multiply.outer(flips("horizontal", ("horizontal", "both")) / size, x), np.multiply.outer(flips("vertical", ("vertical", "both")) / size, y)
    x = x + shear[:, None, None] * y
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    from_x = x * cos - y * sin + (w - 1) / 2 + np.round(spread("shift horizontal", o.get("shift", 0) * w))[:, None, None]
    from_y = x * sin + y * cos + (h - 1) / 2 + np.round(spread("shift vertical", o.get("shift", 0) * h))[:, None, None]
    changed = interpolated(images, from_y, from_x)

    if o.get("contrast"):
        mean = changed.mean((1, 2, 3), keepdims=True)
        changed = mean + (changed - mean) * each(1 + spread("contrast", o["contrast"]))
    changed = changed + each(spread("brightness", o.get("brightness", 0)))
    if o.get("noise"):
        normal = tf.raw_ops.StatelessRandomNormal(shape=images.shape, seed=key(seed, "noise", step), dtype=tf.float32).numpy()
        changed = changed + o["noise"] * normal
    if o.get("cutout"):
        def within(kind, edge):
            middles = draw(f"cutout {kind}") * edge
            return abs(np.arange(edge) + 0.5 - middles[:, None]) < o["cutout"] * edge / 2

        cut = within("vertical", h)[:, :, None, None] & within("horizontal", w)[:, None, :, None]
        changed = np.where(cut, changed.mean((1, 2, 3), keepdims=True), changed)
    kept = draw("probability") < o["probability"]
    return np.where(each(kept), np.clip(changed, 0, 1), images).astype(np.float32)


def interpolated(images, y, x):
    """The images at places between pixels; outside, the nearest edge."""
    n, h, w, c = images.shape
    y, x = np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = (y - top)[..., None], (x - left)[..., None]

    def at(dy, dx):
        return images[np.arange(n)[:, None, None], np.minimum(top + dy, h - 1), np.minimum(left + dx, w - 1)].astype(np.float64)

    return (at(0, 0) * (1 - right) + at(0, 1) * right) * (1 - down) + (at(1, 0) * (1 - right) + at(1, 1) * right) * down
