// hello MODEL PROMPT: prints the answer as it is made.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	rustml "github.com/librustml/librustml/bindings/go"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: hello MODEL PROMPT")
	}
	ctx := context.Background()
	model, err := rustml.Open(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	for chunk, err := range session.Generate(ctx, rustml.Text(os.Args[2]), rustml.WithMaxTokens(64)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text)
	}
	fmt.Println()
}
