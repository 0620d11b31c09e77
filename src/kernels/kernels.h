// The kernel table: every computation on numbers, serial, pointers only. One table per SIMD target,
// compiled from the *-inl.h files with its flags; `scalar` is the reference, written as plain loops straight from the definitions below.
// No kernel allocates, throws, logs or starts threads. What is large lies in the caller's scratch, not in frames.
//
// Numerics. Each output value is defined once, so every target, thread count, chunk and batch gives the same bits:
//  * Linear, block types: activations are quantized per 32 values along K (see quantize_q8). For row r, with sub-blocks (values
//    that share a weight scale: 32, or 16 in Q2_K, Q3_K, Q6_K, IQ2, IQ1) in ascending order, acc = fma(float(isum), d_w * d_a, acc),
//    isum the exact integer dot product with the weight's signed integer, d_w = d or d * scale (IQ: times 1, 1/4 or 1/8), which is
//    exact in float32; types with a minimum then acc = fma(m_w, d_a * float(sum_a), acc), isum over unsigned integers, m_w = m or
//    -dmin * minimum, exact too.
//    Two chains: units (32 values, K types 256) [0, ceil(n/2)) and the rest; result = (first + second) + bias. Accumulating:
//    out = out + result.
//  * Linear, float types: acc = fma(w, x, acc) over k ascending in the same two halves (of K, at ceil(K/2)).
//  * Reductions (sums) over n values: lane l of 16 takes elements l, l+16, ... in order (absent ones: nothing added),
//    then the tree (l, l+8), (l, l+4), (l, l+2), (l, l+1). Maxima are exact in any order; ties go to the lowest index.
//  * exp is our own polynomial with explicit fma (constants.h), the same operations in scalar code; gelu's tanh is taken through
//    it: 0.5 (1 + tanh u) = 1 / (1 + exp(-2u)).
//  * -ffp-contract=off everywhere. Only the SSE4.1 target (no FMA) may differ, within 1e-5 relative.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tensor/dtype.h"

namespace rustml::kernels {

constexpr int64_t kPanelRows = 16;       // rows interleaved in a packed panel, on every target
constexpr int64_t kQBlock = 32;          // values per activation block
constexpr int64_t kActivationTile = 16;  // tokens of a tile of activations
// Memory for `linear` and `attend`, on every target, aligned to 64 bytes: one thread's at a time, nothing is kept in it.
constexpr int64_t kScratchBytes = 114 * 1024;

// Packed weights: panels of 16 rows (the last padded with zeros), whole K each. Block types: layout.h; f16, bf16, f32: per k 16
// values. Every type of file keeps its own bits; those of IQ3 take 4 for each value here, those of IQ2 and IQ1 three.
int64_t panel_bytes(tensor::DType type, int64_t cols) noexcept;
inline int64_t panel_count(int64_t rows) noexcept { return (rows + kPanelRows - 1) / kPanelRows; }
// rows: for each of the panel's 16 rows its file-layout bytes, null for padding. dst: panel_bytes.
void pack_panel(tensor::DType type, const std::byte* const rows[kPanelRows], int64_t cols, std::byte* dst);
// The same from rows of floats, quantized by tensor::quantize; `to` q8_0 or q4_0, cols a multiple of 32.
void quantize_panel(tensor::DType to, const float* const rows[kPanelRows], int64_t cols, std::byte* dst);
// Row r (0..15) of a packed panel as floats: out[cols]. Exact: what dequantize gives for the file's row.
void unpack_row(tensor::DType type, const std::byte* panel, int64_t r, int64_t cols, float* out);

enum class KvType : uint8_t { f32 = 1, f16 = 2, q8_0 = 3 };

// Linear: out[t * out_stride + r] for tokens [token_begin, token_end) and rows of panels [panel_begin, panel_end).
struct LinearArgs {
  const std::byte* weights;  // packed panels of the whole matrix
  int64_t rows, cols;        // cols a multiple of 32 for block types
  const int8_t* xq;          // [tokens][cols]           block types
  const float* xd;           // [tokens][cols / 32]
  const int32_t* xsum;       // [tokens][cols / 32]      sums of the block's xq, as quantize_q8 gives them
  const float* xf;           // [tokens][cols]           float types
  const float* bias;         // [rows] or null
  float* out;
  int64_t out_stride;
  bool accumulate;
  std::byte* scratch;               // kScratchBytes
  const std::byte* next = nullptr;  // weights to fetch behind the last panel of a single token, or null: what comes next
  bool tiled = false;               // xq, xd and xsum are what quantize_q8_tiled gave; token_begin is then a multiple of 16
};

// Attention of a block of up to 128 positions, absolute ones [128 i, 128 i + 128), for queries that share one KV head.
//  K block: [8 groups][head_dim][16 positions]; V block: [128 positions][head_dim]; scales [128] for q8_0 (per head row).
//  Query j sees positions [first[j], last[j]) of the block (0 <= first <= last <= 128).
//  s[p] = dot over d ascending by fma (one chain), times k_scale[p] for q8_0; m = max s; e[p] = exp(s[p] - m);
//  (q8_0 with offsets, before m: chain over i ascending of s[p] = fma(basis[p][rows[i]], factors[j][i], s[p]))
//  l = sum e (reduction as above over p - 0 .. 127, invisible ones adding nothing); o[d] = chain over visible p ascending of
//  fma(e[p] * v_scale[p], v[p][d], o[d]) (factor e[p] alone for float types). Nothing visible: m = -inf, l = 0, o = 0.
constexpr int64_t kAttendBlock = 128;
// What is added to the scores of a q8_0 block besides its keys: the part of keys that is the same function of the position everywhere.
struct ScoreOffsets {
  const float* basis;           // [8 groups][n_rows][16 positions]
  int64_t n_rows;               //
  const int32_t* rows;          // [n]
  int64_t n;                    //
  const float* const* factors;  // [n_queries] -> [n]
};
struct AttendArgs {
  KvType type;
  int64_t head_dim;  // multiple of 2; may not be a multiple of 16
  const void* k;
  const float* k_scale;
  const void* v;
  const float* v_scale;
  int64_t n_queries;
  const float* const* q;  // [n_queries] -> [head_dim], scaled already
  const int32_t* first;
  const int32_t* last;
  float* const* o;  // [n_queries] -> [head_dim]
  float* m;         // [n_queries]
  float* l;
  std::byte* scratch;                     // kScratchBytes
  const void* next = nullptr;             // fetched meanwhile, about as many bytes as K has; null: none
  const ScoreOffsets* offsets = nullptr;  // q8_0 only; null: none
};

struct KernelTable {
  std::string_view target;  // "scalar", "sse41", "avx2", "avxvnni", "avx512", "amx", "neon", "neondot"

