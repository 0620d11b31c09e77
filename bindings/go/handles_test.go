package rustml

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Hosts with a cgo layer of their own keep handles as the pointers that rustml.h says they are, on heaps and stacks that the collector reads
// and moves. This package itself keeps them as integers.
func TestHandlesAsPointers(t *testing.T) {
	type node struct {
		handle unsafe.Pointer
		next   *node
	}
	m := openModel(t, llama)
	var list *node
	for range 2000 {
		var cancel raw.Cancel
		if status := raw.CancelCreate(&cancel, nil); status != raw.OK {
			t.Fatal(status)
		}
		if float := float64(cancel); raw.Cancel(float) != cancel {
			t.Fatalf("%#x is %#x as a float64", cancel, raw.Cancel(float))
		}
		list = &node{*(*unsafe.Pointer)(unsafe.Pointer(&cancel)), list}
	}
	var deep func(n int, handle unsafe.Pointer) uintptr // grows, so moves, its stack with a handle in each frame
	deep = func(n int, handle unsafe.Pointer) uintptr {
		if n == 0 {
			runtime.GC()
			return uintptr(handle)
		}
		return deep(n-1, handle)
	}
	model := m.owned.handle()
	for range 5 {
		moved := make(chan uintptr)
		go func() { moved <- deep(10000, *(*unsafe.Pointer)(unsafe.Pointer(&model))) }()
		if got := <-moved; got != uintptr(model) {
			t.Fatalf("%#x came back as %#x", model, got)
		}
	}
	for ; list != nil; list = list.next {
		if status := raw.CancelRelease(raw.Cancel(list.handle)); status != raw.OK {
			t.Fatal(status)
		}
	}
}
