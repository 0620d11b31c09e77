package rustml

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// load finds the library and refuses one of another layout. Everything that needs no [Model] asks it first.
func load() error {
	if err := raw.Load(); err != nil {
		return &Error{Code: CodeABIMismatch, Message: err.Error()}
	}
	return nil
}

// Open loads a model: a GGUF file, or a folder with config.json, tokenizer.json and SafeTensors. Cancelling ctx stops the loading.
// Nothing of the file stays open or mapped.
func Open(ctx context.Context, path string, options ...Option) (*Model, error) {
	return open(ctx, options, func(o *raw.ModelOptions, out *raw.Model, call *raw.CallOptions, err *raw.Error) int32 {
		return raw.ModelOpen(textData(path), uint64(len(path)), o, out, call, err)
	})
}

// OpenBytes is [Open] for a GGUF file in memory; data is needed only during the call.
func OpenBytes(ctx context.Context, data []byte, options ...Option) (*Model, error) {
	return open(ctx, options, func(o *raw.ModelOptions, out *raw.Model, call *raw.CallOptions, err *raw.Error) int32 {
		return raw.ModelOpenMemory(unsafe.Pointer(unsafe.SliceData(data)), uint64(len(data)), o, out, call, err)
	})
}

// OpenReader is [Open] for a GGUF file of size bytes that r reads. An error of r's comes back as it is.
func OpenReader(ctx context.Context, r io.ReaderAt, size int64, options ...Option) (*Model, error) {
	if size < 0 {
		return nil, invalid("size is %d; must not be negative", size)
	}
	h := handler{readAt: readAt(r)}
	model, err := open(ctx, options, func(o *raw.ModelOptions, out *raw.Model, call *raw.CallOptions, err *raw.Error) int32 {
		return raw.ModelOpenReader(h.reader(uint64(size)), o, out, call, err)
	})
	return model, h.outcome(err)
}

func readAt(r io.ReaderAt) func(uint64, []byte) error {
	return func(offset uint64, buf []byte) error {
		n, err := r.ReadAt(buf, int64(offset))
		if n == len(buf) {
			return nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
}

type opener func(*raw.ModelOptions, *raw.Model, *raw.CallOptions, *raw.Error) int32

func open(ctx context.Context, options []Option, f opener) (*Model, error) {
	if err := load(); err != nil {
		return nil, err
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	config, err := openOptions(options, &pins)
	if err != nil {
		return nil, err
	}
	var handle raw.Model
	err = invoke(ctx, config.progress, func(call *raw.CallOptions, object *raw.Error) int32 {
		return f(config.raw, &handle, call, object)
	})
	if err != nil {
		return nil, err
	}
	m := &Model{}
	own(m, &m.owned, handle, raw.ModelRelease)
	return m, nil
}

// MemoryPlan is what opening a model and one session would take, in bytes.
type MemoryPlan struct {
	FileBytes, WeightBytes, ScratchBytes uint64
	KVBytes                              uint64 // of a full context of ContextTokens
	TotalBytes                           uint64
	ContextTokens                        int
}

// Plan tells what [Open] and one session without options of its own would take; it reads only the file's header.
func Plan(ctx context.Context, path string, options ...Option) (MemoryPlan, error) {
	if err := load(); err != nil {
		return MemoryPlan{}, err
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	config, err := openOptions(options, &pins)
	if err != nil {
		return MemoryPlan{}, err
	}
	var p raw.MemoryPlan
	p.StructSize = uint32(unsafe.Sizeof(p))
	err = invoke(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.ModelPlan(textData(path), uint64(len(path)), config.raw, nil, &p, call, object)
	})
	if err != nil {
		return MemoryPlan{}, err
	}
	return MemoryPlan{p.FileBytes, p.WeightBytes, p.ScratchBytes, p.KvBytes, p.TotalBytes, int(p.ContextTokens)}, nil
}

// BlockType is the type of a file's matrices.
type BlockType int32

const (
	TypeF32  BlockType = raw.TypeF32
	TypeF16  BlockType = raw.TypeF16
	TypeBF16 BlockType = raw.TypeBf16
	TypeQ8_0 BlockType = raw.TypeQ8_0
	TypeQ5_1 BlockType = raw.TypeQ5_1
	TypeQ5_0 BlockType = raw.TypeQ5_0
	TypeQ4_1 BlockType = raw.TypeQ4_1
	TypeQ4_0 BlockType = raw.TypeQ4_0
)

// Quantize writes the model at path as one GGUF file with its matrices in another type. The file at out appears whole or not at
// all. progress may be nil; it gets bytes.
func Quantize(ctx context.Context, path, out string, to BlockType, progress func(done, total uint64)) error {
	if err := load(); err != nil {
		return err
	}
	var o raw.QuantizeOptions
	raw.QuantizeOptionsInit(&o, uint32(unsafe.Sizeof(o)))
	o.BlockType = int32(to)
	return invoke(ctx, progress, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.ModelQuantize(textData(path), uint64(len(path)), textData(out), uint64(len(out)), &o, call, object)
	})
}

// Version returns the library's version, such as "1.0.0".
func Version() (string, error) {
	if err := load(); err != nil {
		return "", err
	}
	return raw.Version(), nil
}

// BuildInfo returns how the library was built and what it uses here, as a JSON object: compiler, SIMD targets, features.
func BuildInfo() (json.RawMessage, error) {
	if err := load(); err != nil {
		return nil, err
	}
	return json.RawMessage(raw.BuildJson()), nil
}
