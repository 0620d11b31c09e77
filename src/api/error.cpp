// rustml_error: texts in two plain allocations, made without anything that can throw.
#include <cstdlib>
#include <cstring>
#include <new>

#include "api/guard.h"
#include "base/json.h"
#include "boundary/library.h"

namespace rustml::api {
namespace {

// What the functions below read.
struct Said {
  int32_t code, callback_value;
  const char* message;
  const char* detail;
};

struct ErrorObject final : Object {
  ~ErrorObject() override {
    std::free(const_cast<char*>(said.message));
    std::free(const_cast<char*>(said.detail));
  }
  Said said{};
};

char* copy_line(std::string_view text) noexcept {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (!copy) return nullptr;
  for (size_t i = 0; i < text.size(); ++i) copy[i] = static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F ? ' ' : text[i];
  copy[text.size()] = 0;
  return copy;
}

rustml_error* out_of_memory() noexcept { return reinterpret_cast<rustml_error*>(kOutOfMemoryError); }

// Valid as long as the error. Fixed for the out-of-memory error and for handles that are none.
Said said_by(const rustml_error* error) {
  if (value_of(error) == kOutOfMemoryError)
    return {RUSTML_RESOURCE_EXHAUSTED, 0,
            "memory, or the process's thread-local keys, are exhausted: not even an error object could be made", "{}"};
  Pin pin;
  const Status status = pin_handle(value_of(error), Type::error, pin);
  if (status != Status::ok) return {static_cast<int32_t>(status), 0, "error handle is not valid", "{}"};
  return static_cast<const ErrorObject*>(pin.object())->said;
}

}  // namespace
}  // namespace rustml::api

using namespace rustml::api;

rustml_error* rustml::boundary::make_error(Status status, std::string_view message, std::string_view detail_json,
                                           int32_t callback_value) noexcept {
  std::unique_ptr<ErrorObject> object(new (std::nothrow) ErrorObject);
  if (!object) return out_of_memory();
  object->said = {static_cast<int32_t>(status), callback_value, copy_line(message), copy_line(detail_json.empty() ? "{}" : detail_json)};
  if (!object->said.message || !object->said.detail) return out_of_memory();
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

int32_t rustml_error_code(const rustml_error* error) { return said_by(error).code; }
const char* rustml_error_message(const rustml_error* error) { return said_by(error).message; }
const char* rustml_error_detail_json(const rustml_error* error) { return said_by(error).detail; }
int32_t rustml_error_callback_value(const rustml_error* error) { return said_by(error).callback_value; }
int32_t rustml_error_release(rustml_error* error) {
  return error ? static_cast<int32_t>(release_handle(value_of(error), Type::error)) : RUSTML_OK;
}
