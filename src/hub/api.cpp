// The exported functions.
#include <filesystem>
#include <string>

#include "base/system_error.h"
#include "boundary/guard.h"
#include "boundary/library.h"
#include "hub/build_info.h"
#include "hub/call.h"
#include "hub/inventory.h"
#include "hub/layouts_generated.h"
#include "hub/names.h"
#include "hub/resolve.h"
#include "hub/settings.h"

using namespace rustml::hub;
using namespace rustml::boundary;
namespace base = rustml::base;
using base::Status;

namespace {

// body() returns a Status or throws.
template <class Body>
int32_t guard(const rustml_call_options* call, rustml_error** error, Body&& body) {
  const CancellationHeld cancellation;
  Adopted adopted;
  adopted.adopt(call);
  return as_status(error, [&] {
    try {
      return body();
    } catch (const fs::filesystem_error& e) {  // not e.what(), which holds the system's words in the language of LC_MESSAGES
      const int code = e.code().value();
      base::fail(base::status_of_errno(code),
                 "cache " + base::quoted(e.path1().string()) + ": " + base::errno_text(code) + "; check the folder");
    }
  });
}

}  // namespace

const char* rustml::boundary::library_name() noexcept { return kLibraryName; }

rustml_error* rustml::boundary::make_error(Status status, std::string_view message, std::string_view detail_json,
                                           int32_t callback_value) noexcept {
  return rustml_error_create(static_cast<int32_t>(status), message.data(), message.size(), detail_json.data(), detail_json.size(),
                             callback_value);
}

const char* rustml_hub_version(void) { return kVersion; }

int32_t rustml_hub_options_init(rustml_hub_options* options, uint32_t size) { return init_struct(options, size); }

int32_t rustml_hub_resolve(const char* id, uint64_t id_len, const rustml_hub_options* options, char* buf, uint64_t capacity,
                           uint64_t* needed, const rustml_call_options* call, rustml_error** error) {
  return guard(call, error, [&] {
    const OutBuffer out(buf, capacity, needed);
    const ModelId model = parse_id(read_string(id, id_len, "id"));
    const Settings settings = read_settings(options);
    return out.fill(resolve(model, settings, Call(call)));
  });
}

int32_t rustml_hub_list(const rustml_hub_options* options, char* buf, uint64_t capacity, uint64_t* needed, rustml_error** error) {
  return guard(nullptr, error, [&] {
    const OutBuffer out(buf, capacity, needed);
    const Settings settings = read_settings(options);
    return out.fill(settings.list_text ? list_text(settings) : list_json(settings));
  });
}

int32_t rustml_hub_remove(const char* id, uint64_t id_len, const rustml_hub_options* options, uint64_t* freed, rustml_error** error) {
  return guard(nullptr, error, [&] {
    const ModelId model = parse_id(read_string(id, id_len, "id"));
    const uint64_t bytes = remove(model, read_settings(options));
    if (freed) *freed = bytes;
    return Status::ok;
  });
}

int32_t rustml_hub_verify(const char* id, uint64_t id_len, const rustml_hub_options* options, uint64_t* checked,
                          const rustml_call_options* call, rustml_error** error) {
  return guard(call, error, [&] {
    const ModelId model = parse_id(read_string(id, id_len, "id"));
    const uint64_t bytes = verify(model, read_settings(options), Call(call));
    if (checked) *checked = bytes;
    return Status::ok;
  });
}
