package rustml

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestErrorsIs(t *testing.T) {
	all := map[Code]error{
		1: ErrCancelled, 3: ErrInvalidArgument, 4: ErrDeadlineExceeded, 5: ErrNotFound, 7: ErrPermissionDenied, 8: ErrResourceExhausted,
		9: ErrFailedPrecondition, 11: ErrOutOfRange, 12: ErrUnimplemented, 13: ErrInternal, 14: ErrUnavailable, 15: ErrDataLoss, 100: ErrBusy,
		101: ErrClosed, 102: ErrABIMismatch, 103: ErrPoisoned, 104: ErrForked, 105: ErrCallbackStop,
	}
	for code := range codeNames {
		if all[code] == nil {
			t.Errorf("%v has no sentinel", code)
		}
	}
	for code := range all {
		err := fmt.Errorf("wrapped: %w", &Error{Code: code, Message: "something"})
		for other, sentinel := range all {
			if errors.Is(err, sentinel) != (code == other) {
				t.Errorf("%v and the sentinel of %v", code, other)
			}
		}
	}
	for standard, code := range map[error]Code{
		context.Canceled: CodeCancelled, context.DeadlineExceeded: CodeDeadlineExceeded, fs.ErrNotExist: CodeNotFound,
		fs.ErrPermission: CodePermissionDenied, fs.ErrClosed: CodeInvalidHandle,
	} {
		if !errors.Is(&Error{Code: code}, standard) || errors.Is(&Error{Code: CodeInternal}, standard) {
			t.Errorf("%v", standard)
		}
	}
	if !(&Error{Code: CodeDeadlineExceeded}).Timeout() || (&Error{Code: CodeCancelled}).Timeout() {
		t.Error("Timeout")
	}
}

func TestErrorHasDetail(t *testing.T) {
	s := startSession(t, openModel(t, llama))
	var e *Error
	for _, err := range s.Generate(t.Context(), Text("x"), WithTopP(2)) {
		if !errors.As(err, &e) || e.Code != CodeInvalidArgument {
			t.Fatal(err)
		}
	}
	if e == nil || e.Error() != "rustml: "+e.Message {
		t.Fatalf("%+v", e)
	}
}

func TestClosed(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	for range 2 {
		if err := errors.Join(s.Close(), m.Close()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Tokens()
	_, err2 := m.NewSession(t.Context())
	_, err3 := m.Encode(t.Context(), "x", 0)
	for _, err := range []error{err, err2, err3, s.Reset(), s.Eval(t.Context(), []int32{1})} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	}
}

func TestBadNumbers(t *testing.T) {
	m := openModel(t, llama)
	s := startSession(t, m)
	for _, o := range []GenerateOption{WithMaxTokens(-1), WithLogprobs(-1), WithPromptLookup(1 << 40), WithRepetitionWindow(-5), WithTopK(1 << 40)} {
		for _, err := range s.Generate(t.Context(), Text("x"), o) {
			if !errors.Is(err, ErrInvalidArgument) {
				t.Error(err)
			}
		}
	}
	_, err := m.NewSession(t.Context(), WithContext(-1))
	for _, err := range []error{err, s.Rewind(-1)} {
		if !errors.Is(err, ErrInvalidArgument) {
			t.Error(err)
		}
	}
	for _, err := range s.Generate(t.Context(), nil) {
		if !errors.Is(err, ErrInvalidArgument) {
			t.Error(err)
		}
	}
}
