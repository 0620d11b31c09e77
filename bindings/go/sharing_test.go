package rustml

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// threads is how many threads this process has, or 0 where that cannot be told.
func threads() (n int) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "Threads: %d", &n)
	}
	return n
}

// settled waits until nothing is held any more: the handlers, slots, goroutines and sessions of before.
func settled(t *testing.T, m *Model, goroutines int) ModelInfo {
	t.Helper()
	for range 200 {
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Sessions == 0 && len(slots) == 0 && runtime.NumGoroutine() <= goroutines {
			return info
		}
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
	info, _ := m.Info()
	t.Fatalf("%d sessions, %d slots, %d goroutines (%d before)", info.Sessions, len(slots), runtime.NumGoroutine(), goroutines)
	return info
}

// A thousand goroutines share a model: each gets its answer, and nothing is left: no handle, no memory, no thread.
func TestThousandGoroutines(t *testing.T) {
	const kinds = 20
	m := openModel(t, llama)
	goroutines := runtime.NumGoroutine()
	prompt := func(i int) Prompt { return IDs{int32(5 + i%kinds), 80, 72} }
	options := []GenerateOption{WithMaxTokens(8), WithIgnoreEOS()}
	var want [kinds][]int32
	round := func(n int, ctx context.Context) (bad atomic.Int32) {
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				s, err := m.NewSession(ctx, WithContext(64))
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				var ids []int32
				for chunk, err := range s.Generate(ctx, prompt(i), options...) {
					if err != nil {
						t.Error(err)
						return
					}
					if chunk.Finish == 0 {
						ids = append(ids, chunk.Token)
					}
				}
				if !slices.Equal(ids, want[i%kinds]) {
					bad.Add(1)
				}
			})
		}
		wait.Wait()
		return
	}
	for i := range kinds {
		s, err := m.NewSession(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want[i], _ = answer(t, s, prompt(i), options...)
		s.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// Go makes a thread whenever all that it has are inside calls, and keeps it: here are as many as may be inside the library at once.
	var here, done sync.WaitGroup
	crowd := cap(slots) + cap(turns)
	here.Add(crowd)
	done.Add(1)
	for range crowd {
		go func() {
			runtime.LockOSThread() // a locked goroutine has a thread for itself
			defer runtime.UnlockOSThread()
			here.Done()
			done.Wait()
		}()
	}
	here.Wait()
	done.Done()
	round(300, ctx)
	before, running := settled(t, m, goroutines), threads()
	for range 3 {
		start := time.Now()
		bad := round(1000, ctx)
		after := settled(t, m, goroutines)
		if bad.Load() != 0 || after.BytesNow != before.BytesNow || len(handlers.live) != 0 {
			t.Fatalf("%d wrong answers; %d bytes, %d before; %d handlers", bad.Load(), after.BytesNow, before.BytesNow, len(handlers.live))
		}
		t.Logf("1,000 answers in %v, %d threads, %d before, %d of them Go's", time.Since(start), threads(), running, pprof.Lookup("threadcreate").Count())
	}
	if threads() != running {
		t.Fatalf("%d threads, %d before", threads(), running)
	}
}

func TestBusy(t *testing.T) {
	m := openModel(t, slow)
	within(t, 5*late, func() time.Duration { return busy(t, startSession(t, m)) })
}

// busy is how long it takes until three calls beside a long one, the last of them of the library itself, were refused.
func busy(t *testing.T, s *Session) time.Duration {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		err := ErrBusy // while the reset below is first
		for errors.Is(err, ErrBusy) {
			err = s.Eval(ctx, longPrompt)
		}
		ended <- err
	}()
	for !s.running.Load() {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	for _, err := range []error{s.Eval(t.Context(), []int32{5}), last(s, t.Context(), IDs{1})} {
		if !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
	}
	err := s.Reset() // asks the library itself, which knows of the eval as soon as that is inside
	for err == nil && time.Since(start) <= 5*late {
		time.Sleep(time.Millisecond)
		err = s.Reset()
	}
	took := time.Since(start)
	if err != nil && !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if info, err := s.Info(); err != nil || info.Position != 0 { // looking is always possible: as it was when the call began
		t.Error(info, err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, ErrCancelled) {
		t.Error(err)
	}
	answer(t, s, IDs{5, 6}, WithMaxTokens(2))
	return took
}

// The collector moves stacks and frees what nobody holds while answers stream; forgotten objects are given back.
func TestCollectorWhileStreaming(t *testing.T) {
	m := openModel(t, llama)
	goroutines := runtime.NumGoroutine()
	want, wantText := func() ([]int32, string) {
		s, _ := m.NewSession(t.Context())
		defer s.Close()
		return answer(t, s, Text("The capital of France is"), WithMaxTokens(64), WithIgnoreEOS(), WithStop("never there"), WithLogitBias(map[int32]float32{3: 0.5}))
	}()
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 5 {
				s, err := m.NewSession(context.Background()) // never closed
				if err != nil {
					t.Error(err)
					return
				}
				ids, text := answer(t, s, Text("The capital of France is"), WithMaxTokens(64), WithIgnoreEOS(), WithStop("never there"),
					WithLogitBias(map[int32]float32{3: 0.5}))
				if !slices.Equal(ids, want) || text != wantText {
					t.Errorf("%q, wanted %q", text, wantText)
				}
			}
		})
	}
	wait.Wait()
	close(stop)
	collector.Wait()
	settled(t, m, goroutines)
}

// Sessions are closed by other goroutines while they answer.
func TestCloseWhileStreaming(t *testing.T) {
	m := openModel(t, llama)
	goroutines := runtime.NumGoroutine()
	for i := range 50 {
		s, err := m.NewSession(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(i)*100*time.Microsecond, func() { s.Close() })
		for _, err := range s.Generate(t.Context(), Text("The capital"), WithMaxTokens(30)) {
			if err != nil && !errors.Is(err, ErrClosed) {
				t.Fatal(err)
			}
		}
		s.Close()
	}
	settled(t, m, goroutines)
}
