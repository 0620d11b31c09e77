#include "hub/settings.h"

#include <algorithm>
#include <cstdlib>

#include "base/ascii.h"
#include "boundary/structs.h"
#include "hub/disk.h"
#include "hub/layouts_generated.h"
#include "hub/names.h"

namespace rustml::hub {
namespace {

using namespace boundary;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// "~/x" is in the home folder, as huggingface_hub has it.
std::string expanded(std::string path) {
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, variable("HOME"));
  return path;
}

std::string home_of_hub() {
  if (const std::string home = variable("HF_HOME"); !home.empty()) return expanded(home);
  const std::string cache = variable("XDG_CACHE_HOME");
  if (!cache.empty()) return expanded(cache) + "/huggingface";
  if (variable("HOME").empty())
    fail(Status::invalid_argument, "cache folder is unknown: HOME is not set; set HF_HUB_CACHE or rustml_hub_options.cache_dir");
  return variable("HOME") + "/.cache/huggingface";
}

std::string read_token() {
  if (const std::string token = variable("HF_TOKEN"); !token.empty()) return token;
  const std::string path = variable("HF_TOKEN_PATH");
  if (path.empty() && variable("HF_HOME").empty() && variable("XDG_CACHE_HOME").empty() && variable("HOME").empty()) return {};
  return read_file(path.empty() ? home_of_hub() + "/token" : expanded(path), 4096).value_or("");
}

std::string trimmed_token(std::string token) {
  const auto blank = [](char c) { return base::is_blank(c); };
  while (!token.empty() && blank(static_cast<unsigned char>(token.back()))) token.pop_back();
  token.erase(token.begin(), std::find_if_not(token.begin(), token.end(), blank));
  for (const char c : token)
    if (c <= 0x20 || c >= 0x7F) fail(Status::invalid_argument, "token has a blank, a control or a non-ASCII character; check HF_TOKEN");
  return token;
}

uint64_t read_stall() {
  const std::string text = variable("HF_HUB_DOWNLOAD_TIMEOUT");
  if (text.empty()) return Settings().stall_s;
  constexpr uint64_t kMost = 86'400;
  const uint64_t seconds = parse_number(text).value_or(0);
  if (seconds == 0 || seconds > kMost)
    refuse_field("HF_HUB_DOWNLOAD_TIMEOUT", base::Given::text(text), "whole seconds from 1 to " + std::to_string(kMost));
  return seconds;
}

bool is_true(std::string value) {
  value = base::upper_case(value);
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

}  // namespace

Settings read_settings(const rustml_hub_options* given) {
  const rustml_hub_options options = read_struct(given);
  require_flags(options.flags, RUSTML_HUB_OFFLINE | RUSTML_HUB_UPDATE | RUSTML_HUB_NO_TOKEN | RUSTML_HUB_LIST_TEXT,
                "rustml_hub_options.flags");
  Settings out;
  out.list_text = (options.flags & RUSTML_HUB_LIST_TEXT) != 0;
  out.offline = (options.flags & RUSTML_HUB_OFFLINE) != 0 || is_true(variable("HF_HUB_OFFLINE"));
  out.stall_s = read_stall();
  out.update = (options.flags & RUSTML_HUB_UPDATE) != 0;
  out.endpoint = read_string(options.endpoint, "rustml_hub_options.endpoint");
  if (out.endpoint.empty()) out.endpoint = variable("HF_ENDPOINT");
  if (out.endpoint.empty()) out.endpoint = "https://huggingface.co";
  while (out.endpoint.ends_with('/')) out.endpoint.pop_back();
  out.cache_dir = expanded(read_string(options.cache_dir, "rustml_hub_options.cache_dir"));
  if (out.cache_dir.empty()) out.cache_dir = expanded(variable("HF_HUB_CACHE"));
  if (out.cache_dir.empty()) out.cache_dir = home_of_hub() + "/hub";
  out.token = read_string(options.token, "rustml_hub_options.token");
  if (out.token.empty()) out.token = read_token();
  out.token = (options.flags & RUSTML_HUB_NO_TOKEN) != 0 ? "" : trimmed_token(out.token);
  return out;
}

}  // namespace rustml::hub
