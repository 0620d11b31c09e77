#include "models/weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "made_file.h"
#include "ops/linear.h"

namespace rustml::models {
namespace {

base::Hash128 load(const WeightBinder& binder, bool check = false) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto team = runtime::ThreadTeam::lease();
  return binder.load(*team, {2, check}, call);
}

TEST(RowOrder, PairsBecomeHalves) {
  // A head of 6 rows is stored as a0 b0 a1 b1 a2 b2; canonical order is a0 a1 a2 b0 b1 b2.
  const RowOrder order{6};
  const int64_t want[] = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
  for (int64_t r = 0; r < 12; ++r) EXPECT_EQ(order.file_row(r), want[r]);
  EXPECT_EQ(RowOrder{}.file_row(5), 5);
}

TEST(WeightBinder, PacksRowsInCanonicalOrder) {
  std::vector<float> values(36 * 8), bias(36);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(1000 + i);
  MadeFile f;
  f.tensor("w", {36, 8}, values).tensor("b", {36}, bias);
  const formats::ModelFile& file = f.file();
  WeightBinder counting(file, {}, {}, nullptr);
  counting.matrix("w", 36, 8, "", {{12}});
  counting.vector("b", 36, {{12}});
  runtime::Region memory(counting.bytes(), runtime::Region::Pages::normal);
  WeightBinder binder(file, {}, {}, memory.data());
  const ops::Matrix m = binder.matrix("w", 36, 8, "", {{12}});
  const float* b = binder.vector("b", 36, {{12}});
  EXPECT_EQ(binder.bytes(), counting.bytes());
  EXPECT_EQ(binder.n_parameters(), 36u * 9);
  load(binder);
  float row[8];
  for (int64_t r = 0; r < 36; ++r) {
    ops::unpack_row(m, r, row);
    const int64_t at = RowOrder{12}.file_row(r);
    for (int64_t k = 0; k < 8; ++k) EXPECT_EQ(row[k], static_cast<float>(at * 8 + k));
    EXPECT_EQ(b[r], static_cast<float>(1000 + at));
  }
}

TEST(WeightBinder, ErrorsNameTensorAndShapes) {
  MadeFile f;
  f.tensor("w", {4, 8}).tensor("left", {1});
  WeightBinder binder(f.file(), {}, {}, nullptr);
  EXPECT_NE(error_of([&] { binder.matrix("w", 8, 4, ""); }).find("tensor w has shape [4, 8]; the configuration asks for [8, 4]"),
            std::string::npos);
  EXPECT_NE(error_of([&] { binder.vector("none", 4); }).find("tensor none is missing"), std::string::npos);
  EXPECT_EQ(binder.optional_vector("none", 4), nullptr);
  binder.matrix("w", 4, 8, "");
  EXPECT_NE(error_of([&] { binder.require_all_bound(); }).find("tensor left"), std::string::npos);
}

TEST(WeightBinder, ChecksValuesWhenAskedAndFingerprintsThem) {
  std::vector<float> values(32, 1.0f);
  const auto print = [&](bool check) {
    MadeFile f;
    f.tensor("w", {4, 8}, values);
    const formats::ModelFile& file = f.file();
    std::vector<std::byte> memory(8192);
    WeightBinder binder(file, {}, {}, memory.data());
    binder.matrix("w", 4, 8, "");
    return load(binder, check);
  };
  const base::Hash128 first = print(true);
  EXPECT_EQ(print(false), first);
  values[9] = NAN;
  EXPECT_FALSE(print(false) == first);
  EXPECT_NE(error_of([&] { print(true); }).find("tensor w: row 1"), std::string::npos);
}

TEST(WeightBinder, ACancelStopsTheLoad) {
  MadeFile f;
  f.tensor("w", {64, 64});
  const formats::ModelFile& file = f.file();
  std::vector<std::byte> memory(65536);
  WeightBinder binder(file, {}, {}, memory.data());
  binder.matrix("w", 64, 64, "");
  runtime::CancelFlag flag;
  flag.trigger(1);
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, {}};
  const auto team = runtime::ThreadTeam::lease();
  EXPECT_EQ(error_of([&] { binder.load(*team, {2, false}, call); }).substr(0, 2), "1 ");
}

}  // namespace
}  // namespace rustml::models
