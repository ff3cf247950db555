#!/usr/bin/env python3
"""Runs TensorFlow Lite files in the real interpreter.

    check_tflite.py version
    check_tflite.py tensors DIR
    check_tflite.py micro DIR
    check_tflite.py accuracy MODEL... --images IDX --labels IDX [--default-only]

Needs numpy and one of ai-edge-litert, tflite-runtime and tensorflow; `micro`
needs tflite-micro instead.

`tensors` is for pkg/tflite's tests: for every DIR/NAME.tflite it feeds the raw
uint8 pixels of DIR/NAME.pixels and writes every activation that the reference
kernels (BUILTIN_REF) compute to DIR/NAME.reference.INDEX, and every output of
the default kernels to DIR/NAME.default.INDEX, as raw little-endian arrays.
A file with ELU, which BUILTIN_REF lacks, runs on the optimized kernels instead.

`micro` does the same with TensorFlow Lite Micro: it writes the outputs to
DIR/NAME.micro.INDEX, INDEX being the output's number here, and the bytes of
activations in the arena (the "head") to DIR/NAME.arena.

`accuracy` prints, for each file, its size and the share of images whose class
it gets right with the default and the reference kernels (slow on large networks). The files are in the
MNIST idx format, gzipped or not.
"""

import argparse
import gzip
import os
import pathlib
import re
import sys
import tempfile

import numpy as np


def load_runtime():
    """Returns (name, Interpreter class, OpResolverType) of the first runtime found."""
    try:
        import importlib.metadata as metadata
        from ai_edge_litert import interpreter as lite
        return f"ai-edge-litert {metadata.version('ai-edge-litert')}", lite.Interpreter, lite.OpResolverType
    except ImportError:
        pass
    try:
        import tflite_runtime
        from tflite_runtime import interpreter as lite
        return f"tflite-runtime {tflite_runtime.__version__}", lite.Interpreter, lite.OpResolverType
    except ImportError:
        pass
    try:
        import tensorflow as tf
        return f"tensorflow {tf.__version__}", tf.lite.Interpreter, tf.lite.experimental.OpResolverType
    except ImportError:
        sys.exit("check_tflite: none of ai-edge-litert, tflite-runtime and tensorflow can be imported")


def prepare(runtime, model, pixels, reference):
    """Returns an interpreter with the images, [n, h, w, c] of uint8, as its input."""
    _, interpreter_class, resolver = runtime

    def new(kind):
        return interpreter_class(model_content=model, experimental_op_resolver_type=kind,
                                 experimental_preserve_all_tensors=reference)

    if not reference:
        interpreter = new(resolver.AUTO)
    else:
        try:
            interpreter = new(resolver.BUILTIN_REF)
        except ValueError:  # BUILTIN_REF has no ELU
            interpreter = new(resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    entry = interpreter.get_input_details()[0]
    images = pixels.reshape((-1, *entry["shape"][1:]))
    interpreter.resize_tensor_input(entry["index"], images.shape)
    interpreter.allocate_tensors()
    if entry["dtype"] == np.int8:
        scale, zero = entry["quantization"]
        if abs(scale - 1 / 255) > 1e-6 or zero != -128:
            images = np.clip(np.round(images / 255 / scale) + zero, -128, 127).astype(np.int8)
        else:
            images = (images.astype(np.int16) - 128).astype(np.int8)
    else:
        images = images.astype(np.float32) / np.float32(255)
    interpreter.set_tensor(entry["index"], images)
    return interpreter


def tensors(runtime, folder):
    for path in sorted(folder.glob("*.tflite")):
        model = path.read_bytes()
        pixels = np.frombuffer(path.with_suffix(".pixels").read_bytes(), np.uint8)
        for reference in (True, False):
            interpreter = prepare(runtime, model, pixels, reference)
            interpreter.invoke()
            outputs = {d["index"] for d in interpreter.get_output_details()}
            images = interpreter.get_input_details()[0]["shape"][0]
            kind = "reference" if reference else "default"
            for d in interpreter.get_tensor_details():
                shape = d["shape"]
                # Activations carry the batch; kernels' own scratch tensors have other shapes or fail.
                wanted = d["index"] in outputs or (reference and len(shape) in (2, 4) and shape[0] == images)
                if not wanted:
                    continue
                try:
                    value = interpreter.get_tensor(d["index"])
                except ValueError:
                    continue
                path.with_suffix(f".{kind}.{d['index']}").write_bytes(np.ascontiguousarray(value).tobytes())


def micro(folder):
    from tflite_micro import runtime
    for path in sorted(folder.glob("*.tflite")):
        interpreter = runtime.Interpreter.from_file(
            str(path), intrepreter_config=runtime.InterpreterConfig.kAllocationRecording)
        allocations = printed(interpreter.print_allocations)
        head = re.search(r"Arena allocation head (\d+) bytes", allocations)
        if not head:
            sys.exit(f"check_tflite: no arena size in {allocations!r}")
        path.with_suffix(".arena").write_text(head[1])
        entry = interpreter.get_input_details(0)
        pixels = np.frombuffer(path.with_suffix(".pixels").read_bytes(), np.uint8)
        found = {}
        for image in pixels.reshape((-1, *entry["shape"])):
            if entry["dtype"] == np.int8:
                image = (image.astype(np.int16) - 128).astype(np.int8)
            else:
                image = image.astype(np.float32) / np.float32(255)
            interpreter.set_input(image, 0)
            interpreter.invoke()
            for k in range(2):
                found.setdefault(k, []).append(interpreter.get_output(k).tobytes())
        for k, values in found.items():
            path.with_suffix(f".micro.{k}").write_bytes(b"".join(values))


def printed(function):
    """What a function of the runtime writes to the process's standard error."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            function()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return file.read().decode()


def read_idx(path):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def classes(runtime, model, pixels, reference):
    """The class of each image: the largest logit where there are two outputs."""
    found = []
    for part in np.array_split(pixels, -(-len(pixels) // 500)):
        interpreter = prepare(runtime, model, part, reference)
        interpreter.invoke()
        values = interpreter.get_tensor(interpreter.get_output_details()[-1]["index"])
        found.append(values.reshape(len(part), -1).argmax(1))
    return np.concatenate(found)


def accuracy(runtime, args):
    pixels, truth = read_idx(args.images), read_idx(args.labels)
    print(f"{len(truth)} images, {runtime[0]}")
    print("file\tbytes\tdefault\treference\tdifferent classes")
    for path in args.models:
        model = path.read_bytes()
        default = classes(runtime, model, pixels, False)
        row = [path.name, str(len(model)), f"{np.mean(default == truth):.4f}"]
        if not args.default_only:
            reference = classes(runtime, model, pixels, True)
            row += [f"{np.mean(reference == truth):.4f}", str(np.sum(default != reference))]
        print("\t".join(row), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version")
    sub = commands.add_parser("tensors")
    sub.add_argument("dir", type=pathlib.Path)
    sub = commands.add_parser("accuracy")
    sub.add_argument("models", nargs="+", type=pathlib.Path)
    sub.add_argument("--images", type=pathlib.Path, required=True)
    sub.add_argument("--labels", type=pathlib.Path, required=True)
    sub.add_argument("--default-only", action="store_true")
    sub = commands.add_parser("micro")
    sub.add_argument("dir", type=pathlib.Path)
    args = parser.parse_args()
    if args.command == "micro":
        return micro(args.dir)
    runtime = load_runtime()
    if args.command == "version":
        print(runtime[0])
    elif args.command == "tensors":
        tensors(runtime, args.dir)
    else:
        accuracy(runtime, args)


if __name__ == "__main__":
    main()
