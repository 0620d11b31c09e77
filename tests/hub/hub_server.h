// tests/hub/server.py as a process, and the library's calls as these tests make them.
#pragma once
#include <rustml_hub.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace rustml::hub_test {

namespace fs = std::filesystem;

struct Outcome {
  int32_t status = 0;
  std::string path, message, detail;
  int32_t callback_value = 0;
};

struct Options {
  uint32_t flags = 0;
  std::string token = {};
  const rustml_call_options* call = nullptr;
};

// One server for all tests of the program; an empty cache for each Hub.
class Hub {
 public:
  // `faults` as in server.py.
  explicit Hub(const std::string& faults = "");
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  void set_faults(const std::string& faults);  // also empties the log
  Outcome resolve(const std::string& id, const Options& options = {}) const;
  Outcome verify(const std::string& id) const;
  Outcome remove(const std::string& id, uint64_t* freed = nullptr) const;
  base::Json list() const;

  std::vector<base::Json> log() const;  // requests under these faults
  std::vector<base::Json> log(const std::string& method) const;
  int64_t sent() const;  // bytes of the weights that left the server
  const std::string& endpoint() const { return endpoint_; }
  const fs::path& cache() const { return cache_; }
  static int port(int which);
  static std::string served(const std::string& file);  // its bytes: "org/model/config.json"

 private:
  std::string scenario_, endpoint_;
  fs::path cache_;
};

std::string read_file(const fs::path& path);
std::string text_of(const base::Json& object, const char* key);
int64_t number_of(const base::Json& object, const char* key);

}  // namespace rustml::hub_test
