#include "hub/names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "base/ascii.h"
#include "base/refuse.h"
#include "base/utf8.h"

namespace rustml::hub {
namespace {

using base::fail;
using base::Status;

constexpr size_t kMaxName = 255, kMaxPath = 1024, kMaxRepositoryName = 96;
constexpr const char* kForms = "expected org/name[@revision] or org/name/file.gguf[@revision]";

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// Names that open a device on Windows, whatever their extension.
bool is_device(std::string_view name) {
  std::string stem = base::upper_case(name.substr(0, name.find('.')));
  while (stem.ends_with(' ')) stem.pop_back();
  static constexpr std::array kDevices = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
  const bool numbered = stem.size() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")) && base::is_digit(stem[3]);
  return numbered || std::find(kDevices.begin(), kDevices.end(), stem) != kDevices.end();
}

const char* name_problem(std::string_view name) {
  if (name.empty()) return "has an empty part";
  if (name == "." || name == "..") return "has a part that leaves its folder";
  if (name.size() > kMaxName) return "has a part longer than 255 bytes";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return "has a control character";
    if (std::string_view("\\:*?\"<>|").find(c) != std::string_view::npos) return "has one of \\ : * ? \" < > |";
  }
  if (name.back() == '.' || name.back() == ' ' || name.front() == ' ') return "has a part that ends in a dot or begins or ends in a blank";
  return is_device(name) ? "has a part that names a device" : nullptr;
}

}  // namespace

const char* path_problem(std::string_view path) {
  if (path.size() > kMaxPath) return "is longer than 1024 bytes";
  if (base::utf8_error(path) != base::kValidUtf8) return "is not valid UTF-8";
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (const char* problem = name_problem(path.substr(begin, end - begin))) return problem;
    begin = end + 1;
  }
  return nullptr;
}

const char* repository_problem(std::string_view repository) {
  if (const char* problem = path_problem(repository)) return problem;
  if (std::count(repository.begin(), repository.end(), '/') > 1) return "has more than two parts";
  if (repository.find("--") != repository.npos || repository.find("..") != repository.npos) return "has -- or ..";
  for (size_t i = 0; i < repository.size(); ++i) {
    const char c = repository[i];
    const bool edge = i == 0 || i + 1 == repository.size() || repository[i - 1] == '/' || repository[i + 1] == '/';
    if (c != '/' && !base::is_alphanumeric(c) && c != '_' && c != '-' && c != '.') return "may have letters, digits, - _ . only";
    if (edge && (c == '-' || c == '.')) return "has a part that begins or ends in - or .";
  }
  const size_t slash = repository.find('/');
  const size_t longest = slash == repository.npos ? repository.size() : std::max(slash, repository.size() - slash - 1);
  return longest > kMaxRepositoryName ? "has a part longer than 96 characters" : nullptr;
}

std::string ModelId::text() const { return repository + (file.empty() ? "" : "/" + file) + (revision ? "@" + *revision : ""); }

ModelId parse_id(std::string_view id) {
  const auto refuse_id = [&](const std::string& problem) {
    fail(Status::invalid_argument, "model id " + base::quoted(id) + " " + problem + "; " + kForms,
         base::refusal_detail("id", base::Given::text(id), kForms));
  };
  ModelId out;
  std::string_view rest = id;
  if (const size_t at = rest.find('@'); at != rest.npos) {
    out.revision = std::string(rest.substr(at + 1));
    rest = rest.substr(0, at);
    if (const char* problem = path_problem(*out.revision)) refuse_id(std::string("has a revision that ") + problem);
  }
  const size_t first = rest.find('/');
  const size_t second = first == rest.npos ? rest.npos : rest.find('/', first + 1);
  out.repository = std::string(rest.substr(0, second));
  if (const char* problem = repository_problem(out.repository)) refuse_id(problem);
  if (second != rest.npos) {
    out.file = std::string(rest.substr(second + 1));
    if (const char* problem = path_problem(out.file)) refuse_id(std::string("has a file that ") + problem);
    if (!out.file.ends_with(".gguf")) refuse_id("names a file that is no .gguf");
    parts_of(out.file);
  }
  return out;
}

bool is_commit(std::string_view text) { return text.size() == 40 && std::all_of(text.begin(), text.end(), is_hex); }
bool is_blob(std::string_view text) { return (text.size() == 40 || text.size() == 64) && std::all_of(text.begin(), text.end(), is_hex); }

std::vector<std::string> parts_of(const std::string& file) {
  constexpr size_t kTail = std::string_view("-00001-of-00002.gguf").size();
  if (file.size() <= kTail) return {file};
  const std::string tail = file.substr(file.size() - kTail);
  for (size_t i = 0; i < kTail; ++i) {
    const char pattern = "-ddddd-of-ddddd.gguf"[i];
    const bool matches = i < 15 && pattern == 'd' ? base::is_digit(tail[i]) : tail[i] == pattern;
    if (!matches) return {file};
  }
  const int part = std::atoi(tail.substr(1, 5).c_str()), n = std::atoi(tail.substr(10, 5).c_str());
  if (part < 1 || part > n || n > 1000)
    fail(Status::invalid_argument, "file " + base::quoted(file) + " is part " + std::to_string(part) + " of " + std::to_string(n) +
                                       "; a split file has 1 to 1000 parts");
  std::vector<std::string> parts;
  for (int i = 1; i <= n; ++i) {
    char number[8];
    std::snprintf(number, sizeof number, "-%05d", i);
    parts.push_back(file.substr(0, file.size() - kTail) + number + tail.substr(6));
  }
  return parts;
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value > uint64_t{1} << 62) return std::nullopt;
  return value;
}

std::string percent_encoded(std::string_view text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (base::is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '~' || (keep_slash && c == '/')) {
      out += c;
    } else {
      constexpr const char* kDigits = "0123456789ABCDEF";
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

}  // namespace rustml::hub
