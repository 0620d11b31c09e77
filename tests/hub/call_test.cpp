// What a download makes of its caller's cancel handle, deadline and callback.
#include "hub/call.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "../base/expect_error.h"

namespace rustml::hub {
namespace {

using base::Status;

class HubCall : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(rustml_call_options_init(&options, sizeof options), RUSTML_OK);
    ASSERT_EQ(rustml_cancel_create(&options.cancel, nullptr), RUSTML_OK);
  }
  void TearDown() override { rustml_cancel_release(options.cancel); }
  rustml_call_options options{};
};

TEST_F(HubCall, ACancelHandleStopsItByItsReason) {
  const Call call(&options);
  EXPECT_NO_THROW(call.check());
  EXPECT_EQ(rustml_cancel_trigger(options.cancel, 7), RUSTML_OK);
  EXPECT_ERROR(call.check(), Status::cancelled, "download was cancelled");
  EXPECT_ERROR(call.wait(10'000), Status::cancelled, "download was cancelled");
  EXPECT_ERROR(Call{&options}, Status::cancelled, "download was cancelled");
  EXPECT_EQ(rustml_cancel_reset(options.cancel, nullptr), RUSTML_OK);
  EXPECT_EQ(rustml_cancel_trigger(options.cancel, RUSTML_CANCEL_REASON_DEADLINE), RUSTML_OK);
  EXPECT_ERROR(call.check(), Status::deadline_exceeded, "deadline");
}

TEST_F(HubCall, ADeadlineStopsIt) {
  options.deadline_ns = rustml_deadline_after_ns(int64_t{3'600'000'000'000});
  EXPECT_NO_THROW(Call(&options).check());
  options.deadline_ns = 1;
  EXPECT_ERROR(Call{&options}, Status::deadline_exceeded, "download stopped: its deadline has passed");
}

TEST_F(HubCall, KeepsItsHandleAndGivesItBack) {
  rustml_cancel* const handle = options.cancel;
  {
    const Call call(&options);
    EXPECT_EQ(rustml_cancel_retain(handle), handle);
    EXPECT_EQ(rustml_cancel_release(handle), RUSTML_OK);
    EXPECT_EQ(rustml_cancel_release(handle), RUSTML_OK);  // the caller's
    EXPECT_EQ(rustml_cancel_trigger(handle, 1), RUSTML_OK);
    EXPECT_ERROR(call.check(), Status::cancelled, "cancelled");
  }
  EXPECT_EQ(rustml_cancel_release(handle), RUSTML_INVALID_HANDLE);
  options.cancel = nullptr;
}

TEST_F(HubCall, BadOptionsAreRefused) {
  rustml_call_options bad = options;
  bad.cancel = reinterpret_cast<rustml_cancel*>(uint64_t{12345});
  EXPECT_ERROR(Call{&bad}, Status::invalid_handle, "cancel handle is not valid");
  bad = options;
  bad.flags = 1;
  EXPECT_ERROR(Call{&bad}, Status::invalid_argument, "rustml_call_options.flags");
  rustml_callback callback{};
  callback.struct_size = sizeof callback;
  bad = options;
  bad.progress = &callback;
  EXPECT_ERROR(Call{&bad}, Status::invalid_argument, "rustml_call_options.progress.on_event is NULL");
}

TEST_F(HubCall, EventsReachTheCallback) {
  std::vector<std::string> heard;
  rustml_callback callback{};
  callback.struct_size = sizeof callback;
  callback.user_data = &heard;
  callback.on_event = [](void* user, const rustml_event* event) -> int32_t {
    const bool log = event->kind == RUSTML_EVENT_LOG;
    static_cast<std::vector<std::string>*>(user)->push_back(log ? event->text : std::to_string(event->done));
    return event->done == 2 ? 5 : 0;
  };
  options.progress = &callback;
  const Call call(&options);
  call.log("Using cached model");
  call.progress(1, 2);
  EXPECT_ERROR(call.progress(2, 2), Status::callback_stop, "download stopped: the progress callback returned 5");
  EXPECT_EQ(heard, (std::vector<std::string>{"Using cached model", "1", "2"}));
}

}  // namespace
}  // namespace rustml::hub
