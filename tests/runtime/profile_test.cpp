#include "runtime/profile.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace rustml::runtime {
namespace {

struct Heard {
  std::string component, text;
};

// What `body` logs under this filter.
template <class Body>
std::vector<Heard> heard(const char* filter, Body body) {
  std::vector<Heard> records;
  base::log_set(filter, [&](const base::LogRecord& r) { records.push_back({r.component, r.text}); });
  {
    const base::ApiScope scope;
    body();
  }
  base::log_set("", {});
  return records;
}

TEST(Profile, TheFilterSaysWhatIsMeasured) {
  const auto wanted = [](const char* filter) {
    ProfileLines lines;
    heard(filter, [&] { lines = ProfileLines::wanted(); });
    return std::pair(lines.level, lines.spans);
  };
  EXPECT_EQ(wanted("info"), std::pair(ProfileLevel::off, false));
  EXPECT_EQ(wanted("debug"), std::pair(ProfileLevel::layers, false));
  EXPECT_EQ(wanted("rustml::model=debug"), std::pair(ProfileLevel::layers, false));
  EXPECT_EQ(wanted("rustml::attn=trace"), std::pair(ProfileLevel::matmuls, false));
  EXPECT_EQ(wanted("trace,rustml::trace=off"), std::pair(ProfileLevel::matmuls, false));
  EXPECT_EQ(wanted("warn,rustml::trace=trace"), std::pair(ProfileLevel::matmuls, true));
  EXPECT_EQ(ProfileLines::wanted().level, ProfileLevel::off) << "nothing listens";
}

TEST(Profile, StagesFollowEachOtherWithoutAGap) {
  ProfileLines lines;
  lines.level = ProfileLevel::matmuls;
  lines.spans = true;
  uint64_t first = 0, second = 0;
  const auto records = heard("rustml::trace=trace", [&] {
    lines.enter("first", first);
    for (const uint64_t begin = now_ns(); now_ns() == begin;) {
    }
    lines.enter("second", second);
    lines.leave();
    lines.leave();
    lines.flush();
  });
  ASSERT_EQ(records.size(), 2u);
  EXPECT_GT(first, 0u);
  EXPECT_EQ(base::parse_json(records[0].text, "span").find("name")->string, "first");
  EXPECT_EQ(base::parse_json(records[1].text, "span").find("name")->string, "second");
}

TEST(Profile, SpansAreChromeEventsOutermostFirst) {
  ProfileLines lines;
  lines.spans = true;
  const auto records = heard("rustml::trace=trace", [&] {
    lines.span("inner", 5'000'001, 5'000'003, 8, 16);
    lines.span("same", 5'000'000, 7'000'000);
    lines.span("outer", 5'000'000, 7'000'000);
    lines.flush();
    lines.flush();  // nothing is left
  });
  ASSERT_EQ(records.size(), 3u);
  std::vector<std::string> names;
  for (const Heard& r : records) {
    EXPECT_EQ(r.component, "rustml::trace");
    names.push_back(base::parse_json(r.text, "span").find("name")->string);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"outer", "same", "inner"}));
  const base::Json inner = base::parse_json(records[2].text, "span");
  EXPECT_EQ(inner.find("ph")->string, "X");
  EXPECT_DOUBLE_EQ(inner.find("ts")->number, 5000.001);
  EXPECT_DOUBLE_EQ(inner.find("dur")->number, 0.002);
  EXPECT_EQ(inner.find("args")->find("bytes")->integer, 8);
  EXPECT_EQ(inner.find("args")->find("flops")->integer, 16);
  EXPECT_GT(inner.find("pid")->integer, 0);
  EXPECT_GT(inner.find("tid")->integer, 0);
}

TEST(Profile, SpansThatNobodyWantsAreNotKept) {
  ProfileLines lines;
  lines.level = ProfileLevel::matmuls;
  const auto records = heard("trace", [&] {
    lines.span("unwanted", 1, 2);
    lines.add(base::LogLevel::debug, "rustml::model", "a line");
    lines.flush();
  });
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].text, "a line");
}

TEST(Profile, ALapThatIsOffReadsNoClock) {
  Lap off(false), on(true);
  uint64_t ns = 0, other = 0;
  off.add(ns);
  EXPECT_EQ(ns, 0u);
  EXPECT_EQ(off.since(), 0u);
  const uint64_t begin = on.since();
  on.add(ns);
  on.add(other);
  EXPECT_EQ(begin + ns + other, on.since()) << "laps have no gaps";
}

}  // namespace
}  // namespace rustml::runtime
