// What a threshold makes of a configuration. Values are comparable with it as
// their digits stand: both are rounded once, see target.Reaches in Go.
const percent = (v) => (100 * v).toFixed(2);

// judge applies the threshold as the Go code does: one that misses it whatever
// the missing seeds bring misses it.
function judge(j, threshold) {
  const name = { worst: "worst seed", mean: "mean", tolerance: "tolerance bound" }[j.rule];
  if (j.out) return { is: "misses", why: j.out };
  if (j.best !== null && j.best < threshold) {
    return { is: "misses", why: j.complete || j.rule === "worst" ? `${name} ${percent(j.best)} %` : `${name} at most ${percent(j.best)} %, whatever the missing seeds` };
  }
  if (!j.complete) return { is: "undecided", why: j.lacks };
  return { is: "meets", why: `${name} ${percent(j.value)} %` };
}
