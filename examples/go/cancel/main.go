// cancel MODEL PROMPT DURATION: the answer has so long; the session stays usable.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	rustml "github.com/librustml/librustml/bindings/go"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: cancel MODEL PROMPT DURATION, such as 2s")
	}
	limit, err := time.ParseDuration(os.Args[3])
	if err != nil {
		log.Fatal(err)
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
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var result rustml.Result
	for chunk, err := range session.Generate(ctx, rustml.Text(os.Args[2]), rustml.WithIgnoreEOS(), rustml.WithResult(&result)) {
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text)
	}
	fmt.Printf("\n[%v after %d tokens; the session holds %d]\n", result.Finish, result.GeneratedTokens, result.TokensCommitted)
}
