package rustml

import (
	"context"
	"runtime"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Beam is one hypothesis of a beam search.
type Beam struct {
	Text    string
	Tokens  []int32 // behind the prompt, without the stop token
	Stop    int32   // the stop token, or -1
	Logprob float32 // sum over all tokens
	Score   float32 // Logprob / n^lengthPenalty, where n counts the stop token
	Finish  Finish
}

// BeamSearch returns the most probable continuations, best first. Afterwards the session holds the prompt and the best one. When
// ctx ends, the best so far come with the error.
func (s *Session) BeamSearch(ctx context.Context, prompt Prompt, options ...BeamOption) ([]Beam, error) {
	config := &beamConfig{raw: &raw.BeamOptions{}}
	raw.BeamOptionsInit(config.raw, uint32(unsafe.Sizeof(*config.raw)))
	for _, option := range options {
		option.beam(config)
	}
	if config.err != nil {
		return nil, config.err
	}
	if err := s.take(); err != nil {
		return nil, err
	}
	defer s.untake()
	defer runtime.KeepAlive(s)
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
	var p raw.Prompt
	if err := fillPrompt(&p, prompt, &config.commonConfig, &pins); err != nil {
		return nil, err
	}
	var beams []Beam
	var h handler
	h.event = func(e *raw.Event) func() error {
		done, total := int(e.Done), int(e.Total)
		report := config.onProgress
		switch e.Kind {
		case raw.EventBeam:
			beams = append(beams, Beam{goText(e.Text, e.TextLen), goSlice(e.Ids, e.NIds), e.TokenId, e.Logprob, e.Score, Finish(e.Finish)})
			report = nil
		case raw.EventPrefill:
			report = config.onPrefill
		}
		return func() error {
			if report != nil {
				report(done, total)
			}
			return nil
		}
	}
	var result raw.Result
	result.StructSize = uint32(unsafe.Sizeof(result))
	var object raw.Error
	status := raw.BeamSearch(s.owned.handle(), &p, config.fill(&pins, &w), h.callback(&pins), &result, &object)
	if config.result != nil {
		*config.result = goResult(&result)
	}
	return beams, h.outcome(failure(ctx, status, object))
}
