// rustml_error: texts in two plain allocations, made without anything that can throw.
#include <cstdlib>
#include <cstring>
#include <new>

#include "api/guard.h"
#include "base/json.h"
#include "boundary/library.h"

namespace rustml::api {
namespace {

struct ErrorObject final : Object {
  ~ErrorObject() override {
    std::free(message);
    std::free(detail);
  }
  int32_t code = 0, callback_value = 0;
  char* message = nullptr;
  char* detail = nullptr;
};

char* copy_line(std::string_view text) noexcept {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (!copy) return nullptr;
  for (size_t i = 0; i < text.size(); ++i) copy[i] = static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F ? ' ' : text[i];
  copy[text.size()] = 0;
  return copy;
}

rustml_error* out_of_memory() noexcept { return reinterpret_cast<rustml_error*>(kOutOfMemoryError); }

// `read(const ErrorObject&)`, or a fixed answer for the out-of-memory error and for handles that are none.
template <class T, class Read>
T answer(const rustml_error* error, T when_out_of_memory, T (*when_invalid)(Status), Read&& read) {
  if (value_of(error) == kOutOfMemoryError) return when_out_of_memory;
  Pin pin;
  const Status status = pin_handle(value_of(error), Type::error, pin);
  return status == Status::ok ? read(*static_cast<const ErrorObject*>(pin.object())) : when_invalid(status);
}

}  // namespace
}  // namespace rustml::api

using namespace rustml::api;

rustml_error* rustml::boundary::make_error(Status status, std::string_view message, std::string_view detail_json,
                                           int32_t callback_value) noexcept {
  std::unique_ptr<ErrorObject> object(new (std::nothrow) ErrorObject);
  if (!object) return out_of_memory();
  object->code = static_cast<int32_t>(status);
  object->callback_value = callback_value;
  object->message = copy_line(message);
  object->detail = copy_line(detail_json.empty() ? std::string_view("{}") : detail_json);
  if (!object->message || !object->detail) return out_of_memory();
  const uint64_t value = create_handle(Type::error, std::move(object));
  return value ? reinterpret_cast<rustml_error*>(value) : out_of_memory();
}

rustml_error* rustml_error_create(int32_t status, const char* message, uint64_t message_len, const char* detail_json, uint64_t detail_len,
                                  int32_t callback_value) {
  rustml_error* made = nullptr;
  rustml_error* failure = nullptr;
  guard(&failure, [&](Scope&) {
    if (status == RUSTML_OK)
      rustml::base::fail(Status::invalid_argument, "status is 0; an error needs a RUSTML_* status other than RUSTML_OK");
    const std::string_view text = read_text(message, message_len, "message");
    const std::string_view detail = read_text(detail_json, detail_len, "detail_json");
    if (!detail.empty() && rustml::base::parse_json(detail, "detail_json").kind != rustml::base::Json::Kind::object)
      rustml::base::fail(Status::invalid_argument, "detail_json is no JSON object: " + rustml::base::quoted(detail));
    made = make_error(static_cast<Status>(status), text, detail, callback_value);
  });
  return failure ? failure : made;
}

int32_t rustml_error_code(const rustml_error* error) {
  return answer<int32_t>(
      error, RUSTML_RESOURCE_EXHAUSTED, [](Status status) { return static_cast<int32_t>(status); },
      [](const ErrorObject& e) { return e.code; });
}

const char* rustml_error_message(const rustml_error* error) {
  return answer<const char*>(
      error, "memory, or the process's thread-local keys, are exhausted: not even an error object could be made",
      [](Status) { return "error handle is not valid"; }, [](const ErrorObject& e) -> const char* { return e.message; });
}

const char* rustml_error_detail_json(const rustml_error* error) {
  return answer<const char*>(
      error, "{}", [](Status) { return "{}"; }, [](const ErrorObject& e) -> const char* { return e.detail; });
}

int32_t rustml_error_callback_value(const rustml_error* error) {
  return answer<int32_t>(
      error, 0, [](Status) { return 0; }, [](const ErrorObject& e) { return e.callback_value; });
}

int32_t rustml_error_release(rustml_error* error) {
  return error ? static_cast<int32_t>(release_handle(value_of(error), Type::error)) : RUSTML_OK;
}
