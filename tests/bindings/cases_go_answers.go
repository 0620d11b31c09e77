// Steps of cases_go.go that answer: generations, beams, snapshots.
package main

import (
	"bytes"
	"context"
	"iter"
	"math"
	"slices"

	rustml "github.com/librustml/librustml/bindings/go"
)

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func drain(chunks iter.Seq2[rustml.Chunk, error]) (err error) {
	for _, err = range chunks {
	}
	return err
}

func (r *runner) position(session *rustml.Session, s step) error {
	info, err := session.Info()
	return first(err, same("position", info.Position, s.WantPosition))
}

func (r *runner) generate(ctx context.Context, s step) error {
	var result rustml.Result
	ids, text := []int32{}, ""
	var ended error
	for chunk, err := range r.session.Generate(ctx, s.prompt(), s.options(rustml.WithResult(&result))...) {
		if ended = err; err != nil {
			break
		}
		text += chunk.Text
		if chunk.Finish == 0 {
			ids = append(ids, chunk.Token)
		}
		if s.BreakAfter > 0 && len(ids) == s.BreakAfter {
			break
		}
	}
	if s.SaveAs != "" {
		r.saved[s.SaveAs] = ids
	}
	if s.SameAs != "" && !slices.Equal(ids, r.saved[s.SameAs]) {
		return wrongf("%v is not %s", ids, s.SameAs)
	}
	if s.DiffersFrom != "" && slices.Equal(ids, r.saved[s.DiffersFrom]) {
		return wrongf("equals %s", s.DiffersFrom)
	}
	if s.Publish != "" {
		publish(s.Publish, ids)
	}
	if result.PrefillSkipped < s.WantSkippedAtLeast {
		return wrongf("%d tokens skipped, wanted at least %d", result.PrefillSkipped, s.WantSkippedAtLeast)
	}
	return first(want("ids", ids, s.WantIDs, slices.Equal), same("text", text, s.WantText), same("finish", result.Finish.String(), s.WantFinish),
		same("prompt tokens", result.PromptTokens, s.WantPromptTokens), ended)
}

func (r *runner) beams(ctx context.Context, s step) error {
	options := []rustml.BeamOption{rustml.WithEarlyStopping(rustml.EarlyStopping(s.EarlyStopping))}
	for _, o := range s.common() {
		options = append(options, o)
	}
	if s.Width != nil {
		options = append(options, rustml.WithBeams(*s.Width))
	}
	if s.NBest != nil {
		options = append(options, rustml.WithBest(*s.NBest))
	}
	if s.LengthPenalty != nil {
		options = append(options, rustml.WithLengthPenalty(*s.LengthPenalty))
	}
	beams, err := r.session.BeamSearch(ctx, rustml.IDs(s.IDs), options...)
	if err != nil || s.WantBeams == nil {
		return err
	}
	if len(beams) != len(*s.WantBeams) {
		return wrongf("%d beams, wanted %d", len(beams), len(*s.WantBeams))
	}
	for i, w := range *s.WantBeams {
		if b := beams[i]; !slices.Equal(b.Tokens, w.IDs) || b.Stop != w.StopID || math.Abs(float64(b.Score)-w.Score) > 1e-3 {
			return wrongf("beam %d is %+v, wanted %+v", i, b, w)
		}
	}
	return nil
}

func (r *runner) snapshot(ctx context.Context, s step) error {
	var buffer bytes.Buffer
	if _, err := r.session.Snapshot(ctx).WriteTo(&buffer); err != nil {
		return err
	}
	data := buffer.Bytes()
	if s.Flip != nil {
		data[(len(data)+*s.Flip)%len(data)] ^= 255
	}
	session := r.session
	if s.Into != "" {
		var err error
		if session, err = r.open(s.Into).NewSession(ctx, rustml.WithKVType(rustml.KVF32)); err != nil {
			return wrong{err}
		}
		defer session.Close()
	}
	if _, err := session.Snapshot(ctx).ReadFrom(bytes.NewReader(data[:len(data)-s.Cut])); err != nil {
		return err
	}
	return r.position(session, s)
}
