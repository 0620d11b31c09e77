#include "hub/resolve.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/json_scanner.h"
#include "hub/cache.h"
#include "hub/download.h"

namespace rustml::hub {
namespace {

using base::JsonToken;

constexpr const char* kConfig = "config.json";
constexpr const char* kTokenizer = "tokenizer.json";
// A model may do without any of these.
constexpr const char* kSmallFiles[] = {kTokenizer, "tokenizer_config.json", "generation_config.json", "special_tokens_map.json",
                                       "chat_template.jinja"};
constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr size_t kMostIndexBytes = 64u << 20;

// The shards an index names: values of the object "weight_map". Plain file names, or the index is refused.
std::vector<std::string> shards_of(const fs::path& index) {
  const std::string text = read_file(index, kMostIndexBytes + 1).value_or("");
  const std::string name = "index " + base::quoted(index.string());
  if (text.empty() || text.size() > kMostIndexBytes) fail(Status::data_loss, name + " cannot be read or is over 64 MiB");
  std::set<std::string> shards;
  base::JsonScanner scanner(text, name, Status::data_loss, Status::data_loss);
  bool in_map = false;
  for (JsonToken token; (token = scanner.next()) != JsonToken::end;) {
    if (token == JsonToken::key && scanner.depth() == 1) in_map = scanner.string() == "weight_map";
    if (token == JsonToken::string && in_map && scanner.depth() == 2) shards.insert(scanner.string());
  }
  for (const std::string& shard : shards) {
    const char* problem = path_problem(shard);
    if (!problem && (shard.find('/') != shard.npos || !shard.ends_with(".safetensors"))) problem = "is no plain .safetensors name";
    if (problem) fail(Status::data_loss, name + " names the shard " + base::quoted(shard) + ", which " + problem);
  }
  if (shards.empty()) fail(Status::data_loss, name + " names no shards in \"weight_map\"");
  return {shards.begin(), shards.end()};
}

// All that is necessary is cached. Offline a tokenizer that was never looked for is done without.
bool is_complete(const Cache& cache, const ModelId& id, const std::string& commit, bool offline) {
  const auto has = [&](const std::string& file) { return cache.has(commit, file); };
  const auto has_all = [&](const std::vector<std::string>& files) { return std::all_of(files.begin(), files.end(), has); };
  if (!id.file.empty()) return has_all(parts_of(id.file));
  return has(kConfig) && (offline || has(kTokenizer) || cache.is_absent(commit, kTokenizer)) &&
         (has(kWeights) || (has(kIndex) && has_all(shards_of(cache.snapshot(commit) / kIndex))));
}

class Fetch {
 public:
  Fetch(const Settings& settings, const ModelId& id, const Cache& cache, const Call& call)
      : id_(id), cache_(cache), downloader_(settings, id, cache, call) {}

  // The commit the revision stands for at the hub.
  std::string begin(const std::string& revision) {
    const std::string file = id_.file.empty() ? kConfig : parts_of(id_.file).front();
    const auto first = downloader_.look_up(revision, file, is_commit(revision) ? revision : "");
    if (!first)
      fail(Status::not_found, "repository " + id_.repository + " has no file " + base::quoted(file) + " at revision " +
                                  base::quoted(revision) +
                                  (id_.file.empty() ? "; of a repository with GGUF files name one: " + id_.repository + "/file.gguf" : ""));
    files_.push_back(*first);
    return commit_ = first->commit;
  }

  void fetch() {
    if (id_.file.empty()) {
      list_model();
    } else {
      for (const std::string& part : parts_of(id_.file))
        if (part != files_.front().name) need(part);
    }
    uint64_t total = 0;
    for (const RemoteFile& file : files_) total += file.size.value_or(0);
    downloader_.expect(total);
    for (const RemoteFile& file : files_) downloader_.fetch(file);
  }

 private:
  bool want(const std::string& file) {
    if (cache_.has(commit_, file)) return true;
    if (cache_.is_absent(commit_, file)) return false;
    const auto found = downloader_.look_up(commit_, file, commit_);
    if (found) files_.push_back(*found);
    return found.has_value();
  }
  void need(const std::string& file) {
    if (!want(file))
      fail(Status::not_found, "repository " + id_.repository + " has no file " + base::quoted(file) + " at commit " + commit_ +
                                  "; the model is not complete there, try another revision");
  }
  void list_model() {
    for (const char* file : kSmallFiles) want(file);
    if (want(kWeights)) return;
    if (!want(kIndex))
      fail(Status::not_found, "repository " + id_.repository + " has neither " + kWeights + " nor its index at commit " + commit_ +
                                  "; of a repository with GGUF files name one: " + id_.repository + "/file.gguf");
    if (!cache_.has(commit_, kIndex)) downloader_.fetch(files_.back());
    for (const std::string& shard : shards_of(cache_.snapshot(commit_) / kIndex)) need(shard);
  }

  const ModelId& id_;
  const Cache& cache_;
  Downloader downloader_;
  std::string commit_;
  std::vector<RemoteFile> files_;
};

}  // namespace

std::string resolve(const ModelId& id, const Settings& settings, const Call& call) {
  const Cache cache(settings.cache_dir, id.repository);
  const std::string revision = id.revision.value_or("main");
  const auto path = [&](const std::string& commit) {
    const fs::path snapshot = fs::absolute(cache.snapshot(commit));
    return (id.file.empty() ? snapshot : snapshot / parts_of(id.file).front()).string();
  };
  std::string commit = cache.commit_of(revision);
  if (!commit.empty() && (!settings.update || settings.offline) && is_complete(cache, id, commit, settings.offline)) {
    call.log("Using cached model: " + id.text());
    return path(commit);
  }
  if (settings.offline)
    fail(Status::not_found, "model " + id.text() + " is not whole in the cache " + base::quoted(settings.cache_dir) +
                                " and HF_HUB_OFFLINE forbids fetching it; unset it, or set HF_HUB_CACHE to the right cache");
  Fetch fetch(settings, id, cache, call);
  commit = fetch.begin(revision);
  const bool cached = is_complete(cache, id, commit, false);
  call.log((cached ? "Using cached model: " : "Downloading model: ") + id.text());
  if (!cached) fetch.fetch();
  cache.set_commit(revision, commit);  // last: a stopped update leaves the revision that is whole
  return path(commit);
}

}  // namespace rustml::hub
