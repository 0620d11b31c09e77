// Runs the real rustml-infer as a process: arguments and standard input in; exit code and both outputs back.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace rustml::cli_test {

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal
  int signal = 0;
  std::string out, err;
};

struct Input {
  std::string text = {};                      // standard input
  std::vector<std::string> environment = {};  // "NAME=value", besides the tests' own
  std::string stdout_file = {};               // instead of a pipe
  // After every piece of standard output, with all of it so far and the process id; true closes our end of the pipe.
  std::function<bool(const std::string& out, int pid)> on_output = {};
};

// Fails the test and kills the program after eight minutes.
Outcome infer(const std::vector<std::string>& arguments, const Input& input = {});

// The program on a terminal of its own, which is its standard input, output and errors. Nothing typed is shown.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& arguments, unsigned short columns);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  // Types a line and returns what is shown until the next prompt, lines ended by "\n". The first prompt: an empty line's.
  std::string ask(const std::string& line);
  std::string wait_for_prompt();
  // Types a line, and Ctrl-C as soon as the answer begins to be shown; what is shown until the next prompt.
  std::string ask_and_stop(const std::string& line);
  int end();  // ends the input; the exit code

 private:
  void type(const std::string& text);
  int fd_ = -1, pid_ = -1;
};

std::string golden(const std::string& name);  // path of tests/golden/data/<name>
std::string read_file(const std::string& path);

// A file in a folder of its own that goes when the test ends.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, std::string_view content);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_, path_;
};

// Every line of `out` as JSON; each must be valid by events.schema.json.
std::vector<base::Json> events(const std::string& out);

}  // namespace rustml::cli_test
