// Package rustml runs language models on the processor, inside your program, through librustml.
//
// A [Model] is opened once and shared by all goroutines. Each conversation is a [Session] of it. [Session.Generate] streams an
// answer:
//
//	model, err := rustml.Open(ctx, "model.gguf")
//	...
//	session, err := model.NewSession(ctx)
//	...
//	for chunk, err := range session.Generate(ctx, rustml.Text("Once upon a time"), rustml.WithMaxTokens(64)) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(chunk.Text)
//	}
//
// Every call that may take long ends with its context, wherever it is: loading, in the middle of a long prompt, between two tokens.
//
// With cgo, pkg-config finds the library when the program is built. With CGO_ENABLED=0 or the tag rustml_purego it is found when
// the program runs: RUSTML_LIBRARY names the file, else the program's own folder and the system's loader are asked.
package rustml
