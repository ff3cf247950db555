#!/usr/bin/env python3
"""GFLOP/s of a float32 matrix product in TensorFlow: what arithmetic costs here at best.

    gemm.py THREADS
"""
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

import common

SIZE = 2048


def main():
    threads = int(sys.argv[1])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    product = tf.function(tf.matmul)
    a = tf.random.normal([SIZE, SIZE])
    product(a, a).numpy()
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        product(a, a).numpy()
        best = min(best, time.perf_counter() - start)
    common.emit(threads=threads, gflops=2 * SIZE**3 / best / 1e9)


if __name__ == "__main__":
    main()
