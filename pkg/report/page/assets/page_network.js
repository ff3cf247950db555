// One network: its layers, its errors, its training, its seeds.
const measures = [["parameters", "parameters"], ["weights", "weights"], ["biases", "biases"], ["macs", "MACs"], ["elements", "output elements"]];

function select(i) {
  state.selected = i;
  state.chosen = true;
  element("selected").value = String(i);
  drawNetwork();
  remember();
}

function drawNetwork() {
  const row = report.rows[state.selected], list = [];
  report.costs.forEach((c, k) => list.push([c.head, count(row.costs[k]), c.slug]));
  for (const s of ["validation", "test"]) if (row.scores[s]) list.push([judged + s + ", mean", percent(row.scores[s].mean) + " %", s], [judged + s + ", range", spreadText(row.scores[s]), "mean-sd-min-max"]);
  element("facts").replaceChildren(make("p", { class: "hint" }, row.id + (row.done < row.planned ? ": " + trouble(row) : "")), facts(list));
  drawLayers(row);
  drawConfusion(row);
  drawShifted(row);
  drawAnswers(row);
  drawTraining(row);
  drawSeeds(row);
}

// className is a class's name, or its number.
const className = (k) => (report.classes && report.classes[k] !== undefined ? report.classes[k] : String(k));
const classNamed = (k) => (report.classes ? className(k) : "class " + k);
const brief = (s, most) => ([...s].length > most ? [...s].slice(0, most - 1).join("") + "…" : s);

// share is a part in percent; a small one is not nothing.
const share = (v) => (v < 0.001 ? "under 0.1 %" : v < 0.1 ? (100 * v).toFixed(1) + " %" : Math.round(100 * v) + " %");

const small = (box, options) => Plot.plot({ width: Math.max(280, box.clientWidth), style: { background: "none", fontSize: "12px" }, ...options });

function drawLayers(row) {
  const box = element("layers"), key = element("measure").value, total = d3.sum(row.layers, (l) => l[key]);
  const max = d3.max(row.layers, (l) => l[key]) || 1;
  box.replaceChildren(small(box, { marginLeft: 104, marginRight: 96, height: 34 + 30 * row.layers.length, x: { axis: null, domain: [0, max] }, y: { domain: row.layers.map((l) => l.name), label: null, tickSize: 0 },
    marks: [
      Plot.barX(row.layers, { x: key, y: "name", fill: "var(--s0)", rx: 2, title: (l) => `${l.name}: ${l.kind}, output ${l.output}` }),
      Plot.ruleX([0], { stroke: "var(--faint)" }),
      Plot.text(row.layers, { x: key, y: "name", dx: 6, textAnchor: "start", fill: "currentColor", text: (l) => count(l[key]) + (l[key] ? " · " + share(l[key] / total) : "") }),
    ] }));
}

