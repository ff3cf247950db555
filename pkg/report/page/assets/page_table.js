// Tables: sort by any column, filter by phrases and by verdict.
const collator = new Intl.Collator("en", { numeric: true });

// sortValue reads a cell: a leading number sorts by size, dashes sort last.
function sortValue(cell) {
  const text = cell.textContent.trim(), number = parseFloat(text.replace(/,/g, ""));
  return text === "–" || text === "" ? null : /^[-+]?[\d.,]+/.test(text) ? number : text;
}

function compareCells(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}

function makeSortable(table) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((th, n) => {
    if (!th.textContent.trim()) return;
    const definition = th.querySelector("[data-def]");
    const button = make("button", { type: "button" }, th.textContent);
    if (definition) {
      button.className = "term";
      button.dataset.def = definition.dataset.def;
      button.setAttribute("aria-describedby", "def-" + definition.dataset.def);
    }
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((tr) => ({ tr, v: sortValue(tr.cells[n]) }));
      rows.sort((a, b) => (a.v === null || b.v === null ? compareCells(a.v, b.v) : (down ? -1 : 1) * compareCells(a.v, b.v)));
      body.append(...rows.map((r) => r.tr));
    });
    th.replaceChildren(button);
  });
}

// plainWords is text in lower case, words apart by single spaces.
const plainWords = (text) => text.toLowerCase().replace(/[\s,]+/g, " ").trim();

// markTable writes verdicts at the threshold in hand, and filters.
function markTable() {
  const table = element("table-results"), trials = element("table-trials"), picked = pick().row;
  const last = table.tHead.rows[0].cells.length - 1;
  (table.tHead.rows[0].cells[last].querySelector("button") || table.tHead.rows[0].cells[last]).textContent = `meets ${percent(state.threshold)} % (${state.split})`;
  const phrases = element("filter").value.split(",").map(plainWords).filter(Boolean), only = element("only").value;
  let shown = 0;
  for (const t of [table, trials]) {
    for (const tr of t.tBodies[0].rows) {
      const i = Number(tr.dataset.row), row = report.rows[i], v = verdict(row);
      if (t === table) {
        tr.cells[last].textContent = i === picked ? "yes, the smallest" : { meets: "yes", misses: "no: ", undecided: "undecided: " }[v.is] + (v.is === "meets" ? "" : v.why);
        tr.cells[last].className = v.is;
        tr.classList.toggle("picked", i === picked);
      }
      const text = " " + plainWords(row.label + " " + row.id + " " + (t === trials ? [...tr.cells].map((c) => c.textContent).join(" ") : ""));
      const ok = phrases.every((p) => text.includes(" " + p)) && (!only || v.is === only || (only === "problem" && row.done < row.planned));
      tr.hidden = !ok;
      if (ok && t.id === "table-" + (element("which").value === "trials" ? "trials" : "results")) shown++;
    }
  }
  const total = element("which").value === "trials" ? trials.tBodies[0].rows.length : table.tBodies[0].rows.length;
  element("shown").textContent = `${count(shown)} of ${count(total)} shown`;
  table.parentElement.hidden = element("which").value === "trials";
  trials.parentElement.hidden = !table.parentElement.hidden;
}
