// librustml as one of the engines of compare.py: stays open and measures what it is asked, so that engines can take turns without loading
// again.
//   rustml_bench_serve --gguf FILE --threads N --context N
// First line out: {"load_s", "weight_bytes", "vocab", "context_length"}. Then for each line in, "SEED VOCAB PREFILL DECODE KEEP", one
// {"first_s", "token_s": [DECODE numbers]}: greedy, from PREFILL fixed ids; KEEP 1: the prompt is the last one, its cells are used again.
// With --read BYTES instead of a model, a token is a pass of the bare read loop over so many bytes.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/events.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/read_loop.h"
#include "cli/terminal.h"

namespace {

using namespace rustml::cli;
using rustml::base::JsonObject;
using rustml::base::JsonText;

// first() evaluates the prompt, next() makes a token; each replies when it is done.
template <class First, class Next>
void serve(First first, Next next) {
  uint64_t seed, prefill, decode, keep;
  uint32_t vocab;
  while (std::cin >> seed >> vocab >> prefill >> decode >> keep) {
    const std::vector<int32_t> ids = fixed_ids(prefill, vocab, seed);
    const double begin = now_seconds();
    double last = first(ids, decode + 1, keep != 0);
    const double first_s = last - begin;
    std::string tokens;
    for (uint64_t i = 0; i < decode; ++i) {
      const double at = next();
      tokens += (i ? "," : "") + std::to_string(1e3 * (at - last)) + "e-3";
      last = at;
    }
    write_answer(JsonObject().add("first_s", first_s).add("token_s", JsonText("[" + tokens + "]")).str() + "\n");
  }
}

void serve_model(rustml_session* session) {
  std::unique_ptr<TokenStream> stream;
  const auto first = [&](const std::vector<int32_t>& ids, uint64_t n, bool keep) {
    stream.reset();
    if (!keep) call([&](rustml_error** error) { return rustml_session_reset(session, error); });
    stream = std::make_unique<TokenStream>(session, ids, n, nullptr);
    return stream->next();
  };
  serve(first, [&] { return stream->next(); });
}

void serve_reading(uint64_t bytes, int threads) {
  ReadLoop loop(bytes, threads);
  loop.choose();
  write_answer(JsonObject().add("load_s", 0.0).add("kernel", loop.kernel()).str() + "\n");
  const auto pass = [&] {
    loop.pass();
    return now_seconds();
  };
  serve([&](const auto&, uint64_t, bool) { return pass(); }, pass);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ModelArguments model;
    SessionArguments session;
    Options options("rustml_bench_serve", "An engine of compare.py.", rustml_version());
    add_model_options(options, model);
    add_session_options(options, session);
    uint64_t read = 0;
    options.whole("--read", "no model, but a bare read loop over BYTES", 1, 1ull << 40, "leave it out for a model",
                  [&](uint64_t n) { read = n; });
    write_answer(options.parse(argc, argv));
    const Interrupt interrupt;
    if (read > 0) return serve_reading(read, std::max(1, model.threads)), 0;
    const Loaded loaded = load_model(model, interrupt, 0);
    write_answer(JsonObject()
                     .add("load_s", loaded.seconds)
                     .add("weight_bytes", loaded.info.weight_bytes)
                     .add("vocab", loaded.info.vocab_size)
                     .add("context_length", loaded.info.context_length)
                     .add("version", rustml_version())
                     .add("simd_target", view_of(loaded.info.simd_target))
                     .str() +
                 "\n");
    serve_model(create_session(loaded.model.get(), session).get());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rustml_bench_serve: %s\n", error.what());
    return 1;
  }
}
