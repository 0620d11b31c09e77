package rustml

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Snapshot reads and writes the state of a session as an [io.WriterTo] and [io.ReaderFrom]. A session that continues from a
// snapshot makes the same tokens as one that never stopped, also in another process, and also if an answer was open: see
// [Session.Resume].
type Snapshot struct {
	session *Session
	ctx     context.Context
	info    RestoreInfo
}

var (
	_ io.WriterTo   = (*Snapshot)(nil)
	_ io.ReaderFrom = (*Snapshot)(nil)
)

// Snapshot returns the session's state for writing and reading, which end with ctx.
func (s *Session) Snapshot(ctx context.Context) *Snapshot { return &Snapshot{session: s, ctx: ctx} }

// RestoreInfo is what a restored snapshot brought.
type RestoreInfo struct {
	Tokens         int  // in the session
	TokensReusable int  // of them, need no evaluation any more
	RewindFloor    int  // smallest position that [Session.Rewind] accepts besides 0
	Generating     bool // an answer is open: [Session.Resume] goes on with it
}

// Restored returns what the last ReadFrom brought.
func (p *Snapshot) Restored() RestoreInfo { return p.info }

// Size returns how many bytes WriteTo would write now.
func (p *Snapshot) Size() (int64, error) {
	defer runtime.KeepAlive(p)
	var size uint64
	err := briefly(func(object *raw.Error) int32 {
		return raw.SessionSnapshotSize(p.session.owned.handle(), &size, object)
	})
	return int64(size), err
}

// WriteTo writes the session's state to w. An error of w's comes back as it is.
func (p *Snapshot) WriteTo(w io.Writer) (int64, error) {
	defer runtime.KeepAlive(p)
	var written int64
	h := handler{write: func(data []byte) error {
		n, err := w.Write(data)
		written += int64(n)
		if err == nil && n < len(data) {
			err = io.ErrShortWrite
		}
		return err
	}}
	err := invoke(p.ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionSnapshotWrite(p.session.owned.handle(), h.sink(), call, object)
	})
	return written, h.outcome(err)
}

// ReadFrom replaces the session's state by what r delivers up to its end. Everything is checked before the session is touched.
func (p *Snapshot) ReadFrom(r io.Reader) (int64, error) {
	var buffer bytes.Buffer
	n, err := buffer.ReadFrom(r)
	if err != nil {
		return n, err
	}
	data := buffer.Bytes()
	p.info, err = p.session.restore(p.ctx, func(out *raw.RestoreInfo, call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionFromBuffer(p.session.owned.handle(), unsafe.SliceData(data), uint64(len(data)), out, call, object)
	})
	return n, err
}

// Restore is [Snapshot.ReadFrom] for a source that can be read anywhere, which needs no buffer.
func (s *Session) Restore(ctx context.Context, r io.ReaderAt, size int64) (RestoreInfo, error) {
	if size < 0 {
		return RestoreInfo{}, invalid("size is %d; must not be negative", size)
	}
	h := handler{readAt: readAt(r)}
	info, err := s.restore(ctx, func(out *raw.RestoreInfo, call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionRestore(s.owned.handle(), h.reader(uint64(size)), out, call, object)
	})
	return info, h.outcome(err)
}

// Save writes the session's state to a file, which is whole or absent.
func (s *Session) Save(ctx context.Context, path string) error {
	defer runtime.KeepAlive(s)
	return invoke(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionSave(s.owned.handle(), textData(path), uint64(len(path)), call, object)
	})
}

// Load replaces the session's state by that of a file.
func (s *Session) Load(ctx context.Context, path string) (RestoreInfo, error) {
	return s.restore(ctx, func(out *raw.RestoreInfo, call *raw.CallOptions, object *raw.Error) int32 {
		return raw.SessionLoad(s.owned.handle(), textData(path), uint64(len(path)), out, call, object)
	})
}

func (s *Session) restore(ctx context.Context, f func(*raw.RestoreInfo, *raw.CallOptions, *raw.Error) int32) (RestoreInfo, error) {
	var i raw.RestoreInfo
	i.StructSize = uint32(unsafe.Sizeof(i))
	err := s.change(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 { return f(&i, call, object) })
	if err != nil {
		return RestoreInfo{}, err
	}
	return RestoreInfo{int(i.NTokens), int(i.TokensReusable), int(i.RewindFloor), i.GenerationOpen != 0}, nil
}

// SnapshotInfo describes a snapshot.
type SnapshotInfo struct {
	FormatVersion    int
	Bytes            int64
	Tokens           int
	ModelFingerprint [2]uint64 // [ModelInfo.Fingerprint] of the model it belongs to
	KVType           KVType
	Generating       bool // an answer was open
}

// ProbeSnapshot reads and checks the header of a snapshot of size bytes; it needs no model.
func ProbeSnapshot(r io.ReaderAt, size int64) (SnapshotInfo, error) {
	if err := load(); err != nil {
		return SnapshotInfo{}, err
	}
	if size < 0 {
		return SnapshotInfo{}, invalid("size is %d; must not be negative", size)
	}
	h := handler{readAt: readAt(r), keep: true}
	var i raw.SnapshotInfo
	i.StructSize = uint32(unsafe.Sizeof(i))
	var object raw.Error
	status := raw.SnapshotProbe(h.reader(uint64(size)), &i, &object)
	if err := h.outcome(failure(nil, status, object)); err != nil {
		return SnapshotInfo{}, err
	}
	return SnapshotInfo{
		int(i.FormatVersion), int64(i.TotalBytes), int(i.NTokens), [2]uint64{i.ModelFingerprintLow, i.ModelFingerprintHigh},
		KVType(i.KvType), i.GenerationOpen != 0,
	}, nil
}
