#include "runtime/thread.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>

#include "base/error.h"

namespace rustml::runtime {
namespace {

TEST(Thread, HasTheStackThatIsStatedAndNoneOfTheHostsSignals) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer makes threads' stacks larger";
#endif
  size_t bytes = 0;
  sigset_t blocked;
  sigemptyset(&blocked);
  Thread thread([&] {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
    void* begin = nullptr;
    pthread_attr_getstack(&attributes, &begin, &bytes);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  });
  thread.join();
  EXPECT_EQ(bytes, kThreadStackBytes);
  EXPECT_EQ(sigismember(&blocked, SIGINT), 1);
  EXPECT_EQ(sigismember(&blocked, SIGUSR1), 1);
  sigset_t here;
  pthread_sigmask(SIG_SETMASK, nullptr, &here);
  EXPECT_EQ(sigismember(&here, SIGINT), 0);
}

TEST(Thread, WaitsWhenItGoesAndIsJoinedOnce) {
  std::atomic<int> ended{0};
  {
    Thread moved;
    moved.join();
    moved = Thread([&] { ++ended; });
    Thread again(std::move(moved));
    moved.join();
    again.join();
    EXPECT_EQ(ended, 1);
    again = Thread([&] { ++ended; });
  }
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace rustml::runtime
