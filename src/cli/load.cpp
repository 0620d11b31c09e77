#include "cli/load.h"

#include "cli/hub.h"

namespace rustml::cli {
namespace {

// Where the model lies; fetched first if it is of the hub. A path that exists wins over a name of the hub.
std::string model_path(const ModelArguments& a, const Interrupt& interrupt, uint64_t deadline_ns) {
  if (a.gguf.empty() == a.safetensors.empty()) {
    throw Failure(RUSTML_INVALID_ARGUMENT, a.gguf.empty() ? "--gguf: missing; give the path of a GGUF file, or --safetensors and a folder"
                                                          : "--gguf and --safetensors: give one of them");
  }
  const std::string& name = a.gguf.empty() ? a.safetensors : a.gguf;
  const bool remote = a.gguf.empty() ? names_hub_model(name) : names_hub_file(name);
  if (!remote) return name;
  LongCall call("model files", interrupt, deadline_ns, a.quiet);
  return hub_resolve(name, 0, call);
}

}  // namespace

double now_seconds() { return static_cast<double>(rustml_now_ns()) * 1e-9; }

rustml_model_options options_of(const ModelArguments& arguments) {
  rustml_model_options options = initial(rustml_model_options_init);
  options.n_threads = arguments.threads;
  options.quantize = arguments.quantize;
  options.quantize_min_dim = arguments.quantize_min_dim;
  options.simd_target = text_of(arguments.simd_target);
  return options;
}

Loaded load_model(const ModelArguments& arguments, const Interrupt& interrupt, uint64_t deadline_ns, bool warmup) {
  const std::string path = model_path(arguments, interrupt, deadline_ns);
  rustml_model_options options = options_of(arguments);
  options.warmup = warmup ? 1 : 0;

  LongCall long_call("loading", interrupt, deadline_ns, arguments.quiet);
  const double begin = now_seconds();
  rustml_model* model = nullptr;
  long_call.run([&](const rustml_call_options* limits, rustml_error** error) {
    return rustml_model_open(path.data(), path.size(), &options, &model, limits, error);
  });
  Loaded loaded{path, Model(model), {}, now_seconds() - begin};
  loaded.info = model_info(model);
  return loaded;
}

rustml_session_options options_of(const SessionArguments& arguments) {
  rustml_session_options options = initial(rustml_session_options_init);
  options.context_tokens = arguments.context;
  options.kv_type = arguments.kv_type;
  return options;
}

Session create_session(rustml_model* model, const SessionArguments& arguments) {
  const rustml_session_options options = options_of(arguments);
  rustml_session* session = nullptr;
  call([&](rustml_error** error) { return rustml_session_create(model, &options, &session, nullptr, error); });
  return Session(session);
}

}  // namespace rustml::cli
