// What a reader takes along: the state in the address, the table as CSV, the
// charts as pictures.
const shared = { x: "x", split: "split", rule: "rule", bars: "bars" };

// remember writes what the reader chose behind the address's #, where nothing
// is fetched by it.
function remember() {
  const q = new URLSearchParams({ at: percentExact(state.threshold) });
  for (const key of Object.keys(shared)) q.set(key, state[key]);
  q.set("scale", state.log ? "log" : "linear");
  for (const id of ["cost-x", "cost-y"]) q.set(id, element(id).value);
  if (state.chosen) q.set("network", report.rows[state.selected].id);
  history.replaceState(null, "", "#" + q);
}

const percentExact = (v) => String(Math.round(1e6 * v) / 1e4);

// recall takes up what the address says; what this report does not have is
// passed over.
function recall() {
  const q = new URLSearchParams(location.hash.slice(1)), at = Number(q.get("at"));
  if (q.get("at") && at >= 0 && at <= 100) state.threshold = at / 100;
  const offered = (id, value) => element(id) && value !== null && [...element(id).options].some((o) => o.value === value);
  for (const [key, id] of Object.entries(shared)) {
    if (!offered(id, q.get(key))) continue;
    state[key] = q.get(key);
    element(id).value = state[key];
  }
  if (offered("scale", q.get("scale"))) { state.log = q.get("scale") === "log"; element("scale").value = q.get("scale"); }
  for (const id of ["cost-x", "cost-y"]) if (offered(id, q.get(id))) element(id).value = q.get(id);
  const i = report.rows.findIndex((r) => r.id === q.get("network"));
  if (i >= 0) { state.selected = i; state.chosen = true; element("selected").value = String(i); }
}

const fileName = (what) => `${report.name.replace(/[^A-Za-z0-9-]+/g, "-").slice(0, 64)}-${what}`;

function save(blob, name) {
  const a = make("a", { href: URL.createObjectURL(blob), download: name });
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}

// tableCSV is what the table shows: its rows in their order, without those that
// the filter hides, numbers without separators. Text that a spreadsheet would take as a formula is quoted.
function tableCSV(table) {
  const cell = (text) => {
    const t = text.trim().replace(/^[-+]?\d{1,3}(,\d{3})+$/, (n) => n.replace(/,/g, "")), safe = /^[=+@-]/.test(t) && !/^[-+][\d.,]+$/.test(t) ? "'" + t : t;
    return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  const lines = [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter((tr) => !tr.hidden)];
  return lines.map((tr) => [...tr.cells].map((c) => cell(c.textContent)).join(",")).join("\r\n") + "\r\n";
}

// picture draws a chart as PNG, twice its size, in the colours that it has now.
function picture(svg, done) {
  const copy = svg.cloneNode(true), from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((e, i) => {
    const style = getComputedStyle(e);
    for (const key of ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "stroke-opacity", "font-size", "font-family", "font-weight", "display"]) to[i].style.setProperty(key, style.getPropertyValue(key));
  });
  const width = Number(svg.getAttribute("width")), height = Number(svg.getAttribute("height"));
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const image = new Image();
  image.onload = () => {
    const canvas = make("canvas", { width: 2 * width, height: 2 * height }), c = canvas.getContext("2d");
    c.fillStyle = getComputedStyle(document.body).backgroundColor;
    c.fillRect(0, 0, canvas.width, canvas.height);
    c.scale(2, 2);
    c.drawImage(image, 0, 0, width, height);
    canvas.toBlob(done, "image/png");
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
}

// offer puts the buttons in their places.
function offer() {
  const button = (id, act) => element(id) && element(id).addEventListener("click", act);
  button("save-chart", () => picture(element("chart").querySelector("svg"), (b) => save(b, fileName("chart.png"))));
  button("save-front", () => picture(element("front").querySelector("svg"), (b) => save(b, fileName("costs.png"))));
  button("save-table", () => {
    const which = element("which").value === "trials" ? "trials" : "results";
    save(new Blob([tableCSV(element("table-" + which))], { type: "text/csv" }), fileName(which + ".csv"));
  });
}
