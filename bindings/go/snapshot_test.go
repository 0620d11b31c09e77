package rustml

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// An answer stopped in the middle, written, read into another session and resumed is the answer.
func TestSnapshot(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	options := []GenerateOption{WithMaxTokens(20), WithIgnoreEOS(), WithTemperature(0.8), WithSeed(3)}
	var buffer bytes.Buffer
	var ids []int32
	file := filepath.Join(t.TempDir(), "ä.snapshot")
	for chunk, err := range s.Generate(t.Context(), Text("The capital"), options...) {
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Finish == 0 {
			ids = append(ids, chunk.Token)
		}
		if len(ids) == 7 && buffer.Len() == 0 {
			snapshot := s.Snapshot(t.Context())
			size, err := snapshot.Size()
			n, err2 := snapshot.WriteTo(&buffer)
			if err := errors.Join(err, err2, s.Save(t.Context(), file)); err != nil || n != size || int64(buffer.Len()) != n {
				t.Fatal(err, n, size)
			}
		}
	}
	whole := bytes.NewReader(buffer.Bytes())
	info, err := ProbeSnapshot(whole, whole.Size())
	model, _ := m.Info()
	if err != nil || !info.Generating || info.ModelFingerprint != model.Fingerprint || info.Bytes != whole.Size() {
		t.Fatalf("%+v %v", info, err)
	}
	for name, restore := range map[string]func(s *Session) (RestoreInfo, error){
		"ReadFrom": func(s *Session) (RestoreInfo, error) {
			p := s.Snapshot(t.Context())
			_, err := p.ReadFrom(bytes.NewBuffer(buffer.Bytes()))
			return p.Restored(), err
		},
		"Restore": func(s *Session) (RestoreInfo, error) { return s.Restore(t.Context(), whole, whole.Size()) },
		"Load":    func(s *Session) (RestoreInfo, error) { return s.Load(t.Context(), file) },
	} {
		other := startSession(t, m)
		restored, err := restore(other)
		if err != nil || !restored.Generating || restored.Tokens != info.Tokens {
			t.Fatalf("%s: %+v %v", name, restored, err)
		}
		var tail []int32
		for chunk, err := range other.Resume(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if chunk.Finish == 0 {
				tail = append(tail, chunk.Token)
			}
		}
		if !equal(tail, ids[7:]) {
			t.Errorf("%s: %v, wanted %v", name, tail, ids[7:])
		}
	}
	before, _ := s.Tokens()
	damaged := bytes.Clone(buffer.Bytes())
	damaged[len(damaged)-5] ^= 255
	if _, err := s.Snapshot(t.Context()).ReadFrom(bytes.NewReader(damaged)); !errors.Is(err, ErrDataLoss) {
		t.Fatal(err)
	}
	if after, _ := s.Tokens(); !equal(before, after) {
		t.Fatal("a damaged snapshot changed the session")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := s.Snapshot(ctx).WriteTo(&buffer); n != 0 || !errors.Is(err, ErrCancelled) {
		t.Fatal(n, err)
	}
}

func TestFork(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	if err := s.Eval(t.Context(), []int32{5, 6, 7}); err != nil {
		t.Fatal(err)
	}
	fork, err := s.Fork(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	a, err := s.Logits(t.Context())
	b, err2 := fork.Logits(t.Context())
	if err := errors.Join(err, err2); err != nil || len(a) != 331 || !equalFloats(a, b) {
		t.Fatal(err, len(a), len(b))
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if ids, err := fork.Tokens(); err != nil || !equal(ids, []int32{5, 6, 7}) {
		t.Fatal(ids, err)
	}
}

func equalFloats(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestBeamSearch(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	steps := 0
	var r Result
	beams, err := s.BeamSearch(t.Context(), IDs{5, 6, 7}, WithBeams(4), WithBest(3), WithMaxTokens(6), WithIgnoreEOS(), WithLengthPenalty(0.5),
		WithEarlyStopping(StopNever), WithBeamProgress(func(done, total int) { steps++ }), WithResult(&r))
	if err != nil || len(beams) != 3 || steps == 0 || r.GeneratedTokens != len(beams[0].Tokens) || beams[0].Score < beams[2].Score {
		t.Fatalf("%+v, %d steps, %+v, %v", beams, steps, r, err)
	}
	if ids, _ := s.Tokens(); !equal(ids, append([]int32{5, 6, 7}, beams[0].Tokens...)) {
		t.Fatalf("the session holds %v", ids)
	}
}
