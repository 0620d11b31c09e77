// cases_go runs cases.json through the Go package; README.md says how. Built inside bindings/go: go build ../../tests/bindings/cases_go*.go
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	rustml "github.com/librustml/librustml/bindings/go"
)

// step has the fields of all steps; a field it does not have is a failure.
type step struct {
	Op       string
	Status   string
	Message  string
	WithinMs float64 `json:"within_ms"`

	Path             string
	MemoryLimitBytes uint64 `json:"memory_limit_bytes"`
	NThreads         *int   `json:"n_threads"`

	Text                *string
	IDs                 []int32
	Messages            []rustml.Message
	Prompts             [][]int32
	Repeat              int
	ParseSpecial        bool  `json:"parse_special"`
	SkipSpecial         bool  `json:"skip_special"`
	AddGenerationPrompt *bool `json:"add_generation_prompt"`

	MaxTokens int `json:"max_tokens"`
	numbers
	IgnoreEOS     bool     `json:"ignore_eos"`
	StopIDs       []int32  `json:"stop_ids"`
	StopStrings   []string `json:"stop_strings"`
	OnStop        string   `json:"on_stop"`
	Width, N      *int
	NBest         *int     `json:"n_best"`
	LengthPenalty *float32 `json:"length_penalty"`
	EarlyStopping int32    `json:"early_stopping"`

	Cancelled           bool
	TimeoutMs           *float64 `json:"timeout_ms"`
	FirstTokenTimeoutMs *float64 `json:"first_token_timeout_ms"`
	Call                string
	AfterMs             float64 `json:"after_ms"`
	Value, Times        int

	BreakAfter  int    `json:"break_after"`
	SaveAs      string `json:"save_as"`
	SameAs      string `json:"same_as"`
	DiffersFrom string `json:"differs_from"`
	Publish     string
	Cut         int
	Flip        *int
	Into        string

	WantVocabSize      *int       `json:"want_vocab_size"`
	WantChatTemplate   *bool      `json:"want_chat_template"`
	WantIDs            *[]int32   `json:"want_ids"`
	WantText           *string    `json:"want_text"`
	WantPosition       *int       `json:"want_position"`
	WantFinish         *string    `json:"want_finish"`
	WantSize           *int       `json:"want_size"`
	WantBest           *int       `json:"want_best"`
	WantPromptTokens   *int       `json:"want_prompt_tokens"`
	WantSkippedAtLeast int        `json:"want_skipped_at_least"`
	WantAll            *[][]int32 `json:"want_all"`
	WantBeams          *[]struct {
		IDs    []int32
		StopID int32 `json:"stop_id"`
		Score  float64
	} `json:"want_beams"`
}

type testCase struct {
	Name, Model, Requires string
	Session               struct {
		KVType           string `json:"kv_type"`
		ContextTokens    int    `json:"context_tokens"`
		MemoryLimitBytes uint64 `json:"memory_limit_bytes"`
	}
	Steps []step
}

type runner struct {
	places map[string]string
	files  map[string]string
	models map[string]*rustml.Model

	model   *rustml.Model
	session *rustml.Session
	saved   map[string][]int32
	na      string
	late    time.Time // within_ms counts from here
}

var kvTypes = map[string]rustml.KVType{"F32": rustml.KVF32, "F16": rustml.KVF16, "Q8_0": rustml.KVQ8_0}

func (r *runner) path(p string) string {
	for name, place := range r.places {
		p = strings.ReplaceAll(p, "{"+name+"}", place)
	}
	return p
}

func (r *runner) open(name string) *rustml.Model {
	if r.models[name] == nil {
		model, err := rustml.Open(context.Background(), r.path(r.files[name]))
		if err != nil {
			panic(err)
		}
		r.models[name] = model
	}
	return r.models[name]
}

func (r *runner) run(c testCase) error {
	r.model, r.saved, r.na = r.open(c.Model), map[string][]int32{}, ""
	var options []rustml.SessionOption
	if t := c.Session.KVType; t != "" {
		options = append(options, rustml.WithKVType(kvTypes[t]))
	}
	options = append(options, rustml.WithContext(c.Session.ContextTokens), rustml.WithKVMemoryLimit(c.Session.MemoryLimitBytes))
	session, err := r.model.NewSession(context.Background(), options...)
	if err != nil {
		return err
	}
	defer session.Close()
	r.session = session
	for i, s := range c.Steps {
		if err := r.step(s); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, s.Op, err)
		}
	}
	return nil
}

