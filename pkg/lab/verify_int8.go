package lab

import (
	"context"
	"errors"

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
	folder := &store.Folder{Dir: v.dir}
	source := models.Source{Cache: v.l.Cache, Path: ownDataPath(v.dir, v.cert.Dataset)}
	return &requantizer{ctx: ctx, v: v, int8: newQuantizer(folder, source, v.l.Note)}
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

// report says what was made again, and what was not.
func (q *requantizer) report(v *verifier) {
	if q.imagesGone != nil {
		v.l.Note("the data set is not here, the int8 networks are not quantized again: %v", q.imagesGone)
	}
	if q.lost > 0 {
		v.l.Note("the weights of %s were not kept: the int8 networks are not quantized again", text.Count(q.lost, "trial"))
	}
	if q.again > 0 {
		v.say("%s quantized again from the kept weights, bit for bit", text.Count(q.again, "int8 network"))
	}
}
