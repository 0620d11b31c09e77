// libFuzzer target of the GGUF reader: any bytes are refused with an Error, or give a ModelFile that is safe to use.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "formats/model_file.h"
#include "tensor/dtype.h"

namespace {

using rustml::formats::ModelFile;
using rustml::formats::TensorInfo;

void require(bool sound) {
  if (!sound) std::abort();
}

void use(const ModelFile& file) {
  require(file.index.size() == file.tensors.size());
  for (const TensorInfo& tensor : file.tensors) {
    require(file.find(tensor.name) == &tensor);
    std::vector<std::byte> bytes(tensor.bytes);  // at most the input's size
    file.read(tensor, 0, bytes.data(), tensor.bytes);
    int64_t elements = 1;
    for (const int64_t dim : tensor.shape) elements *= dim;
    require(static_cast<int64_t>(tensor.bytes) == rustml::tensor::row_bytes(tensor.dtype, elements));
    std::vector<float> values(static_cast<size_t>(elements));
    rustml::tensor::dequantize(tensor.dtype, bytes.data(), elements, values.data());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  try {
    use(rustml::formats::open(rustml::base::open_memory(data, size, "fuzz"), call));
  } catch (const rustml::base::Error& error) {
    using rustml::base::Status;
    require(error.status() == Status::data_loss || error.status() == Status::unimplemented || error.status() == Status::resource_exhausted);
  }
  return 0;
}
