package rustml

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// longPrompt takes a second or more on the slow model.
var longPrompt = slices.Repeat([]int32{90, 305, 266, 262, 276, 66, 35, 55}, 1000)

func last(s *Session, ctx context.Context, p Prompt, options ...GenerateOption) (err error) {
	for _, err = range s.Generate(ctx, p, options...) {
	}
	return err
}

// stoppedInside says that the prompt was left before its end, which no machine is too slow or too busy for.
func stoppedInside(t *testing.T, name string, s *Session) {
	t.Helper()
	if info, err := s.Info(); err != nil || info.Position >= len(longPrompt) {
		t.Errorf("%s: %+v %v: the prompt was evaluated to its end", name, info, err)
	}
}

// within calls with a limit that passes inside the call. One that has passed before the work begins, as on a machine that stood
// still, leaves an empty result: then again with twice the time.
func within(r *Result, call func(time.Duration) error) (err error) {
	for limit := 40 * time.Millisecond; limit < time.Minute; limit *= 2 {
		if err = call(limit); *r != (Result{Finish: FinishDeadline}) {
			break
		}
	}
	return err
}

func TestCancelInPrefill(t *testing.T) {
	s := startSession(t, openModel(t, slow))
	mine := errors.New("mine")
	for name, call := range map[string]func(context.Context) error{
		"generate": func(ctx context.Context) error { return last(s, ctx, IDs(longPrompt)) },
		"eval":     func(ctx context.Context) error { return s.Eval(ctx, longPrompt) },
		"beams": func(ctx context.Context) error {
			_, err := s.BeamSearch(ctx, IDs(longPrompt))
			return err
		},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(30*time.Millisecond, func() { cancel(mine) })
		if err := call(ctx); !errors.Is(err, ErrCancelled) || !errors.Is(err, context.Canceled) || !errors.Is(err, mine) {
			t.Errorf("%s: %v", name, err)
		}
		stoppedInside(t, name, s)
		if _, text := answer(t, s, IDs{5, 6, 7}, WithMaxTokens(4), WithIgnoreEOS()); text == "" {
			t.Errorf("%s: not usable afterwards", name)
		}
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadlines(t *testing.T) {
	s := startSession(t, openModel(t, slow))
	var r Result
	err := within(&r, func(limit time.Duration) error {
		short, stop := context.WithTimeout(t.Context(), limit)
		defer stop()
		return last(s, short, IDs(longPrompt), WithResult(&r))
	})
	if !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) || r.Limit != LimitTotal {
		t.Errorf("%v, %+v", err, r)
	}
	stoppedInside(t, "total", s)
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	err = within(&r, func(limit time.Duration) error {
		return last(s, t.Context(), IDs(longPrompt), WithFirstTokenTimeout(limit), WithResult(&r))
	})
	if !errors.Is(err, ErrDeadlineExceeded) || r.Limit != LimitFirstToken {
		t.Errorf("%v, %+v", err, r)
	}
	stoppedInside(t, "first token", s)
	past, stop := context.WithTimeout(t.Context(), -time.Second)
	defer stop()
	if _, err := Open(past, data(t, slow)); !errors.Is(err, ErrDeadlineExceeded) {
		t.Error(err)
	}
	if err := last(s, past, IDs{1}, WithResult(&r)); !errors.Is(err, ErrDeadlineExceeded) || r != (Result{Finish: FinishDeadline}) {
		t.Errorf("%v, %+v", err, r)
	}
}

// A context that ends without having told its deadline.
type sudden struct {
	context.Context
	done chan struct{}
}

func (s sudden) Done() <-chan struct{} { return s.done }
func (s sudden) Err() error {
	select {
	case <-s.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestForeignContext(t *testing.T) {
	s := startSession(t, openModel(t, slow))
	ctx := sudden{t.Context(), make(chan struct{})}
	var begun sync.Once
	ends := WithPrefillProgress(func(int, int) { begun.Do(func() { close(ctx.done) }) })
	var r Result
	if err := last(s, ctx, IDs(longPrompt), WithResult(&r), ends); !errors.Is(err, ErrDeadlineExceeded) || r.Limit != LimitContext {
		t.Fatalf("%v, %+v", err, r)
	}
	stoppedInside(t, "foreign", s)
}

func TestCancelBetweenTokens(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for chunk, err := range s.Generate(ctx, IDs{5, 6, 7}, WithIgnoreEOS()) {
		if n++; n == 3 {
			cancel()
		} else if n > 3 {
			if !errors.Is(err, ErrCancelled) || chunk.Finish != FinishCancelled || n > 5 {
				t.Fatalf("%d: %v %+v", n, err, chunk)
			}
		}
	}
	if n < 4 {
		t.Fatal("no error came")
	}
}

// A context that ends while all slots are taken is seen by those who wait.
func TestCancelWhileWaiting(t *testing.T) {
	m := openModel(t, llama)
	for range cap(slots) {
		slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := m.NewSession(ctx)
	for range cap(slots) {
		<-slots
	}
	if !errors.Is(err, ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}
