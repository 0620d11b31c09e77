package rustml

import (
	"encoding/json"
	"runtime"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Prompt is a [Text], [IDs] or [Messages]. It is the whole context wanted, not an addition: what it shares with the session's
// tokens is not evaluated again.
type Prompt interface {
	prompt(*raw.Prompt, *runtime.Pinner) error
}

// Text is a prompt that the model continues.
type Text string

// IDs is a prompt of token ids.
type IDs []int32

// Messages is a conversation that the model's chat template turns into a prompt. Text of special tokens inside a message stays
// plain text.
type Messages []Message

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user" or "assistant"
	Content string `json:"content"`
}

func (t Text) prompt(p *raw.Prompt, pins *runtime.Pinner) error {
	p.Kind, p.Text = raw.PromptText, pinnedText(pins, string(t))
	return nil
}

func (ids IDs) prompt(p *raw.Prompt, pins *runtime.Pinner) error {
	p.Kind, p.Ids, p.NIds = raw.PromptIds, pinned(pins, ids), uint64(len(ids))
	return nil
}

func (m Messages) prompt(p *raw.Prompt, pins *runtime.Pinner) error {
	text, err := m.json()
	p.Kind, p.Text = raw.PromptMessages, pinnedText(pins, text)
	return err
}

func (m Messages) json() (string, error) {
	if m == nil {
		m = Messages{}
	}
	text, err := json.Marshal([]Message(m))
	return string(text), err
}

// fillPrompt writes the library's form of a prompt; what it points at stays pinned.
func fillPrompt(out *raw.Prompt, p Prompt, c *commonConfig, pins *runtime.Pinner) error {
	raw.PromptInit(out, uint32(unsafe.Sizeof(*out)))
	if p == nil {
		return invalid("prompt is nil")
	}
	if err := p.prompt(out, pins); err != nil {
		return err
	}
	if out.Kind == raw.PromptText {
		out.Flags = c.promptFlags
	}
	if c.answerOpeningOff {
		out.Chat = chatOptions(false)
		pins.Pin(out.Chat)
	}
	return nil
}

func chatOptions(addGenerationPrompt bool) *raw.ChatOptions {
	var o raw.ChatOptions
	raw.ChatOptionsInit(&o, uint32(unsafe.Sizeof(o)))
	o.AddGenerationPrompt = flag(addGenerationPrompt)
	return &o
}
