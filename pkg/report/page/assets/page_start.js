// all draws everything that depends on what the reader chose.
const all = () => { follow(); drawChart(); drawPick(); drawFront(); markTable(); drawNetwork(); remember(); };

// Wire the controls and draw everything once.
function start() {
  document.documentElement.classList.add("ready");
  const own = report.chart.cost ? [] : [["", report.chart.label]];
  const costs = report.costs.map((c) => [c.key, c.head]);
  if (element("x")) {
    options(element("x"), own.concat(costs), state.x);
    options(element("split"), report.splits.map((s) => [s, s]), state.split);
    options(element("rule"), report.rules.map((r) => [r.key, r.label]), state.rule);
    element("scale").value = state.log ? "log" : "linear";
  }
  options(element("cost-x"), costs, report.cost);
  options(element("cost-y"), costs, report.cost === "macs" ? "parameters" : "macs");
  options(element("measure"), measures, "parameters");
  options(element("selected"), report.rows.map((r, i) => [String(i), r.label]), "0");
  document.querySelectorAll("form").forEach((f) => f.addEventListener("submit", (e) => e.preventDefault()));

  const on = (id, act) => element(id) && element(id).addEventListener("change", (e) => act(e.target.value));
  on("x", (v) => { state.x = v; state.log = v ? true : report.chart.log; element("scale").value = state.log ? "log" : "linear"; all(); });
  on("scale", (v) => { state.log = v === "log"; drawChart(); remember(); });
  on("split", (v) => { state.split = v; all(); });
  on("rule", (v) => { state.rule = v; all(); });
  on("bars", (v) => { state.bars = v; drawChart(); remember(); });
  on("cost-x", () => { drawFront(); remember(); });
  on("cost-y", () => { drawFront(); remember(); });
  on("selected", (v) => select(Number(v)));
  on("measure", () => drawLayers(report.rows[state.selected]));
  on("which", markTable);
  on("only", markTable);
  element("filter").addEventListener("input", markTable);
  if (element("threshold")) element("threshold").addEventListener("input", (e) => {
    const v = Number(e.target.value);
    if (e.target.value !== "" && v >= 0 && v <= 100) setThreshold(v / 100, true);
  });

  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll("tr[data-row]").forEach((tr) => tr.addEventListener("click", () => select(Number(tr.dataset.row))));
  recall();
  offer();
  all();
}
start();
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; all(); } });
