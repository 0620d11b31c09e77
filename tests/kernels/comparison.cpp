#include "comparison.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>

namespace rustml::kernels {
namespace {

using tensor::DType;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A heap block of exactly n values, so that AddressSanitizer sees any access beside it.
template <class T>
struct Exact {
  explicit Exact(int64_t n) : size(n), data(new T[static_cast<size_t>(n)]()) {}
  T* get() { return data.get(); }
  T& operator[](int64_t i) { return data[static_cast<size_t>(i)]; }
  int64_t size;
  std::unique_ptr<T[]> data;
};

struct alignas(64) KernelScratch {
  std::byte bytes[kScratchBytes];
};

class Comparer {
 public:
  Comparer(const KernelTable& target, float relative, bool thorough)
      : t_(target), s_(*find("scalar")), relative_(relative), thorough_(thorough) {}

  Comparison run() {
    quantize();
    linear();
    rows();
    attention();
    merge();
    logits();
    return std::move(result_);
  }

 private:
  std::byte* scratch() {  // of NaN: nothing may be expected in it
    std::memset(scratch_->bytes, 0xff, sizeof scratch_->bytes);
    return scratch_->bytes;
  }
  float uniform(float low, float high) { return low + (high - low) * static_cast<float>(random_() >> 8) * 0x1p-24f; }
  Exact<float> floats(int64_t n, float low = -2, float high = 2) {
    Exact<float> x(n);
    for (int64_t i = 0; i < n; ++i) x[i] = uniform(low, high);
    return x;
  }

  void check(const char* what, int64_t size, const float* got, const float* want, int64_t n) {
    float largest = 0;
    for (int64_t i = 0; i < n; ++i) largest = std::fmax(largest, std::isfinite(want[i]) ? std::fabs(want[i]) : 0.0f);
    ++result_.checks;
    for (int64_t i = 0; i < n; ++i) {
      if (std::memcmp(got + i, want + i, 4) == 0 || (std::isnan(got[i]) && std::isnan(want[i]))) continue;
      if (std::fabs(got[i] - want[i]) <= relative_ * largest) continue;
      char text[160];
      std::snprintf(text, sizeof text, "%.*s %s (size %lld): element %lld is %.9g, scalar %.9g", static_cast<int>(t_.target.size()),
                    t_.target.data(), what, static_cast<long long>(size), static_cast<long long>(i), got[i], want[i]);
      result_.failures.emplace_back(text);
      return;
    }
  }
  void check(const char* what, int64_t size, double got, double want) {
    const float g = static_cast<float>(got), w = static_cast<float>(want);
    check(what, size, &g, &w, 1);
  }
  template <class T>
  void check_equal(const char* what, int64_t size, const T* got, const T* want, int64_t n) {
    ++result_.checks;
    if (std::memcmp(got, want, static_cast<size_t>(n) * sizeof(T)) != 0) {
      result_.failures.push_back(std::string(t_.target) + " " + what + " (size " + std::to_string(size) + ") differs");
    }
  }

  void quantize() {
    for (int64_t n : {32, 64, 96, 128, 224, 576}) {
      for (int round = 0; round < 8; ++round) {
        auto x = floats(n);
        if (round == 1) x[5] = kNaN;
        if (round == 2) x[n - 1] = -kInfinity;
        if (round == 3) x[0] = 3e38f;
        if (round == 4) {
          for (int64_t i = 0; i < n; ++i) x[i] *= 1e-31f;
        }
        if (round == 5) {  // ties: x * 127 / max is a half-integer
          for (int64_t i = 0; i < n; ++i) x[i] = static_cast<float>(i % 16) - 7.5f;
          x[3] = 127.0f;
        }
        if (round == 6) {
          for (int64_t i = 0; i < n; ++i) x[i] = i % 2 ? -0.0f : 0.0f;
        }
        Exact<int8_t> q(n), q2(n);
        Exact<float> d(n / 32), d2(n / 32);
        Exact<int32_t> sum(n / 32), sum2(n / 32);
        t_.quantize_q8(x.get(), n, q.get(), d.get(), sum.get());
        s_.quantize_q8(x.get(), n, q2.get(), d2.get(), sum2.get());
        check_equal("quantize_q8 q", n, q.get(), q2.get(), n);
        check("quantize_q8 d", n, d.get(), d2.get(), n / 32);
        check_equal("quantize_q8 sum", n, sum.get(), sum2.get(), n / 32);
        if (t_.quantize_q8_tiled != nullptr) quantize_tiled(x.get(), n, q2, d2, sum2);
      }
    }
  }

