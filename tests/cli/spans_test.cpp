#include "cli/spans.h"

#include <gtest/gtest.h>

namespace rustml::cli {
namespace {

TEST(Spans, ReadsARecordOfTheLibrary) {
  Span span;
  ASSERT_TRUE(parse_span(
      R"({"name":"Q_proj","cat":"rustml","ph":"X","ts":12.500,"dur":2.250,"pid":1,"tid":1,"args":{"bytes":8,"flops":16}})", span));
  EXPECT_EQ(span.name, "Q_proj");
  EXPECT_EQ(span.begin_us, 12.5);
  EXPECT_EQ(span.us, 2.25);
  EXPECT_EQ(span.bytes, 8u);
  EXPECT_EQ(span.flops, 16u);
}

TEST(Spans, AnythingElseIsNone) {
  Span span;
  for (const char* text : {"", "text", R"({"name":""})", R"({"name":"a","ts":x})", R"({"name":"a","ts":1,"dur":1,"bytes":1)"})
    EXPECT_FALSE(parse_span(text, span)) << text;
}

TEST(Spans, AStageHoldsTheProductsThatFollowIt) {
  std::vector<Span> pass = {{"model::forward", 0, 100, 0, 0}, {"Embedding", 0, 1, 0, 0}, {"Layers", 1, 80, 0, 0}};
  for (int layer = 0; layer < 2; ++layer) {
    for (Span span :
         {Span{"transformer[0]", 1, 40, 0, 0}, Span{"attn", 1, 20, 0, 0}, Span{"QKV", 1, 10, 0, 0}, Span{"Q_proj", 1, 4, 100, 200},
          Span{"K_proj", 5, 4, 50, 100}, Span{"ffn", 21, 20, 0, 0}, Span{"Up_proj", 21, 15, 300, 600}})
      pass.push_back(span);
  }
  pass.push_back({"Projection", 81, 9, 0, 0});
  pass.push_back({"LM_head", 81, 8, 1000, 2000});
  std::vector<Span> two = pass;
  two.insert(two.end(), pass.begin(), pass.end());
  const StageTable table = stages_of(two);
  EXPECT_EQ(table.passes, 2u);
  EXPECT_EQ(table.layers, 2u);
  EXPECT_EQ(table.layer_us.size(), 4u);
  EXPECT_EQ(table.total_us, 200.0);
  EXPECT_EQ(table.bytes, 2u * (2 * 450 + 1000));
  std::string order;
  for (const Stage& stage : table.stages) order += std::string(static_cast<size_t>(stage.depth), '-') + stage.name + " ";
  EXPECT_EQ(order, "Embedding QKV -Q_proj -K_proj ffn -Up_proj Projection -LM_head ");
  EXPECT_EQ(table.find("QKV")->bytes, 4u * 150);
  EXPECT_EQ(table.find("QKV")->total_us(), 40.0);
  EXPECT_EQ(table.find("ffn")->flops, 4u * 600);
  EXPECT_EQ(table.find("Norm"), nullptr);
}

}  // namespace
}  // namespace rustml::cli
