// Accuracy against complexity, with the threshold line.
let yScale = null; // of the chart as drawn

// place is a row's x: on an axis of the matrix the curves stand a little apart.
function place(row) {
  if (state.x) return row.costs[costIndex(state.x)];
  if (row.x === null) return null;
  const n = report.chart.curves.length, numbers = report.rows.map((r) => r.x).filter((x) => x !== null);
  const apart = 0.009 * (row.curve - (n - 1) / 2) * Math.min(1, 6 / n);
  const low = d3.min(numbers), high = d3.max(numbers);
  return state.log ? row.x * Math.pow(high / low, apart) : row.x + apart * (high - low);
}

function bar(s) {
  if (state.bars === "mean" && s.low !== null) return [s.low, s.high];
  return [s.min, s.max];
}

function points() {
  return report.rows.map((row, i) => {
    const s = score(row), x = place(row);
    if (x === null) return null;
    const [low, high] = s ? bar(s) : [null, null];
    return { i, row, x, s, low, high, slice: report.chart.curves[row.curve].slice };
  }).filter((p) => p !== null);
}

function describe(p) {
  const { row, s } = p, k = pickCost();
  const lines = [row.label, count(row.costs[k]) + " " + report.costs[k].head + " (" + times(row.ratios[k]) + " fewer than " + report.baseline + ")"];
  lines.push(s ? `${judged}${state.split} accuracy: mean ${percent(s.mean)} %, ${s.n === 1 ? "one seed" : s.n + " seeds from " + percent(s.min) + " to " + percent(s.max) + " %"}` : row.done ? `no ${judged}accuracy` : "no finished seed");
  if (row.done < row.planned) lines.push(trouble(row));
  const v = verdict(row);
  lines.push(`${v.is} ${percent(state.threshold)} %: ${v.why}`);
  return lines.join("\n");
}

function trouble(row) {
  const parts = [];
  for (const what of ["failed", "diverged", "missing", "skipped"]) if (row[what]) parts.push(row[what] + " " + what);
  return `${row.done} of ${row.planned} seeds done, ${parts.join(", ")}`;
}

// costFront lists points that no other beats in x and mean.
function costFront(list) {
  const sorted = list.filter((p) => p.s).sort((a, b) => a.x - b.x || b.s.mean - a.s.mean), out = [];
  for (const p of sorted) if (!out.length || p.s.mean > out[out.length - 1].s.mean) out.push(p);
  return out;
}

function yDomain(list) {
  const values = list.filter((p) => p.s).flatMap((p) => [p.low, p.high, p.s.mean]);
  values.push(state.threshold);
  if (state.split === "test") report.rows.forEach((r) => { if (r.published) values.push(r.published.accuracy); });
  const low = d3.min(values), high = d3.max(values), pad = Math.max(0.06 * (high - low), 0.001);
  return [100 * Math.max(0, low - pad), 100 * Math.min(1, high + pad)];
}

function xOptions() {
  const c = report.chart;
  if (state.x) {
    const k = costIndex(state.x), log = state.log && report.rows.every((r) => r.costs[k] > 0);
    return { type: log ? "log" : "linear", label: said(report.costs[k].unit, log), inset: 14, axis: costAxis("x", report.rows.map((r) => r.costs[k]), log) };
  }
  const ticks = c.number ? c.values.map(Number) : d3.range(c.values.length);
  const axis = [Plot.axisX(ticks, { text: c.number ? String : (i) => c.values[i], ...below })];
  return { type: state.log ? "log" : "linear", label: said(c.label, state.log && c.number), inset: 14, axis };
}

const below = { labelAnchor: "center", labelOffset: 36 };

// logTicks are round values from low to high: powers of ten first, then 5 and 2
// times them, then the others, as long as there is room for their labels.
function logTicks(low, high, apart) {
  const span = Math.log10(high / low), taken = [], ticks = [];
  for (const digits of [[1], [5, 2], [3, 4, 6, 7, 8, 9], [1.5, 2.5]]) {
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) for (const d of digits) {
      const v = Number((d * Math.pow(10, e)).toPrecision(3)), at = Math.log10(v / low) / span;
      if (v < low || v > high || taken.some((x) => Math.abs(x - at) < apart)) continue;
      taken.push(at);
      ticks.push(v);
    }
    if (ticks.length >= 6) break;
  }
  return ticks.sort((a, b) => a - b);
}

// said tells a log scale where an axis names what it counts.
const said = (label, log) => (log ? label + " (log scale)" : label);

