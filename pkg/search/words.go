package search

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// bound prints an accuracy's bound, with the digit that decides.
func bound(v float64) string { return fmt.Sprintf("%.3f %%", 100*v) }

// recallText is for target.Words.
func recallText(v, _ float64) string { return bound(v) }

const assumptionText = "A configuration is skipped untrained where two networks clearly fail that are at least as large in every layer: " +
	"same recipe and layers in the same order, no kernel, filter count or width smaller, no stride or pooling window larger. " +
	"This assumes that making every layer smaller does not turn a clear failure into a pass. " +
	"A network that contains one that reached the target skips nothing, and some of the most doubtful skipped configurations are trained " +
	"all the same."

const modelText = "Configurations are left untrained where a model of accuracy gives them too little chance: it was fitted to those " +
	"that were trained, and takes accuracy to rise with every width and kernel, and to fall with strides and pooling windows. Nothing is " +
	"known of a single one of them; some of them, drawn at random, are trained all the same."

// rules says how the certificate was decided.
func (p *Problem) rules() []string {
	t := p.Target
	out := []string{
		fmt.Sprintf("Configurations are ordered by %s; equal ones by parameters, multiply-accumulates, peak activation elements, then ID.",
			t.Cost),
		p.screeningRule(),
		fmt.Sprintf("A network clearly fails when the one-sided Clopper-Pearson upper bound of its %s is below the target, with the "+
			"bounds of all %d configurations holding together at %s (Bonferroni).",
			t.MetricName(), p.Count(), text.Threshold(t.Confidence)),
		"A diverged seed rejects its configuration.",
	}
	if t.Balanced() {
		out = append(out, balancedRule)
	}
	out = append(out, p.screenRules()...)
	if p.field != nil {
		out = append(out, p.modelRule())
	}
	if p.EarlyStop {
		out = append(out, p.stoppedRule())
	}
	if rule := p.auditRule(); rule != "" {
		out = append(out, rule)
	}
	if t.RecallAll > 0 || len(t.Recall) > 0 {
		out = append(out, "Every network's recall of each class with a floor reaches the floor: as seen on the validation images, and by its "+
			"one-sided Clopper-Pearson lower bound on the test images.")
	}
	if len(p.Target.Under) > 0 {
		out = append(out, underRule(map[bool]string{false: "distinct test images", true: "test images"}[p.underAll]))
	}
	if p.Target.Precision == experiment.Int8 {
		out = append(out, int8Rule)
	}
	out = append(out, p.measuredRules()...)
	out = append(out, fmt.Sprintf("Trials are asked for in rounds of about %d.", p.Round))
	if p.Observed() {
		return append(out, "The test images are opened for the cheapest configuration that passes screening, and decide nothing: intervals "+
			"and bounds of these figures are Clopper-Pearson's, each for itself.")
	}
	return append(out,
		p.testRule(),
		"The test images are opened for the cheapest configuration that passes screening, and for the next one only if it fails there. "+
			p.alphaRule())
}

const balancedRule = "A network's balanced accuracy is the mean over classes of its recalls. Its bounds are the means of the classes' " +
	"one-sided Clopper-Pearson bounds, each at its part of the chance of error, alpha / classes: they hold together (Bonferroni). " +
	"No trial is stopped early: the rule for that knows right answers only."

func (p *Problem) alphaRule() string {
	if p.format == 1 {
		return "Each opening may err with half of what is left of alpha, or all of it for the dearest configuration, which no other can " +
			"follow, so that all together err with at most 1 - confidence."
	}
	part := "half"
	if p.next {
		part = "a quarter"
	}
	return fmt.Sprintf("Each opening may err with %s of what is left of alpha: 1 - confidence, less what all earlier openings of these "+
		"test images may err, whatever they asked. "+
		"So all together err with at most 1 - confidence. Where less than %v is left none is opened, and the search is exploratory.", part,
		LeastAlpha)
}

