// Rule 3 of the ABI: structs that begin with struct_size and only grow at their end.
//
// In: a field counts if it lies wholly inside the caller's struct_size, others have their defaults; bytes beyond our own
// fields must be zero, else a newer caller would silently lose an option. Out: the caller's bytes beyond our fields are
// zeroed. struct_size is 8 to 65,536.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>

#include "api/arguments.h"
#include "base/error.h"
#include "rustml.h"

namespace rustml::api {

constexpr uint32_t kMinStruct = 8, kMaxStruct = 65536;

// Name, fields after struct_size in order, and defaults of every struct that callers fill in (structs.cpp, below).
template <class T>
struct Layout;

#define RUSTML_LAYOUT(T, ...)                                     \
  template <>                                                     \
  struct Layout<T> {                                              \
    using S = T;                                                  \
    static constexpr const char* kName = #T;                      \
    static constexpr auto kFields = std::make_tuple(__VA_ARGS__); \
    static T defaults() noexcept;                                 \
  };
RUSTML_LAYOUT(rustml_callback, &S::reserved0, &S::on_event, &S::user_data, &S::destroy)
RUSTML_LAYOUT(rustml_reader, &S::reserved0, &S::user_data, &S::size, &S::read_at, &S::destroy)
RUSTML_LAYOUT(rustml_sink, &S::reserved0, &S::user_data, &S::write, &S::destroy)
RUSTML_LAYOUT(rustml_quantize_options, &S::flags, &S::block_type, &S::reserved0)
RUSTML_LAYOUT(rustml_call_options, &S::flags, &S::cancel, &S::deadline_ns, &S::progress)
RUSTML_LAYOUT(rustml_log_options, &S::reserved0, &S::filter, &S::callback)
RUSTML_LAYOUT(rustml_model_options, &S::flags, &S::n_threads, &S::quantize, &S::warmup, &S::check_tensors, &S::memory_limit_bytes,
              &S::simd_target, &S::quantize_min_dim, &S::reserved0)
RUSTML_LAYOUT(rustml_chat_options, &S::add_generation_prompt)
RUSTML_LAYOUT(rustml_session_options, &S::kv_type, &S::context_tokens, &S::memory_limit_bytes, &S::prefill_chunk, &S::reserved0)
RUSTML_LAYOUT(rustml_prompt, &S::kind, &S::text, &S::ids, &S::n_ids, &S::flags, &S::reserved0, &S::chat)
RUSTML_LAYOUT(rustml_generation_options, &S::flags, &S::max_tokens, &S::seed, &S::temperature, &S::top_k, &S::top_p, &S::min_p,
              &S::typical_p, &S::repetition_penalty, &S::presence_penalty, &S::frequency_penalty, &S::repetition_window, &S::logprobs,
              &S::logit_bias, &S::n_logit_bias, &S::stop_strings, &S::n_stop_strings, &S::stop_ids, &S::n_stop_ids, &S::ignore_eos,
              &S::on_stop, &S::prefill_events, &S::reserved0, &S::cancel, &S::deadline_ns, &S::first_token_deadline_ns,
              &S::stall_timeout_ns, &S::prompt_lookup, &S::reserved1)
RUSTML_LAYOUT(rustml_beam_options, &S::flags, &S::width, &S::n_best, &S::length_penalty, &S::early_stopping, &S::max_tokens, &S::stop_ids,
              &S::n_stop_ids, &S::ignore_eos, &S::on_stop, &S::prefill_events, &S::progress_events, &S::cancel, &S::deadline_ns,
              &S::first_token_deadline_ns, &S::stall_timeout_ns)
#undef RUSTML_LAYOUT

// How many bytes of a T of `size` bytes are whole fields.
template <class T>
size_t whole_fields(uint32_t size) noexcept {
  static const T probe{};
  size_t whole = sizeof(uint32_t);
  std::apply(
      [&](auto... field) {
        const auto take = [&](const auto& member) {
          const size_t end =
              static_cast<size_t>(reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&probe)) + sizeof member;
          if (end <= size) whole = std::max(whole, end);
        };
        (take(probe.*field), ...);
      },
      Layout<T>::kFields);
  return whole;
}

void check_struct_size(uint32_t size, const char* name);
// Throws unless bytes [from, to) of `data` are zero.
void check_zero_tail(const void* data, size_t from, size_t to, const char* name);

// Copies what counts over the defaults, without checking anything: false if not even struct_size makes sense.
template <class T>
bool peek_struct(const T* given, T& out) noexcept {
  out = Layout<T>::defaults();
  if (!given) return false;
  uint32_t size;
  std::memcpy(&size, given, sizeof size);
  if (size < kMinStruct || size > kMaxStruct) return false;
  std::memcpy(&out, given, whole_fields<T>(size));
  return true;
}

template <class T>
T read_struct(const T* given) {
  T out = Layout<T>::defaults();
  if (!given) return out;
  uint32_t size;
  std::memcpy(&size, given, sizeof size);
  check_struct_size(size, Layout<T>::kName);
  if (size > sizeof(T)) check_zero_tail(given, sizeof(T), size, Layout<T>::kName);
  std::memcpy(&out, given, whole_fields<T>(size));
  return out;
}

template <class T>
int32_t init_struct(T* out, uint32_t size) noexcept {
  if (!out || size < kMinStruct || size > kMaxStruct) return RUSTML_INVALID_ARGUMENT;
  std::memset(static_cast<void*>(out), 0, size);
  const T defaults = Layout<T>::defaults();
  std::memcpy(static_cast<void*>(out), &defaults, whole_fields<T>(size));
  std::memcpy(static_cast<void*>(out), &size, sizeof size);
  return RUSTML_OK;
}

// Element `i` of a caller's array, whose elements all have the first one's struct_size.
template <class T>
T* element(T* first, uint64_t i, const char* name) {
  uint32_t stride, size;
  std::memcpy(&stride, first, sizeof stride);
  check_struct_size(stride, name);
  auto* at = reinterpret_cast<std::conditional_t<std::is_const_v<T>, const char, char>*>(first) + i * stride;
  std::memcpy(&size, at, sizeof size);
  if (size != stride)
    refuse("struct_size", std::to_string(size), ("the " + std::to_string(stride) + " of the array's first element").c_str());
  return reinterpret_cast<T*>(at);
}

// An output struct of the caller: checked when made, written at the end.
template <class T>
class OutStruct {
 public:
  OutStruct(T* out, const char* name, bool optional = false) : out_(out) {
    if (!out && optional) return;
    require_pointer(out, name);
    std::memcpy(&size_, out, sizeof size_);
    check_struct_size(size_, name);
  }
  void write(T value) const noexcept {
    if (!out_) return;
    value.struct_size = size_;
    auto* bytes = reinterpret_cast<unsigned char*>(out_);
    const size_t known = std::min<size_t>(size_, sizeof(T));
    std::memcpy(bytes, &value, known);
    std::memset(bytes + known, 0, size_ - known);
  }

 private:
  T* out_;
  uint32_t size_ = 0;
};

}  // namespace rustml::api
