// A model file that another process rewrites in place, over and over, while it is opened: what opens is one version or the other.
// RUSTML_REWRITTEN_OPENS: how many opens (600).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "tiny.h"

namespace rustml::generation {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

formats::ModelFile open_path(const std::string& path) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return formats::open_path(path, call);
}

// The same model with other weights: the lowest bit of every value is turned.
std::string with_other_weights(const std::string& path, std::string bytes) {
  for (const formats::TensorInfo& t : open_path(path).tensors) {
    const bool blocks = t.dtype == tensor::DType::q8_0;
    const uint64_t step = blocks ? 34 : 4, skipped = blocks ? 2 : 0;  // an F16 scale, then 32 numbers; or floats
    for (uint64_t i = 0; i < t.bytes; i += step)
      for (uint64_t k = skipped; k < (blocks ? step : 1); ++k) bytes[t.offset + i + k] ^= 1;
  }
  return bytes;
}

struct Version {
  std::vector<std::string> contents;  // of the files
  std::string identity;
};

std::string identity_of(const Engine& engine) {
  const std::string text = engine.describe_json();
  const size_t eps = text.find("\"norm_eps\"");
  return std::to_string(engine.info().fingerprint_low) + " " + text.substr(eps, text.find(',', eps) - eps);
}

std::string opened(const std::string& path) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  ModelOptions options;
  options.n_threads = 2;
  options.warmup = false;
  return identity_of(*std::make_shared<Engine>(formats::open_path(path, call), options, call));
}

// In one piece, in pieces, or through memory; then often a pause. `stays`: the files are open for writing all the time.
[[noreturn]] void rewrite_for_ever(const std::vector<std::string>& paths, const Version versions[2], bool stays) {
  std::mt19937 random(5);
  std::vector<int> kept;
  for (const std::string& path : paths) kept.push_back(stays ? open(path.c_str(), O_RDWR) : -1);
  for (int turn = 0;; ++turn) {
    const unsigned way = random() % 3;
    for (size_t i = 0; i < paths.size(); ++i) {
      const std::string& bytes = versions[turn % 2].contents[i];
      const size_t piece = way == 0 ? bytes.size() : 1 + random() % 30'000;
      const int fd = stays ? kept[i] : open(paths[i].c_str(), O_RDWR);
      void* const memory = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (memory == MAP_FAILED) _exit(1);
      for (size_t at = 0; at < bytes.size(); at += piece) {
        const size_t n = std::min(piece, bytes.size() - at);
        if (way == 2)
          std::memcpy(static_cast<char*>(memory) + at, bytes.data() + at, n);
        else if (pwrite(fd, bytes.data() + at, n, static_cast<off_t>(at)) < 0)
          _exit(1);
        if (random() % 8 == 0) sched_yield();
      }
      munmap(memory, bytes.size());
      if (!stays) close(fd);
    }
    if (random() % (stays ? 16 : 128) == 0)
      usleep(400'000);
    else if (random() % 2 == 0)
      usleep(random() % 6000);
  }
}

struct Place {
  const char* folder;
  bool directory, stays;
};

class Rewritten : public testing::TestWithParam<Place> {};
INSTANTIATE_TEST_SUITE_P(, Rewritten,
                         testing::Values(Place{"/tmp", false, false}, Place{"/tmp", false, true}, Place{"/tmp", true, false},
                                         Place{"/dev/shm", false, false}, Place{"/dev/shm", true, true}));

TEST_P(Rewritten, IsOneVersionOrAnError) {
  const char* wanted = std::getenv("RUSTML_REWRITTEN_OPENS");
  // Where the writer stays, an open that may be good takes a quarter of a second.
  const int n_opens = (wanted ? std::atoi(wanted) : 600) / (GetParam().stays ? 40 : 4);
  const fs::path data = std::string(RUSTML_TEST_DATA) + "/../golden/data";
  std::string folder = std::string(GetParam().folder) + "/rustml-rewritten-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::vector<std::string> paths = {folder + "/model.gguf"};
  if (GetParam().directory) {
    fs::copy(data / "architectures/llama", folder, fs::copy_options::recursive);
    paths = {folder + "/config.json", folder + "/model.safetensors"};
  } else {
    fs::copy(data / "base_q8_0.gguf", paths[0]);
  }
  const std::string path = GetParam().directory ? folder : paths[0];

  Version versions[2];
  for (const std::string& p : paths) versions[0].contents.push_back(read_file(p));
  versions[1] = versions[0];
  versions[1].contents.back() = with_other_weights(path, versions[0].contents.back());
  if (GetParam().directory) {
    std::string& config = versions[1].contents[0];
    config.replace(config.find("\"rms_norm_eps\": 0.001"), 21, "\"rms_norm_eps\": 0.002");
  }
  for (Version& v : versions) {
    for (size_t i = 0; i < paths.size(); ++i) std::ofstream(paths[i], std::ios::binary) << v.contents[i];
    v.identity = opened(path);
  }
  ASSERT_NE(versions[0].identity, versions[1].identity);

  const pid_t writer = fork();
  if (writer == 0) rewrite_for_ever(paths, versions, GetParam().stays);
  int n_of_version[2] = {}, n_refused = 0, n_mixed = 0;
  for (int i = 0; i < n_opens || (n_refused == 0 && i < 20 * n_opens); ++i) {
    try {
      const std::string identity = opened(path);
      const auto* version = std::find_if(versions, versions + 2, [&](const Version& v) { return v.identity == identity; });
      if (version == versions + 2)
        ++n_mixed;
      else
        ++n_of_version[version - versions];
    } catch (const base::Error& error) {
      ++n_refused;
      EXPECT_EQ(error.status(), base::Status::data_loss) << error.message();
      EXPECT_NE(error.message().find("changed while it was opened"), std::string::npos) << error.message();
    }
  }
  EXPECT_EQ(waitpid(writer, nullptr, WNOHANG), 0) << "the writer has ended";
  kill(writer, SIGKILL);
  waitpid(writer, nullptr, 0);
  std::printf("%d opens in %s%s%s: %d first, %d second version, %d refused, %d mixed\n",
              n_of_version[0] + n_of_version[1] + n_refused + n_mixed, GetParam().folder, GetParam().directory ? ", directory" : "",
              GetParam().stays ? ", writer stays" : "", n_of_version[0], n_of_version[1], n_refused, n_mixed);
  EXPECT_EQ(n_mixed, 0);
  EXPECT_GT(n_refused, 0);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace rustml::generation
