#!/usr/bin/env python3
"""Peer (c): PyTorch, eager or by torch.compile.

The images lie in one uint8 tensor; each step gathers a batch; Adam in its fused form. As many processes
as cores, one thread each. The first of --forms that is fastest counts. See README.md for what it prints.
"""
import sys
import time

import numpy as np
import torch

import common
import processes

FORMS = ("eager", "compiled")


class Net(torch.nn.Module):
    """One network; images as [n, 1, 28, 28]."""

    def __init__(self, cell):
        super().__init__()
        edge, channels, self.convs = 28, 1, torch.nn.ModuleList()
        self.pools = [pool for _, _, pool in cell["convs"]]
        for kernel, filters, pool in cell["convs"]:
            self.convs.append(torch.nn.Conv2d(channels, filters, kernel, padding=kernel // 2))
            edge, channels = edge // pool, filters
        self.hidden = torch.nn.Linear(edge * edge * channels, cell["units"])
        self.out = torch.nn.Linear(cell["units"], 10)
        for p in self.parameters():
            if p.dim() == 1:
                torch.nn.init.constant_(p, 0.1)
            else:
                torch.nn.init.trunc_normal_(p, std=0.1, a=-0.2, b=0.2)

    def forward(self, x):
        for conv, pool in zip(self.convs, self.pools):
            # pooling first leaves bias and ReLU fewer values
            x = torch.nn.functional.conv2d(x, conv.weight, None, 1, conv.padding)
            x = torch.relu(torch.nn.functional.max_pool2d(x, pool) + conv.bias[:, None, None])
        x = torch.relu(self.hidden(x.flatten(1)))
        return self.out(torch.nn.functional.dropout(x, 0.5, self.training))


class Trainer:
    """A network and the data."""

    def __init__(self, cell, train, form):
        torch.manual_seed(0)
        net = Net(cell)
        self.images = torch.from_numpy(train[0].transpose(0, 3, 1, 2).copy())
        self.labels = torch.from_numpy(train[1].astype(np.int64))
        self.random = np.random.default_rng(0)
        optimizer = torch.optim.Adam(net.parameters(), lr=common.LEARNING_RATE, eps=common.EPSILON, fused=True)

        def loss_of(index):
            x = self.images[index].float() * (1 / 255)
            return torch.nn.functional.cross_entropy(net(x), self.labels[index])
        if form == "compiled":
            loss_of = torch.compile(loss_of)

        def step(index):
            loss = loss_of(index)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss
        self.step = step

    def train(self, steps):
        queue = np.empty(0, np.int64)
        for _ in range(steps):
            if len(queue) < common.BATCH:
                queue = self.random.permutation(len(self.labels))
            loss = self.step(torch.from_numpy(queue[:common.BATCH]))
            queue = queue[common.BATCH:]
        return float(loss)


def time_cell(job):
    """Times a cell in this process, once all processes are warm."""
    name, steps, form, barrier, data, results = job
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    trainer = Trainer(common.CELLS[name], common.load_mnist(data)[0], form)
    trainer.train(1)
    first = common.seconds_since_start()
    trainer.train(min(100, steps))
    barrier.wait()
    start = time.perf_counter()
    loss = trainer.train(steps)
    results.put({"rate": steps / (time.perf_counter() - start), "first": first, "rss": common.peak_rss(), "loss": loss})


def main():
    args = common.arguments(__doc__, sweeps=False)
    best = None
    for form in FORMS:
        figures = processes.time_cell(time_cell, args, form) | {"form": form}
        if best is None or figures["steps_per_second"] > best["steps_per_second"]:
            best = figures
    common.emit(peer="torch_loop", cell=args.cell, steps=args.steps, versions={"torch": torch.__version__}, **best)


if __name__ == "__main__":
    sys.exit(main())
