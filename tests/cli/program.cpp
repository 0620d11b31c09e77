#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "schema.h"

namespace rustml::cli_test {
namespace {

constexpr auto kPatience = std::chrono::minutes(8);

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_end(read_end);
    close_end(write_end);
  }
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

// Appends what is there; false at the end of the file.
bool drain(int fd, std::string& text) {
  char block[65536];
  const ssize_t n = read(fd, block, sizeof block);
  if (n > 0) text.append(block, static_cast<size_t>(n));
  return n > 0;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

pid_t start(const std::vector<std::string>& arguments, const Input& input, const Pipe& in, const Pipe& out, const Pipe& err) {
  std::vector<std::string> words = {RUSTML_INFER};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = input.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view(*variable).substr(0, 9) != "RUST_LOG=") variables.emplace_back(*variable);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end, 0);
  if (input.stdout_file.empty()) {
    posix_spawn_file_actions_adddup2(&actions, out.write_end, 1);
  } else {
    posix_spawn_file_actions_addopen(&actions, 1, input.stdout_file.c_str(), O_WRONLY, 0);
  }
  posix_spawn_file_actions_adddup2(&actions, err.write_end, 2);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, RUSTML_INFER, &actions, nullptr, pointers(words).data(), pointers(variables).data()), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

}  // namespace

Outcome infer(const std::vector<std::string>& arguments, const Input& input) {
  Pipe in, out, err;
  Outcome outcome;
  // A program that is watched cannot run far ahead of who watches it, however long that one waits for a core: a page is about
  // 1300 tokens of text.
  if (input.on_output && fcntl(out.write_end, F_SETPIPE_SZ, 4096) < 0) std::abort();
  const pid_t pid = start(arguments, input, in, out, err);
  if (pid < 0) return outcome;
  Pipe::close_end(in.read_end);
  Pipe::close_end(out.write_end);
  Pipe::close_end(err.write_end);
  std::thread feeder([&] {
    signal(SIGPIPE, SIG_IGN);
    for (std::string_view rest = input.text; !rest.empty();) {
      const ssize_t n = write(in.write_end, rest.data(), rest.size());
      if (n <= 0) break;
      rest.remove_prefix(static_cast<size_t>(n));
    }
    Pipe::close_end(in.write_end);
  });

  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (out.read_end >= 0 || err.read_end >= 0) {
    pollfd ends[2] = {{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};
    poll(ends, 2, 1000);
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "the program did not end within eight minutes";
      kill(pid, SIGKILL);
      break;
    }
    if (ends[0].revents != 0) {
      const bool more = drain(out.read_end, outcome.out);
      if (!more || (input.on_output && input.on_output(outcome.out, pid))) Pipe::close_end(out.read_end);
    }
    if (ends[1].revents != 0 && !drain(err.read_end, outcome.err)) Pipe::close_end(err.read_end);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  feeder.join();
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return outcome;
}

Terminal::Terminal(const std::vector<std::string>& arguments, unsigned short columns) {
  std::vector<std::string> words = {RUSTML_INFER};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::vector<char*> argv = pointers(words);
  const winsize size{.ws_row = 50, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  pid_ = forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ < 0) std::abort();
  if (pid_ == 0) {
    termios mode{};
    tcgetattr(0, &mode);
    mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(0, TCSANOW, &mode);
    unsetenv("COLUMNS");
    unsetenv("RUST_LOG");
    execv(RUSTML_INFER, argv.data());
    _exit(127);
  }
}

Terminal::~Terminal() {
  if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
  close(fd_);
}

std::string Terminal::wait_for_prompt() {
  std::string shown;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!shown.ends_with("\n> ") && shown != "> ") {
    pollfd ready{fd_, POLLIN, 0};
    poll(&ready, 1, 1000);
    if (ready.revents != 0 && !drain(fd_, shown)) break;
    std::erase(shown, '\r');
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "no prompt within eight minutes: " << shown;
      break;
    }
  }
  return shown.substr(0, shown.size() - std::min<size_t>(2, shown.size()));
}

void Terminal::type(const std::string& text) { EXPECT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size())); }

std::string Terminal::ask(const std::string& line) {
  type(line + "\n");
  return wait_for_prompt();
}

std::string Terminal::ask_and_stop(const std::string& line) {
  type(line + "\n");
  std::string shown;
  drain(fd_, shown);
  type("\x03");
  return shown + wait_for_prompt();
}

int Terminal::end() {
  type("\x04");
  std::string rest;
  while (drain(fd_, rest)) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string golden(const std::string& name) { return std::string(RUSTML_GOLDEN_DATA "/") + name; }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TemporaryFile::TemporaryFile(const std::string& name, std::string_view content) {
  folder_ = (std::filesystem::temp_directory_path() / "rustml-cli-XXXXXX").string();
  if (mkdtemp(folder_.data()) == nullptr) std::abort();
  path_ = folder_ + "/" + name;
  std::ofstream(path_, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

TemporaryFile::~TemporaryFile() { std::filesystem::remove_all(folder_); }

std::vector<base::Json> events(const std::string& out) {
  static const base::Json schema = base::parse_json(read_file(RUSTML_EVENTS_SCHEMA), "events.schema.json");
  std::vector<base::Json> result;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);) {
    result.push_back(base::parse_json(line, "event"));
    EXPECT_EQ(schema_breach(schema, result.back()), "") << line;
  }
  return result;
}

}  // namespace rustml::cli_test
