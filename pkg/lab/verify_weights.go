package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

// recompute runs the winner's networks from their weights on the test images, and
// compares the answers with those of the result files.
func (v *verifier) recompute(ctx context.Context, o VerifyOptions) error {
	w := v.cert.Winner
	if w == nil || o.Quick || v.int8() && len(v.cert.Target.Under) == 0 { // which is quantized again
		return nil
	}
	images := newQuantizer(v.folder, models.Source{Cache: v.l.Cache, Path: v.path}, v.l.Note)
	done, lost := 0, []string{}
	for _, n := range w.Networks {
		k := result.Key{ConfigID: w.ConfigID, Seed: n.Seed}
		if !export.HasWeights(v.folder, k) {
			lost = append(lost, fmt.Sprint(n.Seed))
			continue
		}
		set, err := images.images(v.cert.Dataset)
		if err != nil {
			v.missing(o, fmt.Sprintf("the winner's answers not recomputed: no data set here: %v", err))
			break
		}
		ok, err := v.recomputeOne(ctx, k, set, n.Under)
		if err != nil {
			return err
		}
		if ok {
			done++
		}
	}
	if len(lost) > 0 {
		v.missing(o, fmt.Sprintf("the winner's answers with seed %s not recomputed: no weights here", strings.Join(lost, ", ")))
	}
	if done > 0 {
		v.say("%s of the winner, run again from the weights on %d test images", text.Count(done, "network"), v.cert.Dataset.Test)
	}
	return nil
}

// missing notes what could not be recomputed; a fault where it was asked for.
func (v *verifier) missing(o VerifyOptions, what string) {
	if o.Weights {
		v.fault("--weights", "%s", what)
	} else {
		v.say("%s", what)
	}
}

func (v *verifier) recomputeOne(ctx context.Context, k result.Key, set *dataset.Set, under []int) (ok bool, err error) {
	t, err := export.OpenTrial(v.folder, k)
	if _, ok := errors.AsType[*export.UnfitError](err); ok {
		v.fault(k.String(), "%v", err)
		return false, nil
	}
	if err != nil {
		return false, exit.Failed(err)
	}
	if v.int8() {
		return v.recomputeShifted(ctx, t, set, under)
	}
	disputed, err := export.Disputed(ctx, t, set.Test, t.Result.Wrong.Test, parallelism(v.l.Work.Jobs))
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case err != nil:
		v.fault(k.String(), "recomputed: %v", err)
	case len(disputed) > 0:
		v.fault(k.String(), "recomputed: its weights answer %s otherwise than its result, such as %d: class %d",
			text.Count(len(disputed), "test image"), disputed[0][0], disputed[0][1])
	}
	if err != nil || len(disputed) > 0 {
		return false, nil
	}
	return v.recomputeShifted(ctx, t, set, under)
}

// recomputeShifted compares what the network finds in the shifted test images of
// the target's floors with what the certificate says: no more than that may be
// claimed. Answers as close as two programs may differ in count for it.
func (v *verifier) recomputeShifted(ctx context.Context, t *export.Trial, set *dataset.Set, under []int) (ok bool, err error) {
	for i, u := range v.cert.Target.Under[:min(len(under), len(v.cert.Target.Under))] {
		most, err := v.findsAtMost(ctx, t, set, u.Shift)
		switch {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case err != nil:
			v.fault(t.Result.Key().String(), "recomputed under %s: %v", u.Shift, err)
			return false, nil
		case under[i] > most:
			v.fault(t.Result.Key().String(), "recomputed: its weights are right on at most %d test images under %s, the certificate says %d", most,
				u.Shift, under[i])
			return false, nil
		}
	}
	return true, nil
}

// findsAtMost is how many shifted test images the network can be right on; of an int8
// network exactly.
func (v *verifier) findsAtMost(ctx context.Context, t *export.Trial, set *dataset.Set, name string) (int, error) {
	if v.int8() {
		s, err := export.Int8Shifted(ctx, t, set, true, []string{name}, parallelism(v.l.Work.Jobs))
		if err != nil {
			return 0, err
		}
		return s.Correct([]string{name}, result.Test)[0], nil
	}
	shifted, err := export.Shifted(set.Test, name, set.Data.Input)
	if err != nil {
		return 0, err
	}
	wrong, err := export.Disputed(ctx, t, shifted, nil, parallelism(v.l.Work.Jobs))
	return shifted.N() - len(wrong), err
}

func (v *verifier) int8() bool { return v.cert.Target.Precision == experiment.Int8 }

// limits says which forgeries this verification, with so many trials trained
// again, cannot see.
func (v *verifier) limits(retrained int) string {
	all := v.cert.Effort.Trials
	if retrained >= all {
		return "Every trial was trained again: what is left to believe is the data set and this program."
	}
	const only = "Results that were forged with care (with the lists of wrong images, digests and the search gone through again) show " +
		"only where their trials are trained again"
	if retrained == 0 {
		return only + ": --retrain all."
	}
	return fmt.Sprintf("%s: one forged trial of %d escapes %d drawn by chance with a probability of %s; --retrain all shows it.", only, all,
		retrained, text.Percent(1-float64(retrained)/float64(all)))
}

// sealedInt8 is an int8.json as it was before its trial's test images were
// opened.
func sealedInt8(b []byte) ([]byte, error) {
	var q result.Int8
	if err := models.UnmarshalStrict(b, &q); err != nil {
		return nil, err
	}
	return store.EncodeInt8(q.Sealed())
}

// requantizer makes int8 networks again from the weights that are kept, to
// compare them with what a certificate's files say.
type requantizer struct {
	ctx         context.Context // of the verification that it is a part of
	v           *verifier
	int8        *quantizer
	again, lost int
	imagesGone  error
}

func newRequantizer(ctx context.Context, v *verifier) *requantizer {
	source := models.Source{Cache: v.l.Cache, Path: v.path}
	return &requantizer{ctx: ctx, v: v, int8: newQuantizer(v.folder, source, v.l.Note)}
}

// quantize returns nil where the weights or the images are not here any more.
func (q *requantizer) quantize(k result.Key, test bool) (*result.Int8, error) {
	if !export.HasWeights(q.int8.folder, k) {
		q.lost++
		return nil, nil
	}
	if _, err := q.int8.images(q.v.cert.Dataset); err != nil {
		q.imagesGone = err
		return nil, nil
	}
	fresh, err := q.int8.again(q.ctx, k, test, parallelism(q.v.l.Work.Jobs))
	if errors.Is(err, errNoWeights) {
		q.lost++
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	q.again++
	return &fresh, nil
}

// report says what was made again, and what was not: a fault where it was asked for.
func (q *requantizer) report(v *verifier, o VerifyOptions) {
	if q.imagesGone != nil {
		v.missing(o, fmt.Sprintf("the int8 networks are not quantized again: no data set here: %v", q.imagesGone))
	}
	if q.lost > 0 {
		v.missing(o, text.Count(q.lost, "int8 network")+" not quantized again: no weights here")
	}
	if q.again > 0 {
		v.say("%s quantized again from the kept weights, bit for bit", text.Count(q.again, "int8 network"))
	}
}
