package raw

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// With RUSTML_EXPECT_REFUSAL the library at hand does not fit; it is what the refusal has to say.
func TestLoad(t *testing.T) {
	err := Load()
	if words := os.Getenv("RUSTML_EXPECT_REFUSAL"); words != "" {
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Fatalf("refused not with %q: %v", words, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if Version() == "" || AbiVersion() != VersionMajor<<16|VersionMinor || AbiLayoutHash(VersionMajor, VersionMinor) != LayoutHash {
		t.Fatalf("version %q, ABI %#x", Version(), AbiVersion())
	}
	if AbiLayoutHash(999, 0) != 0 {
		t.Fatal("a layout hash of an unknown version")
	}
}

// Callbacks come back with the integer they were given, and destroy comes once.
func TestCallback(t *testing.T) {
	if os.Getenv("RUSTML_EXPECT_REFUSAL") != "" || Load() != nil {
		t.Skip("no library")
	}
	const mark = 0xFEDCBA9876543210
	reads, destroyed := 0, 0
	HandleReadAt = func(userData uintptr, offset uint64, buf unsafe.Pointer, n uint64) int32 {
		if userData == mark {
			reads++
		}
		return 7
	}
	HandleDestroy = func(userData uintptr) {
		if userData == mark {
			destroyed++
		}
	}
	var reader Reader
	var probed SnapshotInfo
	var err Error
	ReaderInit(&reader, uint32(unsafe.Sizeof(reader)))
	probed.StructSize = uint32(unsafe.Sizeof(probed))
	reader.UserData, reader.Size, reader.ReadAt, reader.Destroy = mark, 1<<20, ReadAtAddress(), DestroyAddress()
	status := SnapshotProbe(&reader, &probed, &err)
	if status != CallbackStop || ErrorCode(err) != CallbackStop || ErrorCallbackValue(err) != 7 || ErrorMessage(err) == "" {
		t.Fatalf("status %d, error %q", status, ErrorMessage(err))
	}
	if reads != 1 || destroyed != 1 {
		t.Fatalf("%d reads, %d destroyed", reads, destroyed)
	}
	if ErrorRelease(err) != OK || ErrorRelease(err) != InvalidHandle {
		t.Fatal("an error was not released exactly once")
	}
}

// Go pointers inside a struct that C gets must be pinned for cgo; the log sink's destroy comes when it is replaced.
func TestPinnedPointersInStructs(t *testing.T) {
	if os.Getenv("RUSTML_EXPECT_REFUSAL") != "" || Load() != nil {
		t.Skip("no library")
	}
	destroyed := 0
	HandleOnEvent = func(uintptr, *Event) int32 { return 0 }
	HandleDestroy = func(userData uintptr) {
		if userData == 42 {
			destroyed++
		}
	}
	filter := "rustml=warn"
	callback := &Callback{OnEvent: OnEventAddress(), UserData: 42, Destroy: DestroyAddress()}
	callback.StructSize = uint32(unsafe.Sizeof(*callback))
	options := &LogOptions{Filter: Text{Ptr: unsafe.StringData(filter), Len: uint64(len(filter))}, Callback: callback}
	options.StructSize = uint32(unsafe.Sizeof(*options))
	var pinner runtime.Pinner
	pinner.Pin(options.Filter.Ptr)
	pinner.Pin(callback)
	status := LogSet(options, nil)
	pinner.Unpin()
	if status != OK || destroyed != 0 {
		t.Fatalf("status %d, %d destroyed", status, destroyed)
	}
	if LogSet(nil, nil) != OK || destroyed != 1 {
		t.Fatalf("%d destroyed", destroyed)
	}
}
