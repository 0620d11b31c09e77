package rustml

import (
	"context"
	"iter"
	"slices"
	"strings"
)

// Chat keeps the messages of a conversation on a session. It belongs to one goroutine at a time.
type Chat struct {
	session  *Session
	messages []Message
}

// NewChat begins a conversation, with a system message for example. What the session holds already and the conversation does
// not is dropped at the first [Chat.Send].
func (s *Session) NewChat(messages ...Message) *Chat {
	return &Chat{session: s, messages: slices.Clone(messages)}
}

// Messages returns the conversation so far.
func (c *Chat) Messages() []Message { return slices.Clone(c.messages) }

// Send says text as the user and streams the answer, which then is part of the conversation, also when the range is left before
// its end. An answer that fails leaves the conversation as it was.
func (c *Chat) Send(ctx context.Context, text string, options ...GenerateOption) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		asked := append(slices.Clone(c.messages), Message{"user", text})
		var answer strings.Builder
		failed := true
		defer func() {
			if !failed {
				c.messages = append(asked, Message{"assistant", answer.String()})
			}
		}()
		for chunk, err := range c.session.Generate(ctx, Messages(asked), options...) {
			if err != nil {
				failed = true
				yield(chunk, err)
				return
			}
			failed = false
			answer.WriteString(chunk.Text)
			if !yield(chunk, nil) {
				return
			}
		}
	}
}
