// Defaults of every option struct, and the exported init functions that write them.
#include "api/structs.h"

#include "api/guard.h"

namespace rustml::api {

void check_struct_size(uint32_t size, const char* name) {
  if (size < kMinStruct || size > kMaxStruct)
    base::fail(base::Status::invalid_argument,
               std::string(name) + ".struct_size is " + std::to_string(size) + "; must be 8 to 65536, set it to sizeof(" + name + ")");
}

void check_zero_tail(const void* data, size_t from, size_t to, const char* name) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = from; i < to; ++i)
    if (bytes[i] != 0)
      base::fail(base::Status::invalid_argument, std::string(name) + " has a field beyond this library's ABI: byte " + std::to_string(i) +
                                                     " is set and librustml " + rustml_version() + " knows " + std::to_string(from) +
                                                     " bytes; use a newer library");
}

template <class T>
static T blank() noexcept {
  T value{};
  value.struct_size = sizeof(T);
  return value;
}

rustml_callback Layout<rustml_callback>::defaults() noexcept { return blank<rustml_callback>(); }
rustml_reader Layout<rustml_reader>::defaults() noexcept { return blank<rustml_reader>(); }
rustml_sink Layout<rustml_sink>::defaults() noexcept { return blank<rustml_sink>(); }
rustml_call_options Layout<rustml_call_options>::defaults() noexcept { return blank<rustml_call_options>(); }
rustml_log_options Layout<rustml_log_options>::defaults() noexcept { return blank<rustml_log_options>(); }
rustml_session_options Layout<rustml_session_options>::defaults() noexcept { return blank<rustml_session_options>(); }
rustml_prompt Layout<rustml_prompt>::defaults() noexcept { return blank<rustml_prompt>(); }

rustml_model_options Layout<rustml_model_options>::defaults() noexcept {
  auto options = blank<rustml_model_options>();
  options.warmup = 1;
  options.quantize_min_dim = 512;
  return options;
}

rustml_quantize_options Layout<rustml_quantize_options>::defaults() noexcept {
  auto options = blank<rustml_quantize_options>();
  options.block_type = RUSTML_TYPE_Q8_0;
  return options;
}

rustml_chat_options Layout<rustml_chat_options>::defaults() noexcept {
  auto options = blank<rustml_chat_options>();
  options.add_generation_prompt = 1;
  return options;
}

rustml_generation_options Layout<rustml_generation_options>::defaults() noexcept {
  auto options = blank<rustml_generation_options>();
  options.top_p = 1;
  options.typical_p = 1;
  options.repetition_penalty = 1;
  return options;
}

rustml_beam_options Layout<rustml_beam_options>::defaults() noexcept {
  auto options = blank<rustml_beam_options>();
  options.width = 4;
  options.n_best = 1;
  options.length_penalty = 1;
  return options;
}

}  // namespace rustml::api

using rustml::api::init_struct;

int32_t rustml_log_options_init(rustml_log_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_call_options_init(rustml_call_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_model_options_init(rustml_model_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_quantize_options_init(rustml_quantize_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_chat_options_init(rustml_chat_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_session_options_init(rustml_session_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_prompt_init(rustml_prompt* prompt, uint32_t size) { return init_struct(prompt, size); }
int32_t rustml_generation_options_init(rustml_generation_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_beam_options_init(rustml_beam_options* options, uint32_t size) { return init_struct(options, size); }
int32_t rustml_callback_init(rustml_callback* callback, uint32_t size) { return init_struct(callback, size); }
int32_t rustml_reader_init(rustml_reader* reader, uint32_t size) { return init_struct(reader, size); }
int32_t rustml_sink_init(rustml_sink* sink, uint32_t size) { return init_struct(sink, size); }
