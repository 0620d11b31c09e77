// Against the bytes that gguf_builder.h puts together by hand, and against our own strict reader.
#include "formats/gguf_writer.h"

#include <gtest/gtest.h>

#include "gguf_builder.h"
#include "open_bytes.h"

namespace rustml::formats {
namespace {

using namespace test;

template <class T>
Value array_of(std::vector<T> items) {
  return std::make_shared<const Array>(Array{std::move(items)});
}

TEST(GgufWriter, HeadIsWhatTheFormatSays) {
  const std::map<std::string, Value> metadata = {{"a.bool", true},
                                                 {"b.count", uint64_t{7}},
                                                 {"c.large", uint64_t{1} << 40},
                                                 {"d.signed", int64_t{-7}},
                                                 {"e.real", 0.5},
                                                 {"f.fine", 0.1},
                                                 {"g.text", std::string("x\"y")},
                                                 {"h.texts", array_of<std::string>({"p", ""})},
                                                 {"i.types", array_of<int64_t>({1, -2})},
                                                 {"j.scores", array_of<double>({0.25})},
                                                 {"k.bytes", array_of<uint8_t>({1, 255})},
                                                 {"l.wide", array_of<uint64_t>({1, uint64_t{1} << 33})}};
  const std::vector<GgufTensor> tensors = {{"v", tensor::DType::f32, {3}}, {"m.weight", tensor::DType::q8_0, {2, 64}}};
  const std::string expected =
      gguf({key("a.bool", BOOL, raw(uint8_t{1})), key("b.count", U32, raw(uint32_t{7})), key("c.large", U64, raw(uint64_t{1} << 40)),
            key("d.signed", I32, raw(int32_t{-7})), key("e.real", F32, raw(0.5f)), key("f.fine", F64, raw(0.1)),
            key("g.text", STR, text("x\"y")), array("h.texts", STR, 2, text("p") + text("")), array("i.types", I32, 2, raw(1) + raw(-2)),
            array("j.scores", F32, 1, raw(0.25f)), array("k.bytes", U8, 2, "\x01\xff"),
            array("l.wide", U64, 2, raw(uint64_t{1}) + raw(uint64_t{1} << 33))},
           {tensor("v", {3}, T_F32, 0), tensor("m.weight", {64, 2}, T_Q8_0, 32)});
  EXPECT_EQ(gguf_head(metadata, tensors), expected);
  EXPECT_EQ(tensors[0].bytes(), 12u);
  EXPECT_EQ(tensors[1].bytes(), 4u * 34);
  EXPECT_EQ(gguf_padding(12), 20u);
  EXPECT_EQ(gguf_padding(64), 0u);
}

TEST(GgufWriter, OurReaderGetsBackWhatWasWritten) {
  const std::map<std::string, Value> metadata = {{"general.architecture", std::string("gpt2")}, {"n", uint64_t{3}}};
  const std::string bytes = gguf_head(metadata, {{"v", tensor::DType::f16, {1, 5}}}) + std::string(32, '\1');
  const ModelFile file = open_bytes(bytes);
  EXPECT_EQ(file.format_text(), "GGUF v3");
  EXPECT_EQ(file.metadata, metadata);
  ASSERT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(file.tensors[0].shape, (std::vector<int64_t>{1, 5}));
  char value = 0;
  file.read(file.tensors[0], 9, &value, 1);
  EXPECT_EQ(value, 1);
}

}  // namespace
}  // namespace rustml::formats
