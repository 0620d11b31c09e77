#include "boundary/callback.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "../base/expect_error.h"
#include "tested_library.h"

namespace rustml::boundary {
namespace {

struct Heard {
  std::vector<rustml_event> events;
  int32_t value = 0;
};

rustml_callback hearing(Heard& heard) {
  auto callback = defaults<rustml_callback>();
  callback.user_data = &heard;
  callback.on_event = [](void* user, const rustml_event* event) {
    static_cast<Heard*>(user)->events.push_back(*event);
    return static_cast<Heard*>(user)->value;
  };
  return callback;
}

TEST(Callback, NoneAndBadOnes) {
  EXPECT_FALSE(Callback(nullptr, "callback"));
  auto callback = defaults<rustml_callback>();
  EXPECT_ERROR(Callback(&callback, "progress"), Status::invalid_argument, "progress.on_event is NULL");
  callback.reserved0 = 1;
  EXPECT_ERROR(Callback(&callback, "progress"), Status::invalid_argument, "rustml_callback.reserved0 is 1");
}

TEST(Callback, ABlankEventHasNoValues) {
  now_ns = 77;
  const rustml_event event = blank_event(RUSTML_EVENT_LOG);
  EXPECT_EQ(event.struct_size, sizeof event);
  EXPECT_EQ(event.kind, RUSTML_EVENT_LOG);
  EXPECT_EQ(event.token_id, -1);
  EXPECT_TRUE(std::isnan(event.logprob));
  EXPECT_STREQ(event.text, "");
  EXPECT_EQ(event.time_ns, 77u);
}

TEST(CallOptions, UnknownFlagsAreRefused) {
  EXPECT_EQ(read_call_options(nullptr).deadline_ns, 0u);
  auto call = defaults<rustml_call_options>();
  call.flags = 4;
  EXPECT_ERROR(read_call_options(&call), Status::invalid_argument, "rustml_call_options.flags has unknown bits: 4");
}

TEST(Progress, AFewASecondAndAlwaysTheLast) {
  Heard heard;
  const rustml_callback callback = hearing(heard);
  auto call = defaults<rustml_call_options>();
  call.progress = &callback;
  Progress progress(call, "download");
  now_ns = 1'000'000'000;
  for (uint64_t done = 1; done <= 100; ++done, now_ns += 10'000'000) progress.report(done, 100);
  ASSERT_EQ(heard.events.size(), 6u);  // 0, 200, 400, 600, 800 ms, and the end
  EXPECT_EQ(heard.events[1].done, 21u);
  EXPECT_EQ(heard.events.back().done, 100u);
  EXPECT_EQ(heard.events.back().kind, RUSTML_EVENT_PROGRESS);
}

TEST(Progress, AValueStopsTheCall) {
  Heard heard{{}, 9};
  const rustml_callback callback = hearing(heard);
  auto call = defaults<rustml_call_options>();
  call.progress = &callback;
  Progress progress(call, "download");
  EXPECT_ERROR(progress.report(1, 2), Status::callback_stop, "download stopped: the progress callback returned 9");
  EXPECT_NO_THROW(Progress(defaults<rustml_call_options>(), "download").report(1, 2));
}

}  // namespace
}  // namespace rustml::boundary
