// tests/hub/server.py as a process that ends with this object.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <string>

namespace rustml::hub_test {

class ServerProcess {
 public:
  ServerProcess();
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  int port(int which) const { return ports_[which]; }              // of its two
  const std::filesystem::path& folder() const { return folder_; }  // <org>/<name>/<file>: what it serves

 private:
  int ports_[2] = {};
  std::filesystem::path folder_;
  pid_t pid_ = -1;
  int stdin_ = -1;
};

}  // namespace rustml::hub_test
