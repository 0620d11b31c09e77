#include "base/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "expect_error.h"

namespace rustml::base {
namespace {

class Log : public testing::Test {
 protected:
  void TearDown() override { log_set("", {}); }
  void listen(std::string_view filter) {
    log_set(filter, [this](const LogRecord& record) { records.push_back(record); });
  }
  std::vector<LogRecord> records;
};

TEST_F(Log, SilentUntilASinkIsSet) {
  EXPECT_FALSE(log_enabled(LogLevel::error, "rustml"));
  log(LogLevel::error, "rustml", "unheard");
  const ApiScope scope;
  listen("trace");
  EXPECT_TRUE(records.empty());
}

TEST_F(Log, LongestTargetDecides) {
  listen("warn,rustml=info , rustml::attn=TRACE,rustml::load=off,other");
  const auto highest = [](const char* component) {
    int level = 0;
    while (level < 5 && log_enabled(static_cast<LogLevel>(level + 1), component)) ++level;
    return level;
  };
  EXPECT_EQ(highest("rustml"), 3);
  EXPECT_EQ(highest("rustml::model"), 3);
  EXPECT_EQ(highest("rustml::attn"), 5);
  EXPECT_EQ(highest("rustml::attn::q"), 5);
  EXPECT_EQ(highest("rustml::load"), 0);
  EXPECT_EQ(highest("other::part"), 5);
  EXPECT_EQ(highest("elsewhere"), 2);
}

TEST_F(Log, FiltersWithoutADefaultAreSilentElsewhere) {
  listen("rustml::attn=debug");
  EXPECT_FALSE(log_enabled(LogLevel::error, "rustml"));
  EXPECT_TRUE(log_enabled(LogLevel::debug, "rustml::attn"));
  listen("");
  EXPECT_TRUE(log_enabled(LogLevel::info, "rustml"));
  EXPECT_FALSE(log_enabled(LogLevel::debug, "rustml"));
  listen("off");
  EXPECT_FALSE(log_enabled(LogLevel::error, "rustml"));
  listen("info,debug");  // the later of two defaults
  EXPECT_TRUE(log_enabled(LogLevel::debug, "rustml"));
}

TEST_F(Log, WrongFiltersAreNamedAndChangeNothing) {
  listen("debug");
  for (const char* wrong : {"rustml=loud", "=info", "a=b=c", "rustml=", "/regex/", "a b"})
    EXPECT_ERROR(log_set(wrong, {}), Status::invalid_argument, "is no directive");
  EXPECT_TRUE(log_enabled(LogLevel::debug, "rustml"));
}

TEST_F(Log, RecordsAreSingleLinesOfUtf8) {
  listen("info");
  const ApiScope scope;
  log(LogLevel::warn, "rustml::load", "two\nlines\r\t\x01 caf\xC3\xA9 \xFF");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].text, "two\\nlines\\r\\t\\x01 caf\xC3\xA9 \\xff");
  EXPECT_STREQ(records[0].component, "rustml::load");
  EXPECT_EQ(records[0].level, LogLevel::warn);
  EXPECT_GT(records[0].time_ns, 0u);
}

TEST_F(Log, WorkerRecordsComeOnAnApiThreadInOrder) {
  listen("info");
  std::vector<std::thread::id> threads;
  log_set("info", [&](const LogRecord& record) {
    threads.push_back(std::this_thread::get_id());
    records.push_back(record);
  });
  std::thread([] { log(LogLevel::info, "rustml", "from a worker"); }).join();
  EXPECT_TRUE(records.empty());
  {
    const ApiScope scope;
    log(LogLevel::info, "rustml", "from the call");
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].text, "from a worker");
    std::thread([] { log(LogLevel::info, "rustml", "late"); }).join();
  }
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[2].text, "late");
  for (const auto id : threads) EXPECT_EQ(id, std::this_thread::get_id());
}

TEST_F(Log, QueueIsBoundedAndSaysSo) {
  listen("info");
  std::thread([] {
    for (int i = 0; i < 5000; ++i) log(LogLevel::info, "rustml", std::to_string(i));
  }).join();
  log_deliver();
  ASSERT_EQ(records.size(), 1025u);
  EXPECT_EQ(records[1024].text.substr(0, 12), "3976 records");
}

TEST_F(Log, ASinkMayThrowLogAndReplaceItself) {
  int n_calls = 0;
  const ApiScope scope;
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = alive;
  log_set("info", [&n_calls, alive, &watch](const LogRecord&) {
    ++n_calls;
    log(LogLevel::info, "rustml", "from the sink");  // dropped
    log_set("", {});
    EXPECT_FALSE(watch.expired());  // destroyed only when this call has returned
    throw 1;
  });
  alive.reset();
  log(LogLevel::info, "rustml", "first");
  EXPECT_TRUE(watch.expired());
  log(LogLevel::info, "rustml", "second");
  EXPECT_EQ(n_calls, 1);
}

TEST_F(Log, ReplacingWhileOthersLog) {
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      const ApiScope scope;
      while (!over) log(LogLevel::info, "rustml", "x");
    });
  std::atomic<int> n_alive{0};
  for (int i = 0; i < 500; ++i) {
    ++n_alive;
    std::shared_ptr<int> token(new int(0), [&](int* p) {
      --n_alive;
      delete p;
    });
    log_set("info", [token](const LogRecord&) { EXPECT_EQ(*token, 0); });
  }
  over = true;
  for (auto& thread : threads) thread.join();
  log_set("", {});
  EXPECT_EQ(n_alive, 0);
}

}  // namespace
}  // namespace rustml::base
