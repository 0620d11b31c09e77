package rustml_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	rustml "github.com/librustml/librustml/bindings/go"
)

const model = "../../tests/golden/data/architectures/llama.gguf" // a tiny model without much sense

func Example() {
	ctx := context.Background()
	model, err := rustml.Open(ctx, model)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	tokens := 0
	for chunk, err := range session.Generate(ctx, rustml.Text("The capital of France is"), rustml.WithMaxTokens(5), rustml.WithIgnoreEOS()) {
		if err != nil {
			log.Fatal(err)
		}
		if chunk.Finish != 0 {
			fmt.Println(tokens, "tokens, ended by", chunk.Finish)
			break
		}
		tokens++ // usually: fmt.Print(chunk.Text)
	}
	// Output: 5 tokens, ended by LENGTH
}

func ExampleOpen_error() {
	_, err := rustml.Open(context.Background(), "absent.gguf")
	var e *rustml.Error
	fmt.Println(errors.Is(err, os.ErrNotExist), errors.Is(err, rustml.ErrNotFound), errors.As(err, &e), e.Code)
	// Output: true true true NOT_FOUND
}

func ExampleModel_Encode() {
	model, err := rustml.Open(context.Background(), model)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	ids, err := model.Encode(context.Background(), "The capital of France is", 0)
	if err != nil {
		log.Fatal(err)
	}
	text, err := model.Decode(ids)
	fmt.Println(len(ids), text, err)
	// Output: 15 The capital of France is <nil>
}

func ExampleSession_NewChat() {
	ctx := context.Background()
	model, err := rustml.Open(ctx, model)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	chat := session.NewChat(rustml.Message{Role: "system", Content: "Answer briefly."})
	for _, err := range chat.Send(ctx, "What is the capital of France?", rustml.WithMaxTokens(8)) {
		if err != nil {
			log.Fatal(err)
		}
	}
	for _, message := range chat.Messages() {
		fmt.Println(message.Role)
	}
	// Output:
	// system
	// user
	// assistant
}

func ExampleSession_Snapshot() {
	ctx := context.Background()
	model, err := rustml.Open(ctx, model)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	if err := session.Eval(ctx, []int32{5, 6, 7}); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := session.Snapshot(ctx).WriteTo(&file); err != nil {
		log.Fatal(err)
	}
	another, err := model.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer another.Close()
	if _, err := another.Snapshot(ctx).ReadFrom(&file); err != nil {
		log.Fatal(err)
	}
	fmt.Println(another.Tokens())
	// Output: [5 6 7] <nil>
}

// A context ends an answer wherever it is, also in the middle of a long prompt.
func ExampleSession_Generate_deadline() {
	model, err := rustml.Open(context.Background(), "../../tests/golden/data/slow_q4_0.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for _, err := range session.Generate(ctx, rustml.IDs(make([]int32, 8000))) {
		if err != nil {
			fmt.Println(errors.Is(err, context.DeadlineExceeded))
		}
	}
	// Output: true
}

func ExampleSetLogger() {
	if err := rustml.SetLogger(slog.Default(), "rustml=warn"); err != nil {
		log.Fatal(err)
	}
	defer rustml.SetLogger(nil, "")
	// Output:
}