// wrong is a result that is not the wanted one; other errors are what the step ended with.
type wrong struct{ error }

func wrongf(format string, values ...any) error { return wrong{fmt.Errorf(format, values...)} }

func want[T any](what string, got T, wanted *T, equal func(a, b T) bool) error {
	if wanted != nil && !equal(got, *wanted) {
		return wrongf("%s is %v, wanted %v", what, got, *wanted)
	}
	return nil
}

func same[T comparable](what string, got T, wanted *T) error {
	return want(what, got, wanted, func(a, b T) bool { return a == b })
}

func (r *runner) step(s step) error {
	op, known := ops[s.Op]
	if !known {
		return wrongf("unknown op")
	}
	if s.Status == "" {
		s.Status = "OK"
	}
	s.IDs = slices.Repeat(s.IDs, max(s.Repeat, 1))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if s.Cancelled {
		stop()
	}
	if s.TimeoutMs != nil {
		ctx, stop = context.WithTimeout(ctx, ms(*s.TimeoutMs))
		defer stop()
	}
	r.late = time.Now()
	err := op(r, ctx, s)
	took := time.Since(r.late)
	if _, bad := err.(wrong); bad {
		return err
	}
	status, message := "OK", ""
	if err != nil {
		var e *rustml.Error
		if !errors.As(err, &e) {
			return fmt.Errorf("ended with a foreign error: %w", err)
		}
		status, message = e.Code.String(), e.Message
	}
	if status != s.Status || !strings.Contains(message, s.Message) {
		return fmt.Errorf("ended %s (%s), wanted %s (%s)", status, message, s.Status, s.Message)
	}
	if s.WithinMs > 0 && took > ms(s.WithinMs) {
		return fmt.Errorf("took %v, wanted at most %v ms", took, s.WithinMs)
	}
	return nil
}

func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

func (s step) common() []rustml.CommonOption {
	options := []rustml.CommonOption{rustml.WithMaxTokens(s.MaxTokens), rustml.WithStopIDs(s.StopIDs...)}
	if s.IgnoreEOS {
		options = append(options, rustml.WithIgnoreEOS())
	}
	if s.OnStop == "ROLLBACK" {
		options = append(options, rustml.WithRollback())
	}
	if s.FirstTokenTimeoutMs != nil {
		options = append(options, rustml.WithFirstTokenTimeout(ms(*s.FirstTokenTimeoutMs)))
	}
	return options
}

func add[T any](options []rustml.GenerateOption, value *T, option func(T) rustml.GenerateOption) []rustml.GenerateOption {
	if value != nil {
		options = append(options, option(*value))
	}
	return options
}

func (s step) options(more ...rustml.GenerateOption) []rustml.GenerateOption {
	for _, o := range s.common() {
		more = append(more, o)
	}
	return append(append(more, rustml.WithStop(s.StopStrings...)), s.numbers.options()...)
}

func (s step) prompt() rustml.Prompt {
	switch {
	case s.Text != nil:
		return rustml.Text(*s.Text)
	case s.Messages != nil:
		return rustml.Messages(s.Messages)
	}
	return rustml.IDs(s.IDs)
}

// logitsUntilError asks for logits while another session keeps the threads busy with ids.
func (r *runner) logitsUntilError(ctx context.Context, ids []int32) error {
	beside, err := r.model.NewSession(ctx)
	if err != nil {
		return err
	}
	done := make(chan error)
	go func() { done <- beside.Eval(ctx, ids) }()
	time.Sleep(10 * time.Millisecond)
	for err == nil {
		_, err = r.session.Logits(ctx)
	}
	<-done
	return errors.Join(err, beside.Close())
}

