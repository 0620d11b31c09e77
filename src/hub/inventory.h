// What lies in the cache: listing, removing, verifying. Entries that are not a model's are passed over.
#pragma once
#include <string>
#include <vector>

#include "hub/cache.h"
#include "hub/call.h"
#include "hub/names.h"
#include "hub/settings.h"

namespace rustml::hub {

struct CachedFile {
  std::string name;  // in the repository
  fs::path pointer, blob;
  uint64_t bytes;  // 0 if the blob is missing
};
struct CachedRevision {
  std::string commit;
  std::vector<std::string> refs;
  std::vector<CachedFile> files;
};
struct CachedRepository {
  std::string id;
  fs::path path;
  uint64_t bytes;  // of its blobs, each once
  std::vector<CachedRevision> revisions;
};

std::vector<CachedRepository> scan(const Settings& settings);  // ordered by name
std::string list_json(const Settings& settings);
std::string list_text(const Settings& settings);
uint64_t remove(const ModelId& id, const Settings& settings);                    // bytes freed; throws not_found
uint64_t verify(const ModelId& id, const Settings& settings, const Call& call);  // bytes read; throws data_loss, not_found

}  // namespace rustml::hub