  void quantize_tiled(const float* x, int64_t n, const Exact<int8_t>& q, const Exact<float>& d, const Exact<int32_t>& sum) {
    const int64_t blocks = n / 32;
    for (const int64_t token : {0, 5, 31}) {
      Exact<int8_t> tiles(32 * n), row(n);
      Exact<float> tiles_d(32 * blocks), row_d(blocks);
      Exact<int32_t> tiles_sum(32 * blocks), row_sum(blocks);
      t_.quantize_q8_tiled(x, n, token, tiles.get(), tiles_d.get(), tiles_sum.get());
      for (int64_t b = 0; b < blocks; ++b) {
        const int64_t at = (token / 16 * blocks + b) * 16 + token % 16;
        std::memcpy(row.get() + 32 * b, tiles.get() + 32 * at, 32);
        row_d[b] = tiles_d[at], row_sum[b] = tiles_sum[at];
      }
      check_equal("quantize_q8_tiled q", n, row.get(), q.data.get(), n);
      check("quantize_q8_tiled d", n, row_d.get(), d.data.get(), blocks);
      check_equal("quantize_q8_tiled sum", n, row_sum.get(), sum.data.get(), blocks);
      const int64_t beside = token / 16 * blocks * 16 + (token + 1) % 16;  // another token of block 0
      check_equal("quantize_q8_tiled beside it", n, &tiles_d[beside], std::vector<float>(1).data(), 1);
    }
  }

  void linear() {
    for (int i = 0; i < tensor::kDTypeCount; ++i) {
      const auto type = static_cast<DType>(i);
      const int64_t unit = tensor::info(type).block_elements;
      const bool block = unit > 1;
      for (int64_t n : block ? std::vector<int64_t>{1, 2, 3, 11, 18} : std::vector<int64_t>{1, 2, 7, 33, 64, 131}) {
        if (unit == 256 && n > 3) continue;
        for (int64_t rows : thorough_ ? std::vector<int64_t>{1, 15, 17, 33, 50} : std::vector<int64_t>{1, 50}) {
          for (int64_t tokens : thorough_ ? std::vector<int64_t>{1, 2, 3, 4, 5, 6, 8, 13} : std::vector<int64_t>{1, 2, 7})
            linear_case(type, block, rows, n * unit, tokens);
        }
      }
      linear_case(type, block, 17, thorough_ ? 2304 : 512, 80);  // several token tiles
      // Tiles of 16 tokens: one, the last reaching back over others, all modes; K in halves that are not alike; one unit.
      for (int64_t tokens : thorough_ ? std::vector<int64_t>{8, 16, 37} : std::vector<int64_t>{37}) {
        linear_case(type, block, 33, block ? 3 * (unit == 256 ? 256 : 192) : 35, tokens);
        linear_case(type, block, 17, unit, tokens);
      }
      if (thorough_) linear_case(type, block, 17, 512, 270);  // several groups of them
      // A last tile of one token, and its neighbours.
      for (int64_t tokens : thorough_ ? std::vector<int64_t>{24, 25, 64, 65, 72, 73, 74, 145} : std::vector<int64_t>{25, 73})
        linear_case(type, block, 17, block ? unit : 35, tokens);
    }
  }

