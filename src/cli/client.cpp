// Names of statuses are those of the constants without their prefix; finish names are the ones of events.schema.json.
#include "cli/client.h"

#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <map>

#include "base/error.h"
#include "base/json_scanner.h"
#include "base/json_writer.h"
#include "cli/exit_code.h"

namespace rustml::cli {

int32_t status_of_open(int error) noexcept {
  if (error == ENOENT || error == ENOTDIR) return RUSTML_NOT_FOUND;
  if (error == EISDIR || error == EINVAL || error == ENAMETOOLONG) return RUSTML_INVALID_ARGUMENT;
  return error == EACCES || error == EPERM || error == EROFS ? RUSTML_PERMISSION_DENIED : RUSTML_RESOURCE_EXHAUSTED;
}

Failure take_failure(int32_t status, rustml_error* error) {
  if (error == nullptr) return Failure(status, std::string("failed with status ") + status_name(status));
  Failure failure(status, rustml_error_message(error), rustml_error_detail_json(error));
  rustml_error_release(error);
  return failure;
}

Listener::Listener(std::function<void(const rustml_event&)> take) : take_(std::move(take)), callback_(initial(rustml_callback_init)) {
  callback_.user_data = this;
  callback_.on_event = [](void* user_data, const rustml_event* event) -> int32_t {
    auto& self = *static_cast<Listener*>(user_data);
    try {
      self.take_(*event);
      return 0;
    } catch (...) {
      self.failed_ = std::current_exception();
      return -1;
    }
  };
}

rustml_prompt prompt_of(const std::vector<int32_t>& ids) {
  rustml_prompt prompt = initial(rustml_prompt_init);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids.data();
  prompt.n_ids = ids.size();
  return prompt;
}

rustml_model_info model_info(const rustml_model* model) {
  rustml_model_info info{};
  info.struct_size = sizeof info;
  call([&](rustml_error** error) { return rustml_model_get_info(model, &info, error); });
  return info;
}

namespace {

// What the library calls a field, and the option that sets it here.
constexpr std::pair<std::string_view, const char*> kOptions[] = {
    {"context_tokens", "--context"}, {"n_threads", "--threads"}, {"simd_target", "--simd-target"}};

// The members of a detail that are text or numbers, as a message shows them.
std::map<std::string, std::string> read_detail(std::string_view json) {
  std::map<std::string, std::string> members;
  try {
    base::JsonScanner scanner(json, "detail");
    std::string key;
    for (base::JsonToken token = scanner.next(); token != base::JsonToken::end; token = scanner.next()) {
      if (token == base::JsonToken::key) key = scanner.string();
      if (token == base::JsonToken::string) members[key] = key == "value" ? base::json_string(scanner.string()) : scanner.string();
      if (token == base::JsonToken::number) members[key] = scanner.number();
    }
  } catch (const base::Error&) {  // no detail that this program knows
  }
  return members;
}

}  // namespace

std::string in_words(const Failure& failure) {
  if (failure.status() == RUSTML_CANCELLED) return "stopped by Ctrl-C";
  if (failure.status() == RUSTML_DEADLINE_EXCEEDED) return std::string("--timeout passed: ") + failure.what();
  std::map<std::string, std::string> refused = read_detail(failure.detail_json());
  for (const auto& [field, option] : kOptions)
    if (refused["field"] == field) return std::string(option) + " is " + refused["value"] + "; it must be " + refused["rule"];
  return failure.what();
}

uint64_t refused_prompt_tokens(const Failure& failure) {
  if (failure.status() != RUSTML_OUT_OF_RANGE) return 0;
  return std::strtoull(read_detail(failure.detail_json())["prompt_tokens"].c_str(), nullptr, 10);
}

const char* status_name(int32_t status) noexcept {
  // By their numbers: those of gRPC (2, 6 and 10 are none of ours), then our own.
  static constexpr const char* kShared[] = {"OK",        "CANCELLED",    "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
                                            "NOT_FOUND", "UNKNOWN",      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
                                            "UNKNOWN",   "OUT_OF_RANGE", "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
                                            "DATA_LOSS"};
  static constexpr const char* kOwn[] = {"BUSY",   "INVALID_HANDLE", "ABI_MISMATCH",     "POISONED",
                                         "FORKED", "CALLBACK_STOP",  "BUFFER_TOO_SMALL", "DONE"};
  static_assert(std::size(kShared) == RUSTML_DATA_LOSS + 1 && std::size(kOwn) == RUSTML_DONE - RUSTML_BUSY + 1);
  if (status >= RUSTML_OK && status <= RUSTML_DATA_LOSS) return kShared[status];
  return status >= RUSTML_BUSY && status <= RUSTML_DONE ? kOwn[status - RUSTML_BUSY] : "UNKNOWN";
}

const char* finish_name(int32_t finish) noexcept {
  static constexpr const char* kNames[] = {"none",      "stop_token", "stop_string", "length", "context_full",
                                           "cancelled", "deadline",   "callback",    "closed", "error"};
  static_assert(std::size(kNames) == RUSTML_FINISH_ERROR + 1);
  return finish > RUSTML_FINISH_NONE && finish <= RUSTML_FINISH_ERROR ? kNames[finish] : kNames[0];
}

int exit_code(int32_t status) noexcept {
  switch (status) {
    case RUSTML_OK: return kExitAnswer;
    case RUSTML_INVALID_ARGUMENT: return kExitUsage;
    case RUSTML_NOT_FOUND: return kExitNotFound;
    case RUSTML_UNIMPLEMENTED:
    case RUSTML_DATA_LOSS: return kExitUnsupported;
    case RUSTML_UNAVAILABLE: return kExitNetwork;
    case RUSTML_DEADLINE_EXCEEDED: return kExitTimeout;
    case RUSTML_CANCELLED: return kExitInterrupt;
    default: return kExitError;
  }
}

}  // namespace rustml::cli
