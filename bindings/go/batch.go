package rustml

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// BatchPrompt is one prompt of a batch with options of its own.
type BatchPrompt struct {
	Prompt  Prompt
	Options []GenerateOption
}

// BatchChunk is a chunk of the answer to the prompt with that index.
type BatchChunk struct {
	Index int
	Chunk
}

// BatchResult is the answer to one prompt.
type BatchResult struct {
	Result
	Text   string
	Tokens []int32
	Err    error // why this answer failed, if it did
}

// SkipAnswer, returned by the function that [Model.GenerateBatch] calls, ends that answer; the others go on.
var SkipAnswer = errors.New("rustml: skip this answer")

// GenerateBatch answers many prompts, several at once, each exactly as it would be answered alone, on sessions made with the
// given options. each may be nil; it gets the chunks of all answers, in order within one answer. Another error of each than
// [SkipAnswer] ends all answers and comes back as it is.
//
// The results are in the order of the prompts. An answer that fails does not end the others: see its Err. The error is about the
// batch as a whole; when ctx ended answers, it is that of the first of them, and the results are there too.
func (m *Model) GenerateBatch(ctx context.Context, prompts []BatchPrompt, each func(BatchChunk) error,
	options ...SessionOption) ([]BatchResult, error) {
	defer runtime.KeepAlive(m)
	session, err := sessionOptions(options)
	if err != nil {
		return nil, err
	}
	if err := enter(ctx); err != nil {
		return nil, err
	}
	defer leave()
	w, err := follow(ctx)
	if err != nil {
		return nil, err
	}
	defer w.close()
	var pins runtime.Pinner
	defer pins.Unpin()
	n := len(prompts)
	in, wanted, out := make([]raw.Prompt, n), make([]*raw.GenerationOptions, n), make([]raw.Result, n)
	configs := make([]*generateConfig, n)
	for i, p := range prompts {
		if configs[i], err = generateOptions(p.Options); err == nil {
			err = fillPrompt(&in[i], p.Prompt, &configs[i].commonConfig, &pins)
		}
		if err != nil {
			return nil, invalid("prompt %d: %s", i, strings.TrimPrefix(err.Error(), "rustml: "))
		}
		wanted[i] = configs[i].fill(&pins, &w)
		pins.Pin(wanted[i])
		out[i].StructSize = uint32(unsafe.Sizeof(out[i]))
	}
	b := batch{results: make([]BatchResult, n), texts: make([]strings.Builder, n), complaints: make([]string, n), each: each}
	h := handler{value: stopValue, watch: &w}
	h.event = func(e *raw.Event) func() error { return b.event(e, configs) }
	callback := h.callback(&pins)
	var object raw.Error
	status := raw.GenerateBatch(m.owned.handle(), session.raw, unsafe.SliceData(in), unsafe.SliceData(wanted), uint64(n), callback,
		unsafe.SliceData(out), &object)
	if err := h.outcome(failure(ctx, status, object)); err != nil {
		return nil, err
	}
	return b.finish(ctx, out, configs)
}

func stopValue(err error) int32 {
	if errors.Is(err, SkipAnswer) {
		return raw.CallbackStopOne
	}
	return 2
}

type batch struct {
	results    []BatchResult
	texts      []strings.Builder
	complaints []string
	each       func(BatchChunk) error
}

func (b *batch) event(e *raw.Event, configs []*generateConfig) func() error {
	i := int(e.Sequence)
	switch e.Kind {
	case raw.EventLog:
		b.complaints[i] = goText(e.Text, e.TextLen)
		return func() error { return nil }
	case raw.EventPrefill:
		done, total := int(e.Done), int(e.Total)
		return func() error { configs[i].onPrefill(done, total); return nil }
	}
	chunk := goChunk(e)
	return func() error {
		b.texts[i].WriteString(chunk.Text)
		if e.Kind == raw.EventToken {
			b.results[i].Tokens = append(b.results[i].Tokens, chunk.Token)
		}
		if b.each == nil {
			return nil
		}
		return b.each(BatchChunk{i, chunk})
	}
}

func (b *batch) finish(ctx context.Context, out []raw.Result, configs []*generateConfig) ([]BatchResult, error) {
	var first error
	for i := range out {
		r := &b.results[i]
		r.Result, r.Text = goResult(&out[i]), b.texts[i].String()
		if configs[i].result != nil {
			*configs[i].result = r.Result
		}
		code := Code(r.status)
		if code == raw.OK || code == CodeCallbackStop {
			continue
		}
		r.Err = (&Error{Code: code, Message: b.complaints[i]}).of(ctx)
		if first == nil && (code == CodeCancelled || r.Limit == LimitTotal || r.Limit == LimitContext) {
			first = r.Err
		}
	}
	return b.results, first
}
