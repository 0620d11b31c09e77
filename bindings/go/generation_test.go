package rustml

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// data is a file of the repository's golden data.
func data(t testing.TB, name string) string {
	folder := os.Getenv("RUSTML_TEST_DATA")
	if folder == "" {
		folder = "../../tests/golden/data"
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	llama = "architectures/llama.gguf" // 331 tokens, has a chat template
	slow  = "slow_q4_0.gguf"           // takes tenths of a second to seconds for 8,000 tokens
)

func openModel(t testing.TB, name string) *Model {
	t.Helper()
	model, err := Open(t.Context(), data(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return model
}

func startSession(t testing.TB, m *Model, options ...SessionOption) *Session {
	t.Helper()
	s, err := m.NewSession(context.Background(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// answer is the tokens and the text of a whole answer.
func answer(t testing.TB, s *Session, p Prompt, options ...GenerateOption) (ids []int32, text string) {
	t.Helper()
	for chunk, err := range s.Generate(context.Background(), p, options...) {
		if err != nil {
			t.Fatal(err)
		}
		text += chunk.Text
		if chunk.Finish == 0 {
			ids = append(ids, chunk.Token)
		}
	}
	return ids, text
}

func TestGenerate(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	var r Result
	ids, text := answer(t, s, Text("The capital of France is"), WithMaxTokens(12), WithIgnoreEOS(), WithResult(&r))
	if len(ids) != 12 || text == "" || r.Finish != FinishLength || r.PromptTokens != 15 || r.GeneratedTokens != 12 {
		t.Fatalf("%d tokens, %q, %+v", len(ids), text, r)
	}
	tokens, err := s.Tokens()
	if err != nil || len(tokens) != r.TokensCommitted {
		t.Fatalf("%d tokens, %v, want %d", len(tokens), err, r.TokensCommitted)
	}
}

func TestOpenErrors(t *testing.T) {
	_, err := Open(t.Context(), "/no/such.gguf")
	var e *Error
	if !errors.Is(err, ErrNotFound) || !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrBusy) || !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e.Code != CodeNotFound || !strings.Contains(e.Message, "/no/such.gguf") {
		t.Fatalf("%+v", e)
	}
}

func equal(a, b []int32) bool { return slices.Equal(a, b) }

func exit() { runtime.Goexit() }

func TestGenerateOptions(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	prompt := IDs{124, 80, 72, 88, 67}
	sample := []GenerateOption{WithTemperature(0.9), WithTopK(60), WithTopP(0.95), WithMinP(0.001), WithTypicalP(0.99), WithMaxTokens(24),
		WithIgnoreEOS(), WithRepetitionPenalty(1.1), WithPresencePenalty(0.1), WithFrequencyPenalty(0.1), WithRepetitionWindow(32), WithRollback()}
	first, _ := answer(t, s, prompt, append(sample, WithSeed(11))...)
	again, _ := answer(t, s, prompt, append(sample, WithSeed(11))...)
	other, _ := answer(t, s, prompt, append(sample, WithSeed(12))...)
	looked, _ := answer(t, s, prompt, append(sample, WithSeed(11), WithPromptLookup(4))...)
	if !equal(first, again) || equal(first, other) || !equal(first, looked) || len(first) != 24 {
		t.Fatalf("%v %v %v %v", first, again, other, looked)
	}
	greedy, text := answer(t, s, prompt, WithMaxTokens(8), WithIgnoreEOS(), WithRollback())
	banned, _ := answer(t, s, prompt, WithMaxTokens(8), WithIgnoreEOS(), WithRollback(), WithLogitBias(map[int32]float32{greedy[0]: float32(math.Inf(-1))}))
	if banned[0] == greedy[0] {
		t.Fatal("a forbidden token came")
	}
	stopped, _ := answer(t, s, prompt, WithStopIDs(greedy[3]), WithIgnoreEOS(), WithRollback())
	if !equal(stopped, greedy[:3]) && greedy[3] != greedy[0] {
		t.Fatalf("%v, wanted %v", stopped, greedy[:3])
	}
	stop := string([]rune(text)[1:2])
	_, cut := answer(t, s, prompt, WithStop("never", stop), WithIgnoreEOS(), WithMaxTokens(8), WithRollback())
	if want := text[:strings.Index(text, stop)]; cut != want {
		t.Fatalf("%q, wanted %q", cut, want)
	}
	for chunk, err := range s.Generate(t.Context(), prompt, WithLogprobs(3), WithMaxTokens(1), WithIgnoreEOS()) {
		if err != nil || chunk.Finish != 0 {
			continue
		}
		if len(chunk.Top) != 3 || chunk.Top[0] != (Logprob{chunk.Token, chunk.Logprob}) || !(chunk.Logprob <= 0) || chunk.Top[1].Logprob > chunk.Top[0].Logprob {
			t.Fatalf("%+v", chunk)
		}
	}
}

// Leaving the range closes the answer: the session can be used at once, and holds what came.
func TestBreak(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	var r Result
	for range 3 {
		for range s.Generate(t.Context(), IDs{5, 6, 7}, WithIgnoreEOS(), WithResult(&r)) {
			if info, err := s.Info(); err != nil || !info.Generating {
				t.Fatal(info, err)
			}
			if err := s.Reset(); !errors.Is(err, ErrFailedPrecondition) {
				t.Fatal(err)
			}
			break
		}
		info, err := s.Info()
		if err != nil || info.Generating || info.Position != 4 || r.Finish != FinishClosed || r.TokensCommitted != 4 {
			t.Fatalf("%+v %+v %v", info, r, err)
		}
	}
	if err := s.Rewind(2); err != nil {
		t.Fatal(err)
	}
}

func TestChat(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	chat := s.NewChat(Message{"system", "Be brief."})
	said := ""
	for chunk, err := range chat.Send(t.Context(), "Hello", WithMaxTokens(5)) {
		if err != nil {
			t.Fatal(err)
		}
		said += chunk.Text
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range chat.Send(ctx, "never said") {
		if !errors.Is(err, ErrCancelled) {
			t.Fatal(err)
		}
	}
	var r Result
	for range chat.Send(t.Context(), "And now?", WithMaxTokens(5), WithResult(&r)) {
		break
	}
	got := chat.Messages()
	if len(got) != 5 || got[2] != (Message{"assistant", said}) || got[3].Content != "And now?" || r.PrefillSkipped < 10 {
		t.Fatalf("%+v, %d skipped", got, r.PrefillSkipped)
	}
	text, err := m.FormatChat(t.Context(), got[:2], true)
	if err != nil || !strings.HasSuffix(text, "<|im_start|>assistant\n") {
		t.Fatalf("%q %v", text, err)
	}
}

func TestBatch(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	var prompts []BatchPrompt
	var alone [][]int32
	for i := range int32(9) {
		options := []GenerateOption{WithMaxTokens(6 + int(i)), WithIgnoreEOS(), WithRollback()}
		prompts = append(prompts, BatchPrompt{IDs{i + 5, 80, 72}, options})
		ids, _ := answer(t, s, prompts[i].Prompt, options...)
		alone = append(alone, ids)
	}
	texts := make([]string, len(prompts))
	results, err := m.GenerateBatch(t.Context(), prompts, func(c BatchChunk) error {
		texts[c.Index] += c.Text
		if c.Index == 4 && c.Position == 3 {
			return SkipAnswer
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		want := alone[i]
		if i == 4 {
			want = want[:1]
		}
		if r.Err != nil || !equal(r.Tokens, want) || r.Text != texts[i] || r.Finish != FinishLength && i != 4 {
			t.Errorf("%d: %+v, wanted %v", i, r, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	results, err = m.GenerateBatch(ctx, prompts, func(BatchChunk) error { cancel(); return nil })
	if !errors.Is(err, ErrCancelled) || len(results) != len(prompts) {
		t.Fatalf("%v %+v", err, results)
	}
	short := []GenerateOption{WithMaxTokens(2)}
	results, err = m.GenerateBatch(t.Context(), []BatchPrompt{{IDs{1}, short}, {IDs{400}, short}}, nil)
	if bad := results[1].Err; err != nil || results[0].Err != nil || !errors.Is(bad, ErrInvalidArgument) || !strings.Contains(bad.Error(), "400") {
		t.Fatalf("%v %+v", err, results)
	}
	if results, err := m.GenerateBatch(t.Context(), nil, nil); len(results) != 0 {
		t.Fatal(results, err)
	}
}

func TestTokens(t *testing.T) {
	m := openModel(t, llama)
	const text = "naïve 😀 <|im_end|>"
	ids, err := m.Encode(t.Context(), text, 0)
	back, err2 := m.Decode(ids)
	if err != nil || err2 != nil || back != text {
		t.Fatalf("%q %v %v", back, err, err2)
	}
	special, err := m.Encode(t.Context(), "<|im_end|>x", ParseSpecial)
	plain, err2 := m.DecodePlain(special)
	info, err3 := m.TokenInfo(special[0])
	raw, err4 := m.TokenBytes(special[1])
	if err := errors.Join(err, err2, err3, err4); err != nil || plain != "x" || !info.Special || !info.Stop || string(raw) != "x" {
		t.Fatalf("%v %q %+v %q %v", special, plain, info, raw, err)
	}
	if empty, err := m.Encode(t.Context(), "", 0); err != nil || len(empty) != 0 {
		t.Fatal(empty, err)
	}
	if description, err := m.Describe(); err != nil || !json.Valid(description) {
		t.Fatal(err)
	}
}
