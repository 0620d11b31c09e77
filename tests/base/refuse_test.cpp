#include "base/refuse.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"

namespace rustml::base {
namespace {

Error refused(const Given& value, std::string_view rule = "small", std::string_view field = "f") {
  try {
    refuse_field(field, value, rule);
  } catch (const Error& error) {
    return error;
  }
}

TEST(Refuse, OneShapeForPeopleAndForPrograms) {
  const Error error = refused(1.5f, "above 0 and at most 1; 1 turns it off", "top_p");
  EXPECT_EQ(error.status(), Status::invalid_argument);
  EXPECT_EQ(error.message(), "top_p is 1.5; it must be above 0 and at most 1; 1 turns it off");
  EXPECT_EQ(error.detail_json(), R"({"field":"top_p","value":1.5,"rule":"above 0 and at most 1; 1 turns it off"})");
}

TEST(Refuse, ValuesOfEveryKind) {
  EXPECT_EQ(refused(-1).detail_json(), R"({"field":"f","value":-1,"rule":"small"})");
  EXPECT_EQ(refused(UINT64_MAX).message(), "f is 18446744073709551615; it must be small");
  EXPECT_EQ(refused(0.1).detail_json(), R"({"field":"f","value":0.1,"rule":"small"})");
  EXPECT_EQ(refused("NULL with length 3").detail_json(), R"({"field":"f","value":"NULL with length 3","rule":"small"})");
  EXPECT_EQ(refused(Given::text("a\"\nb")).message(), "f is \"a\\\"\\x0ab\"; it must be small");
  EXPECT_EQ(refused(Given::text("a\"b")).detail_json(), R"({"field":"f","value":"a\"b","rule":"small"})");
}

TEST(Refuse, TheDetailIsAlwaysJson) {
  for (const Given& value : {Given(NAN), Given(-INFINITY), Given(double{INFINITY}), Given::text(std::string(200, '\xFF'))}) {
    const Json json = parse_json(refused(value, "\"rules\"\x01").detail_json(), "detail");
    ASSERT_NE(json.find("value"), nullptr);
    EXPECT_EQ(json.find("value")->kind, Json::Kind::string);
  }
}

TEST(Refuse, AnotherStatus) {
  try {
    refuse_field("context_tokens", 9, "at most 8", Status::out_of_range);
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::out_of_range);
  }
}

}  // namespace
}  // namespace rustml::base
