#include "formats/gguf_split.h"

#include <gtest/gtest.h>

#include <cstring>

#include "../base/expect_error.h"
#include "directory_builder.h"
#include "gguf_builder.h"
#include "open_bytes.h"

namespace rustml::formats::test {
namespace {

namespace fs = std::filesystem;
using base::Status;

constexpr const char *kFirst = "m-00001-of-00003.gguf", *kSecond = "m-00002-of-00003.gguf", *kThird = "m-00003-of-00003.gguf";

std::string part(uint16_t number, uint16_t count, int32_t n_tensors, const std::vector<std::string>& tensors) {
  std::vector<std::string> keys = {key("split.no", U16, raw(number)), key("split.count", U16, raw(count)),
                                   key("split.tensors.count", I32, raw(n_tensors))};
  if (number == 0) keys.push_back(architecture());
  std::string data;
  for (size_t i = 0; i < tensors.size(); ++i) data += std::string(32, static_cast<char>('0' + number));
  return gguf(keys, tensors, data);
}
std::string tensor_at(const char* name, uint64_t offset = 0) { return tensor(name, {8}, T_F32, offset); }

struct Parts : TemporaryDirectory {
  Parts() {
    write(kFirst, part(0, 3, 3, {tensor_at("a")}));
    write(kSecond, part(1, 3, 3, {tensor_at("b"), tensor_at("c", 32)}));
    write(kThird, part(2, 3, 3, {}));
  }
};

TEST(GgufSplit, SampleOfGguf) {
  for (const char* given : {kFirst, kSecond, kThird}) {
    const ModelFile file = open_at(std::string(RUSTML_TEST_DATA "/data/parts/") + given);
    EXPECT_EQ(file.format_text(), "GGUF v3");
    EXPECT_EQ(file.require_string("general.name"), "sample");
    EXPECT_NE(file.name.find(kFirst), std::string::npos);
    ASSERT_EQ(file.readers.size(), 3u);
    ASSERT_EQ(file.tensors.size(), 4u);
    for (int64_t i = 0; i < 4; ++i) {
      const TensorInfo* tensor = file.find("blk." + std::to_string(i) + ".weight");
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->shape, (std::vector<int64_t>{i + 1, 8}));
      EXPECT_EQ(tensor->file, i < 2 ? 1u : 2u);
      std::vector<float> values(static_cast<size_t>(8 * (i + 1)));
      file.read(*tensor, 0, values.data(), tensor->bytes);
      for (size_t k = 0; k < values.size(); ++k) ASSERT_EQ(values[k], static_cast<float>(k % 64) / 4 - 3);
    }
  }
}

// One part of another version is as bad as a part that is half written; a model in one file is read to its end.
TEST(GgufSplit, AllPartsHaveToStayInPlace) {
  for (const char* replaced : {kFirst, kSecond, kThird}) {
    const Parts parts;
    const ModelFile file = open_at(parts / kFirst);
    require_unchanged(file);
    fs::copy(parts / replaced, parts / "copy");
    fs::rename(parts / "copy", parts / replaced);
    EXPECT_ERROR(require_unchanged(file), Status::data_loss, std::string(replaced) + "\" changed while it was opened");
  }
  const TemporaryDirectory single;
  single.write("m.gguf", gguf({architecture()}, {tensor_at("a")}, std::string(32, '0')));
  const ModelFile file = open_at(single / "m.gguf");
  fs::copy(single / "m.gguf", single / "copy");
  fs::rename(single / "copy", single / "m.gguf");
  require_unchanged(file);
}

TEST(GgufSplit, AnyPartOpensTheModel) {
  const Parts parts;
  for (const char* given : {kFirst, kSecond, kThird}) {
    const ModelFile file = open_at(parts / given);
    EXPECT_EQ(file.require_string("general.architecture"), "gpt2");
    ASSERT_EQ(file.tensors.size(), 3u);
    for (const auto& [name, letter] : {std::pair("a", '0'), {"b", '1'}, {"c", '1'}}) {
      char bytes[32];
      file.read(*file.find(name), 0, bytes, sizeof bytes);
      EXPECT_EQ(std::string(bytes, 32), std::string(32, letter));
    }
  }
}

TEST(GgufSplit, WithoutAPathItIsRefused) {
  const std::string bytes = part(0, 3, 3, {tensor_at("a")}), whole = part(0, 1, 1, {tensor_at("a")});
  EXPECT_ERROR(open_bytes(bytes), Status::unimplemented, "one of 3 parts of a model (split.count): open it by its path");
  EXPECT_NO_THROW(open_bytes(whole));
}

TEST(GgufSplit, MissingPartsAreNamed) {
  const Parts parts;
  fs::remove(parts / kSecond);
  EXPECT_ERROR(open_at(parts / kFirst), Status::not_found, "part 2 of 3 of the model is needed too: file ");
  EXPECT_ERROR(open_at(parts / kThird), Status::not_found, kSecond);
  fs::remove(parts / kFirst);
  EXPECT_ERROR(open_at(parts / kThird), Status::not_found, kFirst);
}

TEST(GgufSplit, NamesHaveToAgreeWithKeys) {
  const Parts parts;
  fs::copy(parts / kFirst, parts / "m.gguf");
  fs::copy(parts / kFirst, parts / "n-00002-of-00003.gguf");
  for (const char* name : {"m.gguf", "n-00002-of-00003.gguf"}) {
    EXPECT_ERROR(open_at(parts / name), Status::data_loss,
                 "by its keys it is part 1 of 3, so its name has to end in \"-00001-of-00003.gguf\"");
  }
  parts.write("m-00004-of-00003.gguf", part(3, 3, 3, {}));
  EXPECT_ERROR(open_at(parts / "m-00004-of-00003.gguf"), Status::data_loss, "part 4 of 3");
  parts.write(kSecond, part(2, 3, 3, {tensor_at("b"), tensor_at("c", 32)}));
  EXPECT_ERROR(open_at(parts / kFirst), Status::data_loss, "split.no is 2, but by its name it has to be 1");
}

TEST(GgufSplit, ContradictionsNameThePart) {
  const auto expect = [](const char* name, const std::string& bytes, const std::string& message, Status status = Status::data_loss) {
    const Parts parts;
    parts.write(name, bytes);
    EXPECT_ERROR(open_at(parts / kFirst), status, message);
    if (name != kFirst) EXPECT_ERROR(open_at(parts / kFirst), status, name);
  };
  expect(kSecond, part(1, 4, 3, {}), "split.count is 4, but by its name it has to be 3");
  expect(kSecond, part(1, 3, 4, {}), "split.tensors.count is 4, but as in the first part it has to be 3");
  expect(kSecond, part(1, 3, 3, {tensor_at("b"), tensor_at("a", 32)}), "tensor \"a\" is in an earlier part of the model too");
  expect(kSecond, gguf({}, {tensor_at("b")}, zeros(32)), "key \"split.no\" is missing");
  expect(kSecond, "Hello, this is a text, no GGUF file", "it does not begin with \"GGUF\"");
  expect(kSecond, part(1, 3, 3, {tensor_at("b"), tensor_at("c", 32)}).substr(0, 200), kSecond);
  expect(kFirst, gguf({key("split.no", U16, raw(uint16_t{0})), key("split.count", U16, raw(uint16_t{3}))}, {}),
         "key \"split.tensors.count\" is missing");
  expect(kFirst, gguf({key("split.count", U16, raw(uint16_t{3}))}, {}), "key \"split.no\" is missing");
  expect(kFirst, part(0, 3, 3, {}), "split.tensors.count is 3, but the parts have 2 tensors");
  expect(kFirst, part(0, 4097, 3, {}), "split.count is 4097; the limit is 4096", Status::resource_exhausted);
}

TEST(GgufSplit, TensorsOfAllPartsTogetherAreLimited) {
  const TemporaryDirectory parts;
  for (uint16_t i = 0; i < 3; ++i) {
    std::vector<std::string> tensors;
    for (int k = 0; k < (i < 2 ? 30000 : 6000); ++k)
      tensors.push_back(tensor_at(("t" + std::to_string(i) + '.' + std::to_string(k)).c_str(), 32 * static_cast<uint64_t>(k)));
    parts.write(i == 0 ? kFirst : i == 1 ? kSecond : kThird, part(i, 3, 66000, tensors));
  }
  EXPECT_ERROR(open_at(parts / kFirst), Status::resource_exhausted, "with its tensors the model has more than 65536");
}

}  // namespace
}  // namespace rustml::formats::test