var ops = map[string]func(*runner, context.Context, step) error{
	"open": func(r *runner, ctx context.Context, s step) error {
		options := []rustml.Option{rustml.WithMemoryLimit(s.MemoryLimitBytes)}
		if s.NThreads != nil {
			options = append(options, rustml.WithThreads(*s.NThreads))
		}
		model, err := rustml.Open(ctx, r.path(s.Path), options...)
		if err != nil {
			return err
		}
		return model.Close()
	},
	"info": func(r *runner, _ context.Context, s step) error {
		info, err := r.model.Info()
		return errors.Join(err, same("vocab_size", info.VocabSize, s.WantVocabSize), same("chat template", info.HasChatTemplate, s.WantChatTemplate))
	},
	"encode": func(r *runner, ctx context.Context, s step) error {
		var flags rustml.EncodeFlags
		if s.ParseSpecial {
			flags = rustml.ParseSpecial
		}
		ids, err := r.model.Encode(ctx, *s.Text, flags)
		return first(err, want("ids", ids, s.WantIDs, slices.Equal))
	},
	"decode": func(r *runner, _ context.Context, s step) error {
		decode := r.model.Decode
		if s.SkipSpecial {
			decode = r.model.DecodePlain
		}
		text, err := decode(s.IDs)
		return first(err, same("text", text, s.WantText))
	},
	"chat_format": func(r *runner, ctx context.Context, s step) error {
		text, err := r.model.FormatChat(ctx, s.Messages, s.AddGenerationPrompt == nil || *s.AddGenerationPrompt)
		return first(err, same("text", text, s.WantText))
	},
	"eval": func(r *runner, ctx context.Context, s step) error {
		if err := r.session.Eval(ctx, s.IDs); err != nil {
			return err
		}
		return r.position(r.session, s)
	},
	"logits": func(r *runner, ctx context.Context, s step) error {
		logits, err := r.session.Logits(ctx)
		if err != nil {
			return err
		}
		best := slices.Index(logits, slices.Max(logits))
		return errors.Join(same("size", len(logits), s.WantSize), same("best", best, s.WantBest))
	},
	"generate": (*runner).generate,
	"while_open": func(r *runner, ctx context.Context, s step) error {
		for _, err := range r.session.Generate(ctx, rustml.IDs(s.IDs)) {
			if err != nil {
				return err
			}
			return r.session.Eval(ctx, []int32{5})
		}
		return nil
	},
	"after_close": func(r *runner, ctx context.Context, s step) error {
		session, err := r.model.NewSession(ctx)
		if err != nil {
			return err
		}
		session.Close()
		_, err = session.Tokens()
		return err
	},
	"cancel_in": func(r *runner, _ context.Context, s step) error {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(ms(s.AfterMs), func() { r.late = time.Now(); cancel() })
		switch s.Call {
		case "eval":
			return r.session.Eval(ctx, s.IDs)
		case "logits":
			return r.logitsUntilError(ctx, s.IDs)
		}
		return drain(r.session.Generate(ctx, rustml.IDs(s.IDs)))
	},
	"busy": func(r *runner, _ context.Context, s step) error {
		ctx, cancel := context.WithCancel(context.Background())
		other := make(chan error)
		go func() {
			err := rustml.ErrBusy // while the calls below are first
			for errors.Is(err, rustml.ErrBusy) {
				err = r.session.Eval(ctx, s.IDs)
			}
			other <- err
		}()
		var err error
		for start := time.Now(); err == nil && time.Since(start) < 5*time.Second; time.Sleep(time.Millisecond) {
			_ = r.session.Reset() // the other one needs the room
			err = r.session.Eval(context.Background(), []int32{5})
		}
		cancel()
		if o := <-other; !errors.Is(o, rustml.ErrCancelled) {
			return wrongf("the other call ended %v", o)
		}
		return err
	},
	"callback_stop": func(r *runner, ctx context.Context, s step) error {
		mine := errors.New("mine")
		_, err := r.model.GenerateBatch(ctx, []rustml.BatchPrompt{{Prompt: rustml.IDs(s.IDs)}}, func(rustml.BatchChunk) error { return mine })
		if err != mine {
			return wrongf("the callback's error came back as %v", err)
		}
		r.na = "a callback returns an error, which comes back as it is"
		return rustml.ErrCallbackStop
	},
	"callback_panic": func(r *runner, ctx context.Context, s step) error {
		for i := range s.Times {
			mine := fmt.Errorf("panic %d", i)
			for _, call := range []func(){
				func() {
					_, _ = r.model.GenerateBatch(ctx, []rustml.BatchPrompt{{Prompt: rustml.IDs(s.IDs)}}, func(rustml.BatchChunk) error { panic(mine) })
				},
				func() {
					_, _ = r.session.BeamSearch(ctx, rustml.IDs(s.IDs), rustml.WithMaxTokens(2), rustml.WithBeamProgress(func(int, int) { panic(mine) }))
				},
			} {
				if got := panicOf(call); got != mine {
					return wrongf("panicked with %v, wanted %v", got, mine)
				}
			}
		}
		return nil
	},
	"batch": func(r *runner, ctx context.Context, s step) error {
		var prompts []rustml.BatchPrompt
		for _, ids := range s.Prompts {
			prompts = append(prompts, rustml.BatchPrompt{Prompt: rustml.IDs(ids), Options: s.options()})
		}
		results, err := r.model.GenerateBatch(ctx, prompts, nil, rustml.WithKVType(rustml.KVF32))
		var all [][]int32
		for _, result := range results {
			err = first(err, result.Err)
			all = append(all, result.Tokens)
		}
		return first(err, want("all", all, s.WantAll, func(a, b [][]int32) bool { return slices.EqualFunc(a, b, slices.Equal[[]int32]) }))
	},
	"beams": (*runner).beams,
	"tokens": func(r *runner, _ context.Context, s step) error {
		ids, err := r.session.Tokens()
		return first(err, want("ids", ids, s.WantIDs, slices.Equal))
	},
	"reset": func(r *runner, _ context.Context, s step) error { return r.session.Reset() },
	"rewind": func(r *runner, _ context.Context, s step) error {
		return first(r.session.Rewind(*s.N), r.position(r.session, s))
	},
	"snapshot": (*runner).snapshot,
	"save":     func(r *runner, ctx context.Context, s step) error { return r.session.Save(ctx, r.path(s.Path)) },
	"load": func(r *runner, ctx context.Context, s step) error {
		_, err := r.session.Load(ctx, r.path(s.Path))
		return err
	},
}

