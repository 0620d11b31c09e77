// Where the hub is, where the cache lies, and what the environment adds to the caller's options.
#pragma once
#include <rustml_hub.h>

#include <string>

namespace rustml::hub {

struct Settings {
  std::string endpoint;   // without a slash at its end
  std::string cache_dir;  // absolute or relative to the working folder
  std::string token;      // empty: none. Never part of a message
  uint64_t stall_s = 30;  // without progress: then the attempt counts as broken
  bool offline = false, update = false, list_text = false;
};

// NULL: everything from the environment. Throws invalid_argument.
Settings read_settings(const rustml_hub_options* given);

}  // namespace rustml::hub
