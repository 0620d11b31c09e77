// Speed of the kernels on one thread, beside the machine's read bandwidth in the same run.
//   rustml_bench_kernels [--benchmark_filter=REGEX]
// Names: linear/<target>/<type>/<rows>x<cols>/<tokens>. bytes_per_second is packed weights read per second (compare with `read`
// at the same size), GOP/s counts two operations per weight and token. Each linear works on copies of its matrix that together
// exceed 128 MB, so that weights come from memory, as in decoding; with 48 or more tokens on one copy, as in prefill.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/select.h"

namespace {

using namespace rustml::kernels;
using rustml::tensor::DType;

constexpr int64_t kWorkingSet = 128 << 20;

// Zeroed memory on 2 MiB pages where the system gives them, as the library's arena.
class Arena {
 public:
  explicit Arena(int64_t bytes) : bytes_((static_cast<size_t>(bytes) + (4u << 20)) & ~((size_t{2} << 20) - 1)) {
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    madvise(data_, bytes_, MADV_HUGEPAGE);
  }
  ~Arena() { munmap(data_, bytes_); }
  std::byte* get() const {
    return reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(data_) + (2u << 20) - 1) & ~uintptr_t{(2u << 20) - 1});
  }

 private:
  size_t bytes_;
  void* data_;
};

alignas(64) std::byte g_scratch[kScratchBytes];

struct Shape {
  int64_t rows, cols;
};
constexpr Shape kShapes[] = {{960, 576},  {576, 576},   {3072, 576},
                             {576, 1536}, {49152, 576}, {1152, 2304}};  // SmolLM2: qkv, o, gate+up, down, head; K types

void fill_panel(DType type, int64_t cols, std::byte* panel) {
  std::mt19937 random(7);
  std::vector<std::byte> row(static_cast<size_t>(rustml::tensor::row_bytes(type, cols)));
  for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::byte>((random() & 0x3b) | 0x28);  // normal as f16 and f32
  const std::byte* rows[kPanelRows];
  for (const std::byte*& r : rows) r = row.data();
  pack_panel(type, rows, cols, panel);
}

