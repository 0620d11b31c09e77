// The files NAME_windows.cpp of the library's rooms: platform_test FOLDER CORES. FOLDER is made anew; CORES is what the host says.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "../base/three_tries.h"
#include "api/slot_range.h"
#include "base/file_reader.h"
#include "base/file_writer.h"
#include "base/path.h"
#include "base/windows.h"
#include "runtime/deadline.h"
#include "runtime/futex.h"
#include "runtime/memory.h"
#include "runtime/processors.h"
#include "runtime/thread_team.h"

namespace {

using namespace rustml;
using base::Status;

int n_failures = 0;

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      ++n_failures;                                                                \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                              \
  } while (0)

template <class F>
void refuses(int line, Status wanted, const char* words, F&& action) {
  try {
    action();
    std::fprintf(stderr, "line %d: nothing was refused\n", line);
    ++n_failures;
  } catch (const base::Error& error) {
    if (error.status() == wanted && error.message().find(words) != std::string::npos) return;
    std::fprintf(stderr, "line %d: %d: %s\n", line, static_cast<int>(error.status()), error.what());
    ++n_failures;
  }
}
#define REFUSES(wanted, words, action) refuses(__LINE__, Status::wanted, words, [&] { action; })

std::string content(const std::string& path) {
  const auto file = base::open_file(path);
  std::string bytes(file->size(), '\0');
  file->read_at(0, bytes.data(), bytes.size());
  return bytes;
}

void write(const std::string& path, const std::string& bytes) {
  base::FileWriter writer(path);
  writer.write(bytes.data(), bytes.size());
  writer.commit();
}

int n_entries(const std::string& folder) {
  int n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(base::path_of(folder))) ++n;
  return n;
}

