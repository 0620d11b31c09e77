// Malformed GGUF files, one fault each, with the status they must get.
#pragma once
#include <string>
#include <vector>

#include "base/error.h"

namespace rustml::formats::test {

struct CorpusFile {
  std::string name;
  std::string bytes;
  base::Status status;  // ok: accepted
  std::string message;  // a part of it
};

std::vector<CorpusFile> gguf_corpus();

}  // namespace rustml::formats::test
