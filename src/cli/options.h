// The options of one command: declared with what to do with their values, parsed once. The only place that knows CLI11.
// Numbers are read here and not by CLI11, so that every refusal reads alike: option, value, limit, way out.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace rustml::cli {

// A fault of the command line: "--temperature -1: must be 0 or more; 0 is greedy".
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] void refuse(const std::string& option, const std::string& value, const std::string& limit, const char* advice);

// A number of an option: [low, high], or (low, high] where `above` is set. `advice` follows the range in messages.
struct Range {
  double low, high;
  bool above = false;
  const char* advice = "";
};

double parse_real(const std::string& option, const std::string& text, const Range& range);
uint64_t parse_whole(const std::string& option, const std::string& text, uint64_t low, uint64_t high, const char* advice);
// "1 2 3", also with commas.
std::vector<int32_t> parse_ids(const std::string& option, const std::string& text);

// One option as --help shows it.
struct Described {
  std::string name;    // "--seed", or "model" where only its place says which it is
  std::string letter;  // "-h"; mostly empty
  std::string type;    // "FILE"; empty: takes no value
  std::string help;
  std::vector<std::string> values;  // all it may be; empty: anything

  bool placed() const { return name[0] != '-'; }
};

class Options {
 public:
  Options(const std::string& command, const std::string& summary, const std::string& version);
  ~Options();

  // Of an option that is given several times the last one counts; `texts` keeps them all. `set` may throw UsageError. `values`
  // are for completion alone, where `set` judges.
  void text(const std::string& name, const std::string& help, const char* type, std::function<void(const std::string&)> set,
            std::vector<std::string> values = {});
  void texts(const std::string& name, const std::string& help, const char* type, std::vector<std::string>& values);
  void whole(const std::string& name, const std::string& help, uint64_t low, uint64_t high, const char* advice,
             std::function<void(uint64_t)> set);
  void real(const std::string& name, const std::string& help, const Range& range, float& value);
  // One of `values`; `set` gets its index.
  void choice(const std::string& name, const std::string& help, const char* type, const std::vector<std::string>& values,
              const char* advice, std::function<void(size_t)> set);
  void flag(const std::string& name, const std::string& help, bool& value);
  void footer(const std::string& text);

  std::vector<Described> describe() const;

  // Text to print instead of running (--help, --version), empty to go on. Throws UsageError.
  std::string parse(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace rustml::cli
