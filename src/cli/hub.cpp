#include "cli/hub.h"

#include <algorithm>
#include <filesystem>

#include "cli/system.h"

namespace rustml::cli {
namespace {

namespace fs = std::filesystem;

template <class Function>
Function* find(const char* name) {
  std::string problem;
  auto* const function = reinterpret_cast<Function*>(hub_function(name, problem));
  if (!function) throw Failure(RUSTML_UNIMPLEMENTED, problem);
  return function;
}

rustml_hub_options options_of(uint32_t flags) {
  rustml_hub_options options = initial(find<decltype(rustml_hub_options_init)>("rustml_hub_options_init"));
  options.flags = flags;
  return options;
}

bool may_be_remote(const std::string& name, std::ptrdiff_t least, std::ptrdiff_t most) {
  const auto slashes = std::count(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(std::min(name.find('@'), name.size())), '/');
  const auto exists = [](const std::string& path) {
    std::error_code error;
    return fs::exists(fs::path(std::u8string(path.begin(), path.end())), error);
  };
  return slashes >= least && slashes <= most && name.find_first_of("/.~") != 0 && !exists(name) && !exists(name.substr(0, name.find('/')));
}

}  // namespace

bool names_hub_model(const std::string& name) { return may_be_remote(name, 1, 1); }

bool names_hub_file(const std::string& name) {
  const std::string file = name.substr(0, name.find('@'));
  return file.size() > 5 && file.compare(file.size() - 5, 5, ".gguf") == 0 && may_be_remote(name, 2, 64);
}

std::string hub_resolve(const std::string& id, uint32_t flags, LongCall& call) {
  auto* const resolve = find<decltype(rustml_hub_resolve)>("rustml_hub_resolve");
  const rustml_hub_options options = options_of(flags);
  std::string path(4096, '\0');  // PATH_MAX: a longer one could not be opened
  uint64_t n = 0;
  call.run([&](const rustml_call_options* limits, rustml_error** error) {
    return resolve(id.data(), id.size(), &options, path.data(), path.size(), &n, limits, error);
  });
  path.resize(n);
  return path;
}

std::string hub_list(uint32_t flags) {
  auto* const list = find<decltype(rustml_hub_list)>("rustml_hub_list");
  const rustml_hub_options options = options_of(flags);
  return text_from([&](char* text, size_t n, uint64_t* needed, rustml_error** error) { return list(&options, text, n, needed, error); });
}

uint64_t hub_remove(const std::string& id) {
  auto* const remove = find<decltype(rustml_hub_remove)>("rustml_hub_remove");
  uint64_t freed = 0;
  call([&](rustml_error** error) { return remove(id.data(), id.size(), nullptr, &freed, error); });
  return freed;
}

uint64_t hub_verify(const std::string& id, LongCall& call) {
  auto* const verify = find<decltype(rustml_hub_verify)>("rustml_hub_verify");
  uint64_t checked = 0;
  call.run([&](const rustml_call_options* limits, rustml_error** error) {
    return verify(id.data(), id.size(), nullptr, &checked, limits, error);
  });
  return checked;
}

}  // namespace rustml::cli
