#include "hub/inventory.h"

#include <algorithm>
#include <map>

#include "base/json_writer.h"
#include "base/system_file.h"
#include "hub/digest.h"

namespace rustml::hub {
namespace {

using base::JsonArray;
using base::JsonObject;

// Everything below `folder` that is no folder, by its path from there. Without recursion: how deep folders go, others decide.
std::vector<std::pair<std::string, fs::path>> files_below(const fs::path& folder) {
  std::vector<std::pair<std::string, fs::path>> out, left{{"", folder}};  // left: to look at, the next one last
  while (!left.empty()) {
    const auto [name, path] = std::move(left.back());
    left.pop_back();
    if (path != folder && fs::symlink_status(path).type() != fs::file_type::directory) {
      out.emplace_back(name, path);
      continue;
    }
    const std::vector<fs::path> inside = entries(path);
    for (auto entry = inside.rbegin(); entry != inside.rend(); ++entry)
      left.emplace_back(name + (name.empty() ? "" : "/") + entry->filename().string(), *entry);
  }
  return out;
}

CachedFile describe(const std::string& name, const fs::path& pointer) {
  std::error_code error;
  const fs::path target = fs::read_symlink(pointer, error);
  const fs::path blob = error ? pointer : (pointer.parent_path() / target).lexically_normal();
  const uint64_t bytes = fs::file_size(blob, error);
  return {name, pointer, blob, error ? 0 : bytes};
}

CachedRepository scan_repository(const fs::path& path) {
  CachedRepository out{repository_of(path.filename().string()), path, 0, {}};
  const Cache cache(path.parent_path().string(), out.id);
  std::map<std::string, std::vector<std::string>> refs;
  for (const auto& [name, file] : files_below(path / "refs")) refs[cache.commit_of(name)].push_back(name);
  std::map<fs::path, uint64_t> blobs;
  for (const fs::path& snapshot : entries(path / "snapshots")) {
    if (!is_commit(snapshot.filename().string())) continue;
    CachedRevision revision{snapshot.filename().string(), refs[snapshot.filename().string()], {}};
    for (const auto& [name, pointer] : files_below(snapshot)) {
      revision.files.push_back(describe(name, pointer));
      blobs[revision.files.back().blob] = revision.files.back().bytes;
    }
    out.revisions.push_back(std::move(revision));
  }
  for (const auto& [blob, bytes] : blobs) out.bytes += bytes;
  return out;
}

// The cached repository of `id` with only those revisions and files that it names.
CachedRepository select(const ModelId& id, const Settings& settings) {
  const Cache cache(settings.cache_dir, id.repository);
  const bool known = fs::is_directory(cache.folder()), whole = id.file.empty() && !id.revision;
  CachedRepository found = known ? scan_repository(cache.folder()) : CachedRepository();
  if (id.revision) {
    const std::string commit = cache.commit_of(*id.revision);
    std::erase_if(found.revisions, [&](const CachedRevision& revision) { return revision.commit != commit; });
  }
  if (!id.file.empty()) {
    const std::vector<std::string> parts = parts_of(id.file);
    const auto is_other = [&](const CachedFile& file) { return std::find(parts.begin(), parts.end(), file.name) == parts.end(); };
    for (CachedRevision& revision : found.revisions) std::erase_if(revision.files, is_other);
    std::erase_if(found.revisions, [](const CachedRevision& revision) { return revision.files.empty(); });
  }
  if (!known || (found.revisions.empty() && !whole))
    fail(Status::not_found,
         "model " + id.text() + " is not in the cache " + base::quoted(settings.cache_dir) + "; rustml_hub_list says what is");
  return found;
}

void remove_repository(const Cache& cache) {
  remove_tree(cache.folder());
  remove_tree(cache.locks());
}

const char* blob_problem(const CachedFile& file, const Call& call, uint64_t& done, uint64_t total) {
  const std::string name = file.blob.filename().string();
  std::error_code error;
  if (!fs::is_regular_file(file.blob, error)) return "missing";
  if (file.blob == file.pointer || !is_blob(name)) return nullptr;  // named by no SHA: nothing to compare with
  Digest digest(name, file.bytes);
  try {
    base::SystemFile in(file.blob.string());
    std::vector<char> block(1 << 20);
    for (uint64_t at = 0, n; (n = in.read_some(at, block.data(), block.size(), name)) > 0; at += n) {
      digest.add(block.data(), n);
      done += n;
      call.check();
      call.progress(std::min(done, total), total);
    }
  } catch (const base::Error& error) {
    if (error.status() == Status::data_loss || error.status() == Status::permission_denied) return "unreadable";
    throw;
  }
  return digest.matches() ? nullptr : "other bytes than its name says";
}

}  // namespace

std::vector<CachedRepository> scan(const Settings& settings) {
  std::vector<CachedRepository> out;
  for (const fs::path& path : entries(settings.cache_dir)) {
    if (!repository_of(path.filename().string()).empty() && fs::is_directory(path)) out.push_back(scan_repository(path));
  }
  return out;
}

std::string list_json(const Settings& settings) {
  const auto file = [](const CachedFile& f) {
    return JsonObject().add("name", f.name).add("bytes", f.bytes).add("blob", f.blob.filename().string());
  };
  const auto revision = [&](const CachedRevision& r) {
    return JsonObject().add("commit", r.commit).add("refs", JsonArray(r.refs)).add("files", JsonArray(r.files, file));
  };
  const auto repository = [&](const CachedRepository& r) {
    return JsonObject()
        .add("id", r.id)
        .add("path", r.path.string())
        .add("bytes", r.bytes)
        .add("revisions", JsonArray(r.revisions, revision));
  };
  return JsonObject().add("cache", settings.cache_dir).add("repositories", JsonArray(scan(settings), repository)).str();
}

std::string list_text(const Settings& settings) {
  std::string out;
  for (const CachedRepository& repository : scan(settings))
    for (const CachedRevision& revision : repository.revisions) {
      uint64_t bytes = 0;
      for (const CachedFile& file : revision.files) bytes += file.bytes;
      out += repository.id + "@" + (revision.refs.empty() ? revision.commit : revision.refs[0]) + "\t" + std::to_string(bytes) + "\t" +
             std::to_string(revision.files.size()) + "\n";
    }
  return out;
}

uint64_t remove(const ModelId& id, const Settings& settings) {
  const CachedRepository selected = select(id, settings);
  const Cache cache(settings.cache_dir, id.repository);
  if (id.file.empty() && !id.revision) {
    remove_repository(cache);
    return selected.bytes;
  }
  std::map<fs::path, uint64_t> blobs;
  for (const CachedRevision& revision : selected.revisions) {
    for (const CachedFile& file : revision.files) {
      blobs[file.blob] = file.bytes;
      fs::remove(file.pointer);
      for (fs::path folder = file.pointer.parent_path(); folder != cache.snapshot(revision.commit) && entries(folder).empty();
           folder = folder.parent_path())
        fs::remove(folder);
    }
    if (!files_below(cache.snapshot(revision.commit)).empty()) continue;
    remove_tree(cache.snapshot(revision.commit));
    remove_tree(cache.absences(revision.commit));
    for (const std::string& ref : revision.refs) fs::remove(cache.folder() / "refs" / ref);
  }
  const CachedRepository rest = scan_repository(selected.path);
  for (const CachedRevision& revision : rest.revisions)
    for (const CachedFile& file : revision.files) blobs.erase(file.blob);
  uint64_t freed = 0;
  for (const auto& [blob, bytes] : blobs) {
    const bool ours = blob.parent_path() == cache.blobs().lexically_normal();  // a link may point anywhere
    if (ours || !fs::exists(blob)) freed += bytes;
    if (ours) fs::remove(blob);
  }
  if (rest.revisions.empty()) remove_repository(cache);
  return freed;
}

uint64_t verify(const ModelId& id, const Settings& settings, const Call& call) {
  const CachedRepository selected = select(id, settings);
  std::map<fs::path, CachedFile> blobs;  // each once
  uint64_t total = 0, done = 0;
  for (const CachedRevision& revision : selected.revisions)
    for (const CachedFile& file : revision.files)
      if (blobs.emplace(file.blob, file).second) total += file.bytes;
  std::vector<std::pair<CachedFile, const char*>> wrong;
  for (const auto& [blob, file] : blobs)
    if (const char* problem = blob_problem(file, call, done, total)) wrong.emplace_back(file, problem);
  if (wrong.empty()) return done;
  const auto print = [](const auto& entry) {
    return JsonObject().add("file", entry.first.name).add("blob", entry.first.blob.string()).add("problem", entry.second);
  };
  fail(Status::data_loss,
       std::to_string(wrong.size()) + " of " + std::to_string(blobs.size()) + " cached files of " + id.text() + " are wrong, first " +
           base::quoted(wrong[0].first.name) + ": " + wrong[0].second + "; remove " + id.text() + " from the cache and fetch it again",
       JsonObject().add("wrong", JsonArray(wrong, print)).str());
}

}  // namespace rustml::hub
