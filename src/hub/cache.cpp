#include "hub/cache.h"

#include <unistd.h>

#include <atomic>

#include "base/file_writer.h"
#include "hub/names.h"

namespace rustml::hub {
namespace {

constexpr std::string_view kPrefix = "models--";

// A name beside `path` that no other thread or process takes.
fs::path beside(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  return path.parent_path() / ("." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".new");
}

void write_whole(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  try {
    base::FileWriter file(path.string());
    file.write(text.data(), text.size());
    file.commit();
  } catch (const base::Error& error) {
    fail(error.status(), error.message() + "; " + advice_for(error.status()));
  }
}

}  // namespace

std::string folder_of(const std::string& repository) {
  std::string name(kPrefix);
  for (const char c : repository) name += c == '/' ? "--" : std::string(1, c);
  return name;
}

std::string repository_of(const std::string& folder) {
  if (!folder.starts_with(kPrefix)) return {};
  std::string name = folder.substr(kPrefix.size());
  if (const size_t dashes = name.find("--"); dashes != name.npos) name.replace(dashes, 2, "/");
  return repository_problem(name) ? "" : name;
}

Cache::Cache(const std::string& root, const std::string& repository)
    : folder_(fs::path(root) / folder_of(repository)), locks_(fs::path(root) / ".locks" / folder_of(repository)) {}

std::string Cache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  const std::string text = read_file(folder_ / "refs" / revision, 41).value_or("");
  return is_commit(text) ? text : "";
}

bool Cache::has(const std::string& commit, const std::string& file) const { return fs::is_regular_file(snapshot(commit) / file); }

bool Cache::is_absent(const std::string& commit, const std::string& file) const { return fs::exists(absences(commit) / file); }

void Cache::set_commit(const std::string& revision, const std::string& commit) const {
  if (!is_commit(revision) && commit_of(revision) != commit) write_whole(folder_ / "refs" / revision, commit);
}

void Cache::link(const std::string& commit, const std::string& file, const std::string& etag) const {
  const fs::path pointer = snapshot(commit) / file, fresh = beside(pointer);
  fs::create_directories(pointer.parent_path());
  std::error_code error;
  fs::create_symlink(blob(etag).lexically_relative(pointer.parent_path()), fresh, error);
  fs::rename(error ? blob(etag) : fresh, pointer);  // without links on this disk the snapshot has the file itself
}

void Cache::set_absent(const std::string& commit, const std::string& file) const { write_whole(absences(commit) / file, ""); }

}  // namespace rustml::hub