func publish(key string, value any) {
	text, _ := json.Marshal(value)
	fmt.Println("PUBLISH", key, string(text))
}

// exchange is an element of the list of that name: an answer that one language begins and another one goes on with.
type exchange struct {
	Name      string
	Model     string
	SaveAfter int `json:"save_after"`
	step
}

func (r *runner) exchange(e exchange, folder string, writing bool) error {
	ctx := context.Background()
	session, err := r.open(e.Model).NewSession(ctx, rustml.WithKVType(rustml.KVF32))
	if err != nil {
		return err
	}
	defer session.Close()
	path := filepath.Join(folder, e.Name+".snapshot")
	var chunks iter.Seq2[rustml.Chunk, error]
	if writing {
		chunks = session.Generate(ctx, rustml.IDs(e.IDs), e.options()...)
	} else {
		if _, err := session.Load(ctx, path); err != nil {
			return err
		}
		chunks = session.Resume(ctx)
	}
	ids, text := []int32{}, ""
	for chunk, err := range chunks {
		if err != nil {
			return err
		}
		text += chunk.Text
		if chunk.Finish != 0 {
			continue
		}
		ids = append(ids, chunk.Token)
		if writing && len(ids) == e.SaveAfter {
			if err := session.Save(ctx, path); err != nil {
				return err
			}
			text = ""
		}
	}
	tail := "tail "
	if writing {
		tail = ""
	}
	publish("exchange "+tail+e.Name, ids)
	publish("exchange text "+e.Name, text)
	return nil
}

func main() {
	place := func(name string) *string { return flag.String(name, "", "see README.md") }
	cases, write, read, only := place("cases"), place("write"), place("read"), place("only")
	data, work, out := place("data"), place("work"), place("out")
	flag.Parse()
	text, err := os.ReadFile(*cases)
	var all struct {
		Models   map[string]string
		Cases    []testCase
		Exchange []exchange
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err = first(err, decoder.Decode(&all)); err != nil {
		fmt.Println("FAILED", *cases+":", err)
		os.Exit(1)
	}
	r := &runner{places: map[string]string{"data": *data, "work": *work, "out": *out}, files: all.Models, models: map[string]*rustml.Model{}}
	failed := false
	report := func(name string, err error) {
		switch {
		case err != nil:
			failed = true
			fmt.Printf("FAILED %s: %v\n", name, err)
		case r.na != "":
			fmt.Printf("n/a %s: %s\n", name, r.na)
		default:
			fmt.Println("ok", name)
		}
	}
	if folder := *write + *read; folder != "" {
		for _, e := range all.Exchange {
			report(e.Name, r.exchange(e, folder, *write != ""))
		}
	} else {
		for _, c := range all.Cases {
			if strings.Contains(c.Name, *only) {
				report(c.Name, r.run(c))
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}
