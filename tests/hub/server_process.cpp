#include "server_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace rustml::hub_test {

ServerProcess::ServerProcess() {
  std::string folder = (std::filesystem::temp_directory_path() / "rustml-hub-XXXXXX").string();
  int in[2], out[2];
  if (!mkdtemp(folder.data()) || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) std::abort();
  folder_ = folder;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::string script = RUSTML_HUB_SERVER, python = RUSTML_PYTHON3;
  char* words[] = {python.data(), script.data(), folder.data(), nullptr};
  if (posix_spawn(&pid_, words[0], &actions, nullptr, words, environ) != 0) std::abort();
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  stdin_ = in[1];
  std::string line;
  for (char c; read(out[0], &c, 1) == 1 && c != '\n';) line += c;
  close(out[0]);
  std::istringstream(line) >> ports_[0] >> ports_[1];
}

ServerProcess::~ServerProcess() {
  close(stdin_);  // its sign to end
  waitpid(pid_, nullptr, 0);
  std::filesystem::remove_all(folder_);
}

}  // namespace rustml::hub_test