  void linear_case(DType type, bool block, int64_t rows, int64_t cols, int64_t tokens) {
    const int64_t panels = panel_count(rows);
    Exact<std::byte> weights(panels * panel_bytes(type, cols));
    for (int64_t p = 0; p < panels; ++p) {
      std::vector<std::byte> file_rows[kPanelRows];
      const std::byte* pointers[kPanelRows] = {};
      for (int64_t r = 0; r < kPanelRows && p * kPanelRows + r < rows; ++r) {
        file_rows[r] = random_file_row(type, cols, random_());
        pointers[r] = file_rows[r].data();
      }
      pack_panel(type, pointers, cols, weights.get() + p * panel_bytes(type, cols));
    }
    auto x = floats(tokens * cols);
    Exact<int8_t> xq(block ? tokens * cols : 0);
    Exact<float> xd(block ? tokens * cols / 32 : 0);
    Exact<int32_t> xsum(block ? tokens * cols / 32 : 0);
    if (block) {
      s_.quantize_q8(x.get(), tokens * cols, xq.get(), xd.get(), xsum.get());
      for (int64_t i = 0; i < 32; ++i) xq[i] = i % 3 ? 127 : -127;  // extremes, with 0 and 15 or -128 in random_file_row
      int32_t sums[2] = {};
      for (int64_t i = 0; i < 32; ++i) sums[i / 16] += xq[i];
      xsum[0] = sums[1] * 0x10000 + (sums[0] & 0xffff);
    }
    auto bias = floats(rows);
    const int64_t stride = rows + 3;
    const auto start = floats(tokens * stride);
    Exact<float> out(tokens * stride), want(tokens * stride);
    LinearArgs args{
        weights.get(), rows,  cols,     block ? xq.get() : nullptr, xd.get(), xsum.get(), block ? nullptr : x.get(), nullptr, nullptr,
        stride,        false, scratch()};
    const auto index = static_cast<int>(type);
    const std::string name = "linear " + std::string(tensor::info(type).name) + " " + std::to_string(rows) + "x" + std::to_string(cols);
    for (int mode = 0; mode < 4; ++mode) {
      args.bias = mode & 1 ? bias.get() : nullptr;
      args.accumulate = (mode & 2) != 0;
      args.next = mode & 1 ? weights.get() : nullptr;  // what comes next changes nothing
      const auto reset = [&](Exact<float>& y) {
        std::memcpy(y.get(), start.data.get(), static_cast<size_t>(start.size) * 4);
        args.out = y.get();
      };
      reset(want);
      s_.linear[index](args, 0, panels, 0, tokens);
      reset(out);
      t_.linear[index](args, 0, panels, 0, tokens);
      check(name.c_str(), tokens, out.get(), want.get(), out.size);  // the gap between rows and stride must be untouched too
      // In pieces: the same bits as the whole.
      for (const auto& [first, others] : {std::pair{int64_t{4}, int64_t{4}}, {17, 17}, {3, tokens}}) {
        if (first != 4 && tokens <= 16) continue;  // these are for tiles of 16 that begin anywhere
        Exact<float> parts(out.size);
        reset(parts);
        for (int64_t token = 0, end = std::min(tokens, first); token < tokens; token = end, end = std::min(tokens, end + others)) {
          const int64_t step = 1 + token % 2;  // of panels
          for (int64_t panel = 0; panel < panels; panel += step) t_.linear[index](args, panel, std::min(panels, panel + step), token, end);
        }
        check_equal((name + " in pieces of " + std::to_string(others)).c_str(), tokens, parts.get(), out.get(), out.size);
      }
      if (block && t_.quantize_q8_tiled != nullptr) linear_tiled(name, t_.linear[index], args, want, reset);
      if (tokens > 40) return;
    }
  }

