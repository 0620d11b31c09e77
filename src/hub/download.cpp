#include "hub/download.h"

#include <sys/statvfs.h>

#include <algorithm>

#include "hub/partial.h"

namespace rustml::hub {
namespace {

constexpr int kAttempts = 5;                           // in a row that bring next to nothing
constexpr uint64_t kLeastGain = 1024;                  // bytes: an attempt that brings fewer was in vain
constexpr uint64_t kFirstPause_ms = 250;               // doubled each time
constexpr uint64_t kLongestPause_s = 60;               // of Retry-After
constexpr uint64_t kMostUnsized = uint64_t{64} << 20;  // a file without a size is small: git's own, not LFS

// "sha", W/"sha" and sha name the same blob.
std::string plain_etag(std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return std::string(text);
}

void check_space(const Cache& cache, uint64_t bytes) {
  struct statvfs disk;
  if (::statvfs(cache.blobs().c_str(), &disk) != 0) return;
  const uint64_t free_bytes = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (bytes > free_bytes)
    fail(Status::resource_exhausted, "disk of " + base::quoted(cache.blobs().string()) + " has " + std::to_string(free_bytes) +
                                         " bytes free, " + std::to_string(bytes) +
                                         " are needed; free some space or set HF_HUB_CACHE to a larger disk");
}

}  // namespace

Downloader::Downloader(const Settings& settings, const ModelId& id, const Cache& cache, const Call& call)
    : settings_(settings), id_(id), cache_(cache), call_(call), client_(settings, call) {}

std::string Downloader::address(const std::string& revision, const std::string& file) const {
  return settings_.endpoint + "/" + id_.repository + "/resolve/" + percent_encoded(revision, false) + "/" + percent_encoded(file, true);
}

void Downloader::pause(const Response& response, int n_in_vain) const {
  const std::string what = response.failure.empty() ? "it answered " + std::to_string(response.status) : response.failure;
  const auto wanted_s = parse_number(response.header("retry-after"));
  if (wanted_s && *wanted_s > kLongestPause_s)
    fail(Status::unavailable,
         "hub at " + base::quoted(response.url) + " asks to wait " + std::to_string(*wanted_s) + " s (" + what + "); try again then");
  if (n_in_vain >= kAttempts)
    fail(Status::unavailable, "hub at " + base::quoted(response.url) + " cannot be reached: " + what +
                                  "; check the network, proxies and HF_ENDPOINT, then try again: what is fetched is kept");
  call_.wait(wanted_s ? *wanted_s * 1000 : kFirstPause_ms << (n_in_vain - 1));
}

void Downloader::report_refusal(const Response& response, const std::string& revision, const std::string& file) const {
  const std::string code = response.header("x-error-code"), page = settings_.endpoint + "/" + id_.repository;
  const std::string token = settings_.token.empty() ? "set HF_TOKEN" : "check that the token in HF_TOKEN may read it";
  if (code == "GatedRepo")
    fail(Status::permission_denied, "repository " + id_.repository + " is gated: accept its licence at " + page + " and " + token,
         "{\"gated\":true}");
  if (response.status == 401 || response.status == 403)
    fail(Status::permission_denied, "repository " + id_.repository + " is private or does not exist (the hub answered " +
                                        std::to_string(response.status) + "): check the name at " + page + ", or " + token);
  if (code == "RevisionNotFound")
    fail(Status::not_found, "repository " + id_.repository + " has no revision " + base::quoted(revision) + "; see " + page + "/branches");
  if (response.status == 404)
    fail(Status::not_found, code == "RepoNotFound" ? "repository " + id_.repository + " does not exist; check the name at " + page
                                                   : "repository " + id_.repository + " has no file " + base::quoted(file) +
                                                         " at revision " + base::quoted(revision) + "; see " + page + "/tree/" + revision);
  fail(Status::unavailable,
       "hub answered " + std::to_string(response.status) + " for " + base::quoted(response.url) + "; check HF_ENDPOINT");
}

std::optional<RemoteFile> Downloader::look_up(const std::string& revision, const std::string& file, const std::string& commit) {
  Response response;
  for (int attempt = 1;; ++attempt) {
    response = client_.head(address(revision, file));
    if (!response.transient()) break;
    pause(response, attempt);
  }
  RemoteFile out{file, "", response.header("x-repo-commit"), std::nullopt};
  const std::string code = response.header("x-error-code");
  if (response.status == 404 && (code.empty() || code == "EntryNotFound")) {
    if (is_commit(out.commit) && (commit.empty() || out.commit == commit)) cache_.set_absent(out.commit, file);
    return std::nullopt;
  }
  if (response.status >= 400) report_refusal(response, revision, file);
  const std::string who = "answer of " + base::quoted(response.url);
  if (!is_commit(out.commit))
    fail(Status::unavailable, who + " names no commit: it is no hub's; a proxy's or login page? check HF_ENDPOINT");
  if (!commit.empty() && out.commit != commit)
    fail(Status::data_loss, who + " belongs to commit " + out.commit + ", not to " + commit + "; try again");
  const std::string linked = response.header("x-linked-etag");
  out.etag = plain_etag(linked.empty() ? response.header("etag") : linked);
  if (!is_blob(out.etag))
    fail(Status::data_loss, who + " has an ETag that is no SHA-1 or SHA-256: " + base::quoted(out.etag) + "; check HF_ENDPOINT");
  std::string size = response.header("x-linked-size");
  if (size.empty() && linked.empty()) size = response.header("content-length");
  if (!size.empty() && !(out.size = parse_number(size))) fail(Status::data_loss, who + " has an impossible size: " + base::quoted(size));
  return out;
}

void Downloader::fetch(const RemoteFile& file) {
  if (!cache_.has(file.commit, file.name)) {
    if (!fs::exists(cache_.blob(file.etag))) fetch_blob(file);
    cache_.link(file.commit, file.name, file.etag);
  }
  done_ += file.size.value_or(0);
  call_.progress(std::min(done_, total_), total_);
}

void Downloader::fetch_blob(const RemoteFile& file) {
  const BlobLock lock(cache_.lock(file.etag), call_);
  if (fs::exists(cache_.blob(file.etag))) return;  // another process was quicker
  Partial partial(cache_, file.etag, file.size, lock.held(), call_);
  check_space(cache_, file.size.value_or(partial.bytes()) - partial.bytes());
  ranges_ = true;
  in_vain_ = 0;
  furthest_ = partial.bytes();
  for (;;) {
    const bool old_bytes = partial.taken_over();
    if (!ask_for_rest(file, partial)) continue;
    if (partial.finish()) return;
    if (!old_bytes)  // else the fault may be in what an earlier download left
      fail(Status::data_loss, "file " + base::quoted(file.name) + " of " + id_.repository +
                                  " arrived with other bytes than the hub announced (SHA " + file.etag +
                                  "); try again, or check HF_ENDPOINT and proxies");
  }
}

// One GET from where the file ends. True: the server has no more. False: ask again.
bool Downloader::ask_for_rest(const RemoteFile& file, Partial& partial) {
  if (!ranges_) partial.restart();
  const uint64_t from = partial.bytes(), most = file.size.value_or(kMostUnsized);
  if (from > 0 && file.size && from == *file.size) return true;
  const std::string who = "file " + base::quoted(file.name) + " of " + id_.repository;
  const std::string range = "bytes " + std::to_string(from) + "-";
  bool begun = false, usable = true;
  const auto begin = [&](const Response& response) {
    begun = true;
    const std::string encoding = response.header("content-encoding");
    if (!encoding.empty() && encoding != "identity")
      fail(Status::data_loss,
           who + " comes compressed (" + base::quoted(encoding) + "), which was not asked for; check HF_ENDPOINT and proxies");
    if (response.status == 200 && from > 0) partial.restart();  // all of it, though a part was asked for
    usable = response.status == 200 || (from > 0 && response.header("content-range").starts_with(range));
  };
  const Response response = client_.get(address(file.commit, file.name), from, [&](const Response& answer, const char* data, size_t n) {
    if (!begun) begin(answer);
    if (!usable) return false;
    if (n > most - partial.bytes()) {
      partial.restart();
      fail(Status::data_loss, who + " is longer than the " + std::to_string(most) + " bytes expected; check HF_ENDPOINT and proxies");
    }
    partial.append(data, n);
    call_.progress(std::min(done_ + partial.bytes(), total_), total_);
    return true;
  });
  if (!usable || response.status == 416) {
    if (from == 0)
      fail(Status::data_loss, who + ": the hub answers " + std::to_string(response.status) + " with Content-Range " +
                                  base::quoted(response.header("content-range")) + " to a request for all of it; check HF_ENDPOINT");
    ranges_ = false;
    return false;
  }
  // Without a Content-Length a broken connection looks like the end.
  const bool cut =
      response.status < 400 && response.header("content-length").empty() && file.size && partial.bytes() < *file.size && ranges_;
  if (!response.transient() && !cut) {
    if (response.status != 200 && response.status != 206) report_refusal(response, file.commit, file.name);
    return true;
  }
  in_vain_ = partial.bytes() >= furthest_ + kLeastGain ? 0 : in_vain_ + 1;
  furthest_ = std::max(furthest_, partial.bytes());
  if (in_vain_ > 0) pause(response, in_vain_);
  return false;
}

}  // namespace rustml::hub
