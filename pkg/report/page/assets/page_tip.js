// The tooltip: definitions of terms, and what a mark stands for. Escape hides it.
const tip = element("tip");

function showTip(text, box) {
  tip.textContent = text;
  tip.hidden = false;
  const t = tip.getBoundingClientRect();
  const left = Math.min(Math.max(12, box.left + box.width / 2 - t.width / 2), innerWidth - t.width - 12);
  const above = box.top - t.height - 8;
  tip.style.left = left + "px";
  tip.style.top = (above > 4 ? above : box.bottom + 8) + "px";
}

const hideTip = () => { tip.hidden = true; };

function tipOf(target) {
  const e = target.closest ? target.closest("[data-def], [data-tip]") : null;
  if (!e) return false;
  showTip(e.dataset.tip || report.notes[e.dataset.def] || "", e.getBoundingClientRect());
  return true;
}

document.addEventListener("mouseover", (e) => { if (!tipOf(e.target)) hideTip(); });
document.addEventListener("focusin", (e) => { if (!tipOf(e.target)) hideTip(); });
document.addEventListener("focusout", hideTip);
document.addEventListener("click", (e) => { tipOf(e.target); });
document.addEventListener("keydown", (e) => { if (e.key === "Escape") hideTip(); });
document.addEventListener("scroll", hideTip, { passive: true, capture: true });