  // [tokens][blocks][n] in tiles of 16 tokens, [tokens / 16][blocks][16][n]; absent tokens are noise.
  template <class T>
  Exact<T> in_tiles(const T* x, int64_t tokens, int64_t blocks, int64_t n) {
    Exact<T> tiles((tokens + 15) / 16 * 16 * blocks * n);
    for (int64_t i = 0; i < tiles.size; ++i) tiles[i] = static_cast<T>(random_() % 100);
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t i = 0; i < blocks * n; ++i) tiles[((t / 16 * blocks + i / n) * 16 + t % 16) * n + i % n] = x[t * blocks * n + i];
    }
    return tiles;
  }
  template <class Reset>
  void linear_tiled(const std::string& name, void (*multiply)(const LinearArgs&, int64_t, int64_t, int64_t, int64_t), LinearArgs args,
                    Exact<float>& want, Reset reset) {
    const int64_t panels = panel_count(args.rows), blocks = args.cols / 32, tokens = want.size / args.out_stride;
    auto q = in_tiles(args.xq, tokens, blocks, 32);
    auto d = in_tiles(args.xd, tokens, blocks, 1);
    auto sum = in_tiles(args.xsum, tokens, blocks, 1);
    for (const int64_t step : {tokens, int64_t{16}, int64_t{48}}) {
      Exact<float> out(want.size);
      reset(out);
      args.out = out.get();
      args.xq = q.get(), args.xd = d.get(), args.xsum = sum.get(), args.tiled = true;
      for (int64_t token = 0; token < tokens; token += step) {
        for (int64_t panel = 0; panel < panels; panel += step == tokens ? panels : 1)
          multiply(args, panel, step == tokens ? panels : panel + 1, token, std::min(tokens, token + step));
      }
      check((name + " in tiles").c_str(), tokens, out.get(), want.get(), out.size);
    }
  }

  void rows() {
    for (int64_t n : {1, 2, 5, 15, 16, 17, 31, 32, 33, 47, 64, 100, 576, 1001}) {
      auto x = floats(n, -9, 9), w = floats(n), b = floats(n), y = floats(n), z = floats(n);
      const auto both = [&](const char* what, auto call) {
        Exact<float> got(n), want(n);
        std::memcpy(got.get(), x.get(), static_cast<size_t>(n) * 4);
        std::memcpy(want.get(), x.get(), static_cast<size_t>(n) * 4);
        call(t_, got.get());
        call(s_, want.get());
        check(what, n, got.get(), want.get(), n);
      };
      for (int special = 0; special < 3; ++special) {
        if (special == 1) x[n / 2] = -0.0f, x[0] = 120.0f, x[n - 1] = -120.0f;
        both("add", [&](auto& k, float* o) { k.add(o, y.get(), n); });
        both("scale", [&](auto& k, float* o) { k.scale(o, 1.7f, n); });
        both("silu_mul", [&](auto& k, float* o) { k.silu_mul(x.get(), y.get(), n, o); });
        both("gelu_tanh_mul", [&](auto& k, float* o) { k.gelu_tanh_mul(x.get(), y.get(), n, o); });
        both("gelu_tanh_mul alone, in place", [&](auto& k, float* o) { k.gelu_tanh_mul(o, nullptr, n, o); });
        both("rms_norm", [&](auto& k, float* o) { k.rms_norm(x.get(), w.get(), n, 1e-5f, o); });
        both("rms_norm in place", [&](auto& k, float* o) { k.rms_norm(o, w.get(), n, 1e-6f, o); });
        both("layer_norm", [&](auto& k, float* o) { k.layer_norm(x.get(), w.get(), b.get(), n, 1e-5f, o); });
        both("exp", [&](auto& k, float* o) { k.exp(o, n, 0.25f, o); });
        if (n % 2 == 0) both("rotate", [&](auto& k, float* o) { k.rotate(o, 1, y.get(), z.get(), n, 1); });
        if (n % 4 == 0) both("rotate, scale", [&](auto& k, float* o) { k.rotate(o, 2, y.get(), z.get(), n / 2, 0.3f); });
        if (special == 1) x[n / 3] = kNaN, x[n - 1] = kInfinity;
      }
    }
    Exact<float> x(4001), got(4001), want(4001);  // the whole range of exp, subnormal results and the edges included
    for (int64_t i = 0; i < x.size; ++i) x[i] = -110.0f + static_cast<float>(i) * 0.05f;
    x[0] = -kInfinity, x[1] = kInfinity, x[2] = kNaN, x[3] = -3e38f, x[4] = 3e38f;
    t_.exp(x.get(), x.size, 0, got.get());
    s_.exp(x.get(), x.size, 0, want.get());
    if (relative_ == 0) check("exp range", x.size, got.get(), want.get(), x.size);
    for (int64_t i = 0; i < x.size; ++i) check("exp range", i, got[i], want[i]);
  }

