package rustml

import (
	"context"
	"io"
	"iter"
	"runtime"
	"time"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Chunk is one token of an answer, or its end.
type Chunk struct {
	Text     string  // complete UTF-8; may be empty, when a character or a possible stop string is not complete yet
	Token    int32   // the token; in the last chunk the stop token, or -1
	Bytes    []byte  // the token's own bytes; may end inside a character
	Position int     // index of the token in the session
	Logprob  float32 // NaN without [WithLogprobs]
	Top      []Logprob
	Finish   Finish // in the last chunk why the answer ended; else 0
}

// Logprob is the natural logarithm of a token's probability.
type Logprob struct {
	Token   int32
	Logprob float32
}

// Finish is why an answer ended.
type Finish int32

const (
	FinishStopToken   Finish = raw.FinishStopToken
	FinishStopString  Finish = raw.FinishStopString
	FinishLength      Finish = raw.FinishLength      // [WithMaxTokens]
	FinishContextFull Finish = raw.FinishContextFull // the session's context is full
	FinishCancelled   Finish = raw.FinishCancelled
	FinishDeadline    Finish = raw.FinishDeadline
	FinishCallback    Finish = raw.FinishCallback // the caller's function ended it
	FinishClosed      Finish = raw.FinishClosed   // the caller left the range
	FinishError       Finish = raw.FinishError
)

var finishNames = [...]string{
	"NONE", "STOP_TOKEN", "STOP_STRING", "LENGTH", "CONTEXT_FULL", "CANCELLED", "DEADLINE", "CALLBACK", "CLOSED", "ERROR",
}

// String returns the name in the C API, such as "LENGTH".
func (f Finish) String() string {
	if int(f) < len(finishNames) && f >= 0 {
		return finishNames[f]
	}
	return "FINISH_UNKNOWN"
}

// Limit is which time limit passed.
type Limit int32

const (
	LimitNone       Limit = raw.DeadlineNone
	LimitTotal      Limit = raw.DeadlineTotal      // the context's deadline
	LimitFirstToken Limit = raw.DeadlineFirstToken // [WithFirstTokenTimeout]
	LimitStall      Limit = raw.DeadlineStall      // [WithStallTimeout]
	LimitContext    Limit = raw.DeadlineByCancel   // a context that ended so without telling its deadline
)

// Result is what became of an answer; see [WithResult].
type Result struct {
	Finish          Finish
	Limit           Limit
	PromptTokens    int // of the whole prompt
	GeneratedTokens int
	TokensCommitted int // tokens now in the session
	PrefillSkipped  int // prompt tokens the session held already
	DroppedBytes    int // prompt bytes for which the vocabulary has no token
	FirstToken      time.Duration
	Prefill, Decode time.Duration
	PeakMemoryBytes uint64        // of the model
	StopLatency     time.Duration // from the context's end to the end of the stopped pass
	PiecesAfterStop int
	DraftedTokens   int // guesses of [WithPromptLookup] ...
	AcceptedTokens  int // ... and those that came true
	status          int32
}

// TokensPerSecond is the speed of decoding.
func (r Result) TokensPerSecond() float64 {
	if r.Decode <= 0 {
		return 0
	}
	return float64(r.GeneratedTokens) / r.Decode.Seconds()
}

func goResult(r *raw.Result) Result {
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return Result{
		Finish(r.Finish), Limit(r.Deadline), int(r.PromptTokens), int(r.GeneratedTokens), int(r.TokensCommitted),
		int(r.PrefillTokensSkipped), int(r.DroppedBytes), seconds(r.FirstTokenSeconds), seconds(r.PrefillSeconds),
		seconds(r.DecodeSeconds), r.PeakMemoryBytes, time.Duration(r.StopLatencyNs), int(r.PiecesAfterStop), int(r.DraftedTokens),
		int(r.AcceptedTokens), r.Status,
	}
}

// goChunk copies a TOKEN or STOPPED event, whose pointers hold only until the next call.
func goChunk(e *raw.Event) Chunk {
	c := Chunk{
		Text: goText(e.Text, e.TextLen), Token: e.TokenId, Bytes: goSlice(e.Bytes, e.BytesLen), Position: int(e.Position),
		Logprob: e.Logprob, Finish: Finish(e.Finish),
	}
	for _, top := range goSlice(e.Top, uint64(e.NTop)) {
		c.Top = append(c.Top, Logprob{top.Id, top.Logprob})
	}
	return c
}

// Generate answers a prompt, chunk by chunk: one for each token and a last one whose Finish says why it ended. An error is the
// last thing that comes. Leaving the range ends the answer; the session then holds the tokens so far, and is usable at once.
//
// The end of ctx stops the answer wherever it is, also within a long prompt, with an error that is [ErrCancelled] or
// [ErrDeadlineExceeded].
func (s *Session) Generate(ctx context.Context, prompt Prompt, options ...GenerateOption) iter.Seq2[Chunk, error] {
	return s.chunks(ctx, options, func(c *generateConfig, o *raw.GenerationOptions, pins *runtime.Pinner) (raw.Generation, error) {
		var p raw.Prompt
		if err := fillPrompt(&p, prompt, &c.commonConfig, pins); err != nil {
			return 0, err
		}
		var handle raw.Generation
		var object raw.Error
		status := raw.GenerationStart(s.owned.handle(), &p, o, &handle, &object)
		return handle, failure(ctx, status, object)
	})
}

// Resume goes on with the answer that was open when the restored snapshot was written. Of the options only time limits and
// [WithResult] count.
func (s *Session) Resume(ctx context.Context, options ...GenerateOption) iter.Seq2[Chunk, error] {
	return s.chunks(ctx, options, func(_ *generateConfig, o *raw.GenerationOptions, _ *runtime.Pinner) (raw.Generation, error) {
		var handle raw.Generation
		var object raw.Error
		status := raw.GenerationResume(s.owned.handle(), o, &handle, &object)
		return handle, failure(ctx, status, object)
	})
}

type starter func(*generateConfig, *raw.GenerationOptions, *runtime.Pinner) (raw.Generation, error)

func (s *Session) chunks(ctx context.Context, options []GenerateOption, start starter) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		g, err := s.open(ctx, options, start)
		if err != nil {
			yield(Chunk{Token: -1, Finish: FinishError}, err)
			return
		}
		defer g.close()
		for {
			chunk, err := g.next()
			if err == io.EOF || !yield(chunk, err) || err != nil {
				return
			}
		}
	}
}