// costAxis has ticks at round values. On y it has grid lines.
function costAxis(dimension, values, log) {
  const low = d3.min(values), high = d3.max(values);
  const format = (v) => (v >= 1000 ? count(v) : String(v));
  const [axis, grid, place] = dimension === "x" ? [Plot.axisX, null, below] : [Plot.axisY, Plot.gridY, {}];
  if (!log || high / low < 1.5) return [grid && grid({ ticks: 5 }), axis({ ticks: 5, text: format, ...place })];
  const ticks = logTicks(low, high, dimension === "x" && innerWidth < 600 ? 0.24 : 0.11);
  return [grid && grid(ticks), axis(ticks, { text: format, ...place })];
}

function drawChart() {
  const box = element("chart");
  if (!box) return;
  const list = points(), done = list.filter((p) => p.s), empty = list.filter((p) => !p.s);
  const domain = yDomain(list), width = Math.max(300, box.clientWidth);
  const crowded = list.length > 80, r = crowded ? 3.2 : 5;
  const marks = [Plot.frame({ anchor: "bottom", stroke: "var(--faint)" })];
  if (state.x) marks.push(Plot.line(costFront(done), { x: "x", y: (p) => 100 * p.s.mean, curve: "step-after", stroke: "var(--faint)", strokeWidth: 4, strokeOpacity: 0.7 }));
  if (report.chart.lines) {
    const nth = {};
    for (const [n, c] of report.chart.curves.entries()) {
      nth[c.slice] = (nth[c.slice] ?? -1) + 1;
      const part = done.filter((p) => p.row.curve === n).sort((a, b) => a.x - b.x);
      marks.push(Plot.line(part, { x: "x", y: (p) => 100 * p.s.mean, stroke: color(c.slice), strokeWidth: 1.6, strokeDasharray: ["", "7 4", "2 4", "9 4 2 4"][nth[c.slice] % 4] }));
    }
  }
  for (const slice of d3.range(report.chart.slices.length)) {
    const part = done.filter((p) => p.slice === slice);
    marks.push(Plot.ruleX(part, { className: "bars bars" + slice, x: "x", y1: (p) => 100 * p.low, y2: (p) => 100 * p.high, stroke: color(slice), strokeWidth: crowded ? 1 : 1.8, strokeOpacity: crowded ? 0.5 : 1, strokeLinecap: "round" }));
  }
  if (state.split === "test") marks.push(Plot.dot(list.filter((p) => p.row.published), { x: "x", y: (p) => 100 * p.row.published.accuracy, symbol: "diamond2", r: 6, stroke: (p) => color(p.slice), strokeWidth: 1.6 }));
  marks.push(Plot.dot(done, { className: "points", x: "x", y: (p) => 100 * p.s.mean, r, symbol: (p) => symbol(p.slice), stroke: (p) => color(p.slice), strokeWidth: 1.6, fill: (p) => (p.row.done < p.row.planned ? "var(--paper)" : color(p.slice)) }));
  marks.push(Plot.dot(empty, { className: "empty", x: "x", y: domain[0], r, symbol: "times", stroke: (p) => color(p.slice), strokeWidth: 2 }));
  const { axis, ...x } = xOptions();
  const room = innerHeight - 90 - (box.getBoundingClientRect().top + scrollY); // on the first screen, with its key
  const svg = Plot.plot({ width, height: Math.round(Math.max(320, Math.min(460, width * 0.55, room))), marginLeft: 48, marginRight: 62, marginBottom: 44,
    style: { background: "none", fontSize: "12px" }, x, y: { domain, grid: true, label: `${judged}${state.split} accuracy (%)`, ticks: 6 },
    symbol: { type: "identity" }, color: { type: "identity" }, marks: [axis, ...marks] });
  const focused = document.activeElement && document.activeElement.id === "line";
  yScale = svg.scale("y");
  const xScale = svg.scale("x");
  box.replaceChildren(svg);
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", `Accuracy against ${state.x ? report.costs[costIndex(state.x)].head : report.chart.label}`);
  activate(svg, done, empty);
  for (const slice of d3.range(report.chart.slices.length)) {
    const part = done.filter((p) => p.slice === slice);
    d3.select(svg).selectAll(`.bars${slice} line`).each(function (i) { this.classList.add("bar"); this.dataset.row = part[i].i; });
  }
  addRing(svg, xScale);
  addThreshold(svg, domain);
  drawKey(list);
  markThreshold();
  if (focused) element("line").focus({ preventScroll: true });
}

