// stream MODEL: an HTTP server; GET /?prompt=... streams an answer, which ends when the client goes away.
//
// With a second argument it answers that prompt over its own connection and ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"

	rustml "github.com/librustml/librustml/bindings/go"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: stream MODEL [PROMPT]")
	}
	model, err := rustml.Open(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	http.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		session, err := model.NewSession(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		defer session.Close()
		for chunk, err := range session.Generate(r.Context(), rustml.Text(r.FormValue("prompt")), rustml.WithMaxTokens(64)) {
			if errors.Is(err, context.Canceled) {
				return
			}
			if err != nil {
				log.Print(err)
				return
			}
			fmt.Fprint(w, chunk.Text)
			_ = http.NewResponseController(w).Flush()
		}
	})
	if len(os.Args) < 3 {
		log.Fatal(http.ListenAndServe("localhost:8080", nil))
	}
	server := httptest.NewServer(http.DefaultServeMux)
	defer server.Close()
	response, err := http.Get(server.URL + "/?prompt=" + url.QueryEscape(os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		log.Fatal(err)
	}
	fmt.Println()
}
