#include "formats/safetensors_index.h"

#include "formats/json_reader.h"
#include "formats/safetensors.h"

namespace rustml::formats {
namespace {

using namespace safetensors_limits;

// No separators of any system, no drive ("C:x") or stream ("x:y"), nothing that a C string would cut.
bool is_plain_name(const std::string& name) {
  static constexpr std::string_view kForbidden("/\\:\0", 4);
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 && name.find_first_of(kForbidden) == std::string::npos;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name, runtime::Call& call) : json_(text, name, call) {}

  SafeTensorsIndex parse() {
    json_.begin_object("the index");
    bool has_map = false;
    while (json_.next_key()) {
      if (json_.string() != "weight_map") {
        json_.skip_value();
        continue;
      }
      if (has_map) json_.fail("weight_map occurs twice");
      has_map = true;
      json_.begin_object("weight_map");
      while (json_.next_key()) read_tensor();
    }
    json_.finish();
    if (index_.tensors.empty()) json_.fail(has_map ? "weight_map is empty" : "weight_map is missing");
    return std::move(index_);
  }

 private:
  void read_tensor() {
    json_.limit(index_.tensors.size() + 1, kTensors, "number of tensors");
    json_.limit(json_.string().size(), kNameBytes, "length of a name");
    const auto [tensor, is_new] = index_.tensors.try_emplace(json_.string(), 0);
    json_.about("tensor " + base::quoted(tensor->first) + ": ");
    if (!is_new) json_.fail("it occurs twice");
    const std::string& shard = json_.read_string("its shard");
    if (!is_plain_name(shard)) {
      json_.fail("its shard is " + base::quoted(shard) + "; it has to be the plain name of a file in the same directory");
    }
    const auto [place, is_new_shard] = shards_.try_emplace(shard, static_cast<uint32_t>(index_.shards.size()));
    if (is_new_shard) {
      json_.limit(index_.shards.size() + 1, kMaxShards, "number of shards");
      index_.shards.push_back(shard);
    }
    tensor->second = place->second;
    json_.about("");
  }

  JsonReader json_;
  SafeTensorsIndex index_;
  std::map<std::string, uint32_t> shards_;
};

}  // namespace

SafeTensorsIndex read_safetensors_index(std::string_view json, const std::string& name, runtime::Call& call) {
  return Parser(json, name, call).parse();
}

}  // namespace rustml::formats
