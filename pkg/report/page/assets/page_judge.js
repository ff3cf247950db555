// What a threshold makes of a configuration. Values are comparable with it as
// their digits stand: both are rounded once, see target.Reaches in Go.
const percent = (v) => (100 * v).toFixed(2);

// against is percent with as many more decimals as it takes to see on which side
// of the threshold v lies.
function against(v, threshold) {
  for (let digits = 2; digits < 8; digits++) {
    const s = (100 * v).toFixed(digits);
    if (Number(s) < 100 * threshold === v < threshold) return s;
  }
  return String(100 * v);
}

// judge applies the threshold as the Go code does: one that misses it whatever
// the missing seeds bring misses it.
function judge(j, threshold) {
  const name = { worst: "worst seed", mean: "mean", tolerance: "tolerance bound" }[j.rule];
  if (j.out) return { is: "misses", why: j.out };
  if (j.best !== null && j.best < threshold) {
    return { is: "misses", why: j.complete || j.rule === "worst" ? `${name} ${against(j.best, threshold)} %` : `${name} at most ${against(j.best, threshold)} %, whatever the missing seeds` };
  }
  if (!j.complete) return { is: "undecided", why: j.lacks };
  return { is: "meets", why: `${name} ${percent(j.value)} %` };
}
