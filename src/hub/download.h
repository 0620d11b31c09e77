// One file of a repository: what the hub says of it, and its bytes into the cache. Broken connections are continued where
// they broke, 5xx and 429 are asked again, with growing pauses while nothing comes.
#pragma once
#include <optional>
#include <string>

#include "hub/cache.h"
#include "hub/call.h"
#include "hub/http.h"
#include "hub/names.h"

namespace rustml::hub {

struct RemoteFile {
  std::string name, etag, commit;
  std::optional<uint64_t> size;
};

class Downloader {
 public:
  Downloader(const Settings& settings, const ModelId& id, const Cache& cache, const Call& call);

  // Nothing if that revision has no such file (recorded in the cache). `commit`, if not empty, is what it must belong to.
  std::optional<RemoteFile> look_up(const std::string& revision, const std::string& file, const std::string& commit);
  // Blob and link, unless they are there.
  void fetch(const RemoteFile& file);
  // What PROGRESS events count from here on.
  void expect(uint64_t total) { total_ = total; }

 private:
  std::string address(const std::string& revision, const std::string& file) const;
  [[noreturn]] void report_refusal(const Response& response, const std::string& revision, const std::string& file) const;
  void pause(const Response& response, int n_in_vain) const;
  void fetch_blob(const RemoteFile& file);
  bool ask_for_rest(const RemoteFile& file, class Partial& partial);
  const Settings& settings_;
  const ModelId& id_;
  const Cache& cache_;
  const Call& call_;
  HttpClient client_;
  uint64_t total_ = 0, done_ = 0;  // bytes; done_ of the files before this one
  // Of the file being fetched:
  bool ranges_ = true;     // the server honours requests for a part
  int in_vain_ = 0;        // requests in a row after which the file was no longer than before
  uint64_t furthest_ = 0;  // the most bytes it ever had
};

}  // namespace rustml::hub
