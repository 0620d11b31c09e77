package rustml

import (
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// owned is the one reference that a Go object has to an object of the library: closed by hand or, failing that, when the Go object
// is collected. A handle is never reused, so that a late or second release is harmless.
type owned[H ~uintptr] struct {
	value   atomic.Uintptr
	release func(H) int32
	cleanup runtime.Cleanup
}

func own[T any, H ~uintptr](object *T, o *owned[H], handle H, release func(H) int32) {
	o.value.Store(uintptr(handle))
	o.release = release
	o.cleanup = runtime.AddCleanup(object, func(h H) { release(h) }, handle)
}

func (o *owned[H]) handle() H { return H(o.value.Load()) }

func (o *owned[H]) close() {
	if h := o.value.Swap(0); h != 0 {
		o.cleanup.Stop()
		_ = briefly(func(*raw.Error) int32 { return o.release(H(h)) })
	}
}

// pinned is the address of s's first element, or nil; pins keeps it where it is.
func pinned[T any](pins *runtime.Pinner, s []T) *T {
	if len(s) == 0 {
		return nil
	}
	pins.Pin(&s[0])
	return &s[0]
}

func pinnedText(pins *runtime.Pinner, s string) raw.Text {
	data := textData(s)
	if data != nil {
		pins.Pin(data)
	}
	return raw.Text{Ptr: data, Len: uint64(len(s))}
}

// textData is s's first byte, or nil: the address of an empty string may be anything.
func textData(s string) *byte {
	if s == "" {
		return nil
	}
	return unsafe.StringData(s)
}

// goText copies a text that belongs to the library.
func goText(data *byte, n uint64) string {
	if data == nil {
		return ""
	}
	return strings.Clone(unsafe.String(data, n))
}

// goSlice copies elements that belong to the library.
func goSlice[T any](data *T, n uint64) []T {
	if data == nil || n == 0 {
		return nil
	}
	return append([]T(nil), unsafe.Slice(data, n)...)
}

// collect calls f with a buffer of the given size, and once more with a larger one if that was too small.
func collect[T any](size uint64, f func(buf *T, capacity uint64, needed *uint64) error) ([]T, error) {
	for {
		buf := make([]T, max(size, 1))
		var needed uint64
		err := f(&buf[0], uint64(len(buf)), &needed)
		if e, ok := err.(*Error); ok && e.Code == raw.BufferTooSmall && needed > size {
			size = needed
			continue
		}
		if err != nil {
			return nil, err
		}
		return buf[:needed], nil
	}
}
