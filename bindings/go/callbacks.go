package rustml

import (
	"runtime"
	"sync"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// handler is what the library calls back during one call. The library knows it by a number, never by an address.
type handler struct {
	event  func(*raw.Event) func() error // copies what it needs of the event and returns the user's part
	readAt func(offset uint64, buf []byte) error
	write  func(data []byte) error
	value  func(error) int32 // what the library gets for a user's error; nil: 1
	keep   bool              // the call has no slot to give back meanwhile
	shared bool              // called by many goroutines at once, whose calls it may not end
	watch  *watch            // of a context that the user's part may end

	err      error
	panicked any
	exited   bool
}

var handlers = struct {
	sync.Mutex
	last uintptr
	live map[uintptr]*handler
}{live: map[uintptr]*handler{}}

// register makes h known until the library destroys it, which it does exactly once for every call that got the number.
func (h *handler) register() uintptr {
	handlers.Lock()
	defer handlers.Unlock()
	handlers.last++
	handlers.live[handlers.last] = h
	return handlers.last
}

func registered(number uintptr) *handler {
	handlers.Lock()
	defer handlers.Unlock()
	return handlers.live[number]
}

func init() {
	raw.HandleOnEvent = func(number uintptr, event *raw.Event) int32 {
		h := registered(number)
		return h.run(h.event(event))
	}
	raw.HandleReadAt = func(number uintptr, offset uint64, buf unsafe.Pointer, n uint64) int32 {
		h := registered(number)
		return h.run(func() error { return h.readAt(offset, unsafe.Slice((*byte)(buf), n)) })
	}
	raw.HandleWrite = func(number uintptr, data unsafe.Pointer, n uint64) int32 {
		h := registered(number)
		return h.run(func() error { return h.write(unsafe.Slice((*byte)(data), n)) })
	}
	raw.HandleDestroy = func(number uintptr) {
		handlers.Lock()
		defer handlers.Unlock()
		delete(handlers.live, number)
	}
}

// run calls the user's part and returns to the library. The user's part runs on a goroutine of its own, so that neither a panic
// nor a [runtime.Goexit] (t.FailNow) unwinds the library's frames; the slot is free meanwhile, so that it may make other calls.
func (h *handler) run(part func() error) int32 {
	if h.shared {
		_, _, _ = apart(part)
		return 0
	}
	if h.panicked != nil || h.exited {
		return -1
	}
	if !h.keep {
		leave()
		defer func() { slots <- struct{}{} }()
	}
	h.err, h.panicked, h.exited = apart(part)
	if h.watch != nil {
		h.watch.now()
	}
	switch {
	case h.panicked != nil || h.exited:
		return -1
	case h.err == nil:
		return 0
	case h.value != nil:
		return h.value(h.err)
	}
	return 1
}

// apart runs part on another goroutine and tells how it ended.
func apart(part func() error) (err error, panicked any, exited bool) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		exited = true
		defer func() {
			if exited {
				panicked = recover()
				exited = panicked == nil
			}
		}()
		err = part()
		exited = false
	}()
	<-finished
	return err, panicked, exited
}

// outcome goes on, after the call, with what the user's part did: its panic, its exit, its error; else the call's own error.
func (h *handler) outcome(err error) error {
	if h.panicked != nil {
		panic(h.panicked)
	}
	if h.exited {
		runtime.Goexit()
	}
	if e, ok := err.(*Error); ok && e.Code == CodeCallbackStop && h.err != nil {
		return h.err
	}
	return err
}

// callback makes h the callback of one call.
func (h *handler) callback(pins *runtime.Pinner) *raw.Callback {
	var c raw.Callback
	raw.CallbackInit(&c, uint32(unsafe.Sizeof(c)))
	c.OnEvent, c.Destroy, c.UserData = raw.OnEventAddress(), raw.DestroyAddress(), h.register()
	pins.Pin(&c)
	return &c
}

func (h *handler) reader(size uint64) *raw.Reader {
	var r raw.Reader
	raw.ReaderInit(&r, uint32(unsafe.Sizeof(r)))
	r.ReadAt, r.Destroy, r.UserData, r.Size = raw.ReadAtAddress(), raw.DestroyAddress(), h.register(), size
	return &r
}

func (h *handler) sink() *raw.Sink {
	var s raw.Sink
	raw.SinkInit(&s, uint32(unsafe.Sizeof(s)))
	s.Write, s.Destroy, s.UserData = raw.WriteAddress(), raw.DestroyAddress(), h.register()
	return &s
}
