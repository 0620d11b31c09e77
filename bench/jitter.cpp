// How evenly tokens come, beside a bare read loop that reads the same bytes with as many threads in turns with them.
//   rustml_bench_jitter --gguf FILE [--threads N] [--runs 5] [--tokens 256] [--busy] [--json]
// A run: 16 tokens, then 256 in blocks of 32, each block followed by 32 passes of the loop; the first token and the first pass of a block
// are not counted, because both sides have slept meanwhile. --busy: instead, the rate beside one busy process against the quiet rate.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/events.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/read_loop.h"
#include "cli/spans.h"
#include "cli/terminal.h"

namespace {

using namespace rustml::cli;
using rustml::base::JsonObject;
using rustml::base::JsonText;

constexpr uint64_t kPrompt = 32, kBefore = 16, kBlock = 32;

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  uint64_t runs = 5, tokens = 256;
  bool busy = false;
};

double spread(const std::vector<double>& v, double high, double low) { return quantile(v, high) / quantile(v, low); }

std::string quantiles(const std::vector<double>& v, double scale) {
  return JsonObject()
      .add("p10", scale * quantile(v, 0.1))
      .add("p50", scale * quantile(v, 0.5))
      .add("p90", scale * quantile(v, 0.9))
      .add("p99", scale * quantile(v, 0.99))
      .add("max", scale * quantile(v, 1))
      .str();
}

void print(const Arguments& a, const char* name, const std::vector<double>& v, double scale) {
  if (a.model.json) return;
  std::printf("%-14s p50 %8.3f  p90 %8.3f  p99 %8.3f  max %8.3f ms   p99/p50 %.3f  p90/p10 %.3f\n", name, scale * quantile(v, 0.5),
              scale * quantile(v, 0.9), scale * quantile(v, 0.99), scale * quantile(v, 1), spread(v, 0.99, 0.5), spread(v, 0.9, 0.1));
}

// Spans of the tokens after the first ones.
StageTable profiled(rustml_session* session, const std::vector<int32_t>& ids, uint64_t tokens) {
  SpanCollector spans;
  TokenStream stream(session, ids, kBefore + tokens, nullptr);
  for (uint64_t i = 0; i < kBefore; ++i) stream.next();
  spans.take();
  for (uint64_t i = 0; i < tokens; ++i) stream.next();
  return stages_of(spans.take());
}

void one_run(rustml_session* session, const std::vector<int32_t>& ids, uint64_t n_tokens, ReadLoop& loop, std::vector<double>& ours,
             std::vector<double>& bare) {
  const uint64_t blocks = (n_tokens + kBlock - 1) / kBlock;
  TokenStream stream(session, ids, kBefore + blocks * (kBlock + 1), nullptr);
  for (uint64_t i = 0; i < kBefore; ++i) stream.next();
  for (uint64_t b = 0; b < blocks; ++b) {
    double last = stream.next();
    for (uint64_t i = 0; i < kBlock; ++i) {
      const double at = stream.next();
      ours.push_back(at - last);
      last = at;
    }
    loop.pass();
    for (uint64_t i = 0; i < kBlock; ++i) bare.push_back(loop.pass());
  }
}

std::string jitter(const Arguments& a, const Loaded& loaded, rustml_session* session, const std::vector<int32_t>& ids) {
  const StageTable first = profiled(session, ids, 4);
  if (first.passes == 0) throw Failure(RUSTML_INTERNAL, "the library gave no spans");
  ReadLoop loop(first.bytes / first.passes, loaded.info.n_threads);
  loop.choose();
  std::vector<double> ratios, etas, reads;
  std::string runs;
  for (uint64_t r = 0; r < a.runs; ++r) {
    std::vector<double> ours, bare;
    const OtherLoad others;
    one_run(session, ids, a.tokens, loop, ours, bare);
    ratios.push_back(spread(ours, 0.99, 0.5) / spread(bare, 0.99, 0.5));
    reads.push_back(quantile(bare, 0.5));
    etas.push_back(quantile(bare, 0.5) / quantile(ours, 0.5));
    print(a, "token", ours, 1e3);
    print(a, "bare loop", bare, 1e3);
    const double busy = others.processors();
    if (!a.model.json) std::printf("%14s ratio %.3f, eta %.3f; others kept %.2f processors busy\n", "", ratios.back(), etas.back(), busy);
    runs += (r ? "," : "") + JsonObject()
                                 .add("token_ms", JsonText(quantiles(ours, 1e3)))
                                 .add("bare_ms", JsonText(quantiles(bare, 1e3)))
                                 .add("others", busy)
                                 .add("ratio", ratios.back())
                                 .add("eta", etas.back())
                                 .str();
  }
  const StageTable table = profiled(session, ids, 64);
  const Stage* head = table.find("Projection");
  print(a, "layer", table.layer_us, 1e-3);
  if (head) print(a, "head", head->us, 1e-3);
  const double best = *std::min_element(ratios.begin(), ratios.end());
  if (!a.model.json)
    std::printf(
        "p99/p50 against the bare loop's: best %.3f, median %.3f of %zu runs. The bare loop (%s) reads %.1f MB at %.1f GB/s; eta_decode "
        "%.3f.\n",
        best, median(ratios), ratios.size(), loop.kernel(), static_cast<double>(loop.bytes()) * 1e-6,
        static_cast<double>(loop.bytes()) * 1e-9 / median(reads), median(etas));
  return JsonObject()
      .add("bytes_per_token", loop.bytes())
      .add("read_kernel", loop.kernel())
      .add("ratio_best", best)
      .add("ratio_median", median(ratios))
      .add("read_gb_s", static_cast<double>(loop.bytes()) * 1e-9 / median(reads))
      .add("eta_decode", median(etas))
      .add("layer_ms", JsonText(quantiles(table.layer_us, 1e-3)))
      .add("head_ms", JsonText(head ? quantiles(head->us, 1e-3) : "{}"))
      .add("runs", JsonText("[" + runs + "]"))
      .str();
}

