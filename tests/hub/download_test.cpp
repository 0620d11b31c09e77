// A server that misbehaves: what is fetched is right or an error, broken transfers go on where they broke.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "../base/three_tries.h"
#include "hub_server.h"

namespace rustml::hub_test {
namespace {

constexpr const char* kModel = "org/model";

void expect_good(const Hub& hub, const Outcome& outcome) {
  ASSERT_EQ(outcome.status, RUSTML_OK) << outcome.message;
  EXPECT_TRUE(read_file(outcome.path + "/model.safetensors") == Hub::served("org/model/model.safetensors"));
  EXPECT_EQ(hub.verify(kModel).status, RUSTML_OK);
}

std::string weights_range(const Hub& hub) {  // of the first request for the weights
  for (const base::Json& entry : hub.log())
    if (text_of(entry, "path").starts_with("cdn/")) return text_of(entry, "range");
  return "(none)";
}

// No file of any name in the cache has wrong bytes under a right name.
void expect_failed(const Hub& hub, const std::string& faults, const Outcome& outcome, int32_t status) {
  EXPECT_EQ(outcome.status, status) << faults << ": " << outcome.message;
  for (const auto& entry : fs::recursive_directory_iterator(hub.cache())) EXPECT_NE(entry.path().filename(), "model.safetensors") << faults;
}

TEST(Download, GoesOnAfterAHundredCuts) {
  const Hub hub("cut=30000");
  expect_good(hub, hub.resolve(kModel));
  EXPECT_GE(hub.log("GET").size(), 100u);
  EXPECT_LT(hub.sent(), 3'000'000 + (1 << 20));
}

TEST(Download, TheNextCallGoesOnWhereTheLastOneFailed) {
  for (const int at : {1, 29'999, 65'536, 1'500'000, 2'999'999}) {
    Hub hub("stop=" + std::to_string(at));
    expect_failed(hub, "stop", hub.resolve(kModel), RUSTML_UNAVAILABLE);
    hub.set_faults("");
    expect_good(hub, hub.resolve(kModel));
    EXPECT_EQ(weights_range(hub), "bytes=" + std::to_string(at) + "-");
    EXPECT_EQ(hub.sent(), 3'000'000 - at);
  }
}

TEST(Download, ServersThatCannotContinueAreAskedForAllOfIt) {
  for (const char* how : {"norange", "badrange", "r416"}) {
    Hub hub("stop=2000000");
    EXPECT_EQ(hub.resolve(kModel).status, RUSTML_UNAVAILABLE);
    hub.set_faults(how);
    expect_good(hub, hub.resolve(kModel));
  }
}

TEST(Download, WhatAnEarlierDownloadLeftMayBeWrong) {
  Hub hub("stop=2000000,body=wrong");
  EXPECT_EQ(hub.resolve(kModel).status, RUSTML_UNAVAILABLE);
  for (const auto& entry : fs::directory_iterator(hub.cache() / "models--org--model/blobs"))
    if (entry.path().extension() == ".incomplete") {
      FILE* file = fopen(entry.path().c_str(), "r+b");
      fputs("spoiled", file);
      fclose(file);
    }
  hub.set_faults("");
  expect_good(hub, hub.resolve(kModel));
}

TEST(Download, WrongContentIsDataLoss) {
  for (const char* faults : {"body=wrong", "body=html", "body=long", "body=short", "size=small", "size=large", "size=beyond", "etag=path",
                             "etag=other", "gzip", "noclen,body=short", "commit=0123456789012345678901234567890123456789"}) {
    const Hub hub(faults);
    expect_failed(hub, faults, hub.resolve(kModel), RUSTML_DATA_LOSS);
  }
  const Hub hub("size=huge");
  const Outcome outcome = hub.resolve(kModel);
  expect_failed(hub, "size=huge", outcome, RUSTML_RESOURCE_EXHAUSTED);
  EXPECT_EQ(hub.sent(), 0) << "the disk is looked at first";
}

TEST(Download, SpellingsOfTheSameAnnouncement) {
  for (const char* faults :
       {"size=absent", "noclen", "etag=weak", "etag=bare", "head=500x2", "get=503x2", "head=429x1,wait=1", "noclen,cut=700000"}) {
    const Hub hub(faults);
    SCOPED_TRACE(faults);
    expect_good(hub, hub.resolve(kModel));
  }
}

TEST(Download, RefusalsSayHowToMendThem) {
  const auto expect = [](const char* faults, int32_t status, const char* part) {
    const Hub hub(faults);
    const Outcome outcome = hub.resolve(kModel);
    EXPECT_EQ(outcome.status, status) << faults;
    EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;
  };
  expect("head=401,code=GatedRepo", RUSTML_PERMISSION_DENIED, "accept its licence at http://127.0.0.1");
  expect("head=403,code=GatedRepo", RUSTML_PERMISSION_DENIED, "set HF_TOKEN");
  expect("head=401", RUSTML_PERMISSION_DENIED, "set HF_TOKEN");
  expect("head=403", RUSTML_PERMISSION_DENIED, "403");
  expect("get=403", RUSTML_PERMISSION_DENIED, "set HF_TOKEN");
  expect("head=404,code=RepoNotFound", RUSTML_NOT_FOUND, "does not exist");
  expect("get=404", RUSTML_NOT_FOUND, "no file");
  expect("head=500", RUSTML_UNAVAILABLE, "500");
  expect("head=429,wait=3600", RUSTML_UNAVAILABLE, "wait 3600 s");
  expect("head=418", RUSTML_UNAVAILABLE, "418");
  expect("etag=none", RUSTML_UNAVAILABLE, "names no commit");
  expect("nocommit", RUSTML_UNAVAILABLE, "names no commit");
}

TEST(Download, NobodyAnswers) {
  rustml_hub_options options;
  rustml_hub_options_init(&options, sizeof options);
  const Hub hub;
  const std::string cache = hub.cache();
  options.cache_dir = {cache.data(), cache.size()};
  options.endpoint = {"http://127.0.0.1:1", 18};
  uint64_t needed = 0;
  rustml_error* error = nullptr;
  EXPECT_EQ(rustml_hub_resolve(kModel, 9, &options, nullptr, 0, &needed, nullptr, &error), RUSTML_UNAVAILABLE);
  EXPECT_NE(std::string(rustml_error_message(error)).find("cannot be reached"), std::string::npos) << rustml_error_message(error);
  rustml_error_release(error);
}

TEST(Download, TheTokenGoesToOneOrigin) {
  for (const char* faults : {"", "to=other", "to=host", "to=user", "to=file", "to=http", "to=loop", "to=nowhere"}) {
    const Hub hub(faults);
    const Outcome outcome = hub.resolve(kModel, {.token = "hf_secret"});
    const std::string how = faults;
    if (how.empty() || how == "to=other" || how == "to=host") {
      expect_good(hub, outcome);
    } else {
      expect_failed(hub, how, outcome, RUSTML_UNAVAILABLE);
    }
    EXPECT_EQ(outcome.message.find("secret"), std::string::npos) << "neither token nor signature: " << outcome.message;
    for (const base::Json& entry : hub.log()) {
      const bool elsewhere = number_of(entry, "port") != Hub::port(0) || (how == "to=host" && text_of(entry, "path").starts_with("cdn/"));
      EXPECT_EQ(text_of(entry, "token"), elsewhere ? "" : "Bearer hf_secret") << how;
    }
    if (how == "to=loop") {
      EXPECT_EQ(hub.log("GET").size(), 3u + 6u) << "three small files, then five redirects";
    }
  }
  const Hub hub;
  EXPECT_EQ(hub.resolve(kModel, {.token = "two\nlines"}).status, RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(hub.resolve(kModel, {.flags = RUSTML_HUB_NO_TOKEN, .token = "hf_secret"}).status, RUSTML_OK);
  for (const base::Json& entry : hub.log()) EXPECT_EQ(text_of(entry, "token"), "");
}

// Waits until a download has brought so many bytes.
void wait_for_bytes(const Hub& hub, uintmax_t size) {
  const auto arrived = [&] {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(hub.cache() / "models--org--model/blobs", error))
      if (entry.path().extension() == ".incomplete" && entry.file_size(error) == size) return true;
    return false;
  };
  for (int i = 0; i < 1000 && !arrived(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(arrived()) << size << " bytes";
}

using Clock = std::chrono::steady_clock;

// Each takes five attempts of a second and the pauses between them.
TEST(Download, ServersThatDripOrSayNothingAreGivenUp) {
  setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
  const auto begin = Clock::now();
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<Hub>> hubs;  // made one after the other
  for (const char* faults :
       {"drip=headers", "drip=lines", "drip=answer", "drip=interim", "drip=body", "silent=head", "silent=get", "stall=0", "to=loop"}) {
    const Hub& hub = *hubs.emplace_back(std::make_unique<Hub>(faults));
    threads.emplace_back([faults, &hub] {
      const Outcome outcome = hub.resolve(kModel);
      expect_failed(hub, faults, outcome, RUSTML_UNAVAILABLE);
      const char* reason = faults == std::string("to=loop") ? "redirects more than 5 times" : "for 1 s";
      EXPECT_NE(outcome.message.find(reason), std::string::npos) << faults << ": " << outcome.message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  unsetenv("HF_HUB_DOWNLOAD_TIMEOUT");
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(25));
}

TEST(Download, AServerThatIsOnlySlowIsNot) {
  setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
  const Hub hub("slow=60000");  // 50 pauses, 2.5 s in all
  expect_good(hub, hub.resolve(kModel));
  unsetenv("HF_HUB_DOWNLOAD_TIMEOUT");
}
std::string exceeded(Clock::duration taken, std::chrono::milliseconds limit) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken).count();
  return taken < limit ? "" : "took " + std::to_string(ms) + " ms";
}

TEST(Download, ADeadlineEndsAStall) {
  EXPECT_TRUE(test::kept_in_one_of_three("a deadline in a stall", [] {
    const Hub late("stall=1000000");
    rustml_call_options call;
    rustml_call_options_init(&call, sizeof call);
    call.deadline_ns = rustml_deadline_after_ns(300'000'000);
    const auto begin = Clock::now();
    EXPECT_EQ(late.resolve(kModel, {.call = &call}).status, RUSTML_DEADLINE_EXCEEDED);
    return exceeded(Clock::now() - begin, std::chrono::seconds(2));
  }));
}

TEST(Download, ACancelEndsAStall) {
  for (const uint32_t reason : {RUSTML_CANCEL_REASON_USER, RUSTML_CANCEL_REASON_DEADLINE}) {
    EXPECT_TRUE(test::kept_in_one_of_three("a cancel in a stall", [&] {
      Hub hub("stall=1000000");
      rustml_call_options call;
      rustml_call_options_init(&call, sizeof call);
      EXPECT_EQ(rustml_cancel_create(&call.cancel, nullptr), RUSTML_OK);
      Clock::time_point triggered;
      std::thread other([&] {
        wait_for_bytes(hub, 1'000'000);
        triggered = Clock::now();
        rustml_cancel_trigger(call.cancel, reason);
      });
      const int32_t status = hub.resolve(kModel, {.call = &call}).status;
      const auto returned = Clock::now();
      other.join();
      EXPECT_EQ(status, reason == RUSTML_CANCEL_REASON_DEADLINE ? RUSTML_DEADLINE_EXCEEDED : RUSTML_CANCELLED);
      EXPECT_EQ(hub.resolve("org/sharded", {.call = &call}).status, status) << "a triggered handle stops what has not begun";
      rustml_cancel_release(call.cancel);
      EXPECT_EQ(hub.resolve("org/sharded", {.call = &call}).status, RUSTML_INVALID_HANDLE);
      hub.set_faults("");
      expect_good(hub, hub.resolve(kModel));
      EXPECT_EQ(weights_range(hub), "bytes=1000000-") << "what came before the stall is kept";
      return exceeded(returned - triggered, std::chrono::milliseconds(200));
    }));
  }
}

// Runs `body` in a child process; its exit status.
template <class Body>
pid_t in_child(Body&& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  return pid;
}
int wait_for(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Download, TwoProcessesFetchABlobOnce) {
  const Hub hub("slow=500000");
  const auto child = [&] { return in_child([&] { return hub.resolve(kModel).status; }); };
  const pid_t first = child(), second = child();
  EXPECT_EQ(wait_for(first), RUSTML_OK);
  EXPECT_EQ(wait_for(second), RUSTML_OK);
  EXPECT_EQ(hub.sent(), 3'000'000);
  EXPECT_EQ(hub.verify(kModel).status, RUSTML_OK);
}

TEST(Download, ThreadsFetchABlobOnce) {
  const Hub hub("slow=1000000");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(hub.resolve(kModel).status, RUSTML_OK); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hub.sent(), 3'000'000);
  EXPECT_EQ(hub.verify(kModel).status, RUSTML_OK);
}

TEST(Download, AKilledProcessLeavesWhatTheNextOneContinues) {
  Hub hub("stall=2000000");
  const pid_t pid = in_child([&] { return hub.resolve(kModel).status; });
  wait_for_bytes(hub, 2'000'000);
  kill(pid, SIGKILL);
  wait_for(pid);
  hub.set_faults("");
  expect_good(hub, hub.resolve(kModel));
  EXPECT_EQ(hub.sent(), 1'000'000);
}

TEST(Download, DiskFullAtAByte) {
  Hub hub;
  const pid_t pid = in_child([&] {
    const rlimit limit{1'000'000, 1'000'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    return hub.resolve(kModel).status;
  });
  EXPECT_EQ(wait_for(pid), RUSTML_RESOURCE_EXHAUSTED);
  expect_good(hub, hub.resolve(kModel));
}

TEST(Download, ACacheThatCannotBeWritten) {
  const Hub hub;
  const fs::path folder = hub.cache() / "models--org--model";
  FILE* file = fopen(folder.c_str(), "w");  // a file where the folder should be: ENOTDIR
  fclose(file);
  const Outcome outcome = hub.resolve(kModel);
  EXPECT_EQ(outcome.status, RUSTML_NOT_FOUND);
  EXPECT_NE(outcome.message.find("models--org--model"), std::string::npos) << outcome.message;
}

}  // namespace
}  // namespace rustml::hub_test
