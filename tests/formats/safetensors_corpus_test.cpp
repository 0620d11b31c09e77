// Malformed SafeTensors files, one fault each, with the status they must get; and, where it is present, the corpus of
// ../shared (RUSTML_SHARED or /work/shared).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "../base/expect_error.h"
#include "../real_files.h"
#include "directory_builder.h"
#include "safetensors_builder.h"

namespace rustml::formats::test {
namespace {

namespace fs = std::filesystem;
using base::Status;
constexpr Status kDamaged = Status::data_loss, kUnsupported = Status::unimplemented, kTooMuch = Status::resource_exhausted;

const std::string kData(16, '\0');

std::string with(const std::string& entries, size_t n_data = 16) { return safetensors('{' + entries + '}', std::string(n_data, '\0')); }
std::string with_shape(const std::string& shape, const char* dtype = "F32") { return with(entry("a", dtype, shape, "[0,16]")); }
std::string with_place(const std::string& offsets) { return with(entry("a", "F32", "[2,2]", offsets)); }

TEST(SafeTensorsCorpus, EveryFaultGetsItsStatus) {
  const std::string good = entry("a", "F32", "[2,2]", "[0,16]");
  const auto twice = [](const char* first, const char* second) {
    return entry("a", "F32", "[2,2]", first) + ',' + entry("b", "F32", "[2,2]", second);
  };
  const struct {
    std::string bytes;
    Status status;
    const char* message;
  } kFiles[] = {
      // the length
      {"", kDamaged, "m has 0 bytes"},
      {std::string(7, '\0'), kDamaged, "m has 7 bytes"},
      {safetensors(""), kDamaged, "the header has 0 bytes"},
      {safetensors("{"), kDamaged, "the header has 1 bytes"},
      {safetensors("{}", "", UINT64_MAX), kDamaged, "18446744073709551615 bytes, which do not fit in a file of 10"},
      {safetensors("{}", "", UINT64_MAX - 7), kDamaged, "18446744073709551608"},
      {safetensors('{' + good + '}', kData, 1000000), kDamaged, "the header has 1000000 bytes"},
      {safetensors('{' + good + '}', kData, 20), kDamaged, "JSON text ends too early"},
      {safetensors('{' + good + '}', kData, 60), kDamaged, "which has 13 bytes: the file is cut or damaged"},
      {safetensors("{}" + std::string((32 << 20) - 1, ' ')), kTooMuch, "33554433 bytes; the limit is 33554432"},
      // the text
      {safetensors(' ' + ('{' + good + '}'), kData), kDamaged, "begins with \" {"},
      {safetensors("\xEF\xBB\xBF{" + good + '}', kData), kDamaged, "has to begin with {"},
      {safetensors("[1,2]"), kDamaged, "has to begin with {"},
      {safetensors("{" + good + std::string("}\0\0", 3), kData), kDamaged, "text after the JSON value"},
      {safetensors("{" + good + "}{}", kData), kDamaged, "text after the JSON value"},
      {with(entry("\xFF\xFE", "F32", "[2,2]", "[0,16]")), kDamaged, "invalid UTF-8"},
      {with(entry("\\ud800", "F32", "[2,2]", "[0,16]")), kDamaged, "surrogate"},
      {with(good + ','), kDamaged, "expected a key"},
      {with(good + "/*x*/"), kDamaged, "expected ',' or '}'"},
      {with("\"a\":" + std::string(200000, '[')), kDamaged, "tensor \"a\": its entry has to be an object"},
      {with_shape("[[2],2]"), kDamaged, "a dimension has to be an integer"},
      // entries
      {with(good + ',' + good), kDamaged, "tensor \"a\" occurs twice"},
      {with(twice("[0,16]", "[16,32]") + ',' + entry("a", "BOOL", "[0]", "[0,0]"), 32), kDamaged, "tensor \"a\" occurs twice"},
      {with(entry("a\\u0000b", "F32", "[2,2]", "[0,16]")), kDamaged, "NUL"},
      {with(entry(std::string(4097, 'n'), "F32", "[2,2]", "[0,16]")), kTooMuch, "length of a name is 4097; the limit is 4096"},
      {with("\"a\":7"), kDamaged, "its entry has to be an object"},
      {with("\"a\":{\"dtype\":\"F32\",\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[0,16]}"), kDamaged,
       "field \"dtype\" occurs twice or is not known"},
      {with("\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"shape\":[2,2],\"data_offsets\":[0,16]}"), kDamaged, "field \"shape\""},
      {with("\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"data_offsets\":[0,16]}"), kDamaged,
       "field \"data_offsets\""},
      {with("\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"evil\":1}"), kDamaged, "field \"evil\""},
      {with("\"a\":{\"shape\":[2,2],\"data_offsets\":[0,16]}"), kDamaged, "tensor \"a\": dtype is missing"},
      {with("\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}"), kDamaged, "shape is missing"},
      {with("\"a\":{\"dtype\":\"F32\",\"shape\":[2,2]}"), kDamaged, "data_offsets is missing"},
      {with("\"a\":{}"), kDamaged, "dtype is missing"},
      {with("\"a\":{\"dtype\":7,\"shape\":[2,2],\"data_offsets\":[0,16]}"), kDamaged, "dtype has to be a string"},
      {with_shape("[2,2]", "Q9"), kUnsupported, "tensor \"a\": type \"Q9\" is not known here"},
      {with_shape("[2,2]", "f32"), kUnsupported, "type \"f32\""},
      // shapes
      {with_shape("4"), kDamaged, "shape has to be an array"},
      {with_shape("[-2,-2]"), kDamaged, "a dimension is \"-2\""},
      {with_shape("[2.0,2]"), kDamaged, "a dimension is \"2.0\""},
      {with_shape("[NaN]"), kDamaged, "expected a JSON value"},
      {with_shape("[1,1,1,1,1,1,1,1,4]"), kTooMuch, "number of dimensions is 9; the limit is 8"},
      {with_shape("[2,3]"), kDamaged, "type and shape make 24 bytes, but data_offsets 16"},
      {with_shape("[]"), kDamaged, "type and shape make 4 bytes"},
      {with_shape("[2,2]", "F64"), kDamaged, "type and shape make 32 bytes"},
      {with_shape("[9223372036854775808]", "U8"), kDamaged, "a dimension is 9223372036854775808"},
      {with_shape("[18446744073709551616]", "U8"), kDamaged, "a dimension is \"18446744073709551616\""},
      {with(entry("a", "U8", "[4294967296,4294967296]", "[0,0]"), 0), kDamaged, "size in bits does not fit in 64 bits"},
      {with(entry("a", "F32", "[4611686018427387904]", "[0,0]"), 0), kDamaged, "size in bits does not fit"},
      {with(entry("a", "F4", "[3]", "[0,2]"), 2), kDamaged, "its 12 bits are not a whole number of bytes"},
      // places
      {with_place("16"), kDamaged, "data_offsets has to be an array"},
      {with_place("[]"), kDamaged, "data_offsets has to be two integers"},
      {with_place("[0]"), kDamaged, "data_offsets has to be two integers"},
      {with_place("[0,16,32]"), kDamaged, "data_offsets has to be two integers"},
      {with_place("[-16,0]"), kDamaged, "an offset is \"-16\""},
      {with_place("[0,16.0]"), kDamaged, "an offset is \"16.0\""},
      {with_place("[0,1.6e1]"), kDamaged, "an offset is \"1.6e1\""},
      {with_place("[0,1e999]"), kDamaged, "an offset is \"1e999\""},
      {with_place("[16,0]"), kDamaged, "bytes 16 to 0 of the data section"},
      {with(entry("a", "U8", "[9007199254740993]", "[0,9007199254740993]")), kDamaged, "bytes 0 to 9007199254740993"},
      {with_place("[0,18446744073709551616]"), kDamaged, "an offset is \"18446744073709551616\""},
      {with(entry("a", "F32", "[4,4]", "[0,64]")), kDamaged, "bytes 0 to 64 of the data section, which has 16 bytes"},
      {with(good, 15), kDamaged, "which has 15 bytes: the file is cut"},
      {with(twice("[0,16]", "[0,16]")), kDamaged, "begins at byte 0 of the data section, inside tensor \""},
      {with(twice("[0,16]", "[8,24]"), 24), kDamaged,
       "tensor \"b\" begins at byte 8 of the data section, inside tensor \"a\", which ends at byte 16"},
      {with(good + ',' + entry("b", "F32", "[0]", "[8,8]")), kDamaged, "tensor \"b\" begins at byte 8"},
      {with(twice("[0,16]", "[32,48]"), 48), kDamaged, "bytes 16 to 32 of the data section belong to no tensor"},
      {with_place("[16,32]") + kData, kDamaged, "bytes 0 to 16 of the data section belong to no tensor"},
      {with(good) + "PK\3\4", kDamaged, "bytes 16 to 20 of the data section belong to no tensor"},
      {with("", 4), kDamaged, "bytes 0 to 4 of the data section belong to no tensor"},
      // metadata
      {with("\"__metadata__\":{\"x\":1}," + good), kDamaged, "a value of __metadata__ has to be a string"},
      {with("\"__metadata__\":{\"x\":{\"y\":\"z\"}}," + good), kDamaged, "a value of __metadata__ has to be a string"},
      {with("\"__metadata__\":null," + good), kDamaged, "__metadata__ has to be an object"},
      {with("\"__metadata__\":{}," + good + ",\"__metadata__\":{}"), kDamaged, "__metadata__ occurs twice"},
  };
  for (const auto& file : kFiles) EXPECT_ERROR(read_bytes(file.bytes), file.status, file.message);
}

TEST(SafeTensorsCorpus, RightOnesAreAccepted) {
  const std::string good = entry("a", "F32", "[2,2]", "[0,16]");
  for (const std::string& bytes :
       {with(good), with("", 0), safetensors('{' + good + "} \n\t\r ", kData), with("\"__metadata__\":{}," + good),
        with(entry("a", "F32", "[0,4]", "[0,0]"), 0),
        with(good + ',' + entry("b", "F32", "[0]", "[16,16]") + ',' + entry("c", "F16", "[0]", "[0,0]")), with_shape("[1,1,1,1,1,1,1,4]"),
        with_shape("[4,1]", "F32"), with("\"a\":{\"data_offsets\":[0,16],\"shape\":[4],\"dtype\":\"F32\"}"),
        with(entry("", "F32", "[4]", "[0,16]")), with(entry(std::string(4096, 'n'), "F32", "[4]", "[0,16]")),
        safetensors("{}" + std::string((32 << 20) - 2, ' '))}) {
    EXPECT_NO_THROW(read_bytes(bytes)) << bytes.substr(8, 200);
  }
}

TEST(SafeTensorsCorpus, EveryTypeOfTheFormatIsKnown) {
  const struct {
    const char* name;
    int bits;
  } kTypes[] = {{"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6},     {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8},
                {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16}, {"U16", 16}, {"I32", 32},
                {"U32", 32},    {"C64", 64},    {"F64", 64},        {"I64", 64},        {"U64", 64}};
  for (const auto& type : kTypes) {
    const int bytes = type.bits;  // of 8 elements
    const SafeTensorsHeader header =
        read_bytes(with(entry("a", type.name, "[2,4]", "[0," + std::to_string(bytes) + "]"), static_cast<size_t>(bytes)));
    EXPECT_TRUE(header.tensors.empty());
    EXPECT_EQ(header.unsupported, (std::map<std::string, std::string>{{"a", type.name}}));
  }
}

TEST(SafeTensorsCorpus, ManyTensors) {
  std::string entries, same;
  for (int i = 0; i < 65536; ++i) {
    const std::string begin = std::to_string(2 * i), end = std::to_string(2 * i + 2), comma = i ? "," : "";
    entries += comma + entry("t" + begin, "F16", "[1]", '[' + begin + ',' + end + ']');
    if (i < 20000) same += comma + entry("t" + begin, "F32", "[4]", "[0,16]");
  }
  EXPECT_EQ(read_bytes(with(entries, 131072)).tensors.size(), 65536u);
  EXPECT_ERROR(read_bytes(with(entries + ',' + entry("x", "F32", "[0]", "[0,0]"), 131072)), kTooMuch,
               "number of tensors is 65537; the limit is 65536");
  EXPECT_ERROR(read_bytes(with(same)), kDamaged, "begins at byte 0 of the data section, inside tensor");
}

TEST(SafeTensorsCorpus, SharedSeeds) {
  REAL_FILE_OR_SKIP(shared, "RUSTML_SHARED", "the folder of shared test data");
  const fs::path script = fs::path(shared) / "corpus/safetensors_bad_corpus.py";
  const TemporaryDirectory directory;
  const std::string command = "python3 '" + script.string() + "' '" + directory.path().string() + "' > /dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::ifstream index(directory / "index.tsv");
  int accepted = 0, refused = 0, either = 0;
  for (std::string line; std::getline(index, line);) {
    std::istringstream fields(line);
    std::string id, expected;
    std::getline(fields, id, '\t');
    std::getline(fields, expected, '\t');
    Status status = Status::ok;
    std::string message;
    const auto start = std::chrono::steady_clock::now();
    try {
      runtime::StopSignal stop;
      runtime::Call call{stop, {}};
      read_safetensors(*base::open_file(directory / (id + ".safetensors")), id, call);
    } catch (const base::Error& error) {
      status = error.status();
      message = error.message();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << line;
    if (expected == "E") {
      ++either;
    } else {
      EXPECT_EQ(status == Status::ok, expected == "A") << line << ": " << message;
      ++(status == Status::ok ? accepted : refused);
    }
    EXPECT_TRUE(status == Status::ok || status == kDamaged || status == kUnsupported || status == kTooMuch) << line << ": " << message;
    if (std::getenv("RUSTML_VERBOSE")) printf("%-22s %s %3d %s\n", id.c_str(), expected.c_str(), static_cast<int>(status), message.c_str());
  }
  printf("shared corpus: %d accepted, %d refused, %d either\n", accepted, refused, either);
  EXPECT_GT(accepted + refused, 40);
}

}  // namespace
}  // namespace rustml::formats::test
