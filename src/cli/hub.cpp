#include "cli/hub.h"

#include <algorithm>
#include <filesystem>

#include "cli/system.h"

namespace rustml::cli {
namespace {

namespace fs = std::filesystem;

struct HubLibrary {
  decltype(&rustml_hub_options_init) options_init;
  decltype(&rustml_hub_resolve) resolve;
  decltype(&rustml_hub_list) list;
  decltype(&rustml_hub_remove) remove;
  decltype(&rustml_hub_verify) verify;
};

const HubLibrary& library() {
  static const HubLibrary functions = [] {
    const auto find = [&](auto& function, const char* name) {
      std::string problem;
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(hub_function(name, problem));
      if (!function) throw Failure(RUSTML_UNIMPLEMENTED, problem);
    };
    HubLibrary out{};
    find(out.options_init, "rustml_hub_options_init");
    find(out.resolve, "rustml_hub_resolve");
    find(out.list, "rustml_hub_list");
    find(out.remove, "rustml_hub_remove");
    find(out.verify, "rustml_hub_verify");
    return out;
  }();
  return functions;
}

rustml_hub_options options_of(uint32_t flags) {
  rustml_hub_options options;
  library().options_init(&options, sizeof options);
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
  const rustml_hub_options options = options_of(flags);
  std::string path(4096, '\0');  // PATH_MAX: a longer one could not be opened
  uint64_t n = 0;
  call.run([&](const rustml_call_options* limits, rustml_error** error) {
    return library().resolve(id.data(), id.size(), &options, path.data(), path.size(), &n, limits, error);
  });
  path.resize(n);
  return path;
}

std::string hub_list(uint32_t flags) {
  const rustml_hub_options options = options_of(flags);
  std::string text(4096, '\0');
  for (;;) {  // it may grow between two calls
    uint64_t n = 0;
    rustml_error* error = nullptr;
    const int32_t status = library().list(&options, text.data(), text.size(), &n, &error);
    text.resize(n);
    if (status == RUSTML_OK) return text;
    if (status != RUSTML_BUFFER_TOO_SMALL) throw take_failure(status, error);
  }
}

uint64_t hub_remove(const std::string& id) {
  uint64_t freed = 0;
  call([&](rustml_error** error) { return library().remove(id.data(), id.size(), nullptr, &freed, error); });
  return freed;
}

uint64_t hub_verify(const std::string& id, LongCall& call) {
  uint64_t checked = 0;
  call.run([&](const rustml_call_options* limits, rustml_error** error) {
    return library().verify(id.data(), id.size(), nullptr, &checked, limits, error);
  });
  return checked;
}

}  // namespace rustml::cli
