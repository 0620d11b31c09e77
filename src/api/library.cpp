// Version, build information, clock, log sink.
#include "boundary/library.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/build_info.h"
#include "api/callbacks.h"
#include "api/guard.h"
#include "api/layout_generated.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "generation/generation.h"
#include "runtime/deadline.h"

using namespace rustml::api;
namespace base = rustml::base;

namespace {

std::string describe_build() {
  std::vector<std::string_view> usable;
  for (const auto* table : rustml::kernels::available()) usable.push_back(table->target);
  const auto format_id = [](const rustml::formats::FormatNames& format) { return format.id; };
  return base::JsonObject()
      .add("version", kVersion)
      .add("compiler", __VERSION__)
      .add("build_type", kBuildType)
      .add("dependencies", base::JsonText(kDependenciesJson))
      .add("simd_targets", base::JsonArray(usable))
      .add("simd_targets_compiled", base::JsonArray(rustml::kernels::compiled()))
      .add("formats", base::JsonArray(rustml::formats::kFormats, format_id))
      .str();
}

// The destroy of a log callback: when the last copy of its sink goes.
struct LogCallback {
  Callback callback;
  void (*destroy)(void*) = nullptr;
  void* user_data = nullptr;
  ~LogCallback() {
    if (destroy) shielded([&] { return destroy(user_data), 0; });
  }
};

}  // namespace

uint32_t rustml_abi_version(void) { return RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR; }

const char* rustml::boundary::library_name() noexcept { return kLibraryName; }

const char* rustml_version(void) { return kVersion; }

uint64_t rustml_abi_layout_hash(uint32_t major, uint32_t minor) {
  for (const LayoutVersion& known : kLayoutVersions)
    if (known.major == major && known.minor == minor) return known.hash;
  return 0;
}

const char* rustml_abi_layout_json(void) { return kLayoutJson; }

const char* rustml_build_json(void) {
  const char* text = "{}";  // out of memory
  guard(nullptr, [&](Scope&) {
    static const std::string* const json = new std::string(describe_build());  // never destroyed: callers keep the pointer
    text = json->c_str();
  });
  return text;
}

uint64_t rustml_now_ns(void) { return rustml::runtime::now_ns(); }

uint64_t rustml_deadline_after_ns(int64_t timeout_ns) {
  const uint64_t now = rustml::runtime::now_ns();
  if (timeout_ns >= 0) {
    const auto after = static_cast<uint64_t>(timeout_ns);
    return after > UINT64_MAX - now ? UINT64_MAX : now + after;
  }
  const uint64_t before = 0 - static_cast<uint64_t>(timeout_ns);
  return before < now ? now - before : 1;
}

int32_t rustml_log_set(const rustml_log_options* given, rustml_error** error) {
  return guard(error, [&](Scope& scope) {
    rustml_log_options seen;
    if (peek_struct(given, seen)) scope.adopt(seen.callback);
    const rustml_log_options options = read_struct(given);
    const auto filter = read_text(options.filter, "rustml_log_options.filter");
    if (!options.callback) return base::log_set(filter, {});
    auto listener = std::make_shared<LogCallback>();
    listener->callback = Callback(options.callback, "rustml_log_options.callback");
    base::LogSink sink = [listener](const base::LogRecord& record) {
      rustml_event event = blank_event(RUSTML_EVENT_LOG);
      event.time_ns = record.time_ns;
      event.level = static_cast<int32_t>(record.level);
      event.component = record.component;
      event.text = record.text.c_str();
      event.text_len = record.text.size();
      listener->callback(event);
    };
    const rustml_callback callback = read_struct(options.callback);
    scope.disown_all();  // from here on the sink destroys it
    listener->destroy = callback.destroy;
    listener->user_data = callback.user_data;
    listener.reset();
    base::log_set(filter, std::move(sink));
  });
}
