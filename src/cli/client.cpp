// Names of statuses are those of the constants without their prefix; finish names are the ones of events.schema.json.
#include "cli/client.h"

#include <cerrno>
#include <iterator>

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

rustml_model_info model_info(const rustml_model* model) {
  rustml_model_info info{};
  info.struct_size = sizeof info;
  call([&](rustml_error** error) { return rustml_model_get_info(model, &info, error); });
  return info;
}

std::string in_words(int32_t status, const std::string& message) {
  if (status == RUSTML_CANCELLED) return "stopped by Ctrl-C";
  if (status == RUSTML_DEADLINE_EXCEEDED) return "--timeout passed: " + message;
  // The library's names of what the user knows as options.
  static constexpr std::pair<std::string_view, std::string_view> kOptions[] = {
      {"create the session with more context_tokens", "give a longer --context"},
      {"context_tokens is", "--context is"},
      {"n_threads is", "--threads is"},
      {"simd_target ", "--simd-target "},
  };
  std::string words = message;
  for (const auto& [theirs, ours] : kOptions) {
    if (const size_t at = words.find(theirs); at != std::string::npos) words.replace(at, theirs.size(), ours);
  }
  return words;
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
    case RUSTML_OK:
      return kExitAnswer;
    case RUSTML_INVALID_ARGUMENT:
      return kExitUsage;
    case RUSTML_NOT_FOUND:
      return kExitNotFound;
    case RUSTML_UNIMPLEMENTED:
    case RUSTML_DATA_LOSS:
      return kExitUnsupported;
    case RUSTML_UNAVAILABLE:
      return kExitNetwork;
    case RUSTML_DEADLINE_EXCEEDED:
      return kExitTimeout;
    case RUSTML_CANCELLED:
      return kExitInterrupt;
    default:
      return kExitError;
  }
}

}  // namespace rustml::cli
