package rustml

import (
	"context"
	"errors"
	"runtime"
	"time"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// slots bounds how many goroutines are inside long calls at once: each of them takes a thread of the system, which Go never gives
// back, and more of them than processors finish nothing sooner. The others wait here, where their contexts reach them.
var slots = make(chan struct{}, max(8, 2*runtime.GOMAXPROCS(0)))

func enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

func leave() { <-slots }

// turns bounds in the same way how many are inside calls that wait for nothing and call nobody back: a busy system suspends a
// thread also within these, and Go makes another one meanwhile.
var turns = make(chan struct{}, max(4, runtime.GOMAXPROCS(0)))

// briefly makes one such call.
func briefly(f func(*raw.Error) int32) error {
	turns <- struct{}{}
	defer func() { <-turns }()
	var object raw.Error
	return failure(nil, f(&object), object)
}

// watch carries the end of a context into the library. The zero watch is of a context that never ends.
type watch struct {
	cancel     raw.Cancel
	deadlineNs uint64
	ctx        context.Context
	trigger    func()
	detach     func() bool
}

// now makes an end of the context known at once, which is earlier than AfterFunc's goroutine may be.
func (w *watch) now() {
	if w.cancel != 0 && w.ctx.Err() != nil {
		w.trigger()
	}
}

func follow(ctx context.Context) (watch, error) {
	var w watch
	if deadline, ok := ctx.Deadline(); ok {
		w.deadlineNs = raw.DeadlineAfterNs(int64(time.Until(deadline)))
	}
	if ctx.Done() == nil {
		return w, nil
	}
	var cancel raw.Cancel
	if err := briefly(func(object *raw.Error) int32 { return raw.CancelCreate(&cancel, object) }); err != nil {
		return w, err
	}
	w.cancel, w.ctx = cancel, ctx
	known := w.deadlineNs != 0
	w.trigger = func() {
		switch {
		case !errors.Is(ctx.Err(), context.DeadlineExceeded):
			raw.CancelTrigger(cancel, raw.CancelReasonUser)
		case !known: // else the library watches the deadline itself, and says which it was
			raw.CancelTrigger(cancel, raw.CancelReasonDeadline)
		}
	}
	// A trigger that comes after the handle's release is answered with INVALID_HANDLE, which is fine.
	w.detach = context.AfterFunc(ctx, w.trigger)
	return w, nil
}

func (w *watch) close() {
	if w.cancel != 0 {
		w.detach()
		_ = briefly(func(*raw.Error) int32 { return raw.CancelRelease(w.cancel) })
		w.cancel = 0
	}
}

// invoke makes one long call: it waits for a slot, and f gets the options that carry ctx into the library.
func invoke(ctx context.Context, progress func(done, total uint64), f func(*raw.CallOptions, *raw.Error) int32) error {
	if err := enter(ctx); err != nil {
		return err
	}
	defer leave()
	w, err := follow(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	var options raw.CallOptions
	raw.CallOptionsInit(&options, uint32(unsafe.Sizeof(options)))
	options.Cancel, options.DeadlineNs = w.cancel, w.deadlineNs
	var pins runtime.Pinner
	defer pins.Unpin()
	h := handler{watch: &w}
	if progress != nil {
		h.event = func(e *raw.Event) func() error {
			done, total := e.Done, e.Total
			return func() error { progress(done, total); return nil }
		}
		options.Progress = h.callback(&pins)
	}
	var object raw.Error
	status := f(&options, &object)
	return h.outcome(failure(ctx, status, object))
}
