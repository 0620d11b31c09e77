#include "formats/model_file.h"

#include <gtest/gtest.h>

#include "../base/expect_error.h"

namespace rustml::formats::test {
namespace {

using base::Status;

ModelFile sample() {
  ModelFile file;
  file.name = "m.gguf";
  file.metadata["uint"] = uint64_t{7};
  file.metadata["int"] = int64_t{8};
  file.metadata["negative"] = int64_t{-8};
  file.metadata["float"] = 0.5;
  file.metadata["bool"] = true;
  file.metadata["string"] = std::string("text");
  file.metadata["array"] = std::make_shared<const Array>();
  file.tensors = {{"w", tensor::DType::f32, {2, 3}, 0, 24}};
  file.index["w"] = 0;
  return file;
}

TEST(ModelFile, ValuesOfTheirType) {
  const ModelFile file = sample();
  EXPECT_EQ(file.get_uint("uint", 1), 7u);
  EXPECT_EQ(file.require_uint("int"), 8u);
  EXPECT_EQ(file.get_float("float", 1), 0.5);
  EXPECT_EQ(file.get_bool("bool", false), true);
  EXPECT_EQ(file.get_string("string", ""), "text");
  EXPECT_EQ(file.require_float("float"), 0.5);
  EXPECT_EQ(file.require_string("string"), "text");
  EXPECT_NE(file.value("array"), nullptr);
  EXPECT_EQ(file.value("absent"), nullptr);
  EXPECT_EQ(file.find("w"), &file.tensors[0]);
  EXPECT_EQ(file.find("v"), nullptr);
}

TEST(ModelFile, TensorsOfOtherTypesHinderOnlyWhoAsks) {
  ModelFile file = sample();
  file.unsupported["mask"] = "BOOL";
  EXPECT_EQ(file.find("v"), nullptr);
  EXPECT_ERROR(file.find("mask"), Status::unimplemented, "tensor \"mask\" has type BOOL; of SafeTensors files F32, F16 and BF16");
}

TEST(ModelFile, AbsentValues) {
  const ModelFile file = sample();
  EXPECT_EQ(file.get_uint("absent", 1), 1u);
  EXPECT_EQ(file.get_float("absent", 2), 2);
  EXPECT_EQ(file.get_bool("absent", true), true);
  EXPECT_EQ(file.get_string("absent", "x"), "x");
  EXPECT_ERROR(file.require_uint("absent"), Status::data_loss, "m.gguf: key \"absent\" is missing");
  EXPECT_ERROR(file.require_float("absent"), Status::data_loss, "is missing");
  EXPECT_ERROR(file.require_string("absent"), Status::data_loss, "is missing");
}

TEST(ModelFile, ValuesOfAnotherType) {
  const ModelFile file = sample();
  EXPECT_ERROR(file.get_uint("negative", 1), Status::data_loss, "key \"negative\" is -8; it has to be 0 or more");
  EXPECT_ERROR(file.get_uint("float", 1), Status::data_loss, "is a floating-point number; it has to be an unsigned integer");
  EXPECT_ERROR(file.require_float("uint"), Status::data_loss, "is an unsigned integer; it has to be a floating-point number");
  EXPECT_ERROR(file.get_bool("uint", true), Status::data_loss, "a boolean");
  EXPECT_ERROR(file.get_string("array", ""), Status::data_loss, "is an array; it has to be a string");
  EXPECT_ERROR(file.require_string("bool"), Status::data_loss, "is a boolean; it has to be a string");
}

}  // namespace
}  // namespace rustml::formats::test
