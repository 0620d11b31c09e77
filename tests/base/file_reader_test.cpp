#include "base/file_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "expect_error.h"
#include "three_tries.h"

namespace rustml::base {
namespace {

namespace fs = std::filesystem;

class FileReaderTest : public testing::Test {
 protected:
  FileReaderTest() {
    std::string pattern = (fs::temp_directory_path() / "rustml_file_reader_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~FileReaderTest() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  static std::string read(FileReader& reader, uint64_t offset, uint64_t n) {
    std::string out(n, '?');
    reader.read_at(offset, out.data(), n);
    return out;
  }

  fs::path directory_;
};

TEST_F(FileReaderTest, ReadsAnyPart) {
  const auto file = open_file(write("\xC3\xA9 model.gguf", "0123456789"));
  EXPECT_EQ(file->size(), 10u);
  EXPECT_TRUE(file->concurrent());
  EXPECT_EQ(read(*file, 0, 10), "0123456789");
  EXPECT_EQ(read(*file, 3, 4), "3456");
  EXPECT_EQ(read(*file, 10, 0), "");
  EXPECT_NE(file->name().find("\xC3\xA9 model.gguf"), std::string::npos);
  EXPECT_EQ(::fcntl(::open(path("x").c_str(), O_RDONLY), F_GETFD), -1);  // nothing was created
}

TEST_F(FileReaderTest, RefusesReadsBeyondTheEnd) {
  const auto file = open_file(write("f", "0123456789"));
  const auto memory = open_memory("0123456789", 10, "memory");
  const auto callback = open_callback([](uint64_t, void*, uint64_t) { return 0; }, 10, "reader");
  for (FileReader* reader : {file.get(), memory.get(), callback.get()}) {
    EXPECT_ERROR(read(*reader, 8, 3), Status::data_loss, "wanted 3 bytes at 8, but it has only 10 bytes");
    EXPECT_ERROR(read(*reader, 11, 0), Status::data_loss, "11");
    char byte;
    EXPECT_ERROR(reader->read_at(UINT64_MAX, &byte, 2), Status::data_loss, "18446744073709551615");
    EXPECT_ERROR(reader->read_at(5, &byte, UINT64_MAX), Status::data_loss, "18446744073709551615");
  }
}

TEST_F(FileReaderTest, FileThatShrinksWhileOpen) {
  const std::string name = write("f", std::string(5000, 'x'));
  const auto file = open_file(name);
  ASSERT_EQ(::truncate(name.c_str(), 100), 0);
  EXPECT_EQ(read(*file, 0, 100), std::string(100, 'x'));
  EXPECT_ERROR(read(*file, 50, 100), Status::data_loss, "now ends after 100 bytes");
}

TEST_F(FileReaderTest, NamesWhatCannotBeOpened) {
  EXPECT_ERROR(open_file(path("absent")), Status::not_found, "absent\" does not exist");
  EXPECT_ERROR(open_file(write("f", "x") + "/below"), Status::not_found, "is a file, not a directory");
  EXPECT_ERROR(open_file(""), Status::invalid_argument, "empty");
  EXPECT_ERROR(open_file(std::string("a\0b", 3)), Status::invalid_argument, "NUL byte at byte 1");
  EXPECT_ERROR(open_file("ab\xFF"), Status::invalid_argument, "not valid UTF-8 at byte 2");
  EXPECT_ERROR(open_file(std::string(100000, 'x')), Status::invalid_argument, "100000 bytes; at most 4096");
  EXPECT_ERROR(open_file("/" + std::string(3000, 'x')), Status::invalid_argument, "longer than the file system allows");
  fs::create_symlink("loop", path("loop"));
  EXPECT_ERROR(open_file(path("loop")), Status::not_found, "symbolic links form a loop");
}

TEST_F(FileReaderTest, NoPermission) {
  const std::string name = write("secret", "x");
  ::chmod(name.c_str(), 0);
  fs::permissions(directory_, fs::perms::owner_all | fs::perms::others_exec, fs::perm_options::add);
  const uid_t user = ::geteuid();
  ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0);  // root would read it
  EXPECT_ERROR(open_file(name), Status::permission_denied, "may not be read");
  ASSERT_EQ(::seteuid(user), 0);
}

TEST_F(FileReaderTest, Directories) { EXPECT_ERROR(open_file(directory_.string()), Status::invalid_argument, "is a directory"); }

TEST_F(FileReaderTest, OnlyRegularFiles) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_ERROR(open_file(path("fifo")), Status::invalid_argument, "is a FIFO");  // and does not wait for a writer
  EXPECT_ERROR(open_file("/dev/null"), Status::invalid_argument, "is a device");
  EXPECT_ERROR(open_file("/dev/zero"), Status::invalid_argument, "is a device");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path("socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_ERROR(open_file(path("socket")), Status::invalid_argument, "socket");
  ::close(socket);
}

TEST_F(FileReaderTest, NoDescriptorsLeft) {
  const std::string name = write("f", "x");
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none = old;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_ERROR(open_file(name), Status::resource_exhausted, "too many files are open");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
}

TEST_F(FileReaderTest, DescriptorsAreNotInheritedNorLeaked) {
  const std::string name = write("f", "x");
  int lowest = ::dup(0);
  ::close(lowest);
  {
    const auto file = open_file(name);
    EXPECT_EQ(::fcntl(lowest, F_GETFD), FD_CLOEXEC);
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_THROW(open_file(directory_.string()), Error);
  }
  const int again = ::dup(0);
  EXPECT_EQ(again, lowest);
  ::close(again);
}

TEST_F(FileReaderTest, SparseFileOfATebibyte) {
  const std::string name = write("sparse", "head");
  if (::truncate(name.c_str(), int64_t{1} << 40) != 0)
    GTEST_SKIP() << "the temporary file system does not hold such files: " << std::strerror(errno);
  const auto file = open_file(name);
  EXPECT_EQ(file->size(), uint64_t{1} << 40);
  EXPECT_EQ(read(*file, (uint64_t{1} << 40) - 3, 3), std::string(3, '\0'));
}

TEST_F(FileReaderTest, ManyThreadsUnderSignals) {
  std::string bytes;
  for (int i = 0; i < 200000; ++i) bytes += static_cast<char>(i * 7 + i / 251);
  const auto file = open_file(write("f", bytes));
  struct sigaction action {
  }, old{};
  action.sa_handler = [](int) {};  // without SA_RESTART: calls are interrupted
  ::sigaction(SIGUSR1, &action, &old);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 200; ++i) {
        const uint64_t offset = (i * 7919 + t * 104729) % 150000;
        EXPECT_EQ(read(*file, offset, 50000 - i), bytes.substr(offset, 50000 - i));
      }
    });
  }
  for (int i = 0; i < 200; ++i) ::pthread_kill(threads[static_cast<size_t>(i % 4)].native_handle(), SIGUSR1);
  for (std::thread& thread : threads) thread.join();
  ::sigaction(SIGUSR1, &old, nullptr);
}

