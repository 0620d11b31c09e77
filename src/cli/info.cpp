// rustml-infer info: what is in a model file.
#include <cstdio>

#include "base/number_text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

std::string table(const rustml_model_info& info, const rustml_memory_plan& plan) {
  std::string out;
  const auto row = [&](const char* name, const std::string& value) {
    char head[24];
    std::snprintf(head, sizeof head, "%-16s", name);
    out += head + value + "\n";
  };
  const auto number = [](uint64_t n) { return std::to_string(n); };
  const auto millions = [](uint64_t n) { return base::fixed(static_cast<double>(n) / 1e6, 1); };
  const auto megabytes = [&](uint64_t bytes) { return millions(bytes) + " MB"; };
  row("name", std::string(view_of(info.name)));
  row("architecture", std::string(view_of(info.architecture)));
  row("parameters", millions(info.n_parameters) + " million");
  row("layers", number(info.n_layers));
  row("heads", number(info.n_heads) + " (" + number(info.n_kv_heads) + " for keys and values), " + number(info.head_dim) + " wide");
  row("hidden", number(info.hidden_dim) + ", feed-forward " + number(info.ffn_dim));
  row("vocabulary", number(info.vocab_size) + " tokens, chat template: " + (info.has_chat_template != 0 ? "yes" : "no"));
  row("trained context", number(info.context_length) + " tokens");
  row("file", megabytes(plan.file_bytes) + ", " + number(info.n_tensors) + " tensors");
  row("memory", megabytes(plan.weight_bytes) + " weights + " + megabytes(plan.scratch_bytes) + " scratch + " + megabytes(plan.kv_bytes) +
                    " KV cache for " + number(plan.context_tokens) + " tokens");
  row("runs on", number(static_cast<uint64_t>(info.n_threads)) + " threads, " + std::string(view_of(info.simd_target)));
  return out;
}

int info(const ModelArguments& a, const SessionArguments& s) {
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.log, a.trace);
  const Loaded loaded = load_model(a, interrupt, 0, /*warmup=*/false);
  if (a.json) {
    write_answer(text_from([&](char* text, size_t n, uint64_t* needed, rustml_error** error) {
                   return rustml_model_describe_json(loaded.model.get(), text, n, needed, error);
                 }) +
                 "\n");
    return kExitAnswer;
  }
  const rustml_session_options session = options_of(s);
  rustml_memory_plan plan{};
  plan.struct_size = sizeof plan;
  const rustml_model_options options = options_of(a);
  call([&](rustml_error** error) {
    return rustml_model_plan(loaded.path.data(), loaded.path.size(), &options, &session, &plan, nullptr, error);
  });
  write_answer(table(loaded.info, plan));
  return kExitAnswer;
}

}  // namespace

Command make_info(Options& options) {
  const auto model = std::make_shared<ModelArguments>();
  const auto session = std::make_shared<SessionArguments>();
  add_model_options(options, *model);
  add_session_options(options, *session);
  return [=] { return info(*model, *session); };
}

}  // namespace rustml::cli
