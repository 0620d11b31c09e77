// formats::open on bytes in memory.
#pragma once
#include <string>

#include "formats/model_file.h"

namespace rustml::formats::test {

// `bytes` must outlive the result.
inline ModelFile open_bytes(const std::string& bytes) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return open(base::open_memory(bytes.data(), bytes.size(), "m"), call);
}

}  // namespace rustml::formats::test
