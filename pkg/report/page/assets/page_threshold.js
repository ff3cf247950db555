// The threshold: a line to drag, a slider for the keyboard, a number to type.
const step = () => (yScale ? Math.max(0.01, Number((Math.abs(yScale.domain[1] - yScale.domain[0]) / 100).toPrecision(1))) : 0.1);

function addThreshold(svg, domain) {
  const left = 48, right = Number(svg.getAttribute("width")) - 62;
  const g = svgMake("g", { class: "threshold", id: "line", role: "slider", tabindex: "0", "aria-label": "Threshold, percent", "aria-valuemin": "0", "aria-valuemax": "100" });
  g.append(
    svgMake("line", { class: "reach", x1: left, x2: right + 56, y1: 0, y2: 0 }),
    svgMake("line", { x1: left, x2: right, y1: 0, y2: 0 }),
    svgMake("rect", { class: "grip", x: right + 2, y: -11, width: 58, height: 22, rx: 5 }),
    svgMake("text", { x: right + 31, y: 4, "text-anchor": "middle" }));
  svg.append(g);
  g.addEventListener("pointerdown", (down) => {
    down.preventDefault();
    g.focus();
    g.setPointerCapture(down.pointerId);
    const move = (e) => {
      const box = svg.getBoundingClientRect(), y = (e.clientY - box.top) * (Number(svg.getAttribute("height")) / box.height);
      const v = Math.min(domain[1], Math.max(domain[0], yScale.invert(y)));
      setThreshold(Math.round(v * 100) / 10000, false);
    };
    const up = () => { g.removeEventListener("pointermove", move); g.removeEventListener("pointerup", up); g.removeEventListener("pointercancel", up); };
    g.addEventListener("pointermove", move);
    g.addEventListener("pointerup", up);
    g.addEventListener("pointercancel", up);
  });
  g.addEventListener("keydown", (e) => {
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[e.key];
    if (!by) return;
    e.preventDefault();
    setThreshold(Math.min(1, Math.max(0, Math.round(1e4 * state.threshold + by * 100 * step()) / 1e4)), true);
    element("line").focus();
  });
}

// setThreshold redraws only what depends on it; the chart itself only where
// the line would leave it.
function setThreshold(v, typed) {
  state.threshold = v;
  const inside = yScale && 100 * v >= yScale.domain[0] && 100 * v <= yScale.domain[1];
  if (typed && !inside) drawChart();
  else markThreshold();
  drawPick();
  drawFront();
  markTable();
  if (follow()) drawNetwork();
  remember();
}

// markThreshold moves the line, dims marks that miss it and rings the pick.
function markThreshold() {
  const g = element("line");
  if (!g) return;
  g.setAttribute("transform", `translate(0, ${yScale.apply(100 * state.threshold)})`);
  g.setAttribute("aria-valuenow", percent(state.threshold));
  g.setAttribute("aria-valuetext", percent(state.threshold) + " percent");
  g.querySelector("text").textContent = percent(state.threshold);
  const input = element("threshold");
  if (document.activeElement !== input) input.value = String(Math.round(1e6 * state.threshold) / 1e4);
  const svg = g.ownerSVGElement;
  svg.querySelectorAll(".mark").forEach((m) => {
    const row = report.rows[m.dataset.row];
    const text = describe({ row, s: score(row) });
    m.classList.toggle("dim", verdict(row).is === "misses");
    m.dataset.tip = text;
    m.setAttribute("aria-label", text);
  });
  svg.querySelectorAll(".bar").forEach((b) => b.classList.toggle("dim", verdict(report.rows[b.dataset.row]).is === "misses"));
  svg.ring.place(pick().row);
}

function detailsButton(i) {
  const wrong = element("mistakes") && i === report.mistaken ? make("a", { href: "#mistakes", class: "wrong" }, "See what it gets wrong") : null;
  if (wrong) wrong.addEventListener("click", (e) => { e.preventDefault(); element("mistakes").scrollIntoView(); }); // the address keeps the state
  const button = make("button", { type: "button" }, "Show its details");
  button.addEventListener("click", () => { select(i); element("network").scrollIntoView(); element("selected").focus({ preventScroll: true }); });
  return make("p", { class: "acts" }, button, wrong);
}

// cardFacts are what a network costs and gets, by the cost k first.
function cardFacts(row, k) {
  const s = score(row), other = state.split === "test" ? "validation" : "test", t = row.scores[other];
  const listed = (key) => report.costs[k].key === key || report.budgets.some((b) => report.costs[b.cost].key === key);
  const list = [[report.costs[k].head, count(row.costs[k]), report.costs[k].slug], [`baseline ÷ this`, times(row.ratios[k]), "ratio"]];
  if (s) list.push([`${judged}${state.split}, mean`, percent(s.mean) + " %", state.split], [`${judged}${state.split}, range`, spreadText(s), "mean-sd-min-max"]);
  if (t) list.push([`${judged}${other}, mean`, percent(t.mean) + " %", other], [`${judged}${other}, range`, spreadText(t), "mean-sd-min-max"]);
  report.costs.forEach((c, n) => { if (!listed(c.key) && ["parameters", "macs", "peak"].includes(c.key)) list.push([c.head, count(row.costs[n]), c.slug]); });
  if (row.device) {
    if (!listed("tflite_int8_bytes")) list.push(["int8 file, bytes", count(row.device.flash), "tflite-tflite-int8-npz"]);
    if (!listed("arena_bytes")) list.push(["arena, bytes", count(row.device.arena), "arena-arena-float32"]);
  }
  for (const b of report.budgets) list.push([`${report.costs[b.cost].head}, of at most`, `${count(row.costs[b.cost])} of ${count(b.limit)}`, report.costs[b.cost].slug]);
  return list;
}

function drawPick() {
  const card = element("pick");
  if (!card) return;
  const p = pick(), k = pickCost(), at = percent(state.threshold) + " %";
  const counts = d3.rollup(report.rows, (v) => v.length, (r) => verdict(r).is);
  const parts = [make("h3", {}, `Smallest network at ${at}, by ${report.costs[k].head}`)];
  if (p.row < 0) {
    parts.push(make("p", { class: "name none", id: "pick-name" }, "none"));
    const n = nearest();
    if (n >= 0) {
      const near = report.rows[n];
      parts.push(make("p", { id: "pick-nearest" }, `The nearest is ${near.label}, with ${count(near.costs[k])} ${report.costs[k].head}: ${verdict(near).why}.`.replaceAll(" %", "\u00a0%")));
      parts.push(detailsButton(n), facts(cardFacts(near, k)));
    }
  } else {
    const row = report.rows[p.row];
    parts.push(make("p", { class: "name", id: "pick-name" }, row.label), detailsButton(p.row), facts(cardFacts(row, k)));
  }
  parts.push(make("p", {}, `${counts.get("meets") || 0} of ${report.rows.length} networks meet it` + (counts.get("undecided") ? `; ${counts.get("undecided")} undecided` : "") + "."));
  if (searched() && report.certified === p.row) parts.push(make("p", {}, `This is what the search certified, on the test ${report.noun} too: see the certificate below.`));
  else if (p.open.length) parts.push(make("p", {}, `Not final: ${p.open.length} ${p.row < 0 ? "" : "smaller "}could still meet it, such as ${report.rows[p.open[0]].label}.`));
  if (report.target_accuracy === null) parts.push(make("p", {}, "The experiment sets no target: the line starts where every finished network meets it."));
  card.replaceChildren(...parts);
}
