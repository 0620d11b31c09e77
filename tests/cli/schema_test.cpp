// The checker itself must be able to refuse: each event below breaks one rule of events.schema.json.
#include "schema.h"

#include <gtest/gtest.h>

#include "program.h"

namespace rustml::cli_test {
namespace {

std::string breach(const std::string& text) {
  const base::Json schema = base::parse_json(read_file(RUSTML_EVENTS_SCHEMA), "schema");
  return schema_breach(schema, base::parse_json(text, "event"));
}

TEST(Schema, AcceptsATokenAndAnError) {
  EXPECT_EQ(breach(R"({"type":"token","id":5,"text":" a","logprob":-0.5,"position":3,"top":[{"id":5,"logprob":-0.5}]})"), "");
  EXPECT_EQ(breach(R"({"type":"token","id":5,"text":" a","logprob":null,"position":3,"top":[]})"), "");
  EXPECT_EQ(breach(R"({"type":"error","status":"NOT_FOUND","message":"x","detail":{}})"), "");
}

TEST(Schema, RefusesWhatBreaksIt) {
  EXPECT_NE(breach(R"({"type":"token","id":5,"text":" a","position":3,"top":[]})"), "") << "no logprob";
  EXPECT_NE(breach(R"({"type":"token","id":-1,"text":" a","logprob":0,"position":3,"top":[]})"), "") << "negative id";
  EXPECT_NE(breach(R"({"type":"token","id":1.5,"text":" a","logprob":0,"position":3,"top":[]})"), "") << "id is no integer";
  EXPECT_NE(breach(R"({"type":"token","id":5,"text":7,"logprob":0,"position":3,"top":[]})"), "") << "text is no string";
  EXPECT_NE(breach(R"({"type":"token","id":5,"text":" a","logprob":0,"position":3,"top":[{"id":1}]})"), "") << "top without logprob";
  EXPECT_NE(breach(R"({"type":"tokens"})"), "") << "unknown type";
  EXPECT_NE(breach(R"([])"), "") << "no object";
}

}  // namespace
}  // namespace rustml::cli_test
