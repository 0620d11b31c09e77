// long_chat MODEL CONTEXT: a conversation that goes on when the context is full, since the oldest turns are dropped; /undo takes
// the last turn back.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	rustml "github.com/librustml/librustml/bindings/go"
)

// longChat keeps as much of a conversation as its session holds.
type longChat struct {
	model   *rustml.Model
	session *rustml.Session
	context int
	turns   []rustml.Message // what the user said and the answer, in turn
}

// messages is the whole prompt: the system message, the turns from first on, and the question.
func (c *longChat) messages(first int, question string) rustml.Messages {
	all := rustml.Messages{{Role: "system", Content: "Answer briefly."}}
	all = append(all, c.turns[2*first:]...)
	return append(all, rustml.Message{Role: "user", Content: question})
}

// fitting returns the oldest turn to keep. If the prompt leaves too little room for an answer, so many turns are dropped that half
// of the context is free, because what stays is evaluated again behind the system message.
func (c *longChat) fitting(ctx context.Context, question string) (int, error) {
	most := c.context - c.context/4
	for first := 0; first < len(c.turns)/2; first++ {
		text, err := c.model.FormatChat(ctx, c.messages(first, question), true)
		if err != nil {
			return 0, err
		}
		tokens, err := c.model.Encode(ctx, text, rustml.ParseSpecial)
		if err != nil {
			return 0, err
		}
		if len(tokens) <= most {
			return first, nil
		}
		most = c.context / 2
	}
	return len(c.turns) / 2, nil
}

// ask prints the answer. A question that does not fit the context even alone is ErrOutOfRange, and nothing has changed.
func (c *longChat) ask(ctx context.Context, question string) error {
	first, err := c.fitting(ctx, question)
	if err != nil {
		return err
	}
	var answer strings.Builder
	var result rustml.Result
	for chunk, err := range c.session.Generate(ctx, c.messages(first, question), rustml.WithMaxTokens(64), rustml.WithResult(&result)) {
		if err != nil {
			return err
		}
		if first > 0 { // it fits now
			c.turns = c.turns[2*first:]
			fmt.Printf("(dropped %d turns)\n", first)
			first = 0
		}
		answer.WriteString(chunk.Text)
		fmt.Print(chunk.Text)
	}
	c.turns = append(c.turns, rustml.Message{Role: "user", Content: question}, rustml.Message{Role: "assistant", Content: answer.String()})
	fmt.Printf("\n(%d of %d prompt tokens were known)\n", result.PrefillSkipped, result.PromptTokens)
	if result.Finish == rustml.FinishContextFull {
		fmt.Println("(the context is full, so the answer ends here)")
	}
	return nil
}

// undo takes the last turn back: the next prompt parts from the session's tokens there, and the session goes back to there.
func (c *longChat) undo() { c.turns = c.turns[:max(0, len(c.turns)-2)] }

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: long_chat MODEL CONTEXT")
	}
	size, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	model, err := rustml.Open(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(ctx, rustml.WithContext(size))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	chat := &longChat{model: model, session: session, context: size}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "/undo" {
			chat.undo()
		} else if err := chat.ask(ctx, lines.Text()); errors.Is(err, rustml.ErrOutOfRange) {
			log.Printf("%v; the conversation goes on without this message", err)
		} else if err != nil {
			log.Fatal(err)
		}
	}
}
