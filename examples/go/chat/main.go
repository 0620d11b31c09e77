// chat MODEL: a conversation; Ctrl-C stops an answer, Ctrl-D ends.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"

	rustml "github.com/librustml/librustml/bindings/go"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: chat MODEL")
	}
	model, err := rustml.Open(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	session, err := model.NewSession(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	chat := session.NewChat(rustml.Message{Role: "system", Content: "Answer briefly."})
	lines := bufio.NewScanner(os.Stdin)
	for fmt.Print("> "); lines.Scan(); fmt.Print("\n> ") {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		for chunk, err := range chat.Send(ctx, lines.Text(), rustml.WithMaxTokens(256), rustml.WithTemperature(0.7), rustml.WithTopP(0.9)) {
			if errors.Is(err, context.Canceled) {
				fmt.Print(" [stopped]")
			} else if err != nil {
				log.Fatal(err)
			}
			fmt.Print(chunk.Text)
		}
		stop()
	}
	fmt.Println()
}
