package rustml

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// longPrompt takes seconds on the slow model.
var longPrompt = slices.Repeat([]int32{90, 305, 266, 262, 276, 66, 35, 55}, 1000)

// late is how long after the cancel a call may return: 10 ms are promised on a quiet machine, which this may not be.
const late = 250 * time.Millisecond

func last(s *Session, ctx context.Context, p Prompt, options ...GenerateOption) (err error) {
	for _, err = range s.Generate(ctx, p, options...) {
	}
	return err
}

// within asks for the limit in one of three tries: other programs may have the processors. What else a try finds, it tells itself.
func within(t *testing.T, limit time.Duration, try func() time.Duration) {
	t.Helper()
	for range 3 {
		took := try()
		if took <= limit {
			return
		}
		t.Logf("took %v, wanted at most %v", took, limit)
	}
	t.Errorf("longer than %v, three times", limit)
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
		within(t, late, func() time.Duration {
			ctx, cancel := context.WithCancelCause(t.Context())
			var at time.Time
			time.AfterFunc(30*time.Millisecond, func() { at = time.Now(); cancel(mine) })
			err := call(ctx)
			took := time.Since(at)
			if !errors.Is(err, ErrCancelled) || !errors.Is(err, context.Canceled) || !errors.Is(err, mine) {
				t.Errorf("%s: %v", name, err)
			}
			return took
		})
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
	const limit, late = 40 * time.Millisecond, 5 * late // only that it ends long before the prompt would
	// How long the call takes. Where the limit has passed before the work begins, nothing is shown.
	took := func(call func() error, wanted error, which Limit) time.Duration {
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err := call()
		if !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, wanted) {
			t.Errorf("%v, %+v", err, r)
		}
		if r == (Result{Finish: FinishDeadline}) {
			return time.Hour
		}
		if r.Limit != which {
			t.Errorf("%v, %+v", err, r)
		}
		return time.Since(start)
	}
	within(t, limit+late, func() time.Duration {
		return took(func() error {
			short, stop := context.WithTimeout(t.Context(), limit)
			defer stop()
			return last(s, short, IDs(longPrompt), WithResult(&r))
		}, context.DeadlineExceeded, LimitTotal)
	})
	within(t, limit+late, func() time.Duration {
		return took(func() error {
			return last(s, t.Context(), IDs(longPrompt), WithFirstTokenTimeout(limit), WithResult(&r))
		}, ErrDeadlineExceeded, LimitFirstToken)
	})
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