function drawConfusion(row) {
  const box = element("confusion"), m = row.confusion[state.split], many = m && m.length > 14;
  element("confusion-title").textContent = `Confusion matrix, ${state.split} ${report.noun}, all finished seeds`;
  box.parentElement.classList.toggle("whole", Boolean(many));
  if (!m) return box.replaceChildren(make("p", { class: "hint" }, "Not in the results, or too large for this page."));
  const n = m.length, cells = [], longest = d3.max(m, (_, k) => brief(className(k), 13).length), turned = longest > 2;
  const side = Math.max(46, 34 + 6.5 * longest), foot = turned ? 44 + 5.8 * longest : 40, right = many ? 64 + 6.5 * longest : 58;
  const most = Math.max(280, box.clientWidth), edge = many ? Math.max(20 * n + side + right, Math.min(26 * n + side + right, most)) : Math.min(474 + side, most), size = (edge - right - side) / n;
  m.forEach((line, truth) => line.forEach((v, guess) => cells.push({ truth, guess, v, all: d3.sum(line), share: v / Math.max(1, d3.sum(line)) })));
  const worst = d3.max(cells, (c) => (c.truth === c.guess ? 0 : c.share)) || 1;
  const short = (v) => (v < 1000 ? String(v) : v < 10000 ? (v / 1000).toFixed(1) + "k" : Math.round(v / 1000) + "k");
  const label = (c) => (String(c.v).length * 6 < size ? String(c.v) : short(c.v));
  const fits = (c) => c.v && label(c).length * 6 < size;
  box.replaceChildren(make("div", { class: "wide-plot" }, small(box, { width: edge, style: { background: "none", fontSize: "11px", maxWidth: "none" }, height: edge - side - right + foot + 4, marginLeft: side, marginTop: 4, marginBottom: foot, marginRight: right, padding: 0.04, opacity: { type: "identity" }, color: { type: "identity" },
    x: { domain: d3.range(n), label: "predicted class", labelAnchor: "center", tickSize: 0, tickFormat: (k) => brief(className(k), 13), tickRotate: turned ? -60 : 0, labelOffset: foot - 4 },
    y: { domain: d3.range(n), label: "true class", labelAnchor: "center", tickSize: 0, tickFormat: (k) => brief(className(k), 13), labelOffset: side - 4 },
    marks: [
      Plot.cell(cells, { x: "guess", y: "truth", rx: 2, className: "cells", fill: (c) => (c.truth === c.guess ? "var(--s2)" : "var(--s1)"), fillOpacity: (c) => (c.truth === c.guess ? 0.18 : c.v ? 0.12 + (0.88 * c.share) / worst : 0.03) }),
      Plot.text(cells.filter(fits), { x: "guess", y: "truth", text: label, fontSize: Math.max(8, Math.min(12, size / 2.4)), fill: (c) => (c.truth !== c.guess && c.share > 0.6 * worst ? "#16181b" : "currentColor") }),
      Plot.text(cells.filter((c) => c.truth === c.guess), { x: n - 1, y: "truth", dx: size / 2 + 3, textAnchor: "start", fontSize: Math.max(8, Math.min(11, size / 1.6)), fill: "var(--quiet)", text: (c) => (many ? brief(className(c.truth), 13) + "  " : "") + (c.all ? (100 * c.share).toFixed(1) + " %" : "none") }),
    ] })));
  d3.select(box).selectAll(".cells rect").each(function (k) {
    const c = cells[k];
    this.dataset.tip = c.truth === c.guess ? `${classNamed(c.truth)}: ${count(c.v)} of ${count(c.all)} found` : `${count(c.v)} of ${count(c.all)} of ${classNamed(c.truth)} taken for ${className(c.guess)}`;
  });
  box.append(classTable(row, m));
  const found = cells.filter((c) => c.truth === c.guess && c.all).sort((a, b) => a.share - b.share).slice(0, 3);
  box.append(make("p", { class: "hint" }, "Rows are true classes; orange cells are mistakes, darker where they take a larger share of the class. On the right: the share of each class that was found (recall)."
    + (found.length ? " Least found: " + found.map((c) => `${classNamed(c.truth)} (${(100 * c.share).toFixed(1)} % of ${count(c.all)})`).join(", ") + "." : "")));
  const mixed = cells.filter((c) => c.truth !== c.guess && c.v).sort((a, b) => b.v - a.v).slice(0, 5);
  if (many && mixed.length) box.append(make("p", { class: "hint" }, "Most often mixed up: " + mixed.map((c) => `${classNamed(c.truth)} taken for ${className(c.guess)} (${count(c.v)} of ${count(c.all)})`).join(", ") + "."));
}

// classTable has how many images each class has, and how many of them are found.
function classTable(row, m) {
  const seeds = Math.max(1, row.scores[state.split] ? row.scores[state.split].n : 1);
  const lines = m.map((line, k) => [className(k), count(d3.sum(line) / seeds), d3.sum(line) ? (100 * line[k] / d3.sum(line)).toFixed(1) : "–"]);
  return make("details", {}, make("summary", {}, `Recall of each class, of how many ${report.noun}`),
    make("div", { class: "scroll" }, make("table", { id: "classes" }, make("thead", {}, make("tr", {}, make("th", {}, "class"), make("th", { class: "r" }, `${state.split} ${report.noun}`), make("th", { class: "r" }, "found %"))),
      make("tbody", {}, ...lines.map((cells) => make("tr", {}, ...cells.map((c, i) => make("td", { class: i ? "r" : null }, c))))))));
}