// activate lets marks be pointed at, clicked, and walked by arrow keys; the
// chart takes one stop of the tab key.
function activate(svg, done, empty) {
  const all = [];
  for (const [name, data] of [["points", done], ["empty", empty]]) {
    d3.select(svg).selectAll(`.${name} path, .${name} circle`).each(function (i) {
      const p = data[i];
      this.classList.add("mark");
      this.setAttribute("role", "img");
      this.setAttribute("tabindex", "-1");
      this.dataset.row = p.i;
      all.push({ node: this, p });
    });
  }
  all.sort((a, b) => a.p.slice - b.p.slice || a.p.x - b.p.x);
  if (all.length) all[0].node.setAttribute("tabindex", "0");
  all.forEach(({ node, p }, n) => {
    node.addEventListener("click", () => select(p.i));
    node.addEventListener("keydown", (e) => {
      const to = { ArrowRight: n + 1, ArrowUp: n + 1, ArrowLeft: n - 1, ArrowDown: n - 1, Home: 0, End: all.length - 1 }[e.key];
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); select(p.i); }
      if (to === undefined || !all[to]) return;
      e.preventDefault();
      node.setAttribute("tabindex", "-1");
      all[to].node.setAttribute("tabindex", "0");
      all[to].node.focus();
    });
  });
}

const svgMake = (tag, attributes) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
};

function addRing(svg, xScale) {
  const ring = svgMake("circle", { class: "ring", r: 11 });
  ring.place = (i) => {
    const s = i < 0 ? null : score(report.rows[i]), x = i < 0 ? null : place(report.rows[i]);
    ring.style.display = s && x !== null ? "" : "none";
    if (element("key-ring")) element("key-ring").style.display = ring.style.display;
    if (!s || x === null) return;
    ring.setAttribute("cx", xScale.apply(x));
    ring.setAttribute("cy", yScale.apply(100 * s.mean));
  };
  svg.append(ring);
  svg.ring = ring;
}

// drawKey explains what is on the chart, and nothing that is not.
function drawKey(list) {
  const key = element("chart-key"), parts = [];
  const sample = (marks, text) => {
    const svg = Plot.plot({ width: 30, height: 14, margin: 0, axis: null, x: { domain: [0, 1] }, y: { domain: [0, 1] }, symbol: { type: "identity" }, color: { type: "identity" }, style: { background: "none" }, marks });
    svg.setAttribute("aria-hidden", "true");
    parts.push(make("span", {}, svg, text));
  };
  const nth = {};
  const shown = report.chart.lines ? report.chart.curves : report.chart.curves.filter((c) => c.label);
  for (const c of shown) {
    nth[c.slice] = (nth[c.slice] ?? -1) + 1;
    if (!c.label) continue;
    const marks = [Plot.dot([[0.5, 0.5]], { symbol: symbol(c.slice), fill: color(c.slice), r: 5 })];
    if (report.chart.lines) marks.unshift(Plot.line([[0, 0.5], [1, 0.5]], { stroke: color(c.slice), strokeWidth: 1.6, strokeDasharray: ["", "7 4", "2 4", "9 4 2 4"][nth[c.slice] % 4] }));
    sample(marks, c.label);
  }
  if (state.x && costFront(list).length > 1) sample([Plot.line([[0, 0.5], [1, 0.5]], { stroke: "var(--faint)", strokeWidth: 4 })], "front: no network is cheaper and more accurate");
  sample([Plot.dot([[0.5, 0.5]], { r: 6, stroke: "var(--ink)", strokeWidth: 1.8 })], "smallest that meets the threshold");
  parts.at(-1).id = "key-ring";
  if (list.some((p) => p.s && p.row.done < p.row.planned)) sample([Plot.dot([[0.5, 0.5]], { r: 5, stroke: "var(--ink)", fill: "var(--paper)" })], "hollow: seeds are missing");
  if (list.some((p) => !p.s)) sample([Plot.dot([[0.5, 0.5]], { r: 5, symbol: "times", stroke: "var(--ink)", strokeWidth: 2 })], report.precision ? `no ${judged}accuracy` : "no finished seed");
  if (state.split === "test" && report.rows.some((r) => r.published)) sample([Plot.dot([[0.5, 0.5]], { r: 5, symbol: "diamond2", stroke: "var(--ink)" })], "published by others");
  key.replaceChildren(...parts);
}
