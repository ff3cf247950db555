package lab

import (
	"context"
	"errors"
	"fmt"

	"slimfit/models"
	"slimfit/pkg/export"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
	"slimfit/pkg/text"
)

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
