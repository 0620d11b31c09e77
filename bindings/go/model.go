package rustml

import (
	"context"
	"encoding/json"
	"runtime"
	"unsafe"

	"github.com/librustml/librustml/bindings/go/internal/raw"
)

// Model is the weights and the tokenizer of one file. It never changes; any number of goroutines may use it at once.
type Model struct{ owned owned[raw.Model] }

// Close gives the model back. Its sessions go on and keep the memory until they are closed. Always nil; more than once is fine.
func (m *Model) Close() error {
	m.owned.close()
	return nil
}

// ModelInfo describes a model. Sizes are in bytes.
type ModelInfo struct {
	Architecture, Name, SIMDTarget                  string
	Threads                                         int
	Layers, Heads, KVHeads, HeadDim                 int
	HiddenDim, FFNDim, VocabSize                    int
	ContextLength                                   int // tokens the model was trained for
	Parameters                                      uint64
	WeightBytes                                     uint64 // packed weights in memory
	BytesNow, BytesPeak                             uint64 // weights, scratch and the KV caches of all sessions
	Fingerprint                                     [2]uint64
	Tensors, FusedQKV, FusedGateUp, QuantizedLayers int
	BOS, EOS                                        int32 // -1: none
	HasChatTemplate                                 bool
	Sessions                                        int
}

// Info describes the model.
func (m *Model) Info() (ModelInfo, error) {
	var i raw.ModelInfo
	i.StructSize = uint32(unsafe.Sizeof(i))
	err := briefly(func(object *raw.Error) int32 { return raw.ModelGetInfo(m.owned.handle(), &i, object) })
	info := ModelInfo{
		goText(i.Architecture.Ptr, i.Architecture.Len), goText(i.Name.Ptr, i.Name.Len), goText(i.SimdTarget.Ptr, i.SimdTarget.Len),
		int(i.NThreads), int(i.NLayers), int(i.NHeads), int(i.NKvHeads), int(i.HeadDim), int(i.HiddenDim), int(i.FfnDim),
		int(i.VocabSize), int(i.ContextLength), i.NParameters, i.WeightBytes, i.BytesNow, i.BytesPeak,
		[2]uint64{i.FingerprintLow, i.FingerprintHigh}, int(i.NTensors), int(i.NFusedQkv), int(i.NFusedGateUp), int(i.NQuantized),
		i.BosId, i.EosId, i.HasChatTemplate != 0, int(i.NSessions),
	}
	runtime.KeepAlive(m) // the texts live as long as the model
	return info, err
}

// Describe returns everything known about the model as a JSON object: config, tensors, tokenizer, memory.
func (m *Model) Describe() (json.RawMessage, error) {
	defer runtime.KeepAlive(m)
	return collect(64<<10, func(buf *byte, capacity uint64, needed *uint64) error {
		return briefly(func(object *raw.Error) int32 {
			return raw.ModelDescribeJson(m.owned.handle(), buf, capacity, needed, object)
		})
	})
}

// EncodeFlags change [Model.Encode].
type EncodeFlags uint32

const (
	AddSpecial   EncodeFlags = raw.EncodeAddSpecial   // add the tokens for beginning and end where the model's file says so
	ParseSpecial EncodeFlags = raw.EncodeParseSpecial // text of special tokens becomes those tokens
	Strict       EncodeFlags = raw.EncodeStrict       // a byte without a token is an error instead of being dropped
)

// Encode turns text into token ids.
func (m *Model) Encode(ctx context.Context, text string, flags EncodeFlags) ([]int32, error) {
	defer runtime.KeepAlive(m)
	return collect(uint64(len(text))+8, func(ids *int32, capacity uint64, needed *uint64) error {
		return invoke(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
			return raw.ModelEncode(m.owned.handle(), textData(text), uint64(len(text)), uint32(flags), ids, capacity, needed, call, object)
		})
	})
}

// Decode turns token ids into text. Bytes that are not UTF-8 come out as they are.
func (m *Model) Decode(ids []int32) (string, error) { return m.decode(ids, 0) }

// DecodePlain is [Model.Decode] without the text of special tokens.
func (m *Model) DecodePlain(ids []int32) (string, error) { return m.decode(ids, raw.DecodeSkipSpecial) }

func (m *Model) decode(ids []int32, flags uint32) (string, error) {
	defer runtime.KeepAlive(m)
	text, err := collect(uint64(len(ids))*8+16, func(buf *byte, capacity uint64, needed *uint64) error {
		return briefly(func(object *raw.Error) int32 {
			return raw.ModelDecode(m.owned.handle(), unsafe.SliceData(ids), uint64(len(ids)), flags, buf, capacity, needed, object)
		})
	})
	return string(text), err
}

// TokenBytes returns the bytes that a token stands for; they may end inside a character.
func (m *Model) TokenBytes(id int32) ([]byte, error) {
	defer runtime.KeepAlive(m)
	return collect(64, func(buf *byte, capacity uint64, needed *uint64) error {
		return briefly(func(object *raw.Error) int32 {
			return raw.ModelTokenBytes(m.owned.handle(), id, buf, capacity, needed, object)
		})
	})
}

// TokenInfo says what kind of token an id is.
type TokenInfo struct {
	Special bool // matched only as a whole
	Byte    bool // stands for one raw byte
	Unknown bool
	Stop    bool    // ends an answer, unless [WithIgnoreEOS]
	Score   float32 // of SentencePiece; else 0
}

// TokenInfo says what kind of token id is.
func (m *Model) TokenInfo(id int32) (TokenInfo, error) {
	defer runtime.KeepAlive(m)
	var i raw.TokenInfo
	i.StructSize = uint32(unsafe.Sizeof(i))
	err := briefly(func(object *raw.Error) int32 { return raw.ModelTokenInfo(m.owned.handle(), id, &i, object) })
	has := func(flag uint32) bool { return i.Flags&flag != 0 }
	return TokenInfo{has(raw.TokenSpecial), has(raw.TokenByte), has(raw.TokenUnknown), has(raw.TokenStop), i.Score}, err
}

// FormatChat returns the text that the model's chat template makes of messages, for display; openAnswer ends it with the opening
// of the assistant's turn. To generate, pass the [Messages] themselves as the prompt.
func (m *Model) FormatChat(ctx context.Context, messages []Message, openAnswer bool) (string, error) {
	defer runtime.KeepAlive(m)
	in, err := Messages(messages).json()
	if err != nil {
		return "", err
	}
	options := chatOptions(openAnswer)
	text, err := collect(uint64(len(in))*2+256, func(buf *byte, capacity uint64, needed *uint64) error {
		return invoke(ctx, nil, func(call *raw.CallOptions, object *raw.Error) int32 {
			return raw.ModelChatFormat(m.owned.handle(), textData(in), uint64(len(in)), options, buf, capacity, needed, call, object)
		})
	})
	return string(text), err
}
