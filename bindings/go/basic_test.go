package rustml

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
		t.Skip(err)
	}
	return path
}

const (
	llama = "architectures/llama.gguf" // 331 tokens, has a chat template
	slow  = "slow_q4_0.gguf"           // takes seconds for 8,000 tokens
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
