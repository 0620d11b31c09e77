#include "api/callbacks.h"
#include "api/events.h"
#include "api/guard.h"
#include "api/options.h"
#include "base/file_writer.h"
#include "generation/gguf_file.h"

using namespace rustml::api;
namespace base = rustml::base;
namespace formats = rustml::formats;
using rustml::generation::Engine;

namespace {

// What the three ways to open have in common; `make_file(call)` opens.
template <class MakeFile>
void open_model(rustml_model** out, const rustml_model_options* given, const rustml_call_options* call, MakeFile&& make_file) {
  clear_out(out);
  const auto options = to_model_options(given);
  LongCall running(call, "model load");
  auto engine = std::make_shared<Engine>(make_file(running.call()), options, running.call());
  *out = hand_out(std::make_unique<ModelObject>(std::move(engine)));
}

}  // namespace

int32_t rustml_model_open(const char* path, uint64_t path_len, const rustml_model_options* options, rustml_model** out,
                          const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope&) {
    open_model(out, options, call, [&](auto& running) { return formats::open_path(read_path(path, path_len), running); });
  });
}

int32_t rustml_model_open_memory(const void* data, uint64_t len, const rustml_model_options* options, rustml_model** out,
                                 const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope&) {
    open_model(out, options, call, [&](auto& running) {
      const auto bytes = read_bytes(data, len, "data");
      return formats::open(base::open_memory(bytes.data(), bytes.size(), "model in memory"), running);
    });
  });
}

int32_t rustml_model_open_reader(const rustml_reader* reader, const rustml_model_options* options, rustml_model** out,
                                 const rustml_call_options* call, rustml_error** error) {
  return guard(error, reader, [&](Scope& scope) {
    scope.adopt(call);
    open_model(out, options, call, [&](auto& running) { return formats::open(open_reader(reader, "reader"), running); });
  });
}

rustml_model* rustml_model_retain(rustml_model* model) { return retain_handle(value_of(model), Type::model) ? model : nullptr; }

int32_t rustml_model_release(rustml_model* model) {
  return guard(nullptr, [&](Scope&) { return model ? release_handle(value_of(model), Type::model) : Status::ok; });
}

int32_t rustml_model_get_info(const rustml_model* model, rustml_model_info* out, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutStruct result(out);
    result.write(filled<rustml_model_info>(scope.model(model).info()));
  });
}

int32_t rustml_model_describe_json(const rustml_model* model, char* buf, uint64_t capacity, uint64_t* needed, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    const OutBuffer out(buf, capacity, needed);
    const std::string json = scope.model(model).describe_json();
    return out.fill(json.data(), json.size());
  });
}

int32_t rustml_model_plan(const char* path, uint64_t path_len, const rustml_model_options* options, const rustml_session_options* session,
                          rustml_memory_plan* out, const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope&) {
    const OutStruct result(out);
    const auto model_options = to_model_options(options);
    const auto session_options = to_session_options(session);
    LongCall long_call(call, "model plan");
    rustml::runtime::Call& running = long_call.call();
    const auto file = formats::open_path(read_path(path, path_len), running);
    const auto plan = Engine::plan(file, model_options, session_options);
    file.require_unchanged(running);
    result.write(filled<rustml_memory_plan>(plan));
  });
}

int32_t rustml_model_quantize(const char* path, uint64_t path_len, const char* out_path, uint64_t out_path_len,
                              const rustml_quantize_options* options, const rustml_call_options* call, rustml_error** error) {
  return guard(error, call, [&](Scope&) {
    const auto type = to_tensor_type(options);
    const std::string from = read_path(path, path_len), to = read_path(out_path, out_path_len);
    LongCall long_call(call, "quantize");
    rustml::runtime::Call& running = long_call.call();
    const auto file = formats::open_path(from, running);
    base::FileWriter out(to);
    rustml::generation::write_gguf(
        file, type, [&](const void* data, uint64_t n) { out.write(data, n); }, running);
    file.require_unchanged(running);
    out.commit();
  });
}