void linear(benchmark::State& state, const KernelTable* table, DType type, Shape shape, int64_t tokens) {
  const int64_t panels = panel_count(shape.rows), stride = panel_bytes(type, shape.cols), bytes = panels * stride;
  const int64_t copies = tokens >= 48 ? 1 : std::max<int64_t>(1, kWorkingSet / bytes);
  Arena arena(copies * bytes);
  std::vector<std::byte> panel(static_cast<size_t>(stride));
  fill_panel(type, shape.cols, panel.data());
  for (int64_t p = 0; p < copies * panels; ++p) std::memcpy(arena.get() + p * stride, panel.data(), panel.size());
  std::vector<float> x(static_cast<size_t>(tokens * shape.cols), 0.5f), d(x.size() / 32), out(static_cast<size_t>(tokens * shape.rows));
  std::vector<int8_t> q(x.size());
  std::vector<int32_t> sum(x.size() / 32);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) - 8;
  const bool tiled = table->quantize_q8_tiled != nullptr && tokens % kActivationTile == 0;
  for (int64_t t = 0; t < tokens; ++t) {
    const float* row = x.data() + t * shape.cols;
    const int64_t at = t * shape.cols / 32;
    if (tiled)
      table->quantize_q8_tiled(row, shape.cols, t, q.data(), d.data(), sum.data());
    else
      table->quantize_q8(row, shape.cols, q.data() + t * shape.cols, d.data() + at, sum.data() + at);
  }
  int64_t copy = 0;
  for (auto _ : state) {
    const LinearArgs args{arena.get() + copy * bytes,
                          shape.rows,
                          shape.cols,
                          q.data(),
                          d.data(),
                          sum.data(),
                          x.data(),
                          nullptr,
                          out.data(),
                          shape.rows,
                          false,
                          g_scratch,
                          nullptr,
                          tiled};
    table->linear[static_cast<int>(type)](args, 0, panels, 0, tokens);
    benchmark::ClobberMemory();
    copy = copy + 1 == copies ? 0 : copy + 1;
  }
  state.SetBytesProcessed(state.iterations() * bytes);
  state.counters["GOP/s"] = benchmark::Counter(
      2e-9 * static_cast<double>(shape.rows * shape.cols * tokens) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

// The bare loop: every cache line once, in as many bits per load as the compiler may use here.
__attribute__((target_clones("avx512f", "avx2", "default"), noinline)) uint64_t read_all(const uint64_t* p, int64_t words) {
  uint64_t sum[32] = {};
  for (int64_t i = 0; i + 32 <= words; i += 32) {
    for (int64_t j = 0; j < 32; ++j) sum[j] ^= p[i + j];
  }
  uint64_t total = 0;
  for (uint64_t s : sum) total ^= s;
  return total;
}

void read(benchmark::State& state) {
  const int64_t bytes = state.range(0) << 20;
  Arena arena(bytes);
  std::memset(arena.get(), 1, static_cast<size_t>(bytes));
  for (auto _ : state) benchmark::DoNotOptimize(read_all(reinterpret_cast<const uint64_t*>(arena.get()), bytes / 8));
  state.SetBytesProcessed(state.iterations() * bytes);
}

void pack(benchmark::State& state, DType type) {
  const int64_t cols = 1536, row_bytes = rustml::tensor::row_bytes(type, cols), panels = 256;
  std::vector<std::byte> file(static_cast<size_t>(row_bytes * panels * kPanelRows), std::byte{17});
  std::vector<std::byte> packed(static_cast<size_t>(panel_bytes(type, cols) * panels));
  for (auto _ : state) {
    for (int64_t p = 0; p < panels; ++p) {
      const std::byte* rows[kPanelRows];
      for (int64_t r = 0; r < kPanelRows; ++r) rows[r] = file.data() + (p * kPanelRows + r) * row_bytes;
      pack_panel(type, rows, cols, packed.data() + p * panel_bytes(type, cols));
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(file.size()));
}

// Float rows to panels, as at load; bytes are those of the floats.
void quantize(benchmark::State& state, DType to) {
  const int64_t cols = 1536, panels = 16;
  std::vector<float> x(static_cast<size_t>(cols * panels * kPanelRows));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1009) - 500;
  std::vector<std::byte> packed(static_cast<size_t>(panel_bytes(to, cols) * panels));
  for (auto _ : state) {
    for (int64_t p = 0; p < panels; ++p) {
      const float* rows[kPanelRows];
      for (int64_t r = 0; r < kPanelRows; ++r) rows[r] = x.data() + (p * kPanelRows + r) * cols;
      quantize_panel(to, rows, cols, packed.data() + p * panel_bytes(to, cols));
    }
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(x.size() * sizeof(float)));
}

// 128 positions of one KV head of 64; K and V of 32 heads lie in memory one after the other.
void attend(benchmark::State& state, const KernelTable* table, KvType type, int64_t queries) {
  const int64_t dim = 64, element = type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1, bytes = kAttendBlock * dim * element, heads = 32;
  Arena arena(2 * heads * bytes);
  std::vector<float> scale(kAttendBlock, 0.01f), q(static_cast<size_t>(queries * dim), 0.1f), o(q.size()), m(static_cast<size_t>(queries)),
      l(m);
  std::vector<const float*> q_rows;
  std::vector<float*> o_rows;
  for (int64_t j = 0; j < queries; ++j) q_rows.push_back(q.data() + j * dim), o_rows.push_back(o.data() + j * dim);
  std::vector<int32_t> first(static_cast<size_t>(queries), 0), last(static_cast<size_t>(queries), 128);
  int64_t head = 0;
  for (auto _ : state) {
    const std::byte* k = arena.get() + 2 * head * bytes;
    table->attend({type, dim, k, scale.data(), k + bytes, scale.data(), queries, q_rows.data(), first.data(), last.data(), o_rows.data(),
                   m.data(), l.data(), g_scratch});
    benchmark::ClobberMemory();
    head = (head + 1) % heads;
  }
  state.SetBytesProcessed(state.iterations() * 2 * bytes);
  state.counters["GOP/s"] = benchmark::Counter(
      4e-9 * static_cast<double>(kAttendBlock * dim * queries) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void rows(benchmark::State& state, void (*call)(const KernelTable&, const std::vector<float>&, std::vector<float>&),
          const KernelTable* table, int64_t n) {
  std::vector<float> x(static_cast<size_t>(n)), y(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 13) - 6;
  for (auto _ : state) {
    call(*table, x, y);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * n * 4);
}

void register_all() {
  for (int mb : {1, 8, 96, 128, 1024}) benchmark::RegisterBenchmark("read/MiB", read)->Arg(mb);
  for (int i = 0; i < rustml::tensor::kDTypeCount; ++i) {
    const auto type = static_cast<DType>(i);
    benchmark::RegisterBenchmark(("pack/" + std::string(rustml::tensor::info(type).name)).c_str(), pack, type);
  }
  benchmark::RegisterBenchmark("quantize/Q8_0", quantize, DType::q8_0);
  benchmark::RegisterBenchmark("quantize/Q4_0", quantize, DType::q4_0);
  for (const KernelTable* table : available()) {
    const std::string target(table->target);
    if (target == "scalar" || !ready(*table)) continue;
    for (int i = 0; i < rustml::tensor::kDTypeCount; ++i) {
      const auto type = static_cast<DType>(i);
      for (Shape shape : kShapes) {
        if (shape.cols % rustml::tensor::info(type).block_elements != 0) continue;
        for (int64_t tokens : {1, 2, 4, 8, 48, 128}) {
          if (tokens >= 48 && shape.rows > 4000) continue;
          const std::string name = "linear/" + target + "/" + std::string(rustml::tensor::info(type).name) + "/" +
                                   std::to_string(shape.rows) + "x" + std::to_string(shape.cols) + "/" + std::to_string(tokens);
          benchmark::RegisterBenchmark(name.c_str(), linear, table, type, shape, tokens);
        }
      }
    }
    for (int64_t queries : {1, 3, 4, 24}) {
      for (auto [type, name] : {std::pair{KvType::f32, "f32"}, {KvType::f16, "f16"}, {KvType::q8_0, "q8_0"}}) {
        benchmark::RegisterBenchmark(("attend/" + target + "/" + name + "/" + std::to_string(queries)).c_str(), attend, table, type,
                                     queries);
      }
    }
    const auto row = [&](const char* name, int64_t n, auto call) {
      benchmark::RegisterBenchmark((name + ("/" + target)).c_str(), rows, call, table, n);
    };
    using Floats = std::vector<float>;
    row("rms_norm", 576, [](const KernelTable& t, const Floats& x, Floats& y) { t.rms_norm(x.data(), x.data(), 576, 1e-5f, y.data()); });
    row("silu_mul", 1536, [](const KernelTable& t, const Floats& x, Floats& y) { t.silu_mul(x.data(), x.data(), 1536, y.data()); });
    row("gelu_tanh_mul", 1536,
        [](const KernelTable& t, const Floats& x, Floats& y) { t.gelu_tanh_mul(x.data(), x.data(), 1536, y.data()); });
    row("rotate", 576,
        [](const KernelTable& t, const Floats& x, Floats& y) { t.rotate(y.data(), 9, x.data(), x.data() + 32, 64, 0.125f); });
    row("argmax", 49152, [](const KernelTable& t, const Floats& x, Floats& y) { y[0] = static_cast<float>(t.argmax(x.data(), 49152)); });
    row("sum_exp", 49152,
        [](const KernelTable& t, const Floats& x, Floats& y) { y[0] = static_cast<float>(t.sum_exp(x.data(), 49152, 6)); });
    row("quantize_q8", 576, [](const KernelTable& t, const Floats& x, Floats& y) {
      t.quantize_q8(x.data(), 576, reinterpret_cast<int8_t*>(y.data()), y.data() + 144, reinterpret_cast<int32_t*>(y.data() + 162));
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