// exploratory is the answer where candidate i passed, and no alpha is left.
func (s *state) exploratory(i int) string {
	return fmt.Sprintf("%s, with %d %s, is the cheapest of %d configurations that passed screening at %s, and is not certified: earlier "+
		"openings left less than %v of alpha for these test images. "+
		"A certificate takes new test images, or several targets asked as one question from the start; `target: {evidence: observed}` "+
		"answers without one.",
		s.p.Candidates[i].ID, s.p.Candidates[i].Cost, s.p.Target.Cost.Unit(), len(s.all), s.p.Target.Asked()+s.p.inPrecision(),
		LeastAlpha)
}

// screenRules says what screening asks besides the target, and what the
// findings mean.
func (p *Problem) screenRules() []string {
	if p.older {
		return nil
	}
	out := []string{"A configuration fails where its networks are shown below the target: by a network that clearly fails, under the rules " +
		"over seeds by all. What neither fails nor meets the target is not shown: there are too few images."}
	if n, err := p.FirstNeed(); err == nil && p.FirstAlpha > 0 && p.Target.Balanced() {
		out = append(out, fmt.Sprintf("Screening asks for what the first opening will ask for (alpha %.4g): from test images that show of each "+
			"class what the validation images do, it must have a chance of %s to come. So for floors.", n.Alpha, text.Threshold(leastChance)))
	} else if err == nil && p.FirstAlpha > 0 {
		out = append(out, fmt.Sprintf("Screening asks for what the first opening will ask for (alpha %.4g): to show %s takes %d of %d test "+
			"images "+
			"right, and a network that is right as often as on the validation images must have a chance of %s to be. So for floors; rules over "+
			"seeds are asked for their bound.", n.Alpha, text.Threshold(n.Share), n.Right, n.Images,
			text.Threshold(math.Round(100*p.leastChance())/100)))
	}
	if len(out) > 1 && p.next {
		out = append(out, "Once an opening failed, screening asks for what the next one will ask for.")
	}
	return out
}

// lookedAt says what is known of earlier looks at the test images.
func (p *Problem) lookedAt() string {
	const chosen = "The configuration was chosen on the validation images, so its accuracy there flatters it; "
	switch l := p.Looks; {
	case l == nil:
		return chosen + "the test images were not looked at before it was chosen."
	case l.Seen != "":
		return chosen + fmt.Sprintf("it is certified, if the target was not chosen from the test results shown on %s.", l.Seen)
	case l.Before > 0:
		return chosen + fmt.Sprintf("counted in this folder, the test images were opened %s before by other questions, which is charged.",
			text.Count(l.Before, "time"))
	}
	return chosen + "counted in this folder, the test images were not looked at before it was chosen."
}

func (p *Problem) screeningRule() string {
	n, t := len(p.Seeds), text.Threshold(p.Target.Accuracy)
	switch p.Target.Rule {
	case experiment.RuleMean:
		return fmt.Sprintf("Screening: the mean validation accuracy of %d seeds is at least %s. If the first two seeds both clearly fail, it "+
			"is rejected at once.", n, t)
	case experiment.RuleTolerance:
		return fmt.Sprintf("Screening: mean - %.3f sd of the validation accuracies of %d seeds is at least %s (one-sided normal tolerance "+
			"factor for %s of seeds). If the first two seeds both clearly fail, or no values of the missing seeds could make it pass, it is "+
			"rejected at once.",
			p.judge.Factor, n, t, text.Threshold(target.Coverage))
	}
	return fmt.Sprintf("Screening: the validation %s of each of %d seeds is at least %s. One that is not rejects at once.",
		p.Target.MetricName(), n, t)
}

// freshRule says which networks the test images judge, where it is not the
// screened ones.
func (p *Problem) freshRule() string {
	if !p.fresh() {
		return ""
	}
	return fmt.Sprintf("A configuration that passes screening is trained with %d fresh seeds, the next ones above the experiment's that "+
		"no opening has used, and these networks alone are judged on the test images: "+
		"the seeds that made it pass flatter it. ", len(p.Seeds))
}