  void attention() {
    for (KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
      for (int64_t dim : {2, 6, 16, 18, 32, 64, 80, 100, 128}) {
        for (int64_t queries : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 31}) attention_case(type, dim, queries);
      }
      attention_case(type, 150, 24);  // more than is converted at a time
      attention_case(type, 256, 50);
    }
  }

  void attention_case(KvType type, int64_t dim, int64_t queries) {
    const int64_t element = type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1;
    const int64_t bytes = kAttendBlock * dim * element, positions = 1 + random_() % kAttendBlock;
    Exact<char> k(bytes), v(bytes), k2(bytes), v2(bytes);
    Exact<float> ks(kAttendBlock), vs(kAttendBlock), ks2(kAttendBlock), vs2(kAttendBlock);
    std::memset(k.get(), 0xff, static_cast<size_t>(bytes));  // NaN (f32, f16) where nothing was stored
    std::memset(v.get(), 0xff, static_cast<size_t>(bytes));
    for (int64_t i = 0; i < kAttendBlock; ++i) ks[i] = vs[i] = kNaN;
    for (auto [from, to] : {std::pair{&k, &k2}, {&v, &v2}}) std::memcpy(to->get(), from->get(), static_cast<size_t>(bytes));
    for (auto [from, to] : {std::pair{&ks, &ks2}, {&vs, &vs2}}) std::memcpy(to->get(), from->get(), kAttendBlock * 4);
    for (int64_t p = 0; p < positions; ++p) {
      auto x = floats(dim, -3, 3), y = floats(dim);
      if (p == 3) x[dim / 2] = 1e-7f;                // an f16 subnormal
      if (p == 4) y = floats(dim, -1e-33f, 1e-33f);  // zero to q8_0 and f16
      t_.store_k(type, x.get(), dim, k.get(), ks.get(), p);
      s_.store_k(type, x.get(), dim, k2.get(), ks2.get(), p);
      t_.store_v(type, y.get(), dim, v.get(), vs.get(), p);
      s_.store_v(type, y.get(), dim, v2.get(), vs2.get(), p);
    }
    check_equal("store_k", dim, k.get(), k2.get(), bytes);
    check_equal("store_v", dim, v.get(), v2.get(), bytes);
    check("store_k scale", dim, ks.get(), ks2.get(), kAttendBlock);
    check("store_v scale", dim, vs.get(), vs2.get(), kAttendBlock);

    auto q = floats(queries * dim, -1, 1);
    Exact<int32_t> first(queries), last(queries);
    std::vector<const float*> q_rows(static_cast<size_t>(queries));
    for (int64_t j = 0; j < queries; ++j) {
      q_rows[j] = q.get() + j * dim;
      switch (random_() % 4) {  // causal, window, anything, nothing
        case 0: last[j] = static_cast<int32_t>(std::max<int64_t>(0, positions - queries + j + 1)); break;
        case 1: last[j] = static_cast<int32_t>(positions), first[j] = static_cast<int32_t>(positions / 2); break;
        case 2:
          last[j] = static_cast<int32_t>(random_() % (positions + 1)), first[j] = static_cast<int32_t>(random_() % (last[j] + 1));
          break;
        default: last[j] = first[j] = static_cast<int32_t>(random_() % positions);
      }
    }
    const int64_t n_offsets = random_() % (dim + 1);
    const auto basis = floats(kAttendBlock * dim, -1, 1), factors = floats(queries * n_offsets);
    Exact<int32_t> rows(n_offsets);
    for (int64_t i = 0; i < n_offsets; ++i) rows[i] = static_cast<int32_t>(random_() % dim);
    std::vector<const float*> factor_rows;
    for (int64_t j = 0; j < queries; ++j) factor_rows.push_back(factors.data.get() + j * n_offsets);
    const ScoreOffsets offsets{basis.data.get(), dim, rows.get(), n_offsets, factor_rows.data()};
    Exact<float> o(queries * dim), o2(queries * dim), m(queries), m2(queries), l(queries), l2(queries);
    const ScoreOffsets* with = nullptr;
    const auto call = [&](const KernelTable& table, Exact<float>& out, Exact<float>& max, Exact<float>& sum) {
      std::vector<float*> o_rows(static_cast<size_t>(queries));
      for (int64_t j = 0; j < queries; ++j) o_rows[j] = out.get() + j * dim;
      table.attend({type, dim, k.get(), ks.get(), v.get(), vs.get(), queries, q_rows.data(), first.get(), last.get(), o_rows.data(),
                    max.get(), sum.get(), scratch(), k.get(), with});
    };
    for (const bool offset : {false, true}) {
      if (offset && type != KvType::q8_0) continue;
      with = offset ? &offsets : nullptr;
      call(t_, o, m, l);
      call(s_, o2, m2, l2);
      check(offset ? "attend with offsets m" : "attend m", dim, m.get(), m2.get(), queries);
      check(offset ? "attend with offsets l" : "attend l", dim, l.get(), l2.get(), queries);
      check(offset ? "attend with offsets o" : "attend o", dim, o.get(), o2.get(), queries * dim);
    }
  }

  void merge() {
    for (int64_t dim : {1, 16, 20, 64}) {
      for (int64_t blocks : {1, 2, 5, 8, 9, 16, 17, 33}) {
        auto m = floats(blocks, -60, 60), l = floats(blocks, 1, 50), o = floats(blocks * (dim + 1) - 1);
        if (blocks > 1) m[blocks / 2] = -kInfinity;
        Exact<float> got(dim), want(dim);
        t_.attend_merge(m.get(), l.get(), o.get(), dim + 1, blocks, dim, got.get());
        s_.attend_merge(m.get(), l.get(), o.get(), dim + 1, blocks, dim, want.get());
        check("attend_merge", dim, got.get(), want.get(), dim);
      }
    }
  }

  void logits() {
    for (int64_t n : {0, 1, 2, 15, 16, 17, 31, 63, 100, 4095, 4096, 4097, 9000}) {
      for (int special = 0; special < 7; ++special) {
        auto x = floats(n, -20, 20);
        for (int64_t i = 0; i < n; ++i) {
          if (special == 1) x[i] = std::round(x[i] / 8);  // ties
          if (special == 2 && i % 3 == 0) x[i] = kNaN;
          if (special == 3) x[i] = kNaN;
          if (special == 4) x[i] = -kInfinity;
          if (special == 5) x[i] = i % 2 ? 0.0f : -0.0f;
          if (special == 6 && i == n / 2) x[i] = kInfinity;
        }
        const int64_t best = t_.argmax(x.get(), n), best2 = s_.argmax(x.get(), n);
        check_equal("argmax", n, &best, &best2, 1);
        const float largest = t_.max(x.get(), n), largest2 = s_.max(x.get(), n);
        check("max", n, largest, largest2);
        const double sum = t_.sum_exp(x.get(), n, 3.0f), sum2 = s_.sum_exp(x.get(), n, 3.0f);
        check("sum_exp", n, sum, sum2);
        if (relative_ == 0 && sum2 == sum2) check_equal("sum_exp as double", n, &sum, &sum2, 1);
        const bool finite = t_.all_finite(x.get(), n), finite2 = s_.all_finite(x.get(), n);
        check_equal("all_finite", n, &finite, &finite2, 1);
      }
    }
  }

  const KernelTable& t_;
  const KernelTable& s_;
  float relative_;
  bool thorough_;
  const std::unique_ptr<KernelScratch> scratch_ = std::make_unique<KernelScratch>();
  std::mt19937 random_{1};
  Comparison result_;
};

}  // namespace

