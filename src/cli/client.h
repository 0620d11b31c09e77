// rustml.h for C++: handles that release themselves, failures as exceptions. Everything the program knows of the library.
#pragma once
#include <rustml.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rustml::cli {

// A failure to report: what the library said, or a fault of the arguments.
class Failure : public std::exception {
 public:
  Failure(int32_t status, std::string message, std::string detail_json = "{}")
      : status_(status), message_(std::move(message)), detail_json_(std::move(detail_json)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  int32_t status() const noexcept { return status_; }  // RUSTML_*
  const std::string& detail_json() const noexcept { return detail_json_; }

 private:
  int32_t status_;
  std::string message_, detail_json_;
};

// What an errno of opening a file is called, as the library calls it.
int32_t status_of_open(int error) noexcept;
// Takes the message out of `error` and releases it.
Failure take_failure(int32_t status, rustml_error* error);

// Runs `function(&error)` and throws what it reports.
template <class Function>
void call(Function&& function) {
  rustml_error* error = nullptr;
  const int32_t status = function(&error);
  if (status != RUSTML_OK) throw take_failure(status, error);
}

// A struct of the library with its defaults.
template <class T>
T initial(int32_t (*init)(T*, uint32_t)) {
  T value;
  init(&value, sizeof value);
  return value;
}

// The text that function(buffer, its size, &needed, error) writes, however long it is.
template <class Function>
std::string text_from(Function&& function) {
  std::string text(4096, '\0');
  for (;;) {  // it may grow between two calls
    uint64_t needed = 0;
    rustml_error* error = nullptr;
    const int32_t status = function(text.data(), text.size(), &needed, &error);
    text.resize(needed);
    if (status == RUSTML_OK) return text;
    if (status != RUSTML_BUFFER_TOO_SMALL) throw take_failure(status, error);
  }
}

// A callback that may throw: the library's call is stopped then, and rethrow() goes on with what was thrown.
class Listener {
 public:
  explicit Listener(std::function<void(const rustml_event&)> take);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  const rustml_callback* callback() const noexcept { return &callback_; }
  void rethrow() const {
    if (failed_) std::rethrow_exception(failed_);
  }

 private:
  std::function<void(const rustml_event&)> take_;
  std::exception_ptr failed_;
  rustml_callback callback_;
};

template <auto release>
struct Release {
  template <class T>
  void operator()(T* handle) const noexcept {
    release(handle);
  }
};
using Model = std::unique_ptr<rustml_model, Release<rustml_model_release>>;
using Session = std::unique_ptr<rustml_session, Release<rustml_session_release>>;
using Generation = std::unique_ptr<rustml_generation, Release<rustml_generation_release>>;
using Cancel = std::unique_ptr<rustml_cancel, Release<rustml_cancel_release>>;

inline rustml_text text_of(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view_of(const rustml_text& text) { return {text.ptr, text.len}; }

rustml_prompt prompt_of(const std::vector<int32_t>& ids);  // views of `ids`
rustml_model_info model_info(const rustml_model* model);
const char* status_name(int32_t status) noexcept;  // "NOT_FOUND"
// The message in the words of the program's user: Ctrl-C, --timeout, and options instead of the library's field names.
std::string in_words(const Failure& failure);
// Tokens of the prompt that the context could not hold; 0: it failed for another reason.
uint64_t refused_prompt_tokens(const Failure& failure);
const char* finish_name(int32_t finish) noexcept;  // "stop_token"

}  // namespace rustml::cli
