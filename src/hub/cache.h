// The layout of the cache, as Python's huggingface_hub has it (everything relative to the cache folder):
//   models--org--name/refs/<revision>               the commit a branch or tag stood for: 40 digits, no newline
//   models--org--name/blobs/<etag>                  content, by SHA-1 (git) or SHA-256 (LFS); may itself be a link
//   models--org--name/snapshots/<commit>/<path>     relative link to its blob
//   models--org--name/.no_exist/<commit>/<path>     empty: the hub has no such file at that commit
//   .locks/models--org--name/<etag>.lock            flock while a blob is fetched
// Everything is written under another name and renamed. Names are checked by names.h before they come here.
#pragma once
#include <string>

#include "hub/disk.h"

namespace rustml::hub {

std::string folder_of(const std::string& repository);  // models--org--name
std::string repository_of(const std::string& folder);  // empty: not a model's folder

class Cache {
 public:
  Cache(const std::string& root, const std::string& repository);

  const fs::path& folder() const { return folder_; }
  fs::path blobs() const { return folder_ / "blobs"; }
  fs::path blob(const std::string& etag) const { return blobs() / etag; }
  fs::path snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }
  fs::path lock(const std::string& etag) const { return locks_ / (etag + ".lock"); }
  const fs::path& locks() const { return locks_; }
  fs::path absences(const std::string& commit) const { return folder_ / ".no_exist" / commit; }

  std::string commit_of(const std::string& revision) const;  // empty: unknown
  bool has(const std::string& commit, const std::string& file) const;
  bool is_absent(const std::string& commit, const std::string& file) const;
  void set_commit(const std::string& revision, const std::string& commit) const;
  void link(const std::string& commit, const std::string& file, const std::string& etag) const;
  void set_absent(const std::string& commit, const std::string& file) const;

 private:
  fs::path folder_, locks_;
};

}  // namespace rustml::hub
