// libFuzzer target of the SafeTensors header and of the shard index: any bytes are refused with an Error, or give something
// that is safe to use. The first byte chooses the reader.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/safetensors.h"
#include "formats/safetensors_index.h"

namespace {

using namespace rustml;

void require(bool sound) {
  if (!sound) std::abort();
}

void use(base::FileReader& file, const formats::SafeTensorsHeader& header) {
  uint64_t end = 0;
  for (const formats::TensorInfo& tensor : header.tensors) {
    require(tensor.offset >= end && !header.unsupported.contains(tensor.name));
    end = tensor.offset + tensor.bytes;
    std::vector<std::byte> bytes(tensor.bytes);  // at most the input's size
    file.read_at(tensor.offset, bytes.data(), tensor.bytes);
    uint64_t elements = 1;
    for (const int64_t dim : tensor.shape) elements *= static_cast<uint64_t>(dim);
    require(tensor.bytes == static_cast<uint64_t>(tensor::row_bytes(tensor.dtype, static_cast<int64_t>(elements))));
    std::vector<float> values(elements);
    tensor::dequantize(tensor.dtype, bytes.data(), static_cast<int64_t>(elements), values.data());
  }
}

void use(const formats::SafeTensorsIndex& index) {
  for (const auto& [name, shard] : index.tensors) require(shard < index.shards.size());
  for (const std::string& shard : index.shards) require(shard != ".." && shard.find_first_of("/\\:") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    if (data[0] % 2) {
      use(formats::read_safetensors_index(input, "fuzz", call));
    } else {
      const auto file = base::open_memory(input.data(), input.size(), "fuzz");
      use(*file, formats::read_safetensors(*file, "fuzz", call));
    }
  } catch (const base::Error& error) {
    using base::Status;
    require(error.status() == Status::data_loss || error.status() == Status::unimplemented || error.status() == Status::resource_exhausted);
  }
  return 0;
}