std::vector<std::byte> random_file_row(DType type, int64_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  const auto& t = tensor::info(type);
  std::vector<std::byte> row(static_cast<size_t>(tensor::row_bytes(type, cols)));
  for (std::byte& b : row) b = static_cast<std::byte>(random() >> 24);
  if (t.block_elements == 1) {
    for (int64_t k = 0; k < cols; ++k) {
      const float value = (static_cast<float>(random() >> 8) * 0x1p-23f - 1) * (k % 5 == 0 ? 1e-5f : 1.0f);
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      const uint16_t half = type == DType::f16 ? tensor::f32_to_f16(value) : static_cast<uint16_t>(bits >> 16);
      if (type == DType::f32) std::memcpy(row.data() + 4 * k, &value, 4);
      if (type != DType::f32) std::memcpy(row.data() + 2 * k, &half, 2);
    }
    return row;
  }
  // Scales (f16): at the start of the block; at its end in Q2_K, Q3_K, Q6_K.
  for (int64_t b = 0; b < cols / t.block_elements; ++b) {
    std::byte* block = row.data() + b * t.block_bytes;
    for (int64_t offset = 0; offset < t.block_bytes; offset += t.block_bytes - 2) {
      const uint16_t scale = tensor::f32_to_f16(static_cast<float>(random() >> 8) * 0x1p-28f - 0x1p-6f);
      const bool ours = offset == 0 || type == DType::q3_k || type == DType::q6_k;
      if (ours && type != DType::iq1_m) std::memcpy(block + offset, &scale, 2);
      if (offset == 0 && type == DType::iq1_m) {  // in the top nibbles of its four last numbers
        for (int64_t i = 0; i < 4; ++i) {
          std::byte& high = block[48 + 2 * i + 1];
          high = (high & std::byte{15}) | static_cast<std::byte>((scale >> 4 * i & 15) << 4);
        }
      }
    }
    const uint16_t minimum = tensor::f32_to_f16(static_cast<float>(random() >> 8) * 0x1p-26f - 0.125f);
    const bool second = type == DType::q4_1 || type == DType::q5_1 || type == DType::q4_k || type == DType::q5_k;
    if (second) std::memcpy(block + 2, &minimum, 2);
    if (type == DType::q2_k) std::memcpy(block + t.block_bytes - 4, &minimum, 2), std::memcpy(block + t.block_bytes - 2, &minimum, 2);
    if (b == 0) {  // extremes: weight sums at the limits of 16-bit arithmetic
      const bool iq4 = type == DType::iq4_nl || type == DType::iq4_xs;
      const auto extreme = static_cast<std::byte>(type == DType::q8_0 ? (seed % 2 ? 0x80 : 0x7f)
                                                  : seed % 4 == 2     ? 0x0f
                                                  : iq4               ? 0x00  // -127
                                                                      : 0xff);
      const int64_t begin = type == DType::q3_k || type == DType::q6_k || type == DType::q2_k ? 0 : second ? 4 : 2;
      const int64_t end = t.block_bytes - (type == DType::q2_k ? 4 : begin == 0 ? 2 : 0);
      if (seed % 4 != 0 && type != DType::iq1_m) std::fill(block + begin, block + end, extreme);
      const int64_t signs = type == DType::iq3_s ? 74 : type == DType::iq3_xxs ? 66 : type == DType::iq2_s ? 34 : t.block_bytes;
      if (seed % 4 == 3) std::fill(block + signs, block + std::min(signs + 32, t.block_bytes), std::byte{0});  // all positive
    }
  }
  return row;
}

Comparison compare_with_scalar(const KernelTable& target, float relative, bool thorough) {
  return Comparer(target, relative, thorough).run();
}

}  // namespace rustml::kernels