TEST(CallbackReader, PassesTheRangeAndItsAnswer) {
  std::vector<std::pair<uint64_t, uint64_t>> asked;
  const auto reader = open_callback(
      [&](uint64_t offset, void* buf, uint64_t n) {
        asked.emplace_back(offset, n);
        std::memset(buf, 'z', n);
        return offset == 7 ? 42 : 0;
      },
      100, "reader");
  EXPECT_FALSE(reader->concurrent());
  char buf[4];
  reader->read_at(3, buf, 4);
  EXPECT_EQ(std::string(buf, 4), "zzzz");
  try {
    reader->read_at(7, buf, 1);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), Status::callback_stop);
    EXPECT_EQ(error.callback_value(), 42);
  }
  reader->read_at(9, buf, 0);
  EXPECT_EQ(asked, (std::vector<std::pair<uint64_t, uint64_t>>{{3, 4}, {7, 1}}));
}

// What happens to a file between reading it and asking whether it is unchanged.
class ChangedFileTest : public FileReaderTest {
 protected:
  ChangedFileTest() : path((directory_ / "changed").string()) { write(std::string(3 << 20, 'a')); }
  void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
  void write_at(size_t at, char byte) const {
    const int fd = ::open(path.c_str(), O_WRONLY);
    EXPECT_EQ(::pwrite(fd, &byte, 1, static_cast<off_t>(at)), 1);
    ::close(fd);
  }
  std::unique_ptr<FileReader> read() const {
    auto reader = open_file(path);
    std::vector<char> bytes(reader->size());
    reader->read_at(0, bytes.data(), 1000);
    reader->read_at(1000, bytes.data() + 1000, bytes.size() - 1000);
    return reader;
  }
  std::unique_ptr<FileReader> read_short() const {
    auto reader = open_file(path);
    char bytes[3];
    reader->read_at(0, bytes, sizeof bytes);
    return reader;
  }
  static void ask(FileReader& reader) {
    reader.require_unchanged([] {});
  }
  const std::string path;
};

