// snapshot MODEL PROMPT FILE: begins an answer, saves it in the middle, and lets another session finish it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	rustml "github.com/librustml/librustml/bindings/go"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: snapshot MODEL PROMPT FILE")
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
	tokens := 0
	for chunk, err := range session.Generate(ctx, rustml.Text(os.Args[2]), rustml.WithMaxTokens(32)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text)
		if tokens++; tokens == 8 { // or write session.Snapshot(ctx) to any io.Writer
			if err := session.Save(ctx, os.Args[3]); err != nil {
				log.Fatal(err)
			}
			break
		}
	}
	fmt.Print(" [saved] ")
	later, err := model.NewSession(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer later.Close()
	if _, err := later.Load(ctx, os.Args[3]); err != nil {
		log.Fatal(err)
	}
	for chunk, err := range later.Resume(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text)
	}
	fmt.Println()
}
