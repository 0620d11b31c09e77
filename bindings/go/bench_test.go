package rustml

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

// benchModel is RUSTML_BENCH_MODEL, for example SmolLM2-135M-Instruct.Q4_1.gguf, or the tiny model of the tests.
func benchModel(b *testing.B) *Model {
	path := os.Getenv("RUSTML_BENCH_MODEL")
	if path == "" {
		path = data(b, llama)
	}
	m, err := Open(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { m.Close() })
	return m
}

// What this package adds to each token: the time of the range less the time inside the library, which measures itself.
func BenchmarkGenerate(b *testing.B) {
	s := startSession(b, benchModel(b))
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour) // with a cancel handle and a deadline, as users have
	defer cancel()
	var r Result
	var inside, wall time.Duration
	tokens := 0
	for b.Loop() {
		if err := s.Reset(); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := last(s, ctx, Text("The capital of France is"), WithMaxTokens(128), WithIgnoreEOS(), WithResult(&r)); err != nil {
			b.Fatal(err)
		}
		wall += time.Since(start)
		inside += r.Prefill + r.Decode
		tokens += r.GeneratedTokens
	}
	b.ReportMetric(float64(tokens)/wall.Seconds(), "tokens/s")
	b.ReportMetric(float64((wall-inside).Nanoseconds())/float64(tokens), "overhead-ns/token")
	b.ReportMetric(100*float64(wall-inside)/float64(inside), "overhead-%")
}

// From cancel to return, in the middle of a long prompt.
func BenchmarkCancel(b *testing.B) {
	s := startSession(b, benchModel(b))
	info, err := s.Info()
	if err != nil {
		b.Fatal(err)
	}
	prompt := make(IDs, info.Capacity-1)
	var took []time.Duration
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		var at time.Time
		timer := time.AfterFunc(time.Duration(5+len(took)%20)*time.Millisecond, func() { at = time.Now(); cancel() })
		if err := last(s, ctx, prompt, WithRollback(), WithMaxTokens(1)); errors.Is(err, ErrCancelled) {
			took = append(took, time.Since(at))
		}
		timer.Stop()
		cancel()
	}
	if len(took) > 0 {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	}
}

func BenchmarkBatch(b *testing.B) {
	m := benchModel(b)
	var prompts []BatchPrompt
	for i := range 8 {
		prompts = append(prompts, BatchPrompt{IDs{int32(20 + i), 5, 6}, []GenerateOption{WithMaxTokens(32), WithIgnoreEOS()}})
	}
	tokens, start := 0, time.Now()
	for b.Loop() {
		_, err := m.GenerateBatch(context.Background(), prompts, func(c BatchChunk) error {
			if c.Finish == 0 {
				tokens++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(tokens)/time.Since(start).Seconds(), "tokens/s")
}

func BenchmarkEncode(b *testing.B) {
	m := benchModel(b)
	for b.Loop() {
		if _, err := m.Encode(context.Background(), "The capital of France is", 0); err != nil {
			b.Fatal(err)
		}
	}
}
