// How near decoding comes to the machine's read bandwidth and prefill to its integer units, and where the time goes.
//   rustml_bench_eta MODEL [--context N] [--threads N] [--rounds N] [--target NAME] [--verify | --prefill N]
// In turn, `rounds` times: four tokens decoded behind N positions, and each bare loop of read_kernels.h over the model's own packed
// weights, on the same threads. Prints medians, eta = (weight bytes read per token / time of a token) / the fastest loop, then where
// the leader's time went. --verify: passes of 1, 2, 4 and 8 tokens instead of the loops. --prefill: N tokens behind the context,
// in chunks of 256, against the int8 operations that a core of this kind does at the clock measured then: 256 a cycle with AVX-512 VNNI
// (with AMX too, which could do more), 128 with AVX-VNNI, else 64.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "formats/model_file.h"
#include "generation/engine.h"
#include "read_kernels.h"

namespace {

using namespace rustml;
using kernels::KernelTable;
using runtime::now_ns;

// ---- the table, with a clock around every call of the leader ----

struct Spent {
  const char* name;
  int64_t rows, cols;  // of a matrix; 0: any
  uint64_t ns = 0, bytes = 0, calls = 0;
};
const KernelTable* g_kernels = nullptr;
thread_local bool g_leader = false;
std::vector<Spent> g_spent;
std::map<const std::byte*, int64_t> g_matrices;  // bytes of each that was read, by whichever member
std::mutex g_matrices_mutex;

struct Clock {
  const uint64_t start = now_ns();
  void end(const char* name, int64_t rows = 0, int64_t cols = 0, uint64_t bytes = 0) const {
    const uint64_t ns = now_ns() - start;
    auto s =
        std::find_if(g_spent.begin(), g_spent.end(), [&](const Spent& x) { return x.name == name && x.rows == rows && x.cols == cols; });
    if (s == g_spent.end()) s = g_spent.insert(s, {name, rows, cols});
    s->ns += ns;
    s->bytes += bytes;
    ++s->calls;
  }
};

template <int type>
void timed_linear(const kernels::LinearArgs& a, int64_t p0, int64_t p1, int64_t t0, int64_t t1) {
  const auto linear = g_kernels->linear[type];
  const auto dtype = static_cast<tensor::DType>(type);
  const int64_t stride = kernels::panel_bytes(dtype, a.cols);
  if (p0 < p1) {
    const std::lock_guard guard(g_matrices_mutex);
    g_matrices[a.weights] = kernels::panel_count(a.rows) * stride;
  }
  if (!g_leader) return linear(a, p0, p1, t0, t1);
  const Clock clock;
  linear(a, p0, p1, t0, t1);
  clock.end(tensor::info(dtype).name.data(), a.rows, a.cols, static_cast<uint64_t>((p1 - p0) * stride));
}

// The kernel at `member`, timed. One instance per member.
template <auto member>
struct Timed;
template <class... Arguments, void (*KernelTable::*member)(Arguments...)>
struct Timed<member> {
  static inline const char* name = "";
  static void call(Arguments... arguments) {
    if (!g_leader) return (g_kernels->*member)(arguments...);
    const Clock clock;
    (g_kernels->*member)(arguments...);
    clock.end(name);
  }
};
template <auto member>
void time_calls(KernelTable& table, const char* name) {
  if (table.*member == nullptr) return;
  Timed<member>::name = name;
  table.*member = Timed<member>::call;
}

KernelTable timed_table(const KernelTable& kernels) {
  g_kernels = &kernels;
  KernelTable t = kernels;
  [&]<int... type>(std::integer_sequence<int, type...>) { ((t.linear[type] = timed_linear<type>), ...); }
  (std::make_integer_sequence<int, tensor::kDTypeCount>{});
  time_calls<&KernelTable::quantize_q8>(t, "quantize");
  time_calls<&KernelTable::quantize_q8_tiled>(t, "quantize");
  time_calls<&KernelTable::rms_norm>(t, "norm");
  time_calls<&KernelTable::layer_norm>(t, "norm");
  time_calls<&KernelTable::add>(t, "add");
  time_calls<&KernelTable::silu_mul>(t, "activation");
  time_calls<&KernelTable::gelu_tanh_mul>(t, "activation");
  time_calls<&KernelTable::rotate>(t, "rotate, scale");
  time_calls<&KernelTable::scale>(t, "rotate, scale");
  time_calls<&KernelTable::store_k>(t, "store k, v");
  time_calls<&KernelTable::store_v>(t, "store k, v");
  time_calls<&KernelTable::attend>(t, "attend");
  time_calls<&KernelTable::attend_merge>(t, "merge");
  return t;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

// ---- a model, driven pass by pass ----

constexpr int64_t kChunk = 256;  // tokens of a pass

class Runner {
 public:
  Runner(const std::string& path, int n_threads, const std::string& target, uint64_t context, uint64_t more) : call_{stop_, {}} {
    generation::ModelOptions options;
    options.n_threads = n_threads;
    options.simd_target = target;
    engine_ = std::make_unique<generation::Engine>(formats::open_path(path, call_), options, call_);
    team_ = runtime::ThreadTeam::lease();
    capacity_ = context + more;
    cache_ = std::make_unique<models::KvCache>(engine_->model().kv_shape(), kernels::KvType::f16, capacity_, 0, engine_->budget());
    scratch_ =
        std::make_unique<models::Scratch>(config(), kChunk, static_cast<int64_t>(capacity_), engine_->n_threads(), engine_->budget());
    hidden_.resize(static_cast<size_t>(config().hidden));
    logits_.resize(static_cast<size_t>(config().vocab));
    std::vector<int32_t> ids;
    for (uint64_t i = 0; i < context; ++i) ids.push_back(static_cast<int32_t>(i * 7919 % static_cast<uint64_t>(config().vocab)));
    cache_->reserve(capacity_);
    for (size_t at = 0; at < ids.size(); at += kChunk) {
      const auto n = static_cast<int64_t>(std::min<size_t>(kChunk, ids.size() - at));
      pass(ids.data() + at, n, engine_->kernels());
      cache_->set_length(at + static_cast<size_t>(n));
    }
    context_ = ids.size();
  }

  const models::Config& config() const { return engine_->config(); }
  const KernelTable& kernels() const { return engine_->kernels(); }
  int n_threads() const { return engine_->n_threads(); }

  // Seconds of one pass of n tokens behind the context; nothing stays of it.
  double evaluate(int64_t n, const KernelTable& kernels) {
    int32_t ids[8] = {11, 23, 35, 47, 59, 61, 73, 85};
    const uint64_t start = now_ns();
    pass(ids, n, kernels);
    return static_cast<double>(now_ns() - start) * 1e-9;
  }
  // Four tokens, of a pass each.
  double decode(const KernelTable& kernels) {
    evaluate(1, engine_->kernels());  // all members are awake afterwards
    double seconds = 0;
    for (int i = 0; i < 4; ++i) {
      seconds += evaluate(1, kernels);
      cache_->set_length(context_ + static_cast<uint64_t>(i) + 1);
    }
    cache_->set_length(context_);
    return seconds / 4;
  }
  // Seconds of n tokens behind the context; nothing stays of them.
  double prefill(int64_t n, const KernelTable& kernels) {
    const std::vector<int32_t> ids(static_cast<size_t>(n), 11);
    const uint64_t start = now_ns();
    for (int64_t at = 0; at < n; at += kChunk) {
      const int64_t chunk = std::min(kChunk, n - at);
      pass(ids.data() + at, chunk, kernels, at + chunk == n);
      cache_->set_length(context_ + static_cast<uint64_t>(at + chunk));
    }
    cache_->set_length(context_);
    return static_cast<double>(now_ns() - start) * 1e-9;
  }
  double read(const bench::ReadKernel& kernel, const std::byte* p, int64_t bytes) {
    const uint64_t start = now_ns();
    team_->run(
        n_threads(), 1,
        [&](int, runtime::Member& member) {
          const runtime::Range part = runtime::share(bytes / 1024, member.rank(), member.size());
          sink_ ^= kernel.read(p + part.begin * 1024, (part.end - part.begin) * 1024);
        },
        stop_, 1'000'000);
    return static_cast<double>(now_ns() - start) * 1e-9;
  }

 private:
  void pass(const int32_t* ids, int64_t n, const KernelTable& kernels, bool last = true) {  // last: with the head
    runtime::ProfileLines quiet;
    models::Pass pass{ids, n, *cache_, *scratch_, last ? hidden_.data() : nullptr, last ? logits_.data() : nullptr, quiet};
    team_->run(
        n_threads(), engine_->model().n_steps(),
        [&](int step, runtime::Member& member) {
          g_leader = member.leader();
          engine_->model().step(step, member, kernels, pass);
        },
        stop_);
  }

  runtime::StopSignal stop_;
  runtime::Call call_;
  std::unique_ptr<generation::Engine> engine_;
  std::shared_ptr<runtime::ThreadTeam> team_;
  uint64_t capacity_ = 0, context_ = 0;
  std::unique_ptr<models::KvCache> cache_;
  std::unique_ptr<models::Scratch> scratch_;
  std::vector<float> hidden_, logits_;
  std::atomic<uint64_t> sink_{0};
};

// Where the leader's time of `seconds` went, per `count` tokens or passes.
void print_spent(double seconds, double count) {
  double rest = 1e3 * seconds;
  for (const Spent& s : g_spent) {
    const double ms = static_cast<double>(s.ns) * 1e-6 / count;
    rest -= ms;
    std::string name = s.name;
    if (s.rows) name += " " + std::to_string(s.rows) + " x " + std::to_string(s.cols);
    std::printf("  %-32s %8.4f ms %7.1f calls", name.c_str(), ms, static_cast<double>(s.calls) / count);
    if (s.bytes)
      std::printf(" %7.2f MB %6.1f GB/s of this thread", static_cast<double>(s.bytes) * 1e-6 / count,
                  static_cast<double>(s.bytes) / static_cast<double>(s.ns));
    std::printf("\n");
  }
  std::printf("  %-32s %8.4f ms\n", "barriers and all else", rest);
}

void print_verify(Runner& runner, int rounds) {
  constexpr int64_t kTokens[] = {1, 2, 4, 8};
  std::vector<double> seconds[4], ratios[4];
  for (int r = 0; r < rounds; ++r) {
    double one = 0;
    for (size_t i = 0; i < 4; ++i) {
      double best = 1e9;
      for (int j = 0; j < 3; ++j) best = std::min(best, runner.evaluate(kTokens[i], runner.kernels()));
      if (i == 0) one = best;
      seconds[i].push_back(best);
      ratios[i].push_back(best / one);
    }
  }
  for (size_t i = 0; i < 4; ++i)
    std::printf("pass of %lld: %8.3f ms, %.2f of one token\n", static_cast<long long>(kTokens[i]), 1e3 * median(seconds[i]),
                median(ratios[i]));
}

void print_eta(Runner& runner, int rounds) {
  const KernelTable timed = timed_table(runner.kernels());
  runner.decode(timed);
  g_spent.clear();
  int64_t matrices = 0;
  for (const auto& [data, size] : g_matrices) matrices += size;
  const std::byte* low = g_matrices.begin()->first;  // from the first matrix to the end of the last
  const int64_t bytes = (g_matrices.rbegin()->first - low + g_matrices.rbegin()->second) / 1024 * 1024;
  std::vector<double> token, read[std::size(bench::kReadKernels)], eta;
  double timed_seconds = 0;
  for (int r = 0; r < rounds; ++r) {
    token.push_back(runner.decode(runner.kernels()));
    for (size_t k = 0; k < std::size(bench::kReadKernels); ++k)
      if (bench::kReadKernels[k].usable) read[k].push_back(runner.read(bench::kReadKernels[k], low, bytes));
    timed_seconds += runner.decode(timed);
  }
  const double packed = static_cast<double>(matrices), all = static_cast<double>(bytes);
  size_t best = 0;
  for (size_t k = 0; k < std::size(read); ++k) {
    if (read[k].empty()) continue;
    if (median(read[k]) < median(read[best])) best = k;
    std::printf("read %-28s %6.1f GB/s\n", bench::kReadKernels[k].name, all * 1e-9 / median(read[k]));
  }
  for (int r = 0; r < rounds; ++r) eta.push_back(packed / all * read[best][static_cast<size_t>(r)] / token[static_cast<size_t>(r)]);
  std::printf("decode %.3f ms, %.1f tok/s, %.1f MB at %.1f GB/s, eta %.3f (median of rounds' %.3f)\n", 1e3 * median(token),
              1 / median(token), packed * 1e-6, packed * 1e-9 / median(token), packed / all * median(read[best]) / median(token),
              median(eta));
  print_spent(timed_seconds / rounds, 4.0 * rounds);
}

// The clock now: rotations that wait for one another, one per cycle (new processors work additions of constants out without waiting).
double cycles_per_second() {
  double best = 0;
  for (int r = 0; r < 50; ++r) {
    constexpr int kRounds = 10'000, kRotations = 16;
    uint64_t x = 1;
    const uint64_t start = now_ns();
    for (int i = 0; i < kRounds; ++i) {
      for (int j = 0; j < kRotations; ++j) {
        x = x << 1 | x >> 63;
        __asm__ volatile("" : "+r"(x));
      }
    }
    best = std::max(best, kRounds * kRotations * 1e9 / static_cast<double>(now_ns() - start));
  }
  return best;
}

double operations_per_cycle(std::string_view target) {
  return target == "amx" || target == "avx512" ? 256 : target == "avxvnni" ? 128 : 64;
}

void print_prefill(Runner& runner, int64_t n, int rounds) {
  const KernelTable timed = timed_table(runner.kernels());
  const models::Config& c = runner.config();
  const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
  const double operations = 2.0 * static_cast<double>(n * c.n_layers * c.hidden * (2 * q + 2 * kv + (c.gated ? 3 : 2) * c.ffn));
  runner.prefill(n, timed);
  std::vector<double> seconds, eta;
  double timed_seconds = 0;
  g_spent.clear();
  for (int r = 0; r < rounds; ++r) {
    const double clock = cycles_per_second();
    seconds.push_back(runner.prefill(n, runner.kernels()));
    eta.push_back(operations / seconds.back() / (operations_per_cycle(runner.kernels().target) * clock * runner.n_threads()));
    timed_seconds += runner.prefill(n, timed);
  }
  std::printf("prefill of %lld: %.3f ms, %.1f tok/s, eta %.3f\n", static_cast<long long>(n), 1e3 * median(seconds),
              static_cast<double>(n) / median(seconds), median(eta));
  print_spent(timed_seconds / rounds, rounds);
}

}  // namespace

int main(int argc, char** argv) {
  std::string model, target;
  int threads = 0, rounds = 15, prefill = 0;
  uint64_t context = 128;
  bool verify = false;
  for (int i = 1; i < argc; ++i) {
    const auto value = [&](const char* name) { return std::strcmp(argv[i], name) == 0 && i + 1 < argc ? argv[++i] : nullptr; };
    if (const char* v = value("--context"))
      context = std::strtoull(v, nullptr, 10);
    else if (v = value("--threads"); v)
      threads = std::atoi(v);
    else if (v = value("--rounds"); v)
      rounds = std::atoi(v);
    else if (v = value("--target"); v)
      target = v;
    else if (v = value("--prefill"); v)
      prefill = std::atoi(v);
    else if (std::strcmp(argv[i], "--verify") == 0)
      verify = true;
    else
      model = argv[i];
  }
  if (model.empty() || rounds < 1 || prefill < 0) return std::fprintf(stderr, "usage: see bench/eta.cpp\n"), 2;
  try {
    Runner runner(model, threads, target, context, std::max(64, prefill));
    std::printf("%s, %d threads, %s, context %llu\n", model.c_str(), runner.n_threads(), std::string(runner.kernels().target).c_str(),
                static_cast<unsigned long long>(context));
    if (prefill > 0)
      print_prefill(runner, prefill, rounds);
    else
      verify ? print_verify(runner, rounds) : print_eta(runner, rounds);
  } catch (const base::Error& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