// generation is one answer being made.
type generation struct {
	owned   owned[raw.Generation]
	session *Session
	ctx     context.Context
	watch   watch
	config  *generateConfig
	event   *raw.Event
}

func (s *Session) open(ctx context.Context, options []GenerateOption, start starter) (g *generation, err error) {
	config, err := generateOptions(options)
	defer func() {
		if e, ok := err.(*Error); ok && config.result != nil {
			*config.result = Result{Finish: finishOf(e.Code)}
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := s.take(); err != nil {
		return nil, err
	}
	defer s.untake()
	if err := enter(ctx); err != nil {
		return nil, err
	}
	defer leave()
	w, err := follow(ctx)
	if err != nil {
		return nil, err
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	handle, err := start(config, config.fill(&pins, &w), &pins)
	if err != nil {
		w.close()
		return nil, err
	}
	g = &generation{session: s, ctx: ctx, watch: w, config: config, event: &raw.Event{}}
	own(g, &g.owned, handle, raw.GenerationRelease)
	return g, nil
}

func (g *generation) next() (Chunk, error) {
	for {
		chunk, prefill, err := g.step()
		if prefill == nil {
			return chunk, err
		}
		g.config.onPrefill(prefill[0], prefill[1])
	}
}

// step is one call of the library: a chunk, or how far the prompt is.
func (g *generation) step() (chunk Chunk, prefill []int, err error) {
	if err := g.session.take(); err != nil {
		return chunk, nil, err
	}
	defer g.session.untake()
	select {
	case slots <- struct{}{}:
		defer leave()
	case <-g.ctx.Done(): // the library says so at once
	}
	g.watch.now()
	e := g.event
	e.StructSize = uint32(unsafe.Sizeof(*e))
	var object raw.Error
	status := raw.GenerationNext(g.owned.handle(), e, &object)
	defer func() { *e = raw.Event{} }() // its pointers are of the library's memory, and stale from the next call on
	switch {
	case status == raw.Done:
		return chunk, nil, io.EOF
	case status != raw.OK:
		return Chunk{Token: -1, Finish: finishOf(Code(status))}, nil, failure(g.ctx, status, object)
	case e.Kind == raw.EventPrefill:
		return chunk, []int{int(e.Done), int(e.Total)}, nil
	}
	return goChunk(e), nil, nil
}

func finishOf(c Code) Finish {
	switch c {
	case CodeCancelled:
		return FinishCancelled
	case CodeDeadlineExceeded:
		return FinishDeadline
	}
	return FinishError
}

func (g *generation) close() {
	_ = briefly(func(*raw.Error) int32 { return raw.GenerationStop(g.owned.handle(), nil) })
	if g.config.result != nil {
		var r raw.Result
		r.StructSize = uint32(unsafe.Sizeof(r))
		_ = briefly(func(*raw.Error) int32 { return raw.GenerationResult(g.owned.handle(), &r, nil) })
		*g.config.result = goResult(&r)
	}
	g.owned.close()
	g.watch.close()
}