// A process that only counts, stopped until it is needed. Made before this one has threads.
class BusyProcess {
 public:
  BusyProcess() : pid_(fork()) {
    if (pid_ < 0) throw Failure(RUSTML_RESOURCE_EXHAUSTED, "no second process");
    if (pid_ > 0) {
      kill(SIGSTOP);
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (volatile uint64_t n = 0;;) n = n + 1;
  }
  ~BusyProcess() {
    kill(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  void kill(int signal) const { ::kill(pid_, signal); }

 private:
  pid_t pid_;
};

std::string beside(const Arguments& a, const BusyProcess& process, rustml_session* session, const std::vector<int32_t>& ids) {
  std::vector<double> parts, tokens[2];
  for (uint64_t r = 0; r < a.runs; ++r) {
    double rate[2] = {};
    TokenStream stream(session, ids, 2 * (kBefore + a.tokens), nullptr);
    for (int busy = 0; busy < 2; ++busy) {
      process.kill(busy ? SIGCONT : SIGSTOP);
      for (uint64_t i = 1; i < kBefore; ++i) stream.next();
      const double begin = stream.next();
      double last = begin;
      for (uint64_t i = 0; i < a.tokens; ++i) {
        const double at = stream.next();
        tokens[busy].push_back(at - last);
        last = at;
      }
      rate[busy] = static_cast<double>(a.tokens) / (last - begin);
    }
    process.kill(SIGSTOP);
    parts.push_back(rate[1] / rate[0]);
  }
  print(a, "quiet", tokens[0], 1e3);
  print(a, "busy", tokens[1], 1e3);
  if (!a.model.json)
    std::printf("rate beside one busy process: %.3f of the quiet one (%.3f to %.3f, %zu runs)\n", median(parts), quantile(parts, 0),
                quantile(parts, 1), parts.size());
  return JsonObject()
      .add("rate", median(parts))
      .add("least", quantile(parts, 0))
      .add("most", quantile(parts, 1))
      .add("quiet_ms", JsonText(quantiles(tokens[0], 1e3)))
      .add("busy_ms", JsonText(quantiles(tokens[1], 1e3)))
      .str();
}

int run(int argc, char** argv) {
  Arguments a;
  Options options("rustml_bench_jitter", "How evenly tokens come, beside a bare read loop of the same bytes.", rustml_version());
  add_model_options(options, a.model);
  options.whole("--runs", "runs (default 5)", 1, 1000, "5 is the default", [&](uint64_t n) { a.runs = n; });
  options.whole("--tokens", "tokens of a run (default 256)", 32, 4096, "256 is the default", [&](uint64_t n) { a.tokens = n; });
  options.flag("--busy", "the rate beside one busy process against the quiet rate", a.busy);
  const std::string help = options.parse(argc, argv);
  if (!help.empty()) return write_answer(help), 0;
  const BusyProcess process;
  const Interrupt interrupt;
  a.session.context = kPrompt + 2 * (kBefore + a.tokens) + 64;
  const Loaded loaded = load_model(a.model, interrupt, 0);
  const Session session = create_session(loaded.model.get(), a.session);
  const std::vector<int32_t> ids = fixed_ids(kPrompt, loaded.info.vocab_size);
  const std::string json = a.busy ? beside(a, process, session.get(), ids) : jitter(a, loaded, session.get(), ids);
  if (a.model.json) write_answer(json + "\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rustml_bench_jitter: %s\n", error.what());
    return 1;
  }
}
