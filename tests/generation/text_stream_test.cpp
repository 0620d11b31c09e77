#include "generation/text_stream.h"

#include <gtest/gtest.h>

namespace rustml::generation {
namespace {

TEST(TextStream, AnEmojiSplitOverTokensAppearsWhole) {
  TextStream stream({});
  EXPECT_EQ(stream.push("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.push("\x98"), "");
  EXPECT_EQ(stream.push("\x80"
                        "b"),
            "\xF0\x9F\x98\x80"
            "b");
  EXPECT_EQ(stream.push("\xE2"), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.invalid_count(), 1u);
}

TEST(TextStream, StopStringsAreHeldBackAndNeverDelivered) {
  TextStream stream({"STOP"});
  EXPECT_EQ(stream.push("xS"), "x");
  EXPECT_EQ(stream.push("TAY ST"), "STAY ");
  EXPECT_FALSE(stream.matched());
  EXPECT_EQ(stream.push("OP and more"), "");
  EXPECT_TRUE(stream.matched());
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, TheEndDeliversWhatWasHeldBack) {
  TextStream stream({"STOP"});
  EXPECT_EQ(stream.push("xSTO"), "x");
  EXPECT_EQ(stream.finish(), "STO");
}

}  // namespace
}  // namespace rustml::generation
