"""The figures of a benchmark as Markdown."""
import common

# Ratios to reach on two cores: (to Keras fit, to the TensorFlow loop).
TARGETS = {"base": (1.15, 1), "base, bfloat16": (2, None), "final": (9, 3)}
for _name in common.SWEEP:
    _filters = int(_name.split("x")[2])
    TARGETS[_name] = {2: (8, 2), 4: (8, 2), 8: (4, None), 32: (2.5, None)}.get(_filters, (None, None))
SWEEP_TARGETS = {"per_seed": (4, 1.5), "shared": (5, 2)}


def tables(figures):
    parts = [machine_text(figures)]
    if figures["cells"]:
        parts.append(cell_table(figures))
    if figures["sweeps"]:
        parts.append(sweep_table(figures))
    return "\n\n".join(parts) + "\n"


def machine_text(figures):
    m = figures["machine"]
    gemm = ", ".join(f"{g:.0f} on {t} thread{'s' if int(t) > 1 else ''}" for t, g in m["gemm_gflops"].items())
    versions = ", ".join(f"{name} {v}" for name, v in m["versions"].items())
    return (f"{m['cpu']} ({' '.join(m['features'])}), {m['cores']} cores, {m['memory_bytes'] / 2**30:.0f} GiB, {m['system']}; {versions}. "
            f"Matrix product: {gemm} GFLOP/s. Systems took turns; medians of {rounds(figures)}, slowest and fastest in brackets.")


def rounds(figures):
    """How often each thing was measured, in words."""
    parts = []
    for key, what in (("cells", "single networks"), ("sweeps", "the sweep")):
        counts = {f["rounds"] for systems in figures[key].values() for f in systems.values()}
        if counts:
            low, high = min(counts), max(counts)
            parts.append(f"{low if low == high else f'{low} to {high}'} round{'s' if high > 1 else ''} of {what}")
    return " and ".join(parts)


def cell_table(figures):
    rows = ["Steps a second (batch 50), all cores:", "",
            "| network | Keras fit | TensorFlow loop | slimfit alone | slimfit in packs | pack of | / Keras (target) | / loop (target) | GFLOP/s |",
            "|---|---|---|---|---|---|---|---|---|"]
    for name, systems in figures["cells"].items():
        for system in ("slimfit", "slimfit, bfloat16"):
            if system not in systems:
                continue
            ours = systems[system]
            label = name + system.removeprefix("slimfit")
            rows.append("| " + " | ".join([
                label, speed(systems["keras"]), speed(systems["loop"]), f"{ours['alone']:.0f}", speed(ours), str(ours["pack"]),
                ratio(ours, systems["keras"], label, 0), ratio(ours, systems["loop"], label, 1),
                f"{common.step_flops(common.CELLS[name]) * ours['steps_per_second'] / 1e9:.0f}"]) + " |")
    first = next(iter(figures["cells"].values()))
    starts = ", ".join(f"{names[s]} {first[s]['first_step_seconds']:.1f} s" for s in names if s in first)
    return "\n".join(rows + ["", f"From process start to the first step: {starts}."])


names = {"keras": "Keras fit", "loop": "TensorFlow loop", "slimfit": "slimfit"}


def sweep_table(figures):
    keras = figures["sweeps"]["per_seed"]["keras"]
    rows = [f"The 15 cells of Tables IV to VI, {figures['sweep']['seeds']} seeds, {figures['sweep']['steps']} steps each, from process start to result files:", "",
            "| order | Keras fit | TensorFlow loop | slimfit | / Keras (target) | / loop (target) | memory: Keras | loop | slimfit |",
            "|---|---|---|---|---|---|---|---|---|"]
    for order, systems in figures["sweeps"].items():
        loop, ours = systems["loop"], systems["slimfit"]
        targets = SWEEP_TARGETS[order]
        rows.append("| " + " | ".join([
            order, duration(keras), duration(loop), duration(ours),
            f"{keras['seconds'] / ours['seconds']:.2f} ({targets[0]})", f"{loop['seconds'] / ours['seconds']:.2f} ({targets[1]})",
            *(f"{f['peak_bytes'] / 2**30:.2f} GiB" for f in (keras, loop, ours))]) + " |")
    return "\n".join(rows + ["", "Mean test accuracy over the sweep: " + accuracy_text(figures["sweeps"]) + "."])


def accuracy_text(sweeps):
    texts = []
    for order, systems in sweeps.items():
        for system, f in systems.items():
            values = list(f["test_accuracy"].values())
            texts.append(f"{names[system]} {100 * sum(values) / len(values):.2f} % ({order})")
    return ", ".join(texts)


def speed(f):
    return f"{f['steps_per_second']:.0f} [{f['min']:.0f}, {f['max']:.0f}]"


def duration(f):
    return f"{f['seconds']:.0f} s [{f['min']:.0f}, {f['max']:.0f}]"


def ratio(ours, theirs, label, which):
    target = TARGETS.get(label, (None, None))[which]
    text = f"{ours['steps_per_second'] / theirs['steps_per_second']:.2f}"
    return f"{text} ({target})" if target else text
