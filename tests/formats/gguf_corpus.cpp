#include "gguf_corpus.h"

#include "gguf_builder.h"

namespace rustml::formats::test {
namespace {

using base::Status;
constexpr Status kOk = Status::ok, kDamaged = Status::data_loss, kUnsupported = Status::unimplemented,
                 kTooMuch = Status::resource_exhausted;
constexpr uint64_t kAll = UINT64_MAX, kGiB = uint64_t{1} << 30;

using Files = std::vector<CorpusFile>;

std::string with_key(const std::string& bytes) { return gguf({bytes}, {}); }
std::string with_tensor(const std::string& bytes, size_t n_data = 64) { return gguf({architecture()}, {bytes}, zeros(n_data)); }
std::string with_alignment(uint32_t type, const std::string& payload) {
  return gguf({architecture(), key("general.alignment", type, payload)}, {tensor("t", {8}, T_F32, 0)}, zeros(65536));
}

void add_headers(Files& files) {
  const auto version = [](uint32_t v) { return gguf({architecture()}, {tensor("t", {8}, T_F32, 0)}, zeros(32), 32, v); };
  files.insert(files.end(),
               {
                   {"version 3", version(3), kOk, ""},
                   {"version 2", version(2), kOk, ""},
                   {"version 0", version(0), kDamaged, "version 0 at byte 4"},
                   {"version 1", version(1), kUnsupported, "version 1 is not supported; versions 2 and 3 are"},
                   {"version 4", version(4), kUnsupported, "version 4"},
                   {"big-endian 3", version(0x03000000), kUnsupported, "big-endian"},
                   {"big-endian 2", version(0x02000000), kUnsupported, "big-endian"},
                   {"metadata only", gguf({architecture()}, {}), kOk, ""},
                   {"empty lists", header(0, 0), kOk, ""},
                   {"cut in the version", "GGUF\3", kDamaged, "version at byte 4 needs 4 bytes, but only 1"},
                   {"cut in the counts", header(1, 1).substr(0, 20), kDamaged, "number of keys at byte 16"},
                   {"-1 tensors", header(kAll, 0), kDamaged, "list of tensors"},
                   {"-1 keys", header(0, kAll), kDamaged, "list of keys"},
                   {"2^40 tensors", header(uint64_t{1} << 40, 0), kDamaged, "1099511627776 items of at least"},
                   {"2^40 keys", header(0, uint64_t{1} << 40), kDamaged, "1099511627776 items of at least"},
                   {"65537 tensors", header(65537, 0) + zeros(65537 * 40), kTooMuch, "number of tensors is 65537; the limit is 65536"},
                   {"65537 keys", header(0, 65537) + zeros(65537 * 40), kTooMuch, "number of keys is 65537; the limit is 65536"},
               });
}

void add_keys(Files& files) {
  files.insert(
      files.end(),
      {
          {"key length 2^64-1", header(0, 1) + raw(kAll) + zeros(16), kDamaged, "18446744073709551615 bytes, but only 16"},
          {"key length 1 GiB", header(0, 1) + raw(kGiB) + zeros(16), kDamaged, "1073741824"},
          {"empty key", with_key(key("", STR, text("x"))), kDamaged, "empty"},
          {"NUL in a key", with_key(key(std::string_view("a\0b", 3), STR, text("x"))), kDamaged,
           "key \"a\\x00b\" has a NUL byte or invalid UTF-8 at byte 33"},
          {"key of bad bytes", with_key(key("\xFF\xFE", STR, text("x"))), kDamaged, "invalid UTF-8 at byte 32"},
          {"key in UTF-8", with_key(key("k\xC3\xA9y", STR, text("x"))), kOk, ""},
          {"key of 65535 bytes", with_key(key(std::string(65535, 'k'), STR, text("x"))), kOk, ""},
          {"key of 65536 bytes", with_key(key(std::string(65536, 'k'), STR, text("x"))), kTooMuch, "65536 bytes; at most 65535"},
          {"key twice", gguf({architecture(), key("a", U8, "1"), architecture()}, {}), kDamaged,
           "key \"general.architecture\": it occurs twice"},
          {"value type 13", with_key(key("k", 13, zeros(8))), kDamaged, "key \"k\": value type 13 at byte 33 does not exist"},
          {"value type -1", with_key(key("k", static_cast<uint32_t>(-1), zeros(8))), kDamaged, "value type -1"},
          {"boolean 2", with_key(key("k", BOOL, "\2")), kDamaged, "a boolean is 2 at byte 37"},
          {"string length 2^64-8", with_key(key("k", STR, raw(kAll - 7))), kDamaged, "18446744073709551608"},
          {"string of 512 MiB in 1 kB", with_key(key("k", STR, raw(kGiB / 2) + std::string(1000, 'x'))), kDamaged,
           "but only 1000 are left"},
          {"string of 16 MiB", with_key(key("k", STR, text(std::string(16 << 20, 'x')))), kOk, ""},
          {"string of 16 MiB + 1", with_key(key("k", STR, text(std::string((16 << 20) + 1, 'x')))), kTooMuch,
           "16777217 bytes; at most 16777216"},
          {"split model", with_key(key("split.count", U16, raw(uint16_t{3}))), kUnsupported, "one of 3 parts of a model (split.count)"},
          {"split in one", with_key(key("split.count", U16, raw(uint16_t{1}))), kOk, ""},
          {"split count of text", with_key(key("split.count", STR, text("2"))), kDamaged, "split.count\" is a string"},
      });
  for (uint32_t type = U8; type <= F64; ++type) {  // each kind of value, complete and one byte short
    static constexpr size_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
    const std::string file = with_key(key("k", type, zeros(kBytes[type])));
    files.push_back({"value of type " + std::to_string(type), file, kOk, ""});
    files.push_back({"cut value of type " + std::to_string(type), file.substr(0, file.size() - 1), kDamaged, "is cut"});
  }
}

void add_arrays(Files& files) {
  const std::string inner = raw(uint32_t{U8}) + raw(uint64_t{1}) + zeros(1);
  std::string deep;
  for (int i = 0; i < 20000; ++i) deep += raw(uint32_t{ARR}) + raw(uint64_t{1});
  files.insert(files.end(),
               {
                   {"array in an array", with_key(array("k", ARR, 1, inner)), kUnsupported,
                    "key \"k\": arrays of arrays are not supported at byte 37"},
                   {"arrays 20000 deep", with_key(key("k", ARR, deep)), kUnsupported, "arrays of arrays"},
                   {"2^64-1 bytes", with_key(array("k", U8, kAll, "")), kDamaged, "18446744073709551615"},
                   {"size that wraps to 0", with_key(array("k", U32, uint64_t{1} << 62, "")), kDamaged, "4611686018427387904 items"},
                   {"2^30 strings", with_key(array("k", STR, kGiB, "")), kDamaged, "1073741824 items of at least 8 bytes"},
                   {"item type 77", with_key(array("k", 77, uint64_t{1} << 60, "")), kDamaged, "array item type 77"},
                   {"strings that end early", with_key(array("k", STR, 4, text("a") + text("b"))), kDamaged, "is cut"},
                   {"string in an array too long", with_key(array("k", STR, 1, raw(kGiB))), kDamaged, "1073741824 bytes, but only 0"},
                   {"boolean 3 in an array", with_key(array("k", BOOL, 2, "\1\3")), kDamaged, "a boolean is 3"},
                   {"16 Mi items", with_key(array("k", U8, 16 << 20, zeros(16 << 20))), kOk, ""},
                   {"16 Mi + 1 items", with_key(array("k", U8, (16 << 20) + 1, zeros((16 << 20) + 1))), kTooMuch,
                    "array length is 16777217; the limit is 16777216"},
               });
  static constexpr size_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
  for (uint32_t type = U8; type <= F64; ++type) {
    if (type == ARR) continue;
    files.push_back({"array of type " + std::to_string(type), with_key(array("k", type, 3, zeros(3 * kBytes[type]))), kOk, ""});
    files.push_back({"empty array of type " + std::to_string(type), with_key(array("k", type, 0, "")), kOk, ""});
    files.push_back({"short array of type " + std::to_string(type), with_key(array("k", type, 3, zeros(3 * kBytes[type] - 1))), kDamaged,
                     "array at byte 49"});
  }
}

void add_alignments(Files& files) {
  const auto u32 = [](uint32_t v) { return with_alignment(U32, raw(v)); };
  for (const uint32_t good : {8u, 16u, 32u, 64u, 4096u, 65536u}) {
    files.push_back({"alignment " + std::to_string(good),
                     gguf({key("general.alignment", U32, raw(good)), architecture()}, {tensor("t", {8}, T_F32, 0)}, zeros(32), good), kOk,
                     ""});
  }
  files.insert(files.end(),
               {
                   {"alignment 0", u32(0), kDamaged, "alignment is 0 at byte"},
                   {"alignment 1", u32(1), kDamaged, "alignment is 1 "},
                   {"alignment 4", u32(4), kDamaged, "multiple of 8"},
                   {"alignment 13", u32(13), kDamaged, "alignment is 13"},
                   {"alignment 24", u32(24), kUnsupported, "powers of two"},
                   {"alignment 2^17", u32(1 << 17), kTooMuch, "alignment is 131072; the limit is 65536"},
                   {"alignment 2^31", u32(1u << 31), kTooMuch, "2147483648"},
                   {"alignment INT32", with_alignment(I32, raw(int32_t{32})), kDamaged, "its type is INT32; it has to be UINT32"},
                   {"alignment UINT64", with_alignment(U64, raw(uint64_t{32})), kDamaged, "UINT64"},
                   {"alignment text", with_alignment(STR, text("32")), kDamaged, "STRING"},
                   {"alignment array", with_alignment(ARR, raw(uint32_t{U32}) + raw(uint64_t{1}) + raw(32u)), kDamaged, "ARRAY"},
               });
}

void add_names_and_shapes(Files& files) {
  const auto named = [](std::string_view name) { return with_tensor(tensor(name, {8}, T_F32, 0)); };
  const auto shaped = [](const std::vector<uint64_t>& dims, int32_t type = T_F32) { return with_tensor(tensor("t", dims, type, 0)); };
  const uint64_t d40 = uint64_t{1} << 40;
  files.insert(files.end(),
               {
                   {"name of 63 bytes", named(std::string(63, 'n')), kOk, ""},
                   {"name of 64 bytes", named(std::string(64, 'n')), kTooMuch, "64 bytes; at most 63"},
                   {"name length 2^64-1", header(1, 0) + raw(kAll) + zeros(32), kDamaged, "18446744073709551615"},
                   {"empty name", named(""), kDamaged, "tensor name is empty"},
                   {"NUL in a name", named(std::string_view("t\0x", 3)), kDamaged, "tensor name \"t\\x00x\""},
                   {"name of bad bytes", named("t\xFF"), kDamaged, "invalid UTF-8"},
                   {"name in UTF-8", named("t\xC3\xA9"), kOk, ""},
                   {"name twice", gguf({}, {tensor("t", {8}, T_F32, 0), tensor("t", {8}, T_F32, 32)}, zeros(64)), kDamaged,
                    "tensor \"t\": it occurs twice"},
                   {"no dimensions", shaped({}), kDamaged, "number of dimensions is 0"},
                   {"four dimensions", shaped({2, 2, 2, 2}), kOk, ""},
                   {"five dimensions", shaped({1, 1, 1, 1, 1}), kTooMuch, "number of dimensions is 5; the limit is 4"},
                   {"2^32-1 dimensions", with_tensor(tensor("t", {8}, T_F32, 0, UINT32_MAX)), kTooMuch, "4294967295"},
                   {"dimension -8", shaped({static_cast<uint64_t>(-8)}), kTooMuch, "a dimension is 18446744073709551608"},
                   {"dimension 0", shaped({0}), kDamaged, "a dimension is 0"},
                   {"outer dimension 0", shaped({8, 0}), kDamaged, "a dimension is 0"},
                   {"dimension 2^40 + 1", shaped({d40 + 1}), kTooMuch, "the limit is 1099511627776"},
                   {"dimension 2^40", shaped({d40}), kDamaged, "do not fit in the file"},
                   {"product 2^80", shaped({d40, d40}), kDamaged, "size does not fit in 64 bits"},
                   {"product 2^64", shaped({uint64_t{1} << 32, uint64_t{1} << 32}), kDamaged, "size does not fit in 64 bits"},
                   {"product 2^62", shaped({uint64_t{1} << 31, uint64_t{1} << 29}), kDamaged, "4611686018427387904 bytes at offset 0"},
                   {"product 2^63", shaped({uint64_t{1} << 31, uint64_t{1} << 30}), kDamaged, "size does not fit in 64 bits"},
                   {"rows of 33 in Q8_0", shaped({33}, T_Q8_0), kDamaged, "rows of 33 values do not fit type Q8_0, whose blocks have 32"},
                   {"rows of 32 in Q8_0", shaped({32}, T_Q8_0), kOk, ""},
                   {"rows of 16 in Q8_0", shaped({16, 2}, T_Q8_0), kDamaged, "rows of 16"},
               });
}

void add_types(Files& files) {
  const auto typed = [](int32_t type) { return with_tensor(tensor("t", {256}, type, 0), 1024); };
  for (const int32_t good : {0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 29, 30})
    files.push_back({"type " + std::to_string(good), typed(good), kOk, ""});
  static constexpr struct {
    int32_t id;
    const char* name;
  } kOthers[] = {{4, "Q4_2"},
                 {5, "Q4_3"},
                 {9, "Q8_1"},
                 {15, "Q8_K"},
                 {24, "I8"},
                 {25, "I16"},
                 {26, "I32"},
                 {27, "I64"},
                 {28, "F64"},
                 {31, "Q4_0_4_4"},
                 {34, "TQ1_0"},
                 {35, "TQ2_0"},
                 {39, "MXFP4"},
                 {99, "unknown type 99"},
                 {-1, "unknown type -1"}};
  for (const auto& other : kOthers) files.push_back({"type " + std::to_string(other.id), typed(other.id), kUnsupported, other.name});
  files.push_back({"list of supported types", typed(39), kUnsupported,
                   "supported are F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS, IQ3_S, "
                   "IQ3_XXS, IQ2_S, IQ2_XS, "
                   "IQ2_XXS, IQ1_S, IQ1_M"});
}

void add_places(Files& files) {
  const auto at = [](uint64_t offset) { return with_tensor(tensor("t", {8}, T_F32, offset)); };
  const auto two = [](uint64_t first, uint64_t second, size_t n_data) {
    return gguf({}, {tensor("t", {16}, T_F32, first), tensor("u", {8}, T_F32, second)}, zeros(n_data));
  };
  const std::string minimal = gguf({architecture()}, {tensor("t", {8}, T_F32, 0)}, zeros(32));
  files.insert(
      files.end(),
      {
          {"offset not aligned", at(8), kDamaged, "offset is 8 at byte"},
          {"offset past the end", at(uint64_t{1} << 40), kDamaged, "at offset 1099511627776"},
          {"offset that wraps", at(kAll - 31), kDamaged, "18446744073709551584"},
          {"a hole before", at(32), kOk, ""},
          {"one byte short", minimal.substr(0, minimal.size() - 1), kDamaged, "32 bytes at offset 0 of the data section do not fit"},
          {"no data section", gguf({architecture()}, {tensor("t", {8}, T_F32, 0)}, "", 0), kDamaged,
           "the data section would begin at byte"},
          {"4 MiB tensor", with_tensor(tensor("t", {1 << 20}, T_F32, 0)), kDamaged, "4194304 bytes at offset 0"},
          {"sum that wraps",
           gguf({},
                {tensor("t", {uint64_t{1} << 40, 1 << 20}, T_F32, 0), tensor("u", {uint64_t{1} << 40, 1 << 20}, T_F32, uint64_t{1} << 62)},
                zeros(64)),
           kDamaged, "do not fit"},
          {"same place", two(0, 0, 96), kDamaged, "inside tensor"},
          {"overlap at the end", two(0, 32, 96), kDamaged, "tensor \"u\": it begins at byte"},
          {"overlap, other order", two(32, 0, 128), kOk, ""},
          {"overlap in the second", two(0, 64, 96), kOk, ""},
          {"hole between", two(0, 96, 128), kOk, ""},
          {"bytes after the last", minimal + "PK\3\4" + zeros(64), kOk, ""},
      });
}

}  // namespace

Files gguf_corpus() {
  Files files;
  add_headers(files);
  add_keys(files);
  add_arrays(files);
  add_alignments(files);
  add_names_and_shapes(files);
  add_types(files);
  add_places(files);
  return files;
}

}  // namespace rustml::formats::test
