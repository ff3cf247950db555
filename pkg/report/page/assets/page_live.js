// Live: a server tells what trains, and when there is a newer report, which then
// takes this one's place under the reader's hands.
let shown = Number(document.body.dataset.page), holding = false, fetching = false, stream = null;

// hands is what the reader did that the address does not hold.
function hands() {
  const tables = [...document.querySelectorAll("table.sortable")];
  return {
    fields: [...document.querySelectorAll("main select, main input")].filter((e) => e.id).map((e) => [e.id, e.value]),
    open: [...document.querySelectorAll("main details")].map((d) => d.open),
    sorts: tables.map((t) => [t.id, [...t.tHead.rows[0].cells].findIndex((c) => c.hasAttribute("aria-sort")), t.tHead.querySelector("[aria-sort=descending]") ? 2 : 1]),
    scrolled: [...document.querySelectorAll("main .scroll")].map((e) => [e.scrollLeft, e.scrollTop]),
    focus: document.activeElement && document.activeElement.id, y: scrollY,
  };
}

function giveBack(was) {
  for (const [id, value] of was.fields) if (element(id) && (element(id).tagName !== "SELECT" || [...element(id).options].some((o) => o.value === value))) element(id).value = value;
  document.querySelectorAll("main details").forEach((d, i) => { d.open = Boolean(was.open[i]); });
  for (const [id, column, clicks] of was.sorts) {
    const head = column >= 0 && element(id) && element(id).tHead.rows[0].cells[column], button = head && head.querySelector("button");
    for (let i = 0; button && i < clicks; i++) button.click();
  }
  all();
  document.querySelectorAll("main .scroll").forEach((e, i) => { if (was.scrolled[i]) [e.scrollLeft, e.scrollTop] = was.scrolled[i]; });
  if (was.focus && element(was.focus)) element(was.focus).focus({ preventScroll: true });
  scrollTo({ top: was.y, behavior: "instant" });
}

// renew takes over the report that the server has now.
async function renew() {
  if (holding || fetching) return;
  fetching = true;
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html"), number = Number(page.body.dataset.page);
    if (holding || !number || number === shown) return;
    const was = hands();
    for (const part of ["header", "nav", "main"]) document.querySelector("body > " + part).replaceWith(document.adoptNode(page.querySelector("body > " + part)));
    report = JSON.parse(page.getElementById("data").textContent);
    shown = number;
    hideTip();
    start();
    if (told) drawWork(told); // what trains stands in the part that was replaced
    giveBack(was);
  } catch (e) {
    element("live-now").textContent = "The newest report cannot be fetched: " + e.message;
  } finally {
    fetching = false;
  }
}

function drawLive(s) {
  const parts = [[s.failed, "failed"], [s.diverged, "diverged"], [s.running, "training"], [s.pending, "waiting"]].filter(([n]) => n).map(([n, what]) => `, ${count(n)} ${what}`);
  const best = d3.greatest(report.rows.filter((r) => score(r)), (r) => score(r).max);
  const said = [`${count(s.done)} of ${count(s.total)} trials done${parts.join("")}`];
  if (s.stopping) said.push("stopping");
  else if (s.left) said.push(`about ${s.left} left`);
  if (best) said.push(`best ${s.running + s.pending ? "so far " : ""}${percent(score(best).max)} % of ${judged}${state.split} ${report.noun}: ${best.label}`);
  if (!s.alive && s.pending) said.push("nothing trains now: slimfit run goes on with what waits");
  if (s.gone.length) said.push(`gone without an end: ${s.gone.join(", ")}`);
  if (s.search) said.push(s.search);
  if (s.trouble) said.push(`this report is not the newest: ${s.trouble}`);
  element("live-now").replaceChildren(make("b", { class: s.alive ? "on" : "off" }, s.alive ? "Training" : s.pending ? "Paused" : "Finished"), " " + said.join(" · "));
  const bad = s.failures.concat(s.more_failures ? [`and ${count(s.more_failures)} more`] : [], s.damaged);
  element("live-bad").replaceChildren(...bad.map((b) => make("li", {}, b)));
  drawWork(s);
}

// drawWork shows what trains: how far each is, its loss, its validation accuracy.
function drawWork(s) {
  const box = element("live-work"), points = s.work.flatMap((w, n) => w.points.map(([step, loss, accuracy]) => ({ n, step, loss, accuracy: accuracy === null ? null : 100 * accuracy })));
  const list = make("ul", {}, ...s.work.map((w, n) => {
    const bar = make("progress", { max: w.steps || 1, value: w.step, "aria-label": w.label }), [, loss] = w.points[w.points.length - 1] || [null, null], [, , accuracy] = w.points.findLast((p) => p[2] !== null) || [null, null, null];
    bar.style.accentColor = color(n);
    return make("li", {}, bar, make("span", {}, `${w.label} · ${count(w.step)} of ${count(w.steps)}` + (loss === null ? "" : ` · loss ${loss.toPrecision(3)}`) + (accuracy === null ? "" : ` · ${percent(accuracy)} %`) + (w.left ? ` · ${w.left}` : "")));
  }), ...(s.more_work ? [make("li", {}, `and ${count(s.more_work)} more`)] : []));
  box.hidden = !s.work.length;
  if (box.hidden) return;
  const charts = [["loss", "training loss (log scale)", true], ["accuracy", "validation accuracy (%)", false]].map(([key, label, log]) => {
    const data = points.filter((p) => p[key] !== null && (!log || p[key] > 0));
    if (!data.length) return make("p", { class: "hint" }, log ? "Losses come with the next heartbeats." : "No validation accuracy was measured yet.");
    return make("figure", {}, Plot.plot({ width: Math.max(260, box.clientWidth / (innerWidth > 860 ? 3 : 1) - 20), height: 180, style: { background: "none", fontSize: "12px" }, marginLeft: 46, marginRight: 24, marginBottom: 40, color: { type: "identity" },
      x: { label: "training steps" }, y: { type: log ? "log" : "linear", label },
      marks: [Plot.axisX({ ticks: 4, tickFormat: count, ...below }), log ? costAxis("y", data.map((p) => p.loss), true) : [Plot.gridY({ ticks: 4 }), Plot.axisY({ ticks: 4, tickFormat: (v) => String(+v.toFixed(2)) })],
        Plot.line(data, { x: "step", y: key, z: "n", stroke: (p) => color(p.n), strokeWidth: 1.4 }), Plot.dot(data, { x: "step", y: key, r: 1.6, fill: (p) => color(p.n) })] }));
  });
  box.replaceChildren(list, ...charts);
}

let told = null;
function listen() {
  stream = new EventSource("/events");
  stream.onmessage = (e) => {
    told = JSON.parse(e.data);
    drawLive(told);
    if (told.page !== shown) renew().then(() => drawLive(told));
  };
  stream.onerror = () => { element("live-now").textContent = "slimfit serve does not answer; this is what it said last."; };
}

// A browser keeps few connections to one server open: hidden pages give theirs up.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && stream) { stream.close(); stream = null; }
  if (!document.hidden && !stream) listen();
});
addEventListener("pointerdown", () => { holding = true; }, true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { holding = false; if (told && told.page !== shown) renew(); }, true);
addEventListener("pagehide", () => { if (stream) stream.close(); });
listen();
