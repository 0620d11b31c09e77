package rustml

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
)

// Every kind of callback panics, a hundred times; the very same value comes back, and everything goes on.
func TestPanicInCallback(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	before, _ := answer(t, s, IDs{5, 6, 7}, WithMaxTokens(8), WithIgnoreEOS())
	mine := errors.New("mine")
	calls := map[string]func(){
		"batch": func() {
			_, _ = m.GenerateBatch(t.Context(), []BatchPrompt{{Prompt: IDs{5, 6}}}, func(BatchChunk) error { panic(mine) })
		},
		"beams": func() {
			_, _ = s.BeamSearch(t.Context(), IDs{5, 6, 7, 8}, WithMaxTokens(2), WithBeamProgress(func(int, int) { panic(mine) }))
		},
		"writer": func() { _, _ = s.Snapshot(t.Context()).WriteTo(writerFunc(func([]byte) (int, error) { panic(mine) })) },
		"reader": func() {
			_, _ = OpenReader(t.Context(), readerAtFunc(func([]byte, int64) (int, error) { panic(mine) }), 1<<20)
		},
		"prefill": func() {
			_ = s.Reset()
			_ = last(s, t.Context(), IDs{9, 8, 7}, WithPrefillProgress(func(int, int) { panic(mine) }))
		},
		"range": func() {
			for range s.Generate(t.Context(), IDs{5, 6, 7}) {
				panic(mine)
			}
		},
	}
	for range 100 {
		for name, call := range calls {
			if got := panicOf(call); got != mine {
				t.Fatalf("%s: panicked with %v", name, got)
			}
		}
	}
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if after, _ := answer(t, s, IDs{5, 6, 7}, WithMaxTokens(8), WithIgnoreEOS()); !equal(before, after) {
		t.Fatalf("%v, then %v", before, after)
	}
	if len(handlers.live) != 0 || len(slots) != 0 {
		t.Fatalf("%d handlers, %d slots left", len(handlers.live), len(slots))
	}
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type readerAtFunc func([]byte, int64) (int, error)

func (f readerAtFunc) ReadAt(p []byte, offset int64) (int, error) { return f(p, offset) }

// runtime.Goexit in a callback, which t.FailNow is, ends the goroutine and nothing else.
func TestGoexitInCallback(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	for range 10 {
		var wait sync.WaitGroup
		returned := false
		wait.Go(func() {
			_, _ = s.BeamSearch(t.Context(), IDs{5, 6, 7, 8}, WithMaxTokens(2), WithBeamProgress(func(int, int) { exit() }))
			returned = true
		})
		wait.Wait()
		if returned {
			t.Fatal("the goroutine went on")
		}
	}
	answer(t, s, IDs{5, 6, 7}, WithMaxTokens(2))
	if len(handlers.live) != 0 || len(slots) != 0 {
		t.Fatalf("%d handlers, %d slots left", len(handlers.live), len(slots))
	}
}

func TestCallbackErrors(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	answer(t, s, IDs{5, 6, 7}, WithMaxTokens(2))
	mine := errors.New("mine")
	_, batch := m.GenerateBatch(t.Context(), []BatchPrompt{{Prompt: IDs{5, 6}}}, func(BatchChunk) error { return mine })
	_, write := s.Snapshot(t.Context()).WriteTo(writerFunc(func([]byte) (int, error) { return 0, mine }))
	_, short := s.Snapshot(t.Context()).WriteTo(writerFunc(func([]byte) (int, error) { return 0, nil }))
	_, read := s.Restore(t.Context(), readerAtFunc(func([]byte, int64) (int, error) { return 0, mine }), 1<<20)
	_, open := OpenReader(t.Context(), readerAtFunc(func([]byte, int64) (int, error) { return 0, mine }), 1<<20)
	_, probe := ProbeSnapshot(readerAtFunc(func([]byte, int64) (int, error) { return 0, mine }), 1<<20)
	_, cut := ProbeSnapshot(strings.NewReader("x"), 1<<20)
	for _, got := range []struct{ got, want error }{
		{batch, mine}, {write, mine}, {short, io.ErrShortWrite}, {read, mine}, {open, mine}, {probe, mine}, {cut, io.ErrUnexpectedEOF},
	} {
		if got.got != got.want {
			t.Errorf("%v, wanted %v", got.got, got.want)
		}
	}
}

// A callback may make calls of its own, also when all slots are in use.
func TestCallInCallback(t *testing.T) {
	m := openModel(t, llama)
	for range cap(slots) - 1 {
		slots <- struct{}{}
	}
	defer func() {
		for range cap(slots) - 1 {
			<-slots
		}
	}()
	n := 0
	_, err := m.GenerateBatch(t.Context(), []BatchPrompt{{Prompt: IDs{5, 6}, Options: []GenerateOption{WithMaxTokens(3)}}}, func(c BatchChunk) error {
		n++
		_, err := m.Encode(t.Context(), "a b c", 0)
		return err
	})
	if err != nil || n < 2 {
		t.Fatal(n, err)
	}
}

func TestOpenReaderAndProgress(t *testing.T) {
	content, err := os.ReadFile(data(t, llama))
	if err != nil {
		t.Fatal(err)
	}
	var done, total uint64
	m, err := OpenReader(t.Context(), bytes.NewReader(content), int64(len(content)), WithProgress(func(d, n uint64) { done, total = d, n }))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m2, err := OpenBytes(t.Context(), content, WithoutWarmup(), WithTensorCheck(), WithThreads(1), WithQuantization(QuantizeKeep))
	if err != nil {
		t.Fatal(err)
	}
	defer m2.Close()
	a, err := m.Info()
	b, err2 := m2.Info()
	if err != nil || err2 != nil || a.Fingerprint != b.Fingerprint || a.VocabSize != 331 || a.Architecture != "llama" || total != 0 && done > total {
		t.Fatalf("%+v %+v %d of %d", a, b, done, total)
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: LevelTrace}))
	if err := SetLogger(logger, "trace"); err != nil {
		t.Fatal(err)
	}
	openModel(t, llama)
	if err := SetLogger(nil, ""); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "component=rustml") {
		t.Fatalf("%q", text)
	}
	n := out.Len()
	openModel(t, llama)
	if out.Len() != n || len(handlers.live) != 0 {
		t.Fatalf("records or %d handlers after the end", len(handlers.live))
	}
	if err := SetLogger(logger, "no=such=filter"); !errors.Is(err, ErrInvalidArgument) || len(handlers.live) != 0 {
		t.Fatal(err, len(handlers.live))
	}
}
