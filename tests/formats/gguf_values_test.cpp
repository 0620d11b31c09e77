#include "formats/gguf_values.h"

#include <gtest/gtest.h>

#include "../base/expect_error.h"
#include "gguf_builder.h"

namespace rustml::formats::test {
namespace {

Value read_value(GgufType type, const std::string& bytes) {
  const auto file = base::open_memory(bytes.data(), bytes.size(), "m");
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  GgufReader reader(*file, call);
  Value value = reader.value(type);
  EXPECT_EQ(reader.in.remaining(), 0u);
  return value;
}

template <class T>
std::vector<T> read_items(GgufType type, uint64_t n, const std::string& items) {
  const Value value = read_value(kArray, raw(static_cast<uint32_t>(type)) + raw(n) + items);
  return std::get<std::vector<T>>(std::get<std::shared_ptr<const Array>>(value)->items);
}

TEST(GgufValues, NumbersKeepTheirValues) {
  EXPECT_EQ(std::get<uint64_t>(read_value(kUint8, "\xFF")), 255u);
  EXPECT_EQ(std::get<int64_t>(read_value(kInt8, "\xFF")), -1);
  EXPECT_EQ(std::get<uint64_t>(read_value(kUint16, raw(uint16_t{65535}))), 65535u);
  EXPECT_EQ(std::get<int64_t>(read_value(kInt16, raw(int16_t{-2}))), -2);
  EXPECT_EQ(std::get<uint64_t>(read_value(kUint32, raw(UINT32_MAX))), UINT32_MAX);
  EXPECT_EQ(std::get<int64_t>(read_value(kInt32, raw(INT32_MIN))), INT32_MIN);
  EXPECT_EQ(std::get<uint64_t>(read_value(kUint64, raw(UINT64_MAX))), UINT64_MAX);
  EXPECT_EQ(std::get<int64_t>(read_value(kInt64, raw(INT64_MIN))), INT64_MIN);
  EXPECT_EQ(std::get<double>(read_value(kFloat32, raw(0.1f))), static_cast<double>(0.1f));
  EXPECT_EQ(std::get<double>(read_value(kFloat64, raw(0.1))), 0.1);
  EXPECT_TRUE(std::get<bool>(read_value(kBool, "\1")));
  EXPECT_EQ(std::get<std::string>(read_value(kString, text("a\xC4\xA0"))), "a\xC4\xA0");
}

TEST(GgufValues, ItemsOf8BitsStaySmall) {
  EXPECT_EQ(read_items<uint8_t>(kUint8, 2, "\xFF\1"), (std::vector<uint8_t>{255, 1}));
  EXPECT_EQ(read_items<int8_t>(kInt8, 1, "\x80"), (std::vector<int8_t>{-128}));
  EXPECT_EQ(read_items<int64_t>(kInt16, 1, raw(int16_t{-2})), (std::vector<int64_t>{-2}));
  EXPECT_EQ(read_items<uint64_t>(kUint32, 1, raw(uint32_t{7})), (std::vector<uint64_t>{7}));
  EXPECT_EQ(read_items<int64_t>(kInt64, 1, raw(INT64_MIN)), (std::vector<int64_t>{INT64_MIN}));
  EXPECT_EQ(read_items<double>(kFloat64, 1, raw(0.1)), (std::vector<double>{0.1}));
}

TEST(GgufValues, FaultsSayWhere) {
  using base::Status;
  EXPECT_ERROR(read_value(kBool, "\2"), Status::data_loss, "a boolean is 2 at byte 0; it has to be 0 or 1");
  EXPECT_ERROR(read_value(kString, raw(uint64_t{9}) + "short"), Status::data_loss, "string");
  EXPECT_ERROR(read_items<bool>(static_cast<GgufType>(13), 0, ""), Status::data_loss, "array item type 13 at byte 0 does not exist");
  EXPECT_ERROR(read_items<bool>(kArray, 0, ""), Status::unimplemented, "arrays of arrays");
  EXPECT_ERROR(read_items<uint64_t>(kUint64, uint64_t{1} << 60, ""), Status::data_loss, "array");
}

}  // namespace
}  // namespace rustml::formats::test
