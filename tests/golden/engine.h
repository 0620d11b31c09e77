// The few calls of rustml.h that golden tests make, as owning C++ values. A call that must succeed and does not ends its test by exception.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reference.h"
#include "rustml.h"

namespace golden {

struct Setup {
  std::string simd_target;  // empty: the best
  int32_t n_threads = 2;
  int32_t quantize = RUSTML_QUANTIZE_KEEP;
  uint32_t quantize_min_dim = 0;  // 0: the library's default
};

constexpr int32_t kQuantizeQ8 = 2;  // RUSTML_QUANTIZE_Q8_0

struct Model {
  explicit Model(const std::string& path, const Setup& setup = {});
  std::vector<int32_t> encode(const std::string& text, uint32_t flags) const;
  rustml_model_info info() const;
  std::shared_ptr<rustml_model> handle;
};

struct SessionSetup {
  int32_t kv_type = RUSTML_KV_F32;
  uint32_t prefill_chunk = 0;
  uint64_t context_tokens = 0;
};

struct Session {
  explicit Session(const Model& model, const SessionSetup& setup = {});
  void eval(const int32_t* ids, uint64_t n);
  void eval(const std::vector<int32_t>& ids) { eval(ids.data(), ids.size()); }
  void rewind(uint64_t n_tokens);
  int32_t try_rewind(uint64_t n_tokens);  // its status
  void reset();
  Session fork() const;
  rustml_session_info info() const;
  std::vector<uint8_t> snapshot() const;
  void restore(const std::vector<uint8_t>& snapshot);
  int32_t try_restore(const std::vector<uint8_t>& snapshot);  // its status
  std::vector<float> logits() const;
  // Greedy, past end-of-text tokens: one entry per token, the `n_top` best, best first; ids in `chosen`.
  std::vector<std::vector<Choice>> greedy(const std::vector<int32_t>& prompt, uint64_t n, uint32_t n_top, std::vector<int32_t>& chosen);
  std::shared_ptr<rustml_session> handle;

 private:
  explicit Session(rustml_session* owned);
};

// Targets that this library was compiled with and this processor can run, best first.
std::vector<std::string> simd_targets();

}  // namespace golden