// drawShifted has a network's accuracy, and the recall of its worst class, under each shift.
function drawShifted(row) {
  const box = element("shifted"), list = (row.shifts || []).filter((s) => s.on[state.split]).map((s) => ({ name: s.shift || "as they are", ...s.on[state.split], int8: s.int8 && s.int8[state.split] }));
  box.parentElement.hidden = !list.length;
  if (!list.length) return;
  const marks = list.flatMap((s) => [{ name: s.name, what: 0, v: 100 * s.mean, tip: `${s.name}: ${percent(s.mean)} % of the ${state.split} ${report.noun}, worst seed ${percent(s.min)} %` }]
    .concat(s.int8 ? { name: s.name, what: 2, v: 100 * s.int8.mean, tip: `${s.name}: ${percent(s.int8.mean)} % of the ${state.split} ${report.noun} in int8, worst seed ${percent(s.int8.min)} %` } : [])
    .concat(s.int8 && s.int8.worst_class >= 0 ? { name: s.name, what: 3, v: 100 * s.int8.recall, tip: `${s.name}: of ${classNamed(s.int8.worst_class)} ${percent(s.int8.recall)} % are found in int8, the least of all classes` } : [])
    .concat(s.worst_class < 0 ? [] : [{ name: s.name, what: 1, v: 100 * s.recall, tip: `${s.name}: of ${classNamed(s.worst_class)} ${percent(s.recall)} % are found, the least of all classes` }]));
  box.replaceChildren(small(box, { marginLeft: 104, marginRight: 22, marginTop: 6, marginBottom: 40, height: 54 + 24 * list.length, color: { type: "identity" }, symbol: { type: "identity" }, x: { label: `${state.split} ${report.noun} (%)`, labelAnchor: "center", labelOffset: 36, grid: true, ticks: 5 }, y: { domain: list.map((s) => s.name), label: null, tickSize: 0 },
    marks: [Plot.link(list.filter((s) => s.worst_class >= 0), { x1: (s) => 100 * s.recall, x2: (s) => 100 * s.mean, y1: "name", y2: "name", stroke: "var(--faint)" }),
      Plot.dot(marks, { x: "v", y: "name", r: 4.5, className: "shifts", fill: (m) => (m.what % 2 ? "var(--card)" : color(m.what)), stroke: (m) => color(m.what), symbol: (m) => symbol(Math.min(m.what, 2)) })] }));
  d3.select(box).selectAll(".shifts path").each(function (k) { this.dataset.tip = marks[k].tip; });
  box.append(make("p", { class: "hint" }, "Circles: accuracy, mean over seeds; squares: the recall of the class that is found least" + (list.some((s) => s.int8) ? "; filled and hollow triangles: both in int8." : ".")));
}

// drawAnswers has the accuracy against the share of answers given: of this network on
// the validation split, and the test split where it was opened; of others faint.
function drawAnswers(row) {
  const box = element("answers"), of = (r, split, z) => (r.answered[split] || []).map(([x, y]) => ({ z, x: 100 * x, y: 100 * y, tip: `${r.label}: giving ${percent(x)} % of its answers, ${percent(y)} % of these are right (${split} ${report.noun})` }));
  const own = ["validation", "test"].map((split) => of(row, split, split)), others = report.rows.filter((r) => r !== row).slice(0, 60).flatMap((r) => of(r, "validation", r.id));
  box.parentElement.hidden = !own[0].length;
  if (!own[0].length) return;
  const marks = own.flatMap((list, n) => [Plot.line(list, { x: "x", y: "y", stroke: color(n), strokeWidth: 1.6 }), Plot.dot(list, { x: "x", y: "y", r: 4, className: "answers" + n, fill: color(n), stroke: color(n), symbol: symbol(n) })]);
  box.replaceChildren(small(box, { height: 260, marginLeft: 46, marginTop: 30, marginRight: 22, marginBottom: 40, color: { type: "identity" }, symbol: { type: "identity" }, x: { label: "answers given (%)", reverse: true }, y: { label: "right of these (%)" },
    marks: [Plot.axisX({ ticks: 5, ...below }), Plot.gridY({ ticks: 5 }), Plot.axisY({ ticks: 5 }), Plot.line(others, { x: "x", y: "y", z: "z", className: "others", stroke: "var(--faint)", strokeWidth: 1 }), ...marks] }));
  own.forEach((list, n) => d3.select(box).selectAll(`.answers${n} path, .answers${n} circle`).each(function (k) { this.dataset.tip = list[k].tip; }));
  box.append(make("p", { class: "hint" }, `Circles: validation ${report.noun}` + (own[1].length ? `; squares: test ${report.noun}, by the same scores` : "") + (others.length ? "; faint lines: other networks" : "") + ". Seeds together, float32 networks."));
}

