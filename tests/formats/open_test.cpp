// What formats::open says about files that are no GGUF file, and what open_path makes of paths.
#include <gtest/gtest.h>

#include "../base/expect_error.h"
#include "directory_builder.h"
#include "gguf_builder.h"
#include "open_bytes.h"

namespace rustml::formats::test {
namespace {

using base::Status;

TEST(Open, SaysWhatAFileLooksLike) {
  const std::string html = "\n <!DOCTYPE HTML>\n<html><body>Not found</body></html>";
  const std::string json = "{\"__metadata__\":{},\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
  const struct {
    std::string bytes;
    Status status;
    const char* message;
  } kFiles[] = {
      {"", Status::data_loss, "m is empty"},
      {"G", Status::data_loss, "cut: it has only 1 bytes"},
      {"GGU", Status::data_loss, "cut: it has only 3 bytes"},
      {"GGML" + zeros(100), Status::unimplemented, "before GGUF"},
      {"lmgg" + zeros(100), Status::unimplemented, "before GGUF"},
      {"tjgg" + zeros(100), Status::unimplemented, "before GGUF"},
      {"fmgg" + zeros(100), Status::unimplemented, "before GGUF"},
      {"algg" + zeros(100), Status::unimplemented, "adapter"},
      {"FUGG" + zeros(100), Status::unimplemented, "little-endian"},
      {"PK\3\4" + zeros(100), Status::unimplemented, "zip archive"},
      {"\x1F\x8B\x08" + zeros(100), Status::unimplemented, "compressed"},
      {"BZh91AY", Status::unimplemented, "compressed"},
      {std::string("\xFD\x37zXZ\0", 6), Status::unimplemented, "compressed"},
      {"\x28\xB5\x2F\xFD" + zeros(9), Status::unimplemented, "compressed"},
      {"\x80\x02}q" + zeros(9), Status::unimplemented, "pickle"},
      {"\x89HDF\r\n\x1A\n", Status::unimplemented, "HDF5"},
      {raw(uint64_t{json.size()}) + json + zeros(4), Status::unimplemented,
       "is a SafeTensors file, which holds a model's weights only: open the directory"},
      {std::string("\x08\x07\x12\x07pytorch:", 12) + zeros(50), Status::unimplemented, "ONNX"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", Status::data_loss, "git lfs pull"},
      {html, Status::data_loss, "web page"},
      {"<html>", Status::data_loss, "web page"},
      {"{\"model_type\": \"llama\"}", Status::data_loss, "text file, not a model: it begins with \"{\\\"model_type"},
      {"Hello", Status::data_loss, "text file"},
      {std::string(511, 'a') + "\xC3\xA9\xC3\xA9", Status::data_loss, "text file"},  // a character cut by the look at the head
      {std::string(600, 'a') + zeros(5), Status::data_loss, "text file"},
      {"\x7F"
       "ELF" +
           zeros(100),
       Status::data_loss, "no model file that is known here: it begins with \"\\x7fELF\\x00"},
      {zeros(100), Status::data_loss, "a GGUF file is wanted"},
      {std::string("\xFF\xFEh\0i\0", 6), Status::data_loss, "a GGUF file is wanted"},
      {raw(UINT64_MAX) + "{}" + zeros(10), Status::data_loss, "a GGUF file is wanted"},
  };
  for (const auto& file : kFiles) EXPECT_ERROR(open_bytes(file.bytes), file.status, file.message);
}

TEST(Open, AnyHeadIsAnswered) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; b += 3) {
      for (const size_t more : {0, 20}) {
        const std::string bytes = std::string{static_cast<char>(a), static_cast<char>(b)} + zeros(more);
        EXPECT_THROW(open_bytes(bytes), base::Error);
      }
    }
  }
}

TEST(Open, StopsBeforeReading) {
  const std::string bytes = gguf({architecture()}, {});
  runtime::StopSignal stop(nullptr, 1);
  runtime::Call call{stop, {}};
  EXPECT_ERROR(open(base::open_memory(bytes.data(), bytes.size(), "m"), call), Status::deadline_exceeded, "model load");
}

TEST(Open, EveryFormatThatIsListed) {
  const TemporaryDirectory directory;
  directory.write("m", gguf({architecture()}, {}));
  const std::filesystem::path samples[] = {directory / "m", RUSTML_TEST_DATA "/../golden/data/architectures/llama"};
  ASSERT_EQ(std::size(samples), std::size(kFormats));
  for (size_t i = 0; i < std::size(kFormats); ++i) {
    EXPECT_EQ(open_at(samples[i]).format, kFormats[i].format) << kFormats[i].text;
    EXPECT_EQ(&names_of(kFormats[i].format), &kFormats[i]);
  }
}

TEST(Open, Paths) {
  const TemporaryDirectory directory;
  directory.write("m", gguf({architecture()}, {}));
  EXPECT_EQ(open_at(directory / "m").require_string("general.architecture"), "gpt2");
  EXPECT_ERROR(open_at(directory / "absent"), Status::not_found, "does not exist");
  EXPECT_ERROR(open_at(directory.path()), Status::not_found, "has no config.json");
  EXPECT_ERROR(open_at(""), Status::invalid_argument, "path is empty");
  EXPECT_ERROR(open_at(directory.path().string() + std::string("\0x", 2)), Status::invalid_argument, "NUL");
  EXPECT_ERROR(open_at(std::string(100000, 'x')), Status::invalid_argument, "100000 bytes");
  EXPECT_ERROR(open_at("/dev/null"), Status::invalid_argument, "is a device");
  std::filesystem::copy(RUSTML_TEST_DATA "/data/one/model.safetensors", directory / "w.safetensors");
  EXPECT_ERROR(open_at(directory / "w.safetensors"), Status::unimplemented, "open the directory that has its config.json");
}

}  // namespace
}  // namespace rustml::formats::test
