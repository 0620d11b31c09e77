#include "boundary/guard.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "../base/expect_error.h"
#include "tested_library.h"

namespace rustml::boundary {
namespace {

TEST(AsStatus, AnythingThrownIsAStatusAndAnError) {
  rustml_error* error = nullptr;
  EXPECT_EQ(as_status(&error, [] { throw base::Error(Status::callback_stop, "stopped", "{\"a\":1}", 7); }), RUSTML_CALLBACK_STOP);
  EXPECT_NE(error, nullptr);
  EXPECT_EQ(last_error.message + last_error.detail_json, "stopped{\"a\":1}");
  EXPECT_EQ(last_error.callback_value, 7);
  EXPECT_EQ(as_status(&error, [] { throw std::bad_alloc(); }), RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_EQ(as_status(&error, [] { throw std::logic_error("broken"); }), RUSTML_INTERNAL);
  EXPECT_EQ(last_error.message, "broken");
  EXPECT_EQ(as_status(&error, [] { throw 42; }), RUSTML_INTERNAL);
  EXPECT_EQ(last_error.status, Status::internal);
  EXPECT_EQ(as_status(nullptr, [] { throw 42; }), RUSTML_INTERNAL);
}

TEST(AsStatus, WithoutAFailureThereIsNoError) {
  auto* error = reinterpret_cast<rustml_error*>(uint64_t{1});
  EXPECT_EQ(as_status(&error, [] {}), RUSTML_OK);
  EXPECT_EQ(error, nullptr);
  EXPECT_EQ(as_status(&error, [] { return Status::buffer_too_small; }), RUSTML_BUFFER_TOO_SMALL);
  EXPECT_EQ(error, nullptr);
}

TEST(CheckHandle, SaysWhatIsWrong) {
  EXPECT_NO_THROW(check_handle(Status::ok, "model"));
  EXPECT_ERROR(check_handle(Status::invalid_handle, "model"), Status::invalid_handle, "model handle is not valid");
  EXPECT_ERROR(check_handle(Status::forked, "cancel"), Status::forked, "cancel handle was made before fork()");
}

rustml_callback counting(int& n) {
  auto callback = defaults<rustml_callback>();
  callback.user_data = &n;
  callback.destroy = [](void* user) { ++*static_cast<int*>(user); };
  return callback;
}

TEST(Adopted, DestroysOnceWhateverItIsIn) {
  int n = 0;
  const rustml_callback callback = counting(n);
  auto reader = defaults<rustml_reader>();
  reader.user_data = &n;
  reader.destroy = callback.destroy;
  auto call = defaults<rustml_call_options>();
  call.progress = &callback;
  {
    Adopted adopted;
    adopted.adopt(&callback);
    adopted.adopt(&reader);
    adopted.adopt(&call);
    adopted.adopt(static_cast<const rustml_sink*>(nullptr));
    EXPECT_EQ(n, 0);
  }
  EXPECT_EQ(n, 3);
  {
    Adopted adopted;
    adopted.adopt(&callback);
    adopted.disown_all();
  }
  EXPECT_EQ(n, 3);
}

TEST(Adopted, AStructThatEndsBeforeDestroyHasNone) {
  int n = 0;
  rustml_callback callback = counting(n);
  for (const uint32_t size : {0u, 7u, 24u, 31u, 65537u}) {
    callback.struct_size = size;
    Adopted().adopt(&callback);
  }
  EXPECT_EQ(n, 0);
  callback.struct_size = 32;
  Adopted().adopt(&callback);
  EXPECT_EQ(n, 1);
}

TEST(Shielded, AnExceptionIsMinusOne) {
  EXPECT_EQ(shielded([] { return 3; }), 3);
  EXPECT_EQ(shielded([]() -> int32_t { throw std::runtime_error("callers must not"); }), -1);
}

TEST(Adopted, AThreadMayEndItselfInDestroy) {
#ifdef RUSTML_SANITIZED
  GTEST_SKIP() << "sanitizers mistake a thread's unwinding (pthread_exit, pthread_cancel) for a fault of the stack";
#endif
  bool returned = false;
  std::thread([&] {
    auto callback = defaults<rustml_callback>();
    callback.destroy = [](void*) { pthread_exit(nullptr); };
    Adopted().adopt(&callback);
    returned = true;
  }).join();
  EXPECT_FALSE(returned);
}

TEST(CancellationHeld, ACancelledThreadEndsAfterTheCall) {
#ifdef RUSTML_SANITIZED
  GTEST_SKIP() << "sanitizers mistake a thread's unwinding (pthread_exit, pthread_cancel) for a fault of the stack";
#endif
  bool in_call = false, after = false;
  std::thread([&] {
    {
      const CancellationHeld held;
      pthread_cancel(pthread_self());
      pthread_testcancel();
      in_call = true;
    }
    pthread_testcancel();
    after = true;
  }).join();
  EXPECT_TRUE(in_call);
  EXPECT_FALSE(after);
}

}  // namespace
}  // namespace rustml::boundary
