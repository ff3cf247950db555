package claims

import (
	"strings"

	"slimfit/pkg/report"
	yk "slimfit/pkg/yamlkeys"
)

// File is a file of claims.
type File struct {
	Title     string   // of the document
	About     []string // paragraphs for its top
	Questions []Question
}

// Question is what some claims answer together.
type Question struct {
	Text   string // "" for claims that stand by themselves
	Answer string // what to make of the verdicts, in the author's words; without figures, which the claims have
	Claims []Claim
}

// Claim is one statement. All accuracies are on the report's images, as
// fractions.
type Claim struct {
	Line      int // in the file
	Text      string
	Source    string
	Note      string // what to make of it, in the author's words
	Ours      bool   // made here, to test something; not a claim of the source
	Check     Check
	Accuracy  Figure              // of those checks that need one
	Published bool                // instead of Accuracy each cell's published figure
	Least     float64             // of bound
	Margin    float64             // of same, in accuracy; of spread, a factor
	Cost      string              // of ratio
	Times     Figure              // of ratio
	Cells     []map[string]string // each names one configuration, see report.Find
	Than      []map[string]string // of gains: what each cell is held against
}

// Figure is a number as somebody printed it.
type Figure struct {
	Value    float64
	Rounding float64 // half a unit of its last printed digit
}

// Read reads a file of claims, strictly. What is wrong comes back as
// yamlkeys.Errors, all of it at once.
func Read(b []byte, file string) (*File, error) {
	p := yk.New(file, yk.Document{What: "file of claims", Keys: "title, questions and claims", One: "one file is one list of claims",
		Empty: "want `claims:` or `questions:`, a list", References: "a file of claims has no matrix"})
	root := p.Parse(b)
	if root == nil {
		return nil, p.Err()
	}
	v := p.Check(root, &yk.Key{Forms: yk.Forms(yk.Mapping(keys()...))}, "")
	if err := p.Err(); err != nil {
		return nil, err
	}
	out := &File{Title: v.Str("title", "Claims"), About: v.Strs("about")}
	if q := v.Get("questions"); q != nil {
		for _, item := range q.Items {
			text := trimmed(item, "question")
			if text == "" {
				p.Add(item.Get("question").Node, "no `question:`, its words")
			}
			out.Questions = append(out.Questions, Question{Text: text, Answer: trimmed(item, "answer"), Claims: claims(p, item.Get("claims"))})
		}
	}
	if c := v.Get("claims"); c != nil {
		out.Questions = append(out.Questions, Question{Claims: claims(p, c)})
	}
	if len(out.Questions) == 0 {
		p.Add(root, "no `claims:`, want a list of at least one")
	}
	return out, p.Err()
}

func trimmed(v *yk.Value, key string) string { return strings.TrimSpace(v.Str(key, "")) }

func claims(p *yk.Reader, list *yk.Value) (all []Claim) {
	for _, v := range list.Items {
		c := Claim{Line: v.Node.Line, Text: trimmed(v, "claim"), Source: v.Str("source", ""), Note: trimmed(v, "note"),
			Check: Check(v.Str("check", "")), Accuracy: figure(v.Get("accuracy")), Published: v.Str("accuracy", "") == "published",
			Least: v.Float("least", 0), Margin: v.Float("margin", 0), Cost: v.Str("cost", ""), Times: figure(v.Get("times")),
			Cells: places(v.Get("cells")), Than: places(v.Get("than"))}
		if ours := v.Get("ours"); ours != nil {
			c.Ours = ours.Truth
		}
		has := func(key string) bool { return v.Get(key) != nil }
		if err := c.valid(given{accuracy: has("accuracy"), times: has("times"), least: has("least"), margin: has("margin")}); err != nil {
			p.Add(v.Node, "%v", err)
		}
		all = append(all, c)
	}
	return all
}

// figure reads a number with the digits that it was printed with.
func figure(v *yk.Value) Figure {
	if v == nil || v.Kind != yk.NumberKind {
		return Figure{}
	}
	f := Figure{Value: v.Num, Rounding: report.Rounding(v.Node.Value)}
	if f.Rounding == 0 && !strings.ContainsAny(v.Node.Value, "eE.") {
		f.Rounding = 0.5 // a whole number
	}
	return f
}

func places(v *yk.Value) []map[string]string {
	if v == nil {
		return nil
	}
	all := make([]map[string]string, len(v.Items))
	for i, cell := range v.Items {
		all[i] = map[string]string{}
		for _, q := range cell.Pairs {
			all[i][q.Name] = report.ValueText(q.Any)
		}
	}
	return all
}
