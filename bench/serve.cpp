// librustml as one of the engines of compare.py: stays open and measures what it is asked, so that engines can take turns without loading
// again.
//   rustml_bench_serve --gguf FILE --threads N --context N
// First line out: {"load_s", "weight_bytes", "vocab", "context_length"}. Then for each line in, "SEED VOCAB PREFILL DECODE KEEP", one
// {"first_s", "token_s": [DECODE numbers]}: greedy, from PREFILL fixed ids; KEEP 1: the prompt is the last one, its cells are used again.
#include <cstdio>
#include <iostream>

#include "cli/arguments.h"
#include "cli/events.h"
#include "cli/load.h"
#include "cli/measure.h"
#include "cli/terminal.h"

namespace {

using namespace rustml::cli;

void serve(rustml_session* session) {
  uint64_t seed, prefill, decode, keep;
  uint32_t vocab;
  while (std::cin >> seed >> vocab >> prefill >> decode >> keep) {
    const std::vector<int32_t> ids = fixed_ids(prefill, vocab, seed);
    if (keep == 0) call([&](rustml_error** error) { return rustml_session_reset(session, error); });
    const double begin = now_seconds();
    TokenStream stream(session, ids, decode + 1, nullptr);
    double last = stream.next();
    const double first = last - begin;
    std::string tokens;
    for (uint64_t i = 0; i < decode; ++i) {
      const double at = stream.next();
      tokens += (i ? "," : "") + std::to_string(at - last);
      last = at;
    }
    write_answer(JsonObject().real("first_s", first).raw("token_s", "[" + tokens + "]").str() + "\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ModelArguments model;
    SessionArguments session;
    Options options("rustml_bench_serve", "An engine of compare.py.", rustml_version());
    add_model_options(options, model);
    add_session_options(options, session);
    write_answer(options.parse(argc, argv));
    const Interrupt interrupt;
    const Loaded loaded = load_model(model, interrupt, 0);
    write_answer(JsonObject()
                     .real("load_s", loaded.seconds)
                     .whole("weight_bytes", loaded.info.weight_bytes)
                     .whole("vocab", loaded.info.vocab_size)
                     .whole("context_length", loaded.info.context_length)
                     .text("version", rustml_version())
                     .text("simd_target", view_of(loaded.info.simd_target))
                     .str() +
                 "\n");
    serve(create_session(loaded.model.get(), session).get());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rustml_bench_serve: %s\n", error.what());
    return 1;
  }
}