  // One row x[n], n a multiple of 32: per 32 values d = max|x| / 127, q = round to even of x * (127 / max|x|), sum = sum of
  // the first 16 q in the low 16 bits, of the others in the high ones.
  // max|x| < 1e-30: d = 0, q = 0. A value that is not finite: d = NaN, q = 0, so that it reaches the output.
  void (*quantize_q8)(const float* x, int64_t n, int8_t* q, float* d, int32_t* sum);
  // The same into tiles of 16 tokens: q [tokens / 16][n / 32][16][32], d and sum [tokens / 16][n / 32][16]. Memory is there for whole
  // tiles, what absent tokens have in it does not matter. Null where linear has no use for tiles.
  void (*quantize_q8_tiled)(const float* x, int64_t n, int64_t token, int8_t* q, float* d, int32_t* sum);
  // By type of the weights.
  void (*linear[tensor::kDTypeCount])(const LinearArgs& args, int64_t panel_begin, int64_t panel_end, int64_t token_begin,
                                      int64_t token_end);

  void (*rms_norm)(const float* x, const float* w, int64_t n, float eps,
                   float* y);  // y = (x * (1 / sqrt(sum x^2 / n + eps))) * w; y may be x
  void (*layer_norm)(const float* x, const float* w, const float* b, int64_t n, float eps, float* y);
  void (*add)(float* x, const float* y, int64_t n);                                // x += y
  void (*silu_mul)(const float* gate, const float* up, int64_t n, float* y);       // y = gate / (1 + exp(-gate)) * up
  void (*gelu_tanh_mul)(const float* gate, const float* up, int64_t n, float* y);  // y = gelu(gate) * up; up null: gelu alone
  // x [heads][n]: rotates each one's halves, (a, b) = (x[i], x[i + n/2]) -> (a c - b s, b c + a s), c and s [n/2], then scales:
  // x[i] = fma(-b, s, a*c) * factor, x[i + n/2] = fma(a, s, b*c) * factor.
  void (*rotate)(float* x, int64_t heads, const float* cosines, const float* sines, int64_t n, float factor);
  void (*scale)(float* x, float factor, int64_t n);

  // One position of one head into the cache, rounded to its type. `index`: position within its block of 128.
  // q8_0: per head row, as quantize_q8's rule over the whole row; *_scale + index is written.
  void (*store_k)(KvType type, const float* x, int64_t head_dim, void* k_block, float* k_scale, int64_t index);
  void (*store_v)(KvType type, const float* x, int64_t head_dim, void* v_block, float* v_scale, int64_t index);
  void (*attend)(const AttendArgs& args);
  // Partials of ascending blocks -> softmax-weighted mean. m, l: [n_blocks], o: [n_blocks][head_dim] at o_stride.
  // M = max m; f_i = exp(m_i - M) (0 for m_i = -inf); L = chain fma(l_i, f_i, L); y[d] = chain fma(o_i[d], f_i, y[d]); y / L.
  void (*attend_merge)(const float* m, const float* l, const float* o, int64_t o_stride, int64_t n_blocks, int64_t head_dim, float* y);

  int64_t (*argmax)(const float* x, int64_t n);  // lowest index of the largest; NaN never wins; -1: all NaN or n = 0
  float (*max)(const float* x, int64_t n);       // NaN ignored; -inf for none
  double (*sum_exp)(const float* x, int64_t n,
                    float subtract);  // sum of exp(x - subtract), by the reduction rule in float per 4096 values, then double
  void (*exp)(const float* x, int64_t n, float subtract, float* y);
  bool (*all_finite)(const float* x, int64_t n);
};

// Targets compiled into this library and usable on this processor (CPUID and XCR0), best first; "scalar" is always last.
std::span<const KernelTable* const> available() noexcept;
// All compiled ones by name, for build information.
std::span<const std::string_view> compiled() noexcept;
const KernelTable* find(std::string_view target) noexcept;  // null: not available here

}  // namespace rustml::kernels
