// rustml-infer tokenize: the ids of a text with the bytes each stands for, or the text of ids.
#include <optional>

#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/load.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Arguments {
  ModelArguments model;
  std::optional<std::string> prompt;
  std::optional<std::vector<int32_t>> prompt_ids;
  bool parse_special = false, no_special = false, ids_only = false;
};

std::vector<int32_t> encode(const rustml_model* model, const std::string& text, uint32_t flags, const Interrupt& interrupt) {
  rustml_call_options limits = initial(rustml_call_options_init);
  limits.cancel = interrupt.cancel();
  std::vector<int32_t> ids(text.size() + 16);  // a token stands for at least one byte, save what is added around the text
  uint64_t n = 0;
  const auto attempt = [&](rustml_error** error) {
    return rustml_model_encode(model, text.data(), text.size(), flags, ids.data(), ids.size(), &n, &limits, error);
  };
  rustml_error* error = nullptr;
  const int32_t status = attempt(&error);
  if (status == RUSTML_BUFFER_TOO_SMALL) {
    ids.resize(n);
    call(attempt);
  } else if (status != RUSTML_OK) {
    throw take_failure(status, error);
  }
  ids.resize(n);
  return ids;
}

std::string token_bytes(const rustml_model* model, int32_t id) {
  return text_from([&](char* bytes, size_t n, uint64_t* needed, rustml_error** error) {
    return rustml_model_token_bytes(model, id, reinterpret_cast<uint8_t*>(bytes), n, needed, error);
  });
}

int tokenize(const Arguments& a) {
  if (a.prompt.has_value() == a.prompt_ids.has_value()) {
    throw Failure(RUSTML_INVALID_ARGUMENT, "tokenize: give either --prompt TEXT (- for standard input) or --prompt-ids \"1 2 3\"");
  }
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.model.log, a.model.trace);
  const Loaded loaded = load_model(a.model, interrupt, 0, /*warmup=*/false);
  const rustml_model* model = loaded.model.get();
  const uint32_t flags = (a.no_special ? 0 : RUSTML_ENCODE_ADD_SPECIAL) | (a.parse_special ? RUSTML_ENCODE_PARSE_SPECIAL : 0);
  const std::vector<int32_t> ids = a.prompt_ids ? *a.prompt_ids : encode(model, prompt_text(*a.prompt), flags, interrupt);

  const auto piece = [&](int32_t id) { return token_bytes(model, id); };
  std::string out;
  if (a.model.json) {
    out = base::JsonObject().add("ids", base::JsonArray(ids)).add("pieces", base::JsonArray(ids, piece)).str();
  } else {
    for (const int32_t id : ids)
      out += a.ids_only ? (out.empty() ? "" : " ") + std::to_string(id) : std::to_string(id) + "\t" + base::json_string(piece(id)) + "\n";
  }
  write_answer(out + (a.model.json || a.ids_only ? "\n" : ""));
  return kExitAnswer;
}

}  // namespace

Command make_tokenize(Options& options) {
  const auto a = std::make_shared<Arguments>();
  add_model_options(options, a->model);
  options.text("--prompt", "text; - reads standard input", "TEXT", [a](const std::string& text) { a->prompt = text; });
  options.text("--prompt-ids", "ids to show the pieces of: \"1 2 3\"", "IDS",
               [a](const std::string& text) { a->prompt_ids = parse_ids("--prompt-ids", text); });
  options.flag("--parse-special", "text of special tokens becomes those tokens", a->parse_special);
  options.flag("--no-special", "do not add the tokens that the model's file asks for (BOS, EOS)", a->no_special);
  options.flag("--ids", "print the ids alone, as --prompt-ids takes them", a->ids_only);
  return [a] {
    if (a->ids_only && a->model.json) throw Failure(RUSTML_INVALID_ARGUMENT, "--ids and --json: give one of them");
    return tokenize(*a);
  };
}

}  // namespace rustml::cli
