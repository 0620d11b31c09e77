package rustml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Code says what kind of failure an [Error] is. Values below 100 equal the gRPC codes of the same name.
type Code int32

const (
	CodeCancelled          Code = raw.Cancelled
	CodeInvalidArgument    Code = raw.InvalidArgument
	CodeDeadlineExceeded   Code = raw.DeadlineExceeded
	CodeNotFound           Code = raw.NotFound
	CodePermissionDenied   Code = raw.PermissionDenied
	CodeResourceExhausted  Code = raw.ResourceExhausted
	CodeFailedPrecondition Code = raw.FailedPrecondition
	CodeOutOfRange         Code = raw.OutOfRange
	CodeUnimplemented      Code = raw.Unimplemented
	CodeInternal           Code = raw.Internal
	CodeUnavailable        Code = raw.Unavailable
	CodeDataLoss           Code = raw.DataLoss
	CodeBusy               Code = raw.Busy
	CodeInvalidHandle      Code = raw.InvalidHandle
	CodeABIMismatch        Code = raw.AbiMismatch
	CodePoisoned           Code = raw.Poisoned
	CodeForked             Code = raw.Forked
	CodeCallbackStop       Code = raw.CallbackStop
)

var codeNames = map[Code]string{
	CodeCancelled: "CANCELLED", CodeInvalidArgument: "INVALID_ARGUMENT", CodeDeadlineExceeded: "DEADLINE_EXCEEDED",
	CodeNotFound: "NOT_FOUND", CodePermissionDenied: "PERMISSION_DENIED", CodeResourceExhausted: "RESOURCE_EXHAUSTED",
	CodeFailedPrecondition: "FAILED_PRECONDITION", CodeOutOfRange: "OUT_OF_RANGE", CodeUnimplemented: "UNIMPLEMENTED",
	CodeInternal: "INTERNAL", CodeUnavailable: "UNAVAILABLE", CodeDataLoss: "DATA_LOSS", CodeBusy: "BUSY",
	CodeInvalidHandle: "INVALID_HANDLE", CodeABIMismatch: "ABI_MISMATCH", CodePoisoned: "POISONED", CodeForked: "FORKED",
	CodeCallbackStop: "CALLBACK_STOP",
}

// String returns the code's name in the C API, such as "NOT_FOUND".
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return fmt.Sprintf("CODE_%d", int32(c))
}

// What [errors.Is] can ask about an error of this package. [ErrCancelled] is also [context.Canceled], [ErrDeadlineExceeded]
// also [context.DeadlineExceeded], [ErrNotFound] also [fs.ErrNotExist], [ErrPermissionDenied] also [fs.ErrPermission] and
// [ErrClosed] also [fs.ErrClosed].
var (
	ErrCancelled          error = &Error{Code: CodeCancelled}
	ErrInvalidArgument    error = &Error{Code: CodeInvalidArgument}
	ErrDeadlineExceeded   error = &Error{Code: CodeDeadlineExceeded}
	ErrNotFound           error = &Error{Code: CodeNotFound}
	ErrPermissionDenied   error = &Error{Code: CodePermissionDenied}
	ErrResourceExhausted  error = &Error{Code: CodeResourceExhausted}
	ErrFailedPrecondition error = &Error{Code: CodeFailedPrecondition} // for example: an answer is open on the session
	ErrOutOfRange         error = &Error{Code: CodeOutOfRange}         // more tokens than the context holds
	ErrUnimplemented      error = &Error{Code: CodeUnimplemented}      // the message names what is not supported
	ErrInternal           error = &Error{Code: CodeInternal}           // the library's mistake; close that session
	ErrUnavailable        error = &Error{Code: CodeUnavailable}
	ErrDataLoss           error = &Error{Code: CodeDataLoss} // a file is cut, damaged or hostile
	ErrBusy               error = &Error{Code: CodeBusy}     // another goroutine's call is running on the session
	ErrClosed             error = &Error{Code: CodeInvalidHandle}
	ErrABIMismatch        error = &Error{Code: CodeABIMismatch} // the library is missing or not the one this package was made for
	ErrPoisoned           error = &Error{Code: CodePoisoned}    // the session failed with ErrInternal before; close it
	ErrForked             error = &Error{Code: CodeForked}
	ErrCallbackStop       error = &Error{Code: CodeCallbackStop}
)

// Error is what every failing call of this package returns; see [errors.As].
type Error struct {
	Code    Code
	Message string          // one line: what, the value and its limit
	Detail  json.RawMessage // a JSON object for programs; nil if there is none
	cause   error
}

func (e *Error) Error() string {
	if e.Message == "" {
		return "rustml: " + e.Code.String()
	}
	return "rustml: " + e.Message
}

// Unwrap returns the [context.Cause] of the context that ended the call, if one did.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the sentinel of e's code, or the standard library's error of the same meaning.
func (e *Error) Is(target error) bool {
	if sentinel, ok := target.(*Error); ok {
		return sentinel.Message == "" && sentinel.Code == e.Code
	}
	switch target {
	case context.Canceled:
		return e.Code == CodeCancelled
	case context.DeadlineExceeded:
		return e.Code == CodeDeadlineExceeded
	case fs.ErrNotExist:
		return e.Code == CodeNotFound
	case fs.ErrPermission:
		return e.Code == CodePermissionDenied
	case fs.ErrClosed:
		return e.Code == CodeInvalidHandle
	}
	return false
}

// Timeout reports whether a deadline or one of the time limits passed.
func (e *Error) Timeout() bool { return e.Code == CodeDeadlineExceeded }

// failure makes an error of a status and its error object, which it releases. ctx is the call's, or nil.
func failure(ctx context.Context, status int32, object raw.Error) error {
	if status == raw.OK {
		return nil
	}
	e := &Error{Code: Code(status), Message: raw.ErrorMessage(object)}
	if object == 0 {
		e.Message = ""
	}
	if detail := raw.ErrorDetailJson(object); detail != "{}" && detail != "" {
		e.Detail = json.RawMessage(detail)
	}
	raw.ErrorRelease(object)
	return e.of(ctx)
}

// of adds why ctx ended, where it did.
func (e *Error) of(ctx context.Context) error {
	if ctx != nil && (e.Code == CodeCancelled || e.Code == CodeDeadlineExceeded) {
		e.cause = context.Cause(ctx)
	}
	return e
}

// ended is the error of a context that was over before the library was asked.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return (&Error{Code: CodeDeadlineExceeded, Message: "deadline passed before the call"}).of(ctx)
	}
	return (&Error{Code: CodeCancelled, Message: "cancelled before the call"}).of(ctx)
}

func invalid(format string, values ...any) error {
	return &Error{Code: CodeInvalidArgument, Message: fmt.Sprintf(format, values...)}
}