func (p *Problem) seedsDF() string {
	if p.format == 1 {
		return ""
	}
	return fmt.Sprintf(" with %d degrees of freedom", len(p.Seeds)-1)
}

func (p *Problem) testRule() string {
	t := text.Threshold(p.Target.Accuracy)
	switch p.Target.Rule {
	case experiment.RuleMean:
		return p.freshRule() + "Test: the one-sided lower bound of the mean accuracy, over seeds and images, is at least " + t +
			" (Student's t" + p.seedsDF() + ", the variances over seeds and over images added)."
	case experiment.RuleTolerance:
		return p.freshRule() + "Test: mean - k sd over the seeds, less the uncertainty of the mean over images, is at least " + t +
			"; half of alpha goes into k, half into the images."
	}
	return "Test: the one-sided Clopper-Pearson lower bound of every network's " + p.Target.MetricName() + " is at least " + t + "."
}

// promises says what the numbers can and cannot promise.
func (s *state) promises(winner int, c *result.Certificate) []string {
	n, t := len(s.p.Seeds), s.p.Target.Asked()
	risk := text.Threshold(1 - s.p.Target.Confidence)
	if s.p.Observed() {
		return s.observations(winner)
	}
	if winner == len(s.all) {
		out := []string{fmt.Sprintf("No certificate was issued. A rejected configuration may still have a true %s above %s: "+
			"screening looks at %d validation images and these seeds only.", s.p.Target.MetricName(), text.Threshold(s.p.Target.Accuracy),
			s.p.Data.Validation)}
		if s.stopped > 0 {
			out = append(out, "What came nearest is judged by accuracies as they were measured, those of stopped trials before their end: "+
				"another configuration may have come nearer.")
		}
		return out
	}
	var out []string
	switch s.p.Target.Rule {
	case experiment.RuleMean:
		out = append(out, fmt.Sprintf("The mean accuracy of this recipe over seeds and images like these is at least %s, by a procedure that "+
			"certifies wrongly in at most %s of searches. Single networks may lie below.", t, risk))
	case experiment.RuleTolerance:
		out = append(out, fmt.Sprintf("At least %s of networks trained like this have an accuracy of at least %s, by a procedure that "+
			"certifies wrongly in at most %s of searches, if accuracies over seeds are normal.", text.Threshold(target.Coverage), t, risk),
			normality(c))
	default:
		is := "is right on at least " + t + " of images like the test images"
		if s.p.Target.Balanced() {
			is = "has at least " + t + " on images like the test images"
		}
		out = append(out, fmt.Sprintf("Each of these %d trained networks %s, by a procedure that certifies a network below that in at most %s "+
			"of searches.", n, is, risk))
		conf, err := stats.MinimumConfidence(n, 0.95)
		if err == nil {
			out = append(out, fmt.Sprintf("It does not promise the next seed: that the worst of %d bounds 95 %% of future seeds holds with a "+
				"confidence of %.0f %%%s.", n, 100*conf, moreSeeds(n)))
		}
	}
	return withAlike(append(out,
		s.p.lookedAt(),
		"Images from another source than this data set's are not covered."), &s.p.Data)
}

// moreSeeds says how many seeds would do, to fewer.
func moreSeeds(n int) string {
	if n < 59 {
		return toSeeds
	}
	return ""
}

const toSeeds = " only; 59 seeds make it 95 %"

// withAlike adds what groups take from the promises.
func withAlike(promises []string, data *models.Data) []string {
	if words := data.Alike(); words != "" && !slices.Contains(promises, words) {
		promises = append(promises, words)
	}
	return promises
}

// normality checks what the tolerance rule assumes, on the test accuracies.
func normality(c *result.Certificate) string {
	var acc []float64
	for _, n := range c.Winner.Networks {
		acc = append(acc, n.Accuracy)
	}
	a, err := stats.AndersonDarling(acc)
	switch {
	case err != nil:
		return fmt.Sprintf("Normality of the %d accuracies could not be tested: %v.", len(acc), err)
	case a.P < 0.05:
		c.Warnings = append(c.Warnings, fmt.Sprintf("the winner's accuracies are not normal (Anderson-Darling p = %.3g): the tolerance bound "+
			"does not hold", a.P))
		return fmt.Sprintf("The accuracies of the seeds are not normal (Anderson-Darling, p = %.3g): the tolerance bound does not hold.", a.P)
	}
	return fmt.Sprintf("Nothing speaks against normal accuracies over seeds (Anderson-Darling, p = %.2f), which %d values can hardly show.",
		a.P, len(acc))
}