void files(const std::string& folder) {
  const std::string path = folder + "/\xC3\xA4 \xE6\xBC\xA2\xE5\xAD\x97 \xF0\x9F\x90\x88.bin";  // beyond every code page
  write(path, "first");
  CHECK(content(path) == "first");
  CHECK(GetFileAttributesW((base::path_of(folder) / L"\u00E4 \u6F22\u5B57 \U0001F408.bin").c_str()) != INVALID_FILE_ATTRIBUTES);
  CHECK(base::utf8_of(base::path_of(path)) == path);
  {
    const auto reader = base::open_file(path);  // while somebody reads it, its name may be given to another file's contents later
    char two[2];
    reader->read_at(3, two, 2);
    CHECK(std::memcmp(two, "st", 2) == 0);
    REFUSES(data_loss, "wanted 2 bytes at 4", reader->read_at(4, two, 2));
  }
  write(path, "second\r\n\x1A\n");
  CHECK(content(path) == "second\r\n\x1A\n");  // bytes, not text
  {
    base::FileWriter dropped(path);
    dropped.write("third", 5);
    CHECK(n_entries(folder) == 2);
  }
  CHECK(content(path) == "second\r\n\x1A\n");
  CHECK(n_entries(folder) == 1);
  {
    base::FileWriter living(path);
    living.write("living", 6);
    CHECK(CopyFileW(base::path_of(path).c_str(), base::path_of(folder + "/.rustml-1-1.new").c_str(), TRUE));  // left behind
    write(folder + "/b", "b");  // removes what is left behind, and that alone
    CHECK(n_entries(folder) == 3);
    living.commit();
  }
  CHECK(content(path) == "living");
  CHECK(DeleteFileW(base::path_of(folder + "/b").c_str()));
  CHECK(n_entries(folder) == 1);
  {
    const auto reader = base::open_file(path);
    char two[2];
    reader->read_at(0, two, 2);
    reader->require_unchanged([] {});
    reader->require_in_place();
    const HANDLE writer = CreateFileW(base::path_of(path).c_str(), GENERIC_WRITE, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
    DWORD n = 0;
    CHECK(WriteFile(writer, "LI", 2, &n, nullptr) && n == 2);
    REFUSES(data_loss, "changed while it was opened", reader->require_unchanged([] {}));
    CloseHandle(writer);
  }

  const std::string level = "/" + std::string(100, 'd');
  for (const std::string& deep : {level, level + level, level + level + level})
    CHECK(CreateDirectoryW(base::path_of(folder + deep).c_str(), nullptr));
  const std::string deep = folder + level + level + level + "/long";
  write(deep, "long");
  CHECK(content(deep) == "long");
  REFUSES(not_found, "does not exist", base::open_file(deep + "er"));
  CHECK(DeleteFileW(base::path_of(deep).c_str()));  // std::filesystem cannot
  for (const std::string& empty : {level + level + level, level + level, level})
    CHECK(RemoveDirectoryW(base::path_of(folder + empty).c_str()));

  REFUSES(not_found, "does not exist", base::open_file(folder + "/absent"));
  REFUSES(not_found, "does not exist", base::open_file(folder + "/absent/file"));
  REFUSES(invalid_argument, "is a directory", base::open_file(folder));
  REFUSES(invalid_argument, "is a device", base::open_file("NUL"));
  REFUSES(invalid_argument, "is a directory", base::FileWriter{folder});
  REFUSES(invalid_argument, "no regular file", base::FileWriter{"NUL"});
  REFUSES(not_found, "cannot be written", base::FileWriter(folder + "/absent/file"));
  CHECK(SetFileAttributesW(base::path_of(path).c_str(), FILE_ATTRIBUTE_READONLY));
  REFUSES(permission_denied, "read-only", base::FileWriter{path});
  CHECK(SetFileAttributesW(base::path_of(path).c_str(), FILE_ATTRIBUTE_NORMAL));
  const HANDLE alone = CreateFileW(base::path_of(path).c_str(), GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
  REFUSES(permission_denied, "lets nobody else read it", base::open_file(path));
  CloseHandle(alone);

  std::error_code error;
  const auto real = base::resolved(base::path_of(folder + "/../" + base::utf8_of(base::path_of(folder).filename()) + "/."), error);
  CHECK(!error && real.is_absolute() && std::filesystem::equivalent(real, base::path_of(folder)));
  CHECK(real.filename() == base::path_of(folder).filename());
  base::resolved(base::path_of(folder + "/absent"), error);
  CHECK(error == std::errc::no_such_file_or_directory);
}

void memory() {
  runtime::Region region(5'000'000, runtime::Region::Pages::huge);
  CHECK(reinterpret_cast<uintptr_t>(region.data()) % (2u << 20) == 0 && region.size() >= 5'000'000);
  CHECK(region.data()[0] == std::byte{0} && region.data()[region.size() - 1] == std::byte{0});
  std::memset(region.data(), 7, region.size());
  region.discard(100, 3 * 4096);  // whole pages inside: [4096, 12288)
  CHECK(region.data()[4095] == std::byte{7} && region.data()[4096] == std::byte{0});
  CHECK(region.data()[12287] == std::byte{0} && region.data()[12288] == std::byte{7});
  MEMORY_BASIC_INFORMATION of;
  void* const address = region.data();
  region = runtime::Region();
  runtime::Region().operator=(std::move(region));
  REFUSES(resource_exhausted, "memory", runtime::Region(uint64_t{1} << 62, runtime::Region::Pages::normal));
  for (int i = 0; i < 300; ++i) runtime::Region(uint64_t{1} << 30, runtime::Region::Pages::normal);  // given back: there are no 300 GB
  CHECK(VirtualQuery(address, &of, sizeof of) != 0 && of.State == MEM_FREE);
}

void threads(int cores) {
  CHECK(runtime::usable_cores() >= 1 && runtime::usable_cores() <= cores);
  const uint64_t begin = runtime::now_ns();
  std::atomic<uint32_t> word{0};
  runtime::futex_wait_for(word, 0, 20'000'000);
  const uint64_t waited = runtime::now_ns() - begin;
  CHECK(waited >= 15'000'000);   // the system's clock ticks in steps
  runtime::futex_wait(word, 1);  // it is not 1: returns at once
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    word.store(1);
    runtime::futex_wake(word);
  });
  while (word.load() == 0) runtime::futex_wait(word, 0);
  waker.join();

  const auto team = runtime::ThreadTeam::lease();
  runtime::StopSignal stop;
  CHECK(test::kept_in_one_of_three("gathering", [&] {  // that all four come within 2 ms
    std::atomic<int> most{0}, sum{0};
    for (int pass = 0; pass < 200; ++pass) {
      team->run(
          4, 1,
          [&](int, runtime::Member& member) {
            if (member.leader() && member.size() > most) most = member.size();
            sum += member.rank() + 1;
            member.sync();
          },
          stop, 2'000'000);
    }
    CHECK(sum >= 200);
    return most == 4 ? "" : std::to_string(most) + " at most";
  }));
}

// Each number once, and not one of those that somebody else in the process has.
void slot_ranges() {
  const DWORD others = TlsAlloc();
  const uint32_t first = api::claim_slot_range(), second = api::claim_slot_range();
  CHECK(first < api::kSlotRanges && second < api::kSlotRanges);
  CHECK(first != second && first != others && second != others);
  api::return_slot_range(second);
  CHECK(TlsFree(second) == 0);
  api::return_slot_range(first);
  TlsFree(others);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::filesystem::remove_all(base::path_of(argv[1]));
  std::filesystem::create_directories(base::path_of(argv[1]));
  files(argv[1]);
  memory();
  slot_ranges();
  threads(std::atoi(argv[2]));
  if (n_failures == 0) std::printf("good\n");
  return n_failures == 0 ? 0 : 1;
}
