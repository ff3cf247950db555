package search

import (
	"cmp"
	"fmt"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// reaching says what of a configuration's seeds is judged by the rule.
func reaching(rule string) string {
	return cmp.Or(map[string]string{experiment.RuleMean: "whose mean over seeds reaches",
		experiment.RuleTolerance: "whose tolerance bound over seeds reaches"}[rule], "whose every seed reaches")
}

// summary is the answer in one sentence, what the audit came to in another, and
// what it holds under in a third.
func (s *state) summary(winner, unjudged int) string {
	t, n := s.p.Target.Asked()+s.p.inPrecision(), len(s.all)
	among := fmt.Sprintf("%d configurations", n)
	if s.p.field != nil {
		among = fmt.Sprintf("%s trained, of a space of %d,", text.Count(len(s.all)-s.bare(), "configuration"), s.p.Count())
	}
	reaches := reaching(s.p.Target.Rule)
	var sentence string
	switch {
	case s.p.Count() == 0:
		if s.p.older {
			return "No configuration is within the budgets."
		}
		return "No configuration is within the budgets: " + s.p.excludedAll() + "."
	case winner < n && s.p.Observed():
		c := s.p.Candidates[winner]
		sentence = fmt.Sprintf("%s is the cheapest of %s %s %s on the validation images, with %d %s", c.ID, among, reaches, t, c.Cost,
			s.p.Target.Cost.Unit())
	case winner < n:
		c := s.p.Candidates[winner]
		sentence = fmt.Sprintf("%s is the cheapest of %s that was shown to meet %s, with %d %s", c.ID, among, t, c.Cost,
			s.p.Target.Cost.Unit())
	case s.p.Observed():
		sentence = fmt.Sprintf("There is none among the %s %s %s on the validation images", among, reaches, t)
	case !s.p.older:
		sentence = fmt.Sprintf("None of the %s was shown to meet %s", among, t)
	case unjudged > 0:
		sentence = fmt.Sprintf("No configuration was found to meet %s", t)
	default:
		sentence = fmt.Sprintf("None of the %d configurations meets %s", n, t)
	}
	if s.p.older && unjudged > 0 {
		sentence += fmt.Sprintf("; %d that are cheaper or may meet it could not be judged", unjudged)
	}
	sentence += s.others(winner) + "."
	if words := auditText(s.audited()); words != "" {
		sentence += " " + words
	}
	return single.Replace(sentence + s.counted(winner))
}

// single says of one configuration what is written for many.
var single = strings.NewReplacer("None of the 1 configurations was", "The only configuration was not",
	"none among the 1 configurations", "none, of 1 configuration,", "cheapest of 1 configurations", "cheapest of 1 configuration")

// bare counts the candidates of which nothing was trained.
func (s *state) bare() int {
	n := 0
	for _, c := range s.all {
		if len(c.nets) == 0 {
			n++
		}
	}
	return n
}

// others says what became of the other configurations, dearer ones left out.
func (s *state) others(winner int) string {
	if s.p.older {
		return ""
	}
	var parts []string
	for _, f := range []struct {
		n    int
		what string
	}{
		{s.count[result.FoundRejected] + s.count[result.FoundRefuted], "fail"},
		{s.count[result.FoundNotShown], "neither shown to meet it nor to fail (too few images)"},
		{s.count[result.FoundStopped], "not trained to the end, as projections lie below it"},
		{s.count[result.FoundSkipped], "untrained, as larger ones clearly fail"},
		{s.count[result.FoundUnjudged], "not judged, as trials failed"},
		{s.untouched(winner), "never looked at, as a model of accuracy gives them too little chance"},
	} {
		if f.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", f.n, f.what))
		}
	}
	switch {
	case len(parts) == 0:
		return ""
	case winner < len(s.all):
		return "; of the cheaper ones " + text.List(parts)
	}
	return ": " + text.List(parts)
}

// counted says under which condition a certificate holds.
func (s *state) counted(winner int) string {
	l := s.p.Looks
	switch {
	case l == nil || winner == len(s.all) || s.p.older || s.p.Observed():
		return ""
	case l.Seen != "":
		return " As counted in this folder it is certified, if the target was not chosen from the test results shown on " + l.Seen + "."
	}
	return " Certified, counted in this folder."
}