function drawTraining(row) {
  const lines = row.trials.flatMap((t, n) => (t.history || []).map(([step, loss, accuracy]) => ({ seed: t.seed, n, step, loss, accuracy: accuracy === null ? null : 100 * accuracy })));
  for (const [id, key, label, log] of [["loss", "loss", "training loss (log scale)", true], ["accuracy", "accuracy", "validation accuracy (%)", false]]) {
    const box = element(id), data = lines.filter((l) => l[key] !== null && (!log || l[key] > 0));
    if (!data.length) { box.replaceChildren(make("p", { class: "hint" }, "No history in the run folder.")); continue; }
    const marks = [
      Plot.axisX({ ticks: 4, tickFormat: count, ...below }),
      log ? costAxis("y", data.map((l) => l[key]), true) : [Plot.gridY({ ticks: 5 }), Plot.axisY({ ticks: 5 })],
      Plot.line(data, { x: "step", y: key, z: "seed", stroke: (l) => color(l.n), strokeWidth: 1.4, title: (l) => `seed ${l.seed}` }),
    ];
    const measured = d3.rollup(data, (v) => v.length, (l) => l.n);
    marks.push(Plot.dot(data.filter((l) => measured.get(l.n) < 30), { x: "step", y: key, r: 2.5, fill: (l) => color(l.n) })); // a line of one point does not show
    if (!log) marks.push(Plot.ruleY([100 * state.threshold], { stroke: "currentColor", strokeDasharray: "6 4" }));
    box.replaceChildren(small(box, { height: 250, marginLeft: 46, marginRight: 22, marginBottom: 40, color: { type: "identity" }, x: { label: "training steps" }, y: { type: log ? "log" : "linear", label }, marks }));
    box.append(make("div", { class: "key" }, ...row.trials.filter((t) => t.history).slice(0, 12).map((t) => {
      const n = row.trials.indexOf(t), swatch = make("span", { "aria-hidden": "true" });
      swatch.style.cssText = `width:14px;height:3px;background:${color(n)}`;
      return make("span", {}, swatch, "seed " + t.seed);
    })));
    const last = d3.max(data, (l) => l.step);
    if (!log && data.some((l) => l.step % 1000 && l.step < last)) box.append(make("p", { class: "hint" }, `Between every 1,000th step and the end, it is of a sample of the validation ${report.noun} where these are many.`));
  }
}

function drawSeeds(row) {
  const head = [["seed", "seed"], ["status", "done"], [judged + "validation %", "validation"], ["95 % interval", "interval-of-one-network"], [judged + "test %", "test"], ["95 % interval", "interval-of-one-network"], ["seconds", "seconds"], ["reason", ""]];
  const cells = (m) => (m ? [percent(m.accuracy), m.low === null ? "–" : percent(m.low) + "–" + percent(m.high)] : ["–", "–"]);
  element("seeds").replaceChildren(
    make("thead", {}, make("tr", {}, ...head.map(([h, slug]) => make("th", { scope: "col" }, term(h, slug))))),
    make("tbody", {}, ...row.trials.map((t) => make("tr", {}, ...[String(t.seed), t.status, ...cells(t.validation), ...cells(t.test), ["missing", "skipped"].includes(t.status) ? "–" : t.seconds.toFixed(1), t.reason]
      .map((c, n) => make("td", { class: n === 1 ? t.status : null }, c))))));
}
