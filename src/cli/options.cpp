#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/number_text.h"

namespace rustml::cli {

void refuse(const std::string& option, const std::string& value, const std::string& limit, const char* advice) {
  throw UsageError(option + " " + (value.empty() ? "\"\"" : value) + ": " + limit + "; " + advice);
}

double parse_real(const std::string& option, const std::string& text, const Range& range) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool read = problem == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  if (read && value <= range.high && (range.above ? value > range.low : value >= range.low)) return value;
  std::string limit = range.above ? "must be above " + base::shortest(range.low) : "must be " + base::shortest(range.low);
  if (range.high >= std::numeric_limits<float>::max()) {
    limit += range.above ? "" : " or more";
  } else {
    limit += (range.above ? " and at most " : " to ") + base::shortest(range.high);
  }
  refuse(option, text, limit, range.advice);
}

uint64_t parse_whole(const std::string& option, const std::string& text, uint64_t low, uint64_t high, const char* advice) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem == std::errc() && end == text.data() + text.size() && value >= low && value <= high) return value;
  std::string limit = "must be a whole number, " + std::to_string(low);
  limit += high == std::numeric_limits<uint64_t>::max() && low == 0 ? " to 2^64-1"
           : high >= std::numeric_limits<int64_t>::max()            ? " or more"
                                                                    : " to " + std::to_string(high);
  refuse(option, text, limit, advice);
}

std::vector<int32_t> parse_ids(const std::string& option, const std::string& text) {
  constexpr const char* kSeparators = " ,\t\n\r";
  std::vector<int32_t> ids;
  for (size_t begin = text.find_first_not_of(kSeparators); begin != std::string::npos;) {
    const size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    ids.push_back(static_cast<int32_t>(
        parse_whole(option, text.substr(begin, end - begin), 0, std::numeric_limits<int32_t>::max(), "separate ids by blanks or commas")));
    begin = text.find_first_not_of(kSeparators, end);
  }
  if (ids.empty()) refuse(option, "\"" + text + "\"", "must hold at least one token id", "for example --prompt-ids \"1 2 3\"");
  return ids;
}

Options::Options(const std::string& command, const std::string& summary, const std::string& version)
    : app_(std::make_unique<CLI::App>(summary, command)) {
  app_->set_version_flag("--version", version);
  app_->get_formatter()->column_width(32);
}

Options::~Options() = default;

void Options::text(const std::string& name, const std::string& help, const char* type, std::function<void(const std::string&)> set,
                   std::vector<std::string> values) {
  values_[name] = std::move(values);
  app_->add_option_function<std::string>(name, std::move(set), help)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Options::texts(const std::string& name, const std::string& help, const char* type, std::vector<std::string>& values) {
  // Not a vector option: CLI11 would make two texts of "[a,b]".
  app_->add_option_function<std::string>(
          name, [&values](const std::string& value) { values.push_back(value); }, help)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->trigger_on_parse();
}

void Options::whole(const std::string& name, const std::string& help, uint64_t low, uint64_t high, const char* advice,
                    std::function<void(uint64_t)> set) {
  text(name, help, "N", [=](const std::string& value) { set(parse_whole(name, value, low, high, advice)); });
}

void Options::real(const std::string& name, const std::string& help, const Range& range, float& value) {
  text(name, help, "NUMBER", [=, &value](const std::string& given) { value = static_cast<float>(parse_real(name, given, range)); });
}

void Options::choice(const std::string& name, const std::string& help, const char* type, const std::vector<std::string>& values,
                     const char* advice, std::function<void(size_t)> set) {
  text(
      name, help, type,
      [=](const std::string& given) {
        const auto found = std::find(values.begin(), values.end(), given);
        if (found == values.end()) {
          std::string limit = "must be ";
          for (const std::string& value : values)
            limit += (&value == &values.front() ? "" : &value == &values.back() ? " or " : ", ") + value;
          refuse(name, given, limit, advice);
        }
        set(static_cast<size_t>(found - values.begin()));
      },
      values);
}

void Options::flag(const std::string& name, const std::string& help, bool& value) { app_->add_flag(name, value, help); }

void Options::footer(const std::string& text) { app_->footer(text); }

std::vector<Described> Options::describe() const {
  std::vector<Described> all;
  for (const CLI::Option* option : static_cast<const CLI::App&>(*app_).get_options()) {
    const std::string name = option->get_lnames().empty() ? option->get_name(true) : "--" + option->get_lnames().front();
    const auto values = values_.find(name);
    all.push_back({name, option->get_snames().empty() ? "" : "-" + option->get_snames().front(),
                   option->get_type_size() == 0 ? "" : option->get_type_name(), option->get_description(),
                   values == values_.end() ? std::vector<std::string>{} : values->second});
  }
  return all;
}

std::string Options::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app_->help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + "\n";
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  return {};
}

}  // namespace rustml::cli
