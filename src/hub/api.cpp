// The exported functions. Nothing leaves them but a status: guard() is the only place that catches.
#include <cxxabi.h>
#include <pthread.h>

#include <exception>
#include <filesystem>
#include <new>

#include "base/system_error.h"
#include "boundary/library.h"
#include "boundary/structs.h"
#include "hub/build_info.h"
#include "hub/cache.h"
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

// A thread that is cancelled (pthread_cancel) inside a call would be unwound through libcurl: it waits until the end.
struct Uncancelled {
  Uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); }
  ~Uncancelled() {
    int ignored;
    pthread_setcancelstate(before, &ignored);
  }
  int before = 0;
};

// destroy(user_data) of the call's callback, once, whatever the outcome.
struct Adopted {
  explicit Adopted(const rustml_call_options* call) noexcept {
    rustml_call_options options;
    if (peek_struct(call, options)) peek_struct(options.progress, callback);
  }
  ~Adopted() noexcept(false) {
    try {
      if (callback.destroy) callback.destroy(callback.user_data);
    } catch (const abi::__forced_unwind&) {
      throw;
    } catch (...) {
    }
  }
  rustml_callback callback{};
};

int32_t failed(rustml_error** error, Status status, std::string_view message, std::string_view detail = {}, int32_t value = 0) noexcept {
  if (error)
    *error = rustml_error_create(static_cast<int32_t>(status), message.data(), message.size(), detail.data(), detail.size(), value);
  return static_cast<int32_t>(status);
}

// Not e.what(), which holds the system's words in the language of LC_MESSAGES.
int32_t failed_on_disk(rustml_error** error, const fs::filesystem_error& e) noexcept {
  const int code = e.code().value();
  try {
    return failed(error, base::status_of_errno(code),
                  "cache " + base::quoted(e.path1().string()) + ": " + base::errno_text(code) + "; check the folder");
  } catch (...) {
    return failed(error, Status::resource_exhausted, "memory is exhausted: the system refused an allocation");
  }
}

// body() returns a Status or throws.
template <class Body>
int32_t guard(const rustml_call_options* call, rustml_error** error, Body&& body) {
  if (error) *error = nullptr;
  const Uncancelled uncancelled;
  const Adopted adopted(call);
  try {
    return static_cast<int32_t>(body());
  } catch (const base::Error& e) {
    return failed(error, e.status(), e.message(), e.detail_json(), e.callback_value());
  } catch (const fs::filesystem_error& e) {
    return failed_on_disk(error, e);
  } catch (const std::bad_alloc&) {
    return failed(error, Status::resource_exhausted, "memory is exhausted: the system refused an allocation");
  } catch (const std::exception& e) {
    return failed(error, Status::internal, e.what());
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread ends itself in a callback (pthread_exit): the system insists on going on
  } catch (...) {
    return failed(error, Status::internal, "unknown failure");
  }
}

}  // namespace

const char* rustml::boundary::library_name() noexcept { return kLibraryName; }

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
