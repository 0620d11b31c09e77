package rustml

import (
	"context"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Session is one conversation: its tokens and KV cache. It does one thing at a time: a call while another goroutine's is running
// returns [ErrBusy] at once; only Info may be called at any time. While an answer is open, between two of its chunks, the session
// can be looked at and saved to a snapshot, but not changed: that is [ErrFailedPrecondition].
type Session struct {
	owned   owned[raw.Session]
	running atomic.Bool
}

// NewSession makes an empty session.
func (m *Model) NewSession(ctx context.Context, options ...SessionOption) (*Session, error) {
	defer runtime.KeepAlive(m)
	config, err := sessionOptions(options)
	if err != nil {
		return nil, err
	}
	var handle raw.Session
	err = invoke(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionCreate(m.owned.handle(), config.raw, &handle, call, object)
	})
	return newSession(handle, err)
}

func newSession(handle raw.Session, err error) (*Session, error) {
	if err != nil {
		return nil, err
	}
	s := &Session{}
	own(s, &s.owned, handle, raw.SessionRelease)
	return s, nil
}

// Close gives the session back. Always nil; more than once is fine.
func (s *Session) Close() error {
	s.owned.close()
	return nil
}

// take makes s busy, for calls that may have to wait before the library sees them.
func (s *Session) take() error {
	if !s.running.CompareAndSwap(false, true) {
		return &Error{Code: CodeBusy, Message: "session is busy: another goroutine's call is running on it"}
	}
	return nil
}

func (s *Session) untake() { s.running.Store(false) }

// change makes one long call that evaluates tokens of s, or changes it.
func (s *Session) change(ctx context.Context, progress func(done, total uint64), f func(*raw.CallOptions, *raw.Error) int32) error {
	if err := s.take(); err != nil {
		return err
	}
	defer s.untake()
	defer runtime.KeepAlive(s)
	return invoke(ctx, progress, f)
}

// SessionInfo describes a session.
type SessionInfo struct {
	Position        int // tokens in the session
	Capacity        int // tokens it can hold
	RewindFloor     int // smallest position that [Session.Rewind] accepts besides 0
	KVBytesReserved uint64
	KVBytesUsed     uint64
	KVType          KVType
	Poisoned        bool // failed internally; close it
	Generating      bool // an answer is open
}

// Info describes the session: while a call runs on it as it was when that began or, of an answer, at its last token.
func (s *Session) Info() (SessionInfo, error) {
	defer runtime.KeepAlive(s)
	var i raw.SessionInfo
	i.StructSize = uint32(unsafe.Sizeof(i))
	err := briefly(func(object *raw.Error) int32 { return raw.SessionGetInfo(s.owned.handle(), &i, object) })
	return SessionInfo{
		int(i.Position), int(i.Capacity), int(i.RewindFloor), i.KvBytesReserved, i.KvBytesUsed, KVType(i.KvType), i.Poisoned != 0,
		i.GenerationOpen != 0,
	}, err
}

// Tokens returns the session's tokens.
func (s *Session) Tokens() ([]int32, error) {
	defer runtime.KeepAlive(s)
	return collect(1024, func(ids *int32, capacity uint64, needed *uint64) error {
		return briefly(func(object *raw.Error) int32 {
			return raw.SessionTokens(s.owned.handle(), ids, capacity, needed, object)
		})
	})
}

// Logits returns the scores of every token of the vocabulary to come next. It evaluates the last token if that has not been done, as
// after an answer.
func (s *Session) Logits(ctx context.Context) ([]float32, error) { return s.LogitsProgress(ctx, nil) }

// LogitsProgress is [Session.Logits] with a function that is called a few times a second at most, with tokens.
func (s *Session) LogitsProgress(ctx context.Context, progress func(done, total uint64)) ([]float32, error) {
	return collect(32<<10, func(logits *float32, capacity uint64, needed *uint64) error {
		return s.change(ctx, progress, func(call *raw.CallOptions, object *raw.Error) int32 {
			return raw.SessionLogits(s.owned.handle(), logits, capacity, needed, call, object)
		})
	})
}

// Reset makes the session empty.
func (s *Session) Reset() error {
	defer runtime.KeepAlive(s)
	return briefly(func(object *raw.Error) int32 { return raw.SessionReset(s.owned.handle(), object) })
}

// Rewind keeps the first n tokens.
func (s *Session) Rewind(n int) error {
	defer runtime.KeepAlive(s)
	var err error
	tokens := count64("n_tokens", n, &err)
	if err != nil {
		return err
	}
	return briefly(func(object *raw.Error) int32 { return raw.SessionRewind(s.owned.handle(), tokens, object) })
}

// Fork makes an independent session with the same tokens.
func (s *Session) Fork(ctx context.Context) (*Session, error) {
	var handle raw.Session
	err := s.change(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionFork(s.owned.handle(), &handle, call, object)
	})
	return newSession(handle, err)
}

// Eval appends tokens without an answer. After any failure the session is where it was.
func (s *Session) Eval(ctx context.Context, ids []int32) error { return s.EvalProgress(ctx, ids, nil) }

// EvalProgress is [Session.Eval] with a function that is called a few times a second at most, with tokens.
func (s *Session) EvalProgress(ctx context.Context, ids []int32, progress func(done, total uint64)) error {
	return s.change(ctx, progress, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionEval(s.owned.handle(), unsafe.SliceData(ids), uint64(len(ids)), call, object)
	})
}
