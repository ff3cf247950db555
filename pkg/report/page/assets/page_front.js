// Two costs at once: which of the networks that meet the threshold is the
// smallest depends on what one counts.
function twoCostFront(list) {
  const sorted = list.slice().sort((a, b) => a.x - b.x || a.y - b.y), out = [];
  for (const p of sorted) if (!out.length || p.y < out[out.length - 1].y) out.push(p);
  return out;
}

function drawFront() {
  const box = element("front");
  const kx = costIndex(element("cost-x").value), ky = costIndex(element("cost-y").value);
  const all = report.rows.map((row, i) => ({ i, row, x: row.costs[kx], y: row.costs[ky], v: verdict(row), slice: report.chart.curves[row.curve].slice }));
  const meets = all.filter((p) => p.v.is === "meets"), front = twoCostFront(meets);
  const log = (list, f) => list.every((p) => f(p) > 0);
  const width = Math.max(300, box.clientWidth);
  const r = all.length > 80 ? 3.2 : 5;
  const scale = (k, f) => ({ type: log(all, f) ? "log" : "linear", label: said(report.costs[k].unit, log(all, f)), inset: 14 });
  const svg = Plot.plot({ width, height: Math.round(Math.min(380, Math.max(260, width * 0.4))), marginLeft: 74, marginBottom: 44, marginRight: 24,
    style: { background: "none", fontSize: "12px" }, symbol: { type: "identity" }, color: { type: "identity" },
    x: scale(kx, (p) => p.x), y: scale(ky, (p) => p.y),
    marks: [
      costAxis("x", all.map((p) => p.x), log(all, (p) => p.x)),
      costAxis("y", all.map((p) => p.y), log(all, (p) => p.y)),
      Plot.frame({ anchor: "bottom", stroke: "var(--faint)" }),
      Plot.line(front, { x: "x", y: "y", curve: "step-after", stroke: "var(--faint)", strokeWidth: 4, strokeOpacity: 0.7 }),
      Plot.dot(all, { className: "points", x: "x", y: "y", r, symbol: (p) => symbol(p.slice), stroke: (p) => color(p.slice), strokeWidth: 1.6,
        fill: (p) => (p.v.is === "meets" ? color(p.slice) : "var(--paper)") }),
      Plot.dot(front, { x: "x", y: "y", r: 10, stroke: "var(--ink)", strokeWidth: 1.6 }),
    ] });
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", `${report.costs[ky].head} against ${report.costs[kx].head}`);
  box.replaceChildren(svg);
  d3.select(svg).selectAll(".points path, .points circle").each(function (i) {
    const p = all[i];
    this.classList.add("mark");
    this.classList.toggle("dim", p.v.is === "misses");
    this.dataset.tip = `${p.row.label}\n${count(p.x)} ${report.costs[kx].head}, ${count(p.y)} ${report.costs[ky].head}\n${p.v.is} ${percent(state.threshold)} %: ${p.v.why}`;
    this.addEventListener("click", () => select(p.i));
  });
  const names = front.slice(0, 6).map((p) => `${p.row.label} (${count(p.x)} ${report.costs[kx].head}, ${count(p.y)} ${report.costs[ky].head})`);
  element("front-list").textContent = !front.length ? `No network meets ${percent(state.threshold)} %.`
    : (front.length === 1 ? "One network is the smallest in both: " : `${front.length} networks on the front: `) + names.join("; ") + (front.length > 6 ? "; and more." : ".");
}
