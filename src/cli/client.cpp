// Names of statuses are those of the constants without their prefix; finish names are the ones of events.schema.json.
#include "cli/client.h"

#include <cerrno>

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
  switch (status) {
    case RUSTML_OK:
      return "OK";
    case RUSTML_CANCELLED:
      return "CANCELLED";
    case RUSTML_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case RUSTML_DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case RUSTML_NOT_FOUND:
      return "NOT_FOUND";
    case RUSTML_PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case RUSTML_RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case RUSTML_FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case RUSTML_OUT_OF_RANGE:
      return "OUT_OF_RANGE";
    case RUSTML_UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case RUSTML_INTERNAL:
      return "INTERNAL";
    case RUSTML_UNAVAILABLE:
      return "UNAVAILABLE";
    case RUSTML_DATA_LOSS:
      return "DATA_LOSS";
    case RUSTML_BUSY:
      return "BUSY";
    case RUSTML_INVALID_HANDLE:
      return "INVALID_HANDLE";
    case RUSTML_ABI_MISMATCH:
      return "ABI_MISMATCH";
    case RUSTML_POISONED:
      return "POISONED";
    case RUSTML_FORKED:
      return "FORKED";
    case RUSTML_CALLBACK_STOP:
      return "CALLBACK_STOP";
    case RUSTML_BUFFER_TOO_SMALL:
      return "BUFFER_TOO_SMALL";
    case RUSTML_DONE:
      return "DONE";
    default:
      return "UNKNOWN";
  }
}

const char* finish_name(int32_t finish) noexcept {
  switch (finish) {
    case RUSTML_FINISH_STOP_TOKEN:
      return "stop_token";
    case RUSTML_FINISH_STOP_STRING:
      return "stop_string";
    case RUSTML_FINISH_LENGTH:
      return "length";
    case RUSTML_FINISH_CONTEXT_FULL:
      return "context_full";
    case RUSTML_FINISH_CANCELLED:
      return "cancelled";
    case RUSTML_FINISH_DEADLINE:
      return "deadline";
    case RUSTML_FINISH_CALLBACK:
      return "callback";
    case RUSTML_FINISH_CLOSED:
      return "closed";
    case RUSTML_FINISH_ERROR:
      return "error";
    default:
      return "none";
  }
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
