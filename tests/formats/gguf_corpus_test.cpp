// The corpus of this folder, and the corpus in the folder that RUSTML_SHARED names.
#include "gguf_corpus.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "../real_files.h"
#include "open_bytes.h"

namespace rustml::formats::test {
namespace {

namespace fs = std::filesystem;
using base::Status;

TEST(GgufCorpus, EveryFileGetsItsStatus) {
  for (const CorpusFile& file : gguf_corpus()) {
    Status status = Status::ok;
    std::string message;
    const auto start = std::chrono::steady_clock::now();
    try {
      open_bytes(file.bytes);
    } catch (const base::Error& error) {
      status = error.status();
      message = error.message();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << file.name;
    EXPECT_EQ(static_cast<int>(status), static_cast<int>(file.status)) << file.name << ": " << message;
    EXPECT_NE(message.find(file.message), std::string::npos) << file.name << ": " << message << "\n  has no: " << file.message;
  }
}

TEST(GgufCorpus, SharedSeeds) {
  REAL_FILE_OR_SKIP(shared, "RUSTML_SHARED", "the folder of shared test data");
  const fs::path script = fs::path(shared) / "corpus/gguf_bad_corpus.py";
  std::string pattern = (fs::temp_directory_path() / "rustml_gguf_corpus_XXXXXX").string();
  const fs::path directory = ::mkdtemp(pattern.data());
  const std::string command = "python3 '" + script.string() + "' '" + directory.string() + "' > /dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream index(directory / "index.tsv");
  int accepted = 0, refused = 0, either = 0;
  for (std::string line; std::getline(index, line);) {
    std::istringstream fields(line);
    std::string id, expected, bytes, note;
    std::getline(fields, id, '\t');
    std::getline(fields, expected, '\t');
    std::getline(fields, bytes, '\t');
    std::getline(fields, note);
    Status status = Status::ok;
    std::string message;
    try {
      runtime::StopSignal stop;
      runtime::Call call{stop, {}};
      open(base::open_file((directory / (id + ".gguf")).string()), call);
    } catch (const base::Error& error) {
      status = error.status();
      message = error.message();
    }
    if (expected == "E") {
      ++either;
    } else {
      EXPECT_EQ(status == Status::ok, expected == "A") << line << ": " << message;
      ++(status == Status::ok ? accepted : refused);
    }
    EXPECT_TRUE(status == Status::ok || status == Status::data_loss || status == Status::unimplemented ||
                status == Status::resource_exhausted)
        << line << ": " << message;
    if (std::getenv("RUSTML_VERBOSE")) printf("%-22s %s %3d %s\n", id.c_str(), expected.c_str(), static_cast<int>(status), message.c_str());
  }
  printf("shared corpus: %d accepted, %d refused, %d either\n", accepted, refused, either);
  EXPECT_GT(accepted + refused, 50);
  fs::remove_all(directory);
}

}  // namespace
}  // namespace rustml::formats::test
