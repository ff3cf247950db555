#!/usr/bin/env python3
"""Peer (b): a hand-written TensorFlow loop, the fastest that plain Python gives.

The images lie on the device as one uint8 tensor; one tf.function call gathers
the batches of 100 steps and trains on them, with the fused Adam kernel of
tf.compat.v1's AdamOptimizer. As many processes as cores, one thread each; a
cell also runs as one process with all threads, and the better figure counts.
With `--order shared` the seeds of a cell train in one call on shared batches.
See README.md for what it prints.
"""
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

import common
import processes


def import_tensorflow(threads):
    """Starts TensorFlow in this process with so many threads."""
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


class Net:
    """One network's variables, its loss and its Adam step."""

    def __init__(self, tf, cell):
        self.tf, self.convs, self.hidden, self.stride = tf, cell["convs"], cell["units"] > 0, cell.get("stride", 1)
        edge, channels, shapes = -(-28 // self.stride), 1, []
        for kernel, filters, pool in self.convs:
            shapes += [[kernel, kernel, channels, filters], [filters]]
            edge, channels = -(-edge // pool), filters
        width = edge * edge * channels
        if self.hidden:
            shapes += [[width, cell["units"]], [cell["units"]]]
            width = cell["units"]
        shapes += [[width, 10], [10]]
        self.variables = [tf.Variable(tf.zeros(s)) for s in shapes]
        self.moments = [(tf.Variable(tf.zeros(s)), tf.Variable(tf.zeros(s))) for s in shapes]
        self.powers = [tf.Variable(1.0), tf.Variable(1.0)]

    def reset(self, seed):
        """Gives every variable its first value."""
        self.tf.random.set_seed(seed)
        for v, (m, s) in zip(self.variables, self.moments):
            bias = len(v.shape) == 1
            v.assign(self.tf.fill(v.shape, 0.1) if bias else self.tf.random.truncated_normal(v.shape, stddev=0.1))
            m.assign(self.tf.zeros_like(m))
            s.assign(self.tf.zeros_like(s))
        for power, beta in zip(self.powers, (0.9, 0.999)):
            power.assign(beta)

    def logits(self, x, training):
        tf, v, stride = self.tf, iter(self.variables), self.stride
        for _, _, pool in self.convs:
            # max(relu(x+b)) = relu(max(x)+b): pooling first leaves bias and ReLU fewer values
            x = tf.nn.max_pool2d(tf.nn.conv2d(x, next(v), stride, "SAME"), pool, pool, "SAME")
            stride = 1
            x = tf.nn.relu(tf.nn.bias_add(x, next(v)))
        x = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
        if self.hidden:
            x = tf.nn.relu(tf.nn.bias_add(x @ next(v), next(v)))
        if training:
            x = tf.nn.dropout(x, 0.5)
        return tf.nn.bias_add(x @ next(v), next(v))

    def step(self, x, labels):
        tf = self.tf
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.logits(x, True)))
        power1, power2 = self.powers
        for g, v, (m, s) in zip(tape.gradient(loss, self.variables), self.variables, self.moments):
            tf.raw_ops.ResourceApplyAdam(
                var=v.handle, m=m.handle, v=s.handle, beta1_power=power1, beta2_power=power2,
                lr=common.LEARNING_RATE, beta1=0.9, beta2=0.999, epsilon=common.EPSILON, grad=g)
        power1.assign(power1 * 0.9)
        power2.assign(power2 * 0.999)
        return loss


