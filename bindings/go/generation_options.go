package rustml

import (
	"runtime"
	"time"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// GenerateOption changes one answer of [Session.Generate], [Chat.Send] or [Model.GenerateBatch]. Without options the most
// probable token is taken each time, until the model stops or the context is full.
type GenerateOption interface{ generate(*generateConfig) }

// BeamOption changes a [Session.BeamSearch].
type BeamOption interface{ beam(*beamConfig) }

// CommonOption is both a [GenerateOption] and a [BeamOption].
type CommonOption func(*commonConfig)

type generateOption func(*generateConfig)
type beamOption func(*beamConfig)

func (o CommonOption) generate(c *generateConfig)   { o(&c.commonConfig) }
func (o CommonOption) beam(c *beamConfig)           { o(&c.commonConfig) }
func (o generateOption) generate(c *generateConfig) { o(c) }
func (o beamOption) beam(c *beamConfig)             { o(c) }

type commonConfig struct {
	maxTokens        uint64
	stopIDs          []int32
	ignoreEOS        uint32
	onStop           int32
	firstToken       time.Duration
	stall            time.Duration
	onPrefill        func(done, total int)
	result           *Result
	promptFlags      uint32
	answerOpeningOff bool
	err              error
}

type generateConfig struct {
	commonConfig
	raw   *raw.GenerationOptions // objects of their own: cgo looks for unpinned pointers in the whole of one
	bias  []raw.LogitBias
	stops []string
}

type beamConfig struct {
	commonConfig
	raw        *raw.BeamOptions
	onProgress func(done, total int)
}

// WithMaxTokens ends the answer after n tokens; 0: when the context is full.
func WithMaxTokens(n int) CommonOption {
	return func(c *commonConfig) { c.maxTokens = count64("max_tokens", n, &c.err) }
}

// WithStopIDs ends the answer before any of these tokens, besides the model's own.
func WithStopIDs(ids ...int32) CommonOption { return func(c *commonConfig) { c.stopIDs = ids } }

// WithIgnoreEOS makes the model's own stop tokens ordinary ones.
func WithIgnoreEOS() CommonOption { return func(c *commonConfig) { c.ignoreEOS = 1 } }

// WithRollback leaves the session as it was before the call, however the answer ends.
func WithRollback() CommonOption { return func(c *commonConfig) { c.onStop = raw.OnStopRollback } }

// WithFirstTokenTimeout ends the answer with [ErrDeadlineExceeded] if its first token takes longer.
func WithFirstTokenTimeout(d time.Duration) CommonOption {
	return func(c *commonConfig) { c.firstToken = d }
}

// WithStallTimeout ends the answer with [ErrDeadlineExceeded] after so long without progress. Your own time between two chunks
// does not count.
func WithStallTimeout(d time.Duration) CommonOption { return func(c *commonConfig) { c.stall = d } }

// WithPrefillProgress calls f while the prompt is evaluated, with tokens.
func WithPrefillProgress(f func(done, total int)) CommonOption {
	return func(c *commonConfig) { c.onPrefill = f }
}

// WithResult fills r when the answer has ended, for whatever reason.
func WithResult(r *Result) CommonOption { return func(c *commonConfig) { c.result = r } }

// WithParseSpecial makes text of special tokens in a [Text] prompt those tokens. Never for text of strangers.
func WithParseSpecial() CommonOption {
	return func(c *commonConfig) { c.promptFlags |= raw.PromptParseSpecial }
}

// WithoutBOS leaves out the token for a text's beginning that some models want before a [Text] prompt.
func WithoutBOS() CommonOption { return func(c *commonConfig) { c.promptFlags |= raw.PromptNoBos } }

// WithoutAnswerOpening leaves out the opening of the assistant's turn after a [Messages] prompt.
func WithoutAnswerOpening() CommonOption { return func(c *commonConfig) { c.answerOpeningOff = true } }

// WithLogitBias adds to the scores of tokens; -Inf forbids one.
func WithLogitBias(bias map[int32]float32) GenerateOption {
	return generateOption(func(c *generateConfig) {
		for id, b := range bias {
			c.bias = append(c.bias, raw.LogitBias{Id: id, Bias: b})
		}
	})
}

// WithStop ends the answer where one of these strings would begin; it is not delivered.
func WithStop(strings ...string) GenerateOption {
	return generateOption(func(c *generateConfig) { c.stops = strings })
}

// EarlyStopping says when a beam search with as many finished hypotheses as beams goes on.
type EarlyStopping int32

const (
	StopHeuristic EarlyStopping = raw.EarlyStoppingHeuristic // while a beam, scored at its present length, beats the worst
	StopFirst     EarlyStopping = raw.EarlyStoppingFirst     // never
	StopNever     EarlyStopping = raw.EarlyStoppingNever     // while a beam could, at any length, beat the worst
)

// WithEarlyStopping sets when to stop. Without it: [StopHeuristic].
func WithEarlyStopping(e EarlyStopping) BeamOption {
	return beamOption(func(c *beamConfig) { c.raw.EarlyStopping = int32(e) })
}

// WithBeamProgress calls f after every step, with tokens.
func WithBeamProgress(f func(done, total int)) BeamOption {
	return beamOption(func(c *beamConfig) { c.onProgress = f })
}

func generateOptions(options []GenerateOption) (*generateConfig, error) {
	c := &generateConfig{raw: &raw.GenerationOptions{}}
	raw.GenerationOptionsInit(c.raw, uint32(unsafe.Sizeof(*c.raw)))
	for _, option := range options {
		option.generate(c)
	}
	return c, c.err
}

// fill completes the library's options; what they point at stays pinned.
func (c *generateConfig) fill(pins *runtime.Pinner, w *watch) *raw.GenerationOptions {
	o := c.raw
	o.MaxTokens, o.IgnoreEos, o.OnStop, o.PrefillEvents = c.maxTokens, c.ignoreEOS, c.onStop, flag(c.onPrefill != nil)
	o.StopIds, o.NStopIds = pinned(pins, c.stopIDs), uint64(len(c.stopIDs))
	o.LogitBias, o.NLogitBias = pinned(pins, c.bias), uint64(len(c.bias))
	texts := make([]raw.Text, len(c.stops))
	for i, s := range c.stops {
		texts[i] = pinnedText(pins, s)
	}
	o.StopStrings, o.NStopStrings = pinned(pins, texts), uint64(len(texts))
	o.Cancel, o.DeadlineNs = w.cancel, w.deadlineNs
	o.FirstTokenDeadlineNs, o.StallTimeoutNs = deadlineIn(c.firstToken), uint64(max(c.stall, 0))
	return o
}

func (c *beamConfig) fill(pins *runtime.Pinner, w *watch) *raw.BeamOptions {
	o := c.raw
	o.MaxTokens, o.IgnoreEos, o.OnStop = c.maxTokens, c.ignoreEOS, c.onStop
	o.PrefillEvents, o.ProgressEvents = flag(c.onPrefill != nil), flag(c.onProgress != nil)
	o.StopIds, o.NStopIds = pinned(pins, c.stopIDs), uint64(len(c.stopIDs))
	o.Cancel, o.DeadlineNs = w.cancel, w.deadlineNs
	o.FirstTokenDeadlineNs, o.StallTimeoutNs = deadlineIn(c.firstToken), uint64(max(c.stall, 0))
	return o
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
