// A tokenizer.json and a text: bytes up to the first 0xFF are the file, the rest is text.
// Held: no crash, an Error of a status that fits, ids in range.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer.h"

namespace {

using rustml::base::Status;

void require(bool held) {
  if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const size_t cut = input.find('\xFF');
  rustml::formats::ModelFile file;
  file.documents["tokenizer.json"] = input.substr(0, cut);
  const std::string text = cut == std::string::npos ? "a b<s> ab\u00E9\n" : input.substr(cut + 1);
  // A file may well ask for seconds of work; that it stops then is part of the promise.
  rustml::runtime::StopSignal stop(nullptr, rustml::runtime::now_ns() + 2'000'000'000);
  rustml::runtime::Call call{stop, {}};
  try {
    const auto tokenizer = rustml::tokenizer::from_huggingface(file, call);
    require(tokenizer != nullptr && tokenizer->size() > 0);
    for (const bool trusted : {false, true}) {
      const auto encoding = tokenizer->encode(text, {.add_special = trusted, .parse_special = trusted}, stop);
      for (const int32_t id : encoding.ids) require(id >= 0 && id < tokenizer->size());
      tokenizer->decode(encoding.ids.data(), encoding.ids.size(), !trusted);
    }
  } catch (const rustml::base::Error& error) {
    const bool bad_text = rustml::base::utf8_error(text) != rustml::base::kValidUtf8;
    require(error.status() == Status::data_loss || error.status() == Status::unimplemented ||
            error.status() == Status::resource_exhausted || error.status() == Status::deadline_exceeded ||
            (bad_text && error.status() == Status::invalid_argument));
  }
  return 0;
}
