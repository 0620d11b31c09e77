#include "hub_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "server_process.h"

namespace rustml::hub_test {
namespace {

ServerProcess& server() {
  static ServerProcess one;
  return one;
}

// The tests' own environment is the one they set.
const bool environment_cleared = [] {
  for (const char* name : {"HF_ENDPOINT", "HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE",
                           "HF_HUB_DOWNLOAD_TIMEOUT", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
    unsetenv(name);
  setenv("HOME", "/nonexistent", 1);
  return true;
}();

std::string fetch(const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(Hub::port(0)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char block[65536];
  for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;) answer.append(block, static_cast<size_t>(n));
  close(fd);
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

rustml_text view(const std::string& text) { return {text.data(), text.size()}; }

Outcome outcome(int32_t status, rustml_error* error) {
  Outcome out;
  out.status = status;
  if (!error) return out;
  EXPECT_EQ(rustml_error_code(error), status);
  out.message = rustml_error_message(error);
  out.detail = rustml_error_detail_json(error);
  out.callback_value = rustml_error_callback_value(error);
  rustml_error_release(error);
  return out;
}

}  // namespace

Hub::Hub(const std::string& faults) {
  std::string folder = (fs::temp_directory_path() / "rustml-cache-XXXXXX").string();
  if (!environment_cleared || !mkdtemp(folder.data())) std::abort();
  cache_ = folder;
  set_faults(faults);
}

Hub::~Hub() { fs::remove_all(cache_); }

void Hub::set_faults(const std::string& faults) {
  static int counter = 0;
  scenario_ = std::to_string(counter++) + (faults.empty() ? "" : "," + faults);
  endpoint_ = "http://127.0.0.1:" + std::to_string(port(0)) + "/" + scenario_;
}

Outcome Hub::resolve(const std::string& id, const Options& wanted) const {
  rustml_hub_options options;
  rustml_hub_options_init(&options, sizeof options);
  const std::string cache = cache_.string();
  options.endpoint = view(endpoint_);
  options.cache_dir = view(cache);
  options.token = view(wanted.token);
  options.flags = wanted.flags;
  std::string path(4096, '\0');
  uint64_t needed = 0;
  rustml_error* error = nullptr;
  const int32_t status = rustml_hub_resolve(id.data(), id.size(), &options, path.data(), path.size(), &needed, wanted.call, &error);
  Outcome out = outcome(status, error);
  if (status == RUSTML_OK) out.path = path.substr(0, needed);
  return out;
}

Outcome Hub::verify(const std::string& id) const {
  rustml_hub_options options;
  rustml_hub_options_init(&options, sizeof options);
  const std::string cache = cache_.string();
  options.cache_dir = view(cache);
  rustml_error* error = nullptr;
  const int32_t status = rustml_hub_verify(id.data(), id.size(), &options, nullptr, nullptr, &error);
  return outcome(status, error);
}

Outcome Hub::remove(const std::string& id, uint64_t* freed) const {
  rustml_hub_options options;
  rustml_hub_options_init(&options, sizeof options);
  const std::string cache = cache_.string();
  options.cache_dir = view(cache);
  rustml_error* error = nullptr;
  const int32_t status = rustml_hub_remove(id.data(), id.size(), &options, freed, &error);
  return outcome(status, error);
}

base::Json Hub::list() const {
  rustml_hub_options options;
  rustml_hub_options_init(&options, sizeof options);
  const std::string cache = cache_.string();
  options.cache_dir = view(cache);
  uint64_t needed = 0;
  EXPECT_EQ(rustml_hub_list(&options, nullptr, 0, &needed, nullptr), RUSTML_OK);
  std::string text(needed, '\0');
  EXPECT_EQ(rustml_hub_list(&options, text.data(), text.size(), &needed, nullptr), RUSTML_OK);
  return base::parse_json(text, "list");
}

std::vector<base::Json> Hub::log() const { return base::parse_json(fetch("/log/" + scenario_), "log").items; }

std::vector<base::Json> Hub::log(const std::string& method) const {
  std::vector<base::Json> out;
  for (const base::Json& entry : log())
    if (text_of(entry, "method") == method) out.push_back(entry);
  return out;
}

int64_t Hub::sent() const {
  int64_t sum = 0;
  for (const base::Json& entry : log())
    if (text_of(entry, "path").starts_with("cdn/")) sum += number_of(entry, "sent");
  return sum;
}

int Hub::port(int which) { return server().port(which); }
std::string Hub::served(const std::string& file) { return read_file(server().folder() / file); }

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string text_of(const base::Json& object, const char* key) { return object.find(key) ? object.find(key)->string : "(absent)"; }
int64_t number_of(const base::Json& object, const char* key) { return object.find(key) ? object.find(key)->integer : -1; }

}  // namespace rustml::hub_test