class Trainer:
    """Networks of one cell that see the same batches, and the data on the device."""

    def __init__(self, tf, cell, train, count=1):
        self.tf = tf
        self.nets = [Net(tf, cell) for _ in range(count)]
        self.images, self.labels = tf.constant(train[0]), tf.constant(train[1].astype(np.int32))

        @tf.function(autograph=False, jit_compile="BENCH_JIT" in os.environ, input_signature=[tf.TensorSpec([None, common.BATCH], tf.int32)])
        def call(order):
            def body(i, losses):
                x = tf.cast(tf.gather(self.images, order[i]), tf.float32) * np.float32(1 / 255)
                y = tf.gather(self.labels, order[i])
                return i + 1, tf.stack([net.step(x, y) for net in self.nets])
            return tf.while_loop(lambda i, _: i < tf.shape(order)[0], body, (0, tf.zeros(count)),
                                 parallel_iterations=1)[1]

        self.call = call
        self.predict = tf.function(lambda x, net: tf.argmax(
            self.nets[net].logits(tf.cast(x, tf.float32) * np.float32(1 / 255), False), 1), autograph=False)

    def reset(self, seeds, order_seed):
        for net, seed in zip(self.nets, seeds):
            net.reset(seed)
        self.random = np.random.default_rng(order_seed)
        self.queue = np.empty(0, np.int32)

    def train(self, steps):
        """Does so many steps, CALL at a time; every image once an epoch."""
        while steps > 0:
            n = min(steps, common.CALL)
            while len(self.queue) < n * common.BATCH:
                self.queue = np.concatenate([self.queue, self.random.permutation(len(self.labels)).astype(np.int32)])
            batch, self.queue = self.queue[:n * common.BATCH], self.queue[n * common.BATCH:]
            losses = self.call(batch.reshape(n, common.BATCH)).numpy()
            steps -= n
        return losses

    def accuracy(self, net, data):
        x, y = data
        right = sum(int((self.predict(x[i:i + 1000], net).numpy() == y[i:i + 1000]).sum()) for i in range(0, len(y), 1000))
        return right / len(y)


def time_cell(job):
    """Times a cell in this process, once all processes are warm."""
    name, steps, threads, barrier, data, results = job
    tf = import_tensorflow(threads)
    trainer = Trainer(tf, common.CELLS[name], common.load_mnist(data)[0])
    trainer.reset([0], 0)
    trainer.train(1)
    first = common.seconds_since_start()
    trainer.train(min(common.CALL, steps))
    barrier.wait()
    start = time.perf_counter()
    trainer.train(steps)
    results.put({"rate": steps / (time.perf_counter() - start), "first": first, "rss": common.peak_rss()})


def run_cell(args):
    layouts = [(args.processes, 1)] if args.processes else sorted({(common.cores(), 1), (1, common.cores())}, reverse=True)
    best = None
    for count, threads in layouts:
        figures = processes.time_cell(time_cell, args, threads, count) | {"threads": threads}
        if best is None or figures["steps_per_second"] > best["steps_per_second"]:
            best = figures
    common.emit(peer="tf_loop", cell=args.cell, steps=args.steps, **best)


def sweep_worker(job):
    """Takes work off the queue until it is empty: (cell, seeds that train together)."""
    args, queue, results = job
    tf = import_tensorflow(1)
    train, validation, test = common.load_mnist(args.data)
    cell = trainer = None
    while (item := queue.get()) is not None:
        if (item[0], len(item[1])) != cell:
            cell = item[0], len(item[1])
            trainer = Trainer(tf, common.CELLS[item[0]], train, cell[1])
        shared = args.order == "shared"
        trainer.reset(item[1], 0 if shared else item[1][0])
        trainer.train(args.steps)
        for net, seed in enumerate(item[1]):
            common.write_result(args.out, item[0], seed, trainer.accuracy(net, validation), trainer.accuracy(net, test))
    results.put(common.peak_rss())


def run_sweep(args):
    count = args.processes or common.cores()
    queue, results = processes.SPAWN.Queue(), processes.SPAWN.Queue()
    group = args.seeds if args.order == "shared" else 1
    seeds = list(range(args.seeds))
    for cell in sorted(args.cells, key=lambda c: -common.macs(common.CELLS[c])):  # the longest first
        for i in range(0, args.seeds, group):
            queue.put((cell, seeds[i:i + group]))
    for _ in range(count):
        queue.put(None)
    processes.run(sweep_worker, [(args, queue, results)] * count)
    accuracy = {cell: float(np.mean([json.load(open(os.path.join(args.out, cell, f"seed-{s}.json")))["accuracy"]["test"]
                                     for s in seeds])) for cell in args.cells}
    common.emit(peer="tf_loop", trials=len(args.cells) * args.seeds, steps=args.steps, order=args.order, processes=count,
                seconds=common.seconds_since_start(), peak_rss_bytes=sum(results.get() for _ in range(count)),
                test_accuracy=accuracy)


def main():
    args = common.arguments(__doc__)
    if args.command == "cell":
        run_cell(args)
    else:
        run_sweep(args)


if __name__ == "__main__":
    main()
