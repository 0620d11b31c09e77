// rustml-infer quantize: a model file or folder as one GGUF file with its matrices in another type.
#include <algorithm>

#include "base/ascii.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/long_call.h"
#include "cli/terminal.h"

namespace rustml::cli {
namespace {

struct Type {
  const char* name;
  int32_t value;
};
constexpr Type kTypes[] = {{"Q8_0", RUSTML_TYPE_Q8_0}, {"Q4_0", RUSTML_TYPE_Q4_0}, {"Q4_1", RUSTML_TYPE_Q4_1}, {"Q5_0", RUSTML_TYPE_Q5_0},
                           {"Q5_1", RUSTML_TYPE_Q5_1}, {"F16", RUSTML_TYPE_F16},   {"BF16", RUSTML_TYPE_BF16}, {"F32", RUSTML_TYPE_F32}};

struct Arguments {
  std::string in, out, log;
  int32_t type = RUSTML_TYPE_Q8_0;
  bool quiet = false;
};

int quantize(const Arguments& a) {
  if (a.in.empty() || a.out.empty())
    throw Failure(RUSTML_INVALID_ARGUMENT, "quantize: give a GGUF file or a model's folder, and the file to write");
  Interrupt interrupt;
  interrupt.arm();
  start_log(a.log);
  rustml_quantize_options options = initial(rustml_quantize_options_init);
  options.block_type = a.type;
  LongCall("writing", interrupt, 0, a.quiet).run([&](const rustml_call_options* limits, rustml_error** error) {
    return rustml_model_quantize(a.in.data(), a.in.size(), a.out.data(), a.out.size(), &options, limits, error);
  });
  return kExitAnswer;
}

}  // namespace

Command make_quantize(Options& options) {
  const auto a = std::make_shared<Arguments>();
  options.text("in", "a GGUF file, or a folder with config.json", "IN", [a](const std::string& path) { a->in = path; });
  options.text("out", "the GGUF file to write; it appears when it is whole", "OUT", [a](const std::string& path) { a->out = path; });
  std::vector<std::string> types;
  for (const Type& type : kTypes) types.push_back(type.name);
  options.text(
      "--type", "Q8_0 (default), Q4_0, Q4_1, Q5_0, Q5_1, F16, BF16 or F32: numbers of the matrices", "TYPE",
      [a](const std::string& name) {
        const std::string upper = base::upper_case(name);
        const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& t) { return upper == t.name; });
        if (found == std::end(kTypes))
          refuse("--type", name, "must be Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, F16, BF16 or F32", "Q8_0 is the default");
        a->type = found->value;
      },
      types);
  add_log_option(options, a->log);
  options.flag("--quiet", "no progress on stderr", a->quiet);
  return [a] { return quantize(*a); };
}

}  // namespace rustml::cli
