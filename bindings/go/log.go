package rustml

import (
	"context"
	"log/slog"
	"runtime"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// LevelTrace is the level of the library's finest records.
const LevelTrace = slog.LevelDebug - 4

// SetLogger sends the library's records to logger, with the attribute "component"; nil makes it silent, as it is at first.
// It must not wait for calls of this package: those may be waiting for it. filter says which records are wanted at all, in the
// manner of RUST_LOG: "warn", "rustml=info,rustml::attn=trace"; empty is "info".
func SetLogger(logger *slog.Logger, filter string) error {
	if err := load(); err != nil {
		return err
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	var options raw.LogOptions
	raw.LogOptionsInit(&options, uint32(unsafe.Sizeof(options)))
	if logger != nil {
		h := &handler{shared: true}
		h.event = func(e *raw.Event) func() error {
			level, component, text := slogLevel(e.Level), zeroTerminated(e.Component), goText(e.Text, e.TextLen)
			return func() error {
				logger.LogAttrs(context.Background(), level, text, slog.String("component", component))
				return nil
			}
		}
		options.Filter, options.Callback = pinnedText(&pins, filter), h.callback(&pins)
	}
	var object raw.Error
	status := raw.LogSet(&options, &object)
	return failure(nil, status, object)
}

func slogLevel(level int32) slog.Level {
	switch level {
	case raw.LogError:
		return slog.LevelError
	case raw.LogWarn:
		return slog.LevelWarn
	case raw.LogInfo:
		return slog.LevelInfo
	case raw.LogDebug:
		return slog.LevelDebug
	}
	return LevelTrace
}

func zeroTerminated(s *byte) string {
	if s == nil {
		return ""
	}
	n := uint64(0)
	for *(*byte)(unsafe.Add(unsafe.Pointer(s), n)) != 0 {
		n++
	}
	return goText(s, n)
}
