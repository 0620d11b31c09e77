package rustml

import (
	"math"
	"runtime"
	"time"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Option changes how [Open] and its sisters load a model.
type Option func(*openConfig)

type openConfig struct {
	raw      *raw.ModelOptions // an object of its own: cgo looks for unpinned pointers in the whole of it
	simd     string
	progress func(done, total uint64)
	err      error
}

// WithThreads sets how many threads compute, 1 to 256. Without it: the physical cores this process may use.
func WithThreads(n int) Option {
	return func(c *openConfig) {
		if n < math.MinInt32 || n > math.MaxInt32 {
			c.err = invalid("n_threads is %d; must be 1 to 256", n)
		}
		c.raw.NThreads = int32(n)
	}
}

// Quantization is what happens to linear layers at load.
type Quantization int32

const (
	QuantizeAuto Quantization = raw.QuantizeAuto // SafeTensors: Q8_0; GGUF: as in the file
	QuantizeKeep Quantization = raw.QuantizeKeep
	QuantizeQ8_0 Quantization = raw.QuantizeQ8_0
	QuantizeQ4_0 Quantization = raw.QuantizeQ4_0
)

// WithQuantization sets the type of the linear layers in memory.
func WithQuantization(q Quantization) Option {
	return func(c *openConfig) { c.raw.Quantize = int32(q) }
}

// WithQuantizeMinDim quantizes only layers whose longer side is at least n. Without it: 512.
func WithQuantizeMinDim(n int) Option {
	return func(c *openConfig) { c.raw.QuantizeMinDim = count32("quantize_min_dim", n, &c.err) }
}

// WithoutWarmup leaves out the one token that is run at load to make the first answer as fast as the next.
func WithoutWarmup() Option { return func(c *openConfig) { c.raw.Warmup = 0 } }

// WithTensorCheck refuses weights that are NaN or infinite.
func WithTensorCheck() Option { return func(c *openConfig) { c.raw.CheckTensors = 1 } }

// WithMemoryLimit bounds weights, scratch and the KV caches of all sessions together.
func WithMemoryLimit(bytes uint64) Option {
	return func(c *openConfig) { c.raw.MemoryLimitBytes = bytes }
}

// WithSIMDTarget chooses one of [BuildInfo]'s "simd_targets" instead of the best.
func WithSIMDTarget(name string) Option { return func(c *openConfig) { c.simd = name } }

// WithProgress calls f while the model is loaded, a few times a second at most, with bytes.
func WithProgress(f func(done, total uint64)) Option { return func(c *openConfig) { c.progress = f } }

func openOptions(options []Option, pins *runtime.Pinner) (*openConfig, error) {
	c := &openConfig{raw: &raw.ModelOptions{}}
	raw.ModelOptionsInit(c.raw, uint32(unsafe.Sizeof(*c.raw)))
	for _, option := range options {
		option(c)
	}
	c.raw.SimdTarget = pinnedText(pins, c.simd)
	return c, c.err
}

// SessionOption changes a session that [Model.NewSession] makes.
type SessionOption func(*sessionConfig)

type sessionConfig struct {
	raw *raw.SessionOptions
	err error
}

// KVType is the type of a session's KV cache.
type KVType int32

const (
	KVF32  KVType = raw.KvF32
	KVF16  KVType = raw.KvF16 // unless asked otherwise
	KVQ8_0 KVType = raw.KvQ8_0
)

// WithKVType sets the type of the KV cache.
func WithKVType(t KVType) SessionOption { return func(c *sessionConfig) { c.raw.KvType = int32(t) } }

// WithContext sets how many tokens the session can hold. Without it: the smaller of the model's and 8192,
// with dynamic or longrope scaling at most the original context.
func WithContext(tokens int) SessionOption {
	return func(c *sessionConfig) { c.raw.ContextTokens = count64("context_tokens", tokens, &c.err) }
}

// WithKVMemoryLimit bounds the session's KV cache.
func WithKVMemoryLimit(bytes uint64) SessionOption {
	return func(c *sessionConfig) { c.raw.MemoryLimitBytes = bytes }
}

// WithPrefillChunk sets how many prompt tokens are run in one pass. Results do not depend on it.
func WithPrefillChunk(tokens int) SessionOption {
	return func(c *sessionConfig) { c.raw.PrefillChunk = count32("prefill_chunk", tokens, &c.err) }
}

func sessionOptions(options []SessionOption) (*sessionConfig, error) {
	c := &sessionConfig{raw: &raw.SessionOptions{}}
	raw.SessionOptionsInit(c.raw, uint32(unsafe.Sizeof(*c.raw)))
	for _, option := range options {
		option(c)
	}
	return c, c.err
}

func count64(name string, n int, err *error) uint64 {
	if n < 0 {
		*err = invalid("%s is %d; must not be negative", name, n)
		return 0
	}
	return uint64(n)
}

func count32(name string, n int, err *error) uint32 {
	if n < 0 || n > math.MaxUint32 {
		*err = invalid("%s is %d; must be 0 to %d", name, n, uint32(math.MaxUint32))
		return 0
	}
	return uint32(n)
}

func whole32(name string, n int, err *error) int32 {
	if int(int32(n)) != n {
		*err = invalid("%s is %d; must be 0 to %d", name, n, math.MaxInt32)
	}
	return int32(n)
}

func deadlineIn(d time.Duration) uint64 {
	if d == 0 {
		return 0
	}
	return raw.DeadlineAfterNs(int64(d))
}
