// What the page knows and what the reader chose. Every view draws from both.
let report = JSON.parse(document.getElementById("data").textContent);
const state = {
  x: report.chart.cost ? report.chart.x : "", // "": the chart's own axis
  log: report.chart.log,
  split: report.split,
  rule: report.rule,
  bars: "range",
  threshold: report.threshold, // a fraction
  selected: 0,
  chosen: false, // the reader chose it; else it follows the pick
};
const element = (id) => document.getElementById(id);

// count is a whole number with thousands separators, as in the tables.
const count = (v) => Math.round(v).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const times = (v) => (v >= 100 ? count(v) : v >= 10 ? v.toFixed(1) : v.toFixed(2)) + "×";
const costIndex = (key) => Math.max(0, report.costs.findIndex((c) => c.key === key));

// pickCost is the cost that "smallest" speaks of: the one across, or the target's.
const pickCost = () => costIndex(state.x || report.cost);
const score = (row) => row.scores[state.split];

// judged goes before the name of a split where other networks than the float32
// ones are judged: scores, chart and verdicts are theirs.
const judged = [report.precision, report.metric].filter(Boolean).map((word) => word + " ").join("");

// searched says whether the reader asks just what a search has answered.
const searched = () => report.searched && state.split === "validation" && state.rule === report.rule
  && state.threshold === report.target_accuracy && report.costs[pickCost()].key === report.cost;

function verdict(row) {
  if (row.over.length) return { is: "misses", why: "over budget: " + row.over.join(", ") };
  const v = judge(row.judged[state.split].find((j) => j.rule === state.rule), state.threshold);
  return v.is === "meets" && row.refused && searched() ? { is: "misses", why: row.refused } : v;
}

// byCost orders rows by a cost, then parameters, MACs, peak and ID.
function byCost(k) {
  const tie = [k, costIndex("parameters"), costIndex("macs"), costIndex("peak")];
  return d3.range(report.rows.length).sort((a, b) => {
    const x = report.rows[a], y = report.rows[b];
    for (const t of tie) if (x.costs[t] !== y.costs[t]) return x.costs[t] - y.costs[t];
    return x.id < y.id ? -1 : x.id > y.id ? 1 : 0;
  });
}

// pick is the smallest row that meets the threshold, or -1, and the smaller
// ones that are undecided; what a search chose where that was asked.
function pick() {
  const open = [];
  if (searched()) return { row: report.certified ?? -1, open };
  for (const i of byCost(pickCost())) {
    const v = verdict(report.rows[i]).is;
    if (v === "meets") return { row: i, open };
    if (v === "undecided") open.push(i);
  }
  return { row: -1, open };
}

// nearest is the row that comes nearest to the threshold where none meets it,
// -1 where none has an accuracy.
function nearest() {
  const value = (row) => row.judged[state.split].find((j) => j.rule === state.rule).best;
  let best = -1;
  for (const i of byCost(pickCost())) {
    const v = value(report.rows[i]);
    if (v !== null && (best < 0 || v > value(report.rows[best]))) best = i;
  }
  return best;
}

// follow shows the pick in detail, or the nearest miss, until the reader chooses.
function follow() {
  if (state.chosen) return false;
  const i = pick().row, j = i >= 0 ? i : nearest(), to = j >= 0 ? j : byCost(pickCost())[0];
  const moved = to !== state.selected;
  state.selected = to;
  element("selected").value = String(to);
  return moved;
}

// make builds an element; text is always text, never markup.
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) if (v !== null && v !== undefined) e.setAttribute(k, v);
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
  select.value = chosen;
}

// term is text with its definition on hover and focus.
function term(text, slug) {
  if (!report.notes[slug]) return document.createTextNode(text);
  return make("span", { class: "term", tabindex: "0", "data-def": slug, "aria-describedby": "def-" + slug }, text);
}

function facts(list) {
  return make("dl", {}, ...list.map(([name, value, slug]) => make("div", {}, make("dt", {}, term(name, slug)), make("dd", {}, value))));
}

const spreadText = (s) => (s.n === 1 || percent(s.min) === percent(s.max) ? percent(s.mean) + " %" : percent(s.min) + "–" + percent(s.max) + " %");
const color = (slice) => `var(--s${slice % 8})`;
const symbol = (slice) => ["circle", "square", "triangle"][slice % 3];