// observations says what the figures of a search that claims nothing are worth.
func (s *state) observations(winner int) []string {
	const source = "Nothing here bounds a chance of error, and images from another source than this data set's are not covered."
	if winner == len(s.all) {
		return []string{"Screening looks at the validation images and these seeds only: what was rejected may reach the target on others.",
			source}
	}
	out := []string{"The configuration was chosen on the validation images, so its accuracy there flatters it."}
	if k := s.p.Data.Folds; k > 0 {
		out = append(out, fmt.Sprintf("Figures of a seed are pooled over %d folds: each image was judged once, by a network that was not "+
			"trained on it. There is no network yet that was trained on all images.", k))
	}
	if o := s.all[winner].opening; len(o.lower) > 0 {
		out = append(out, "Its test figures were not used to choose it; how far so few images leave them open is what the intervals say.")
	}
	return append(out, source)
}

// modelRule says how a search of a field chooses what to train.
func (p *Problem) modelRule() string {
	return fmt.Sprintf("Of %d configurations a model of accuracy chooses what to train, after %d from all over the space: a weighted ridge "+
		"regression of the logit of validation accuracy on %d features (logarithms of widths, kernels, strides, pooling windows and costs), "+
		"none of which may lower it, drawn anew from what the data leave open for each choice (search seed %d). It goes on while a trial's "+
		"chance to pass times the logarithm of what it saves is %v or more; then a tenth of what was trained, %d to %d, is drawn from those "+
		"given up.",
		len(p.field.places), startTrials, len(p.field.columns), p.SearchSeed, stats.Round(p.field.leastGain()), auditLeast, auditMost)
}

// builtRule is what older certificates say of sizes.
const builtRule = "Bytes of files and of the arena are measured on files made with untrained weights: they depend on the network's shapes."

// countsInt8 says whether the target looks at the bytes of int8 files.
func (p *Problem) countsInt8() bool {
	return slices.Contains(p.Target.Costs(), footprint.TFLiteInt8Bytes)
}

// measuredRules says where measured costs come from.
func (p *Problem) measuredRules() []string {
	sizes, latency := false, false
	for _, c := range p.Target.Costs() {
		latency = latency || c == footprint.LatencyMicros && p.Target.Device == ""
		sizes = sizes || c.Measured() && !c.OnChip() && c != footprint.LatencyMicros
	}
	var out []string
	switch {
	case sizes && p.built:
		out = append(out, builtRule)
	case sizes:
		out = append(out, "Bytes of files and of the arena are computed from the network's shapes. Those of an int8 file are the most that it "+
			"can have: scales and zero points that are equal by chance are written once.")
	}
	if p.countsInt8() && !p.built && p.Target.Precision != experiment.Int8 {
		out = append(out, "The bytes are of int8 files, the accuracy is of float32 networks: what the int8 files get was not judged.")
	}
	if p.Target.Device != "" {
		by := map[string]bool{}
		for _, c := range slices.Concat(p.Candidates, p.OverBudget) {
			if m := c.Footprint.Measured; m != nil && m.Chip != nil {
				by[m.Chip.By] = true
			}
		}
		out = append(out, "Figures on "+p.Target.Device+" are those of the smallest firmware that classifies by the int8 network in C, with "+
			"untrained weights of the same shape. They are by "+strings.Join(slices.Sorted(maps.Keys(by)), "; by ")+".")
	}
	if latency {
		out = append(out, "Latency is measured once for each network, before training, on untrained weights, and kept; on another machine or "+
			"day the order may be another.")
	}
	return out
}
