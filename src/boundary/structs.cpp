#include "boundary/structs.h"

#include "boundary/library.h"

namespace rustml::boundary {

using base::fail;
using base::Status;

void check_struct_size(uint32_t size, const char* name) {
  if (size < kMinStruct || size > kMaxStruct)
    fail(Status::invalid_argument,
         std::string(name) + ".struct_size is " + std::to_string(size) + "; must be 8 to 65536, set it to sizeof(" + name + ")");
}

void check_zero_tail(const void* data, size_t from, size_t to, const char* name) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = from; i < to; ++i)
    if (bytes[i] != 0)
      fail(Status::invalid_argument, std::string(name) + " has a field beyond this library's ABI: byte " + std::to_string(i) +
                                         " is set and " + library_name() + " knows " + std::to_string(from) +
                                         " bytes; use a newer library");
}

template <>
rustml_model_options defaults() noexcept {
  auto options = zeros<rustml_model_options>();
  options.warmup = 1;
  options.quantize_min_dim = 512;
  return options;
}

template <>
rustml_quantize_options defaults() noexcept {
  auto options = zeros<rustml_quantize_options>();
  options.block_type = RUSTML_TYPE_Q8_0;
  return options;
}

template <>
rustml_chat_options defaults() noexcept {
  auto options = zeros<rustml_chat_options>();
  options.add_generation_prompt = 1;
  return options;
}

template <>
rustml_generation_options defaults() noexcept {
  auto options = zeros<rustml_generation_options>();
  options.top_p = 1;
  options.typical_p = 1;
  options.repetition_penalty = 1;
  return options;
}

template <>
rustml_beam_options defaults() noexcept {
  auto options = zeros<rustml_beam_options>();
  options.width = 4;
  options.n_best = 1;
  options.length_penalty = 1;
  return options;
}

}  // namespace rustml::boundary
