// hello MODEL: the shortest program.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	rustml "github.com/librustml/librustml/bindings/go"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: hello MODEL")
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
	for chunk, err := range session.Generate(ctx, rustml.Text("The capital of France is"), rustml.WithMaxTokens(16)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text)
	}
	fmt.Println()
}