TEST_F(ChangedFileTest, AWriteIsSeenWhereverItIs) {
  ask(*read());
  for (const size_t at : {size_t{0}, size_t{5000}, size_t{(3 << 20) - 1}}) {
    const auto reader = read();
    write_at(at, 'b');
    EXPECT_ERROR(ask(*reader), Status::data_loss, "changed while it was opened");
  }
}

TEST_F(ChangedFileTest, AWriteIsSeenThoughItsTimeIsSetBack) {
  struct stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  const auto reader = read();
  write_at(2 << 20, 'b');
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_ERROR(ask(*reader), Status::data_loss, "changed while it was opened");
}

TEST_F(ChangedFileTest, SizesAreCompared) {
  const auto longer = read();
  std::ofstream(path, std::ios::app) << "b";
  EXPECT_ERROR(ask(*longer), Status::data_loss, "changed while it was opened");
  const auto shorter = read();
  fs::resize_file(path, 2 << 20);
  EXPECT_ERROR(ask(*shorter), Status::data_loss, "changed while it was opened");
}

// Another file under its name leaves what is open as it was; among several files that belong together it does not.
TEST_F(ChangedFileTest, ReplacedOrRemovedIsWholeButNotInPlace) {
  for (const bool replaced : {true, false}) {
    write("old");
    const auto reader = read_short();
    reader->require_in_place();
    if (replaced) {
      std::ofstream(path + ".new") << "new";
      fs::rename(path + ".new", path);
    } else {
      fs::remove(path);
    }
    ask(*reader);
    EXPECT_ERROR(reader->require_in_place(), Status::data_loss, "changed while it was opened");
  }
}

TEST_F(ChangedFileTest, AnotherNameIsNoChange) {
  const auto reader = read();
  fs::create_hard_link(path, path + ".other");
  ask(*reader);
  reader->require_in_place();
}

// Somebody has the file open for writing, as the host itself may; through memory a write has no time.
TEST_F(ChangedFileTest, AWriterThatStaysIsWatched) {
  const int fd = ::open(path.c_str(), O_RDWR);
  auto* const memory = static_cast<char*>(::mmap(nullptr, 3 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  ASSERT_NE(memory, MAP_FAILED);
  memory[5] = 'a';  // its page is being written from now on
  ask(*read());
  for (const size_t at : {size_t{5}, size_t{2 << 20}}) {
    const auto reader = read();
    memory[at] = 'c';
    EXPECT_ERROR(ask(*reader), Status::data_loss, "changed while it was opened");
  }
  int n_polls = 0;
  const auto stop = [&] {
    if (++n_polls == 3) fail(Status::cancelled, "stopped");
  };
  EXPECT_ERROR(read()->require_unchanged(stop), Status::cancelled, "stopped");
  ::munmap(memory, 3 << 20);
  ::close(fd);
}

// Nobody waits for a file that was written just now and is closed: a tick of the clock at most.
TEST_F(ChangedFileTest, AFreshFileCostsNoTime) {
  EXPECT_TRUE(test::kept_in_one_of_three("50 fresh files", [&] {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) {
      write("fresh");
      ask(*read_short());
    }
    const auto taken = std::chrono::steady_clock::now() - begin;
    return taken < std::chrono::seconds(3) ? std::string() : "took " + std::to_string(taken.count()) + " ns";
  }));
}

// The lease that finds writers tells of those who come; nobody may hear it.
TEST_F(ChangedFileTest, NoSignalArrivesThoughWritersCome) {
  std::atomic<bool> ended{false};
  std::thread writer([&] {
    while (!ended) write_at(1, 'a');
  });
  for (int i = 0; i < 2000; ++i) open_file(path);
  ended = true;
  writer.join();
  sigset_t pending;
  ASSERT_EQ(sigpending(&pending), 0);
  for (const int number : {SIGXFSZ, SIGIO}) EXPECT_EQ(sigismember(&pending, number), 0);
}

}  // namespace
}  // namespace rustml::base
