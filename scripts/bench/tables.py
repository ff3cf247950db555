"""The figures of a benchmark as Markdown."""
import common

# Ratios to reach on two cores, to the TensorFlow loop: (alone, in packs).
TARGETS = {"base": (1.03, None), "final": (2, 6), "5x5x2": (None, 3)}
for _name in common.SWEEP:
    if _name.endswith(("x32", "x16")):
        TARGETS[_name] = (1.3, None)
SWEEP_TARGETS = {"keras": 5, "loop": 1.5}


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
    peak = max(figures["machine"]["gemm_gflops"].values())
    rows = ["Steps a second (batch 50), all cores; in brackets after ratios what is wanted:", "",
            "| network | Keras fit | PyTorch | JAX | TensorFlow loop | slimfit alone | in packs | pack of | alone / loop | packs / loop | best / Keras "
            "| share of peak |", "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, systems in figures["cells"].items():
        for system in ("slimfit", "slimfit, bfloat16"):
            if system not in systems:
                continue
            ours, loop, packed = systems[system], systems["loop"]["steps_per_second"], systems[system]["pack"] > 1
            label = name + system.removeprefix("slimfit")
            wanted = TARGETS.get(label, (None, None))
            rows.append("| " + " | ".join([
                label, speed(systems["keras"]), speed(systems.get("torch")), speed(systems.get("jax")), speed(systems["loop"]),
                f"{ours['alone']:.0f}", speed(ours) if packed else "-", str(ours["pack"]) if packed else "-",
                ratio(ours["alone"] / loop, wanted[0]), ratio(ours["steps_per_second"] / loop, wanted[1]) if packed else "-",
                ratio(ours["steps_per_second"] / systems["keras"]["steps_per_second"], None),
                f"{common.step_flops(common.CELLS[name]) * ours['steps_per_second'] / 1e9 / peak:.0%}"]) + " |")
    first = next(iter(figures["cells"].values()))
    starts = ", ".join(f"{names[s]} {first[s]['first_step_seconds']:.1f} s" for s in names if s in first)
    return "\n".join(rows + ["", f"From process start to the first step: {starts}."])


names = {"keras": "Keras fit", "torch": "PyTorch", "jax": "JAX", "loop": "TensorFlow loop", "slimfit": "slimfit"}


def sweep_table(figures):
    keras = figures["sweeps"]["per_seed"]["keras"]
    rows = [f"The 15 cells of Tables IV to VI, {figures['sweep']['seeds']} seeds, {figures['sweep']['steps']} steps each, from process start to result files:", "",
            "| order | Keras fit | TensorFlow loop | slimfit | / Keras (wanted) | / loop (wanted) | memory: Keras | loop | slimfit |",
            "|---|---|---|---|---|---|---|---|---|"]
    for order, systems in figures["sweeps"].items():
        loop, ours = systems["loop"], systems["slimfit"]
        memory = figures["memory"]["per_seed"] | figures["memory"][order]
        rows.append("| " + " | ".join([
            order, duration(keras), duration(loop), duration(ours),
            ratio(keras["seconds"] / ours["seconds"], SWEEP_TARGETS["keras"]), ratio(loop["seconds"] / ours["seconds"], SWEEP_TARGETS["loop"]),
            *(f"{memory[system] / 2**30:.2f} GiB" for system in ("keras", "loop", "slimfit"))]) + " |")
    texts = []
    for order, systems in figures["runs"]["sweeps"].items():
        known = [run["shares"] for run in systems["slimfit"] if "shares" in run]
        if known:
            texts.append(f"{order}: {known[-1]['packs']} packs; " + ", ".join(f"{k} {v:.1%}" for k, v in known[-1].items() if k != "packs"))
    where = [f"Where the cores' time went in slimfit's sweeps: {'; '.join(texts)}."] if texts else []
    return "\n".join(rows + ["", "Mean test accuracy over the sweep: " + accuracy_text(figures["sweeps"]) + "."] + where)


def accuracy_text(sweeps):
    texts = []
    for order, systems in sweeps.items():
        for system, f in systems.items():
            values = list(f["test_accuracy"].values())
            texts.append(f"{names[system]} {100 * sum(values) / len(values):.2f} % ({order})")
    return ", ".join(texts)


def speed(f):
    return f"{f['steps_per_second']:.0f} [{f['min']:.0f}, {f['max']:.0f}]" if f else "-"


def duration(f):
    return f"{f['seconds']:.0f} s [{f['min']:.0f}, {f['max']:.0f}]"


def ratio(value, wanted):
    return f"{value:.2f} ({wanted})" if wanted else f"{value:.2f}"
