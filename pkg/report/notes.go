package report

import (
	"fmt"
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/text"
)

// notes defines every term that the report's tables and figures use.
func (r *decided) notes() []Note {
	notes := costNotes()
	if TrainsMore(r.Rows) {
		notes = append(notes, Note{"parameters trained", "As Keras counts them: with gamma, beta and moving averages of batch normalisation, " +
			"which is part of weights and biases in the network as deployed, where parameters are counted."})
	}
	notes = append(append(notes, accuracyNotes()...), r.int8Note()...)
	if words := r.Dataset.Alike(); words != "" {
		notes = append(notes, Note{"groups", words})
	}
	notes = append(notes,
		Note{"ratio", fmt.Sprintf("How many times larger the baseline's figure is than this network's; beside accuracies, of %s. Baseline: %s.", r.Costs[r.CostIndex(r.cost())].Head, text.Plain(r.Baseline.Name))},
		Note{"front", fmt.Sprintf("Networks that no other beats: none is as cheap in %s and as accurate (mean over finished seeds, %s images), and better in one of the two.", r.Costs[r.CostIndex(r.cost())].Head, r.Split)},
		Note{"seconds", "Training time of one trial, its share where several were trained in one graph; start-up and evaluation are not counted. It depends on the machine and its load, which moves a mean more than a median over the seeds."},
	)
	if r.anyFiles() {
		notes = append(notes, fileNotes()...)
	}
	if r.Counts.Skipped > 0 {
		notes = append(notes, Note{"skipped", "Not trained: the search answers without it. The certificate says why."})
	}
	if r.Target != nil {
		notes = append(notes, Note{"meets", r.verdictNote()})
	} else {
		notes = append(notes, Note{"meets", "No target was set; in the page, the reader's threshold decides."})
	}
	if r.Pairs != nil {
		notes = append(notes, Note{"difference", fmt.Sprintf("Of mean accuracies, in percentage points, with a standard error from a crossed "+
			"bootstrap over seeds and images (%d draws; Owen 2007): all networks are judged on the same images, and a retrained network "+
			"differs. Seeds are drawn for each network by itself, equal ones too. "+fewSeeds+
			" p is Holm-corrected for the %d pairs.", r.Pairs.Replicates, len(r.Pairs.Pairs))})
	}
	for i := range r.Rows {
		if r.Rows[i].Published != nil {
			return append(notes, Note{"published", "A figure that somebody else reports, as printed there; it is not a result of these runs. " +
				"Its place is among our seeds' test accuracies."})
		}
	}
	return notes
}

// fewSeeds says how intervals and p-values of differences hold with few seeds.
const fewSeeds = "The seeds' shares of the variance and the images' each count by a quantile of their own (Banerjee 1960), so that p " +
	"holds with few seeds, which can show little then."

// TrainsMore says whether a network has parameters in training that it is
// deployed without.
func TrainsMore(rows []Row) bool {
	return slices.ContainsFunc(rows, func(row Row) bool { return row.Footprint.Trained() != row.Footprint.Parameters })
}

func costNotes() []Note {
	return []Note{
		{"parameters", "Weights and biases of all layers; dropout and pooling have none."},
		{"weights", "Without biases: what arXiv 1705.03338 calls parameters."},
		{"MACs", "Multiply-accumulates of convolution and dense layers for one image; with SAME padding the taps on the padding count too."},
		{"weight bytes", "All parameters at 4 bytes (float32)."},
		{"activations", "Output elements of the input, convolution and pooling layers for one image: what arXiv 1705.03338 calls memory."},
		{"activations with dense", "The same and the outputs of dense layers."},
		{"peak activations", "The largest input + output of a single layer, in elements: what must be held at once when layers run one after another."},
	}
}

func fileNotes() []Note {
	return []Note{
		{"TFLite, TFLite int8, npz", "Bytes of the network as slimfit export writes it: a TensorFlow Lite file in float32 or in int8, and its weights as NumPy arrays. They depend on the layers; int8 files also, by some bytes, on the trained weights, as equal scales are written once."},
		{"arena, arena float32", "Bytes that the int8 and the float32 file need for activations in TensorFlow Lite Micro, by its greedy planner."},
	}
}

func accuracyNotes() []Note {
	return []Note{
		{"validation", "Share of the validation images classified correctly. They are held back from training, to choose networks by."},
		{"test", "Share of the test images classified correctly. They take no part in training, and choosing by them flatters what is chosen."},
		{"seed", "Number that decides initial weights, dropout and, unless the order is shared, the order of images. Another seed is another network."},
		{"mean, sd, min, max", "Over the seeds that are done. sd is the sample standard deviation (n - 1); it is not known for one seed. Seeds that failed, diverged or are missing are counted beside it and are in no mean."},
		{"interval of one network", "Two-sided 95 % Clopper-Pearson: how far the finite number of images leaves one fixed network's accuracy open. It says nothing of another seed."},
		{"interval of the mean", "Student's 95 % over seeds: how far the mean over retrainings is known, on these images. It assumes roughly normal values."},
		{"done", "The trial was trained to its last step and evaluated."},
		{"failed", "The trial ended in an error; its accuracy is unknown."},
		{"diverged", "The training loss was no longer a finite number. It counts as missing the target."},
		{"missing", "Planned, but there is no result (yet)."},
	}
}

func (r *decided) verdictNote() string {
	t := r.Target
	switch t.Rule {
	case experiment.RuleMean:
		return fmt.Sprintf("The mean over %s is at least %s on the %s images.", text.Count(t.Seeds, "seed"), text.Threshold(t.Accuracy), r.Split)
	case experiment.RuleTolerance:
		return fmt.Sprintf("Mean - k sd over %s is at least %s on the %s images: with %s confidence 95 %% of further seeds lie above it, if "+
			"they are normally distributed.", text.Count(t.Seeds, "seed"), text.Threshold(t.Accuracy), r.Split, text.Threshold(t.Confidence))
	}
	reaches, metric := "is at least "+text.Threshold(t.Accuracy)+" accurate", ""
	if r.Balanced() {
		reaches = "reaches " + t.Asked()
		metric = " The balanced accuracy is the mean over classes of recalls; its 95 % interval is the mean of theirs at 95 % together " +
			"(Clopper-Pearson, Bonferroni)."
	}
	return fmt.Sprintf("Every one of %s %s on the %s images. \"undecided\": no finished seed is below it, but some "+
		"are missing or failed. That the smallest of n seeds passes bounds 95 %% of further seeds with confidence 1 - 0.95^n only.",
		text.Count(t.Seeds, "seed"), reaches, r.Split) + metric
}
