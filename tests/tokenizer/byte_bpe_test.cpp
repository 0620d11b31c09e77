#include "tokenizer/byte_bpe.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "../base/expect_error.h"
#include "../real_files.h"
#include "base/file_reader.h"
#include "fixtures.h"

namespace {

using namespace fixtures;
using rustml::base::Status;
using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> open_tokenizer(const std::string& path) {
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  const ModelFile file = rustml::formats::open(rustml::base::open_file(path), call);
  return rustml::tokenizer::from_gguf(file, call);
}

// 52,000 strings and their ids by PyPI `tokenizers` (make_reference.py); one in 8 of them in the sample.
TEST(ByteBpe, SmolLM2AsTokenizers) {
  SMOLLM2_OR_SKIP(path);
  const auto tokenizer = open_tokenizer(path);
  Data data("smollm2.bin");
  size_t n = 0;
  uint64_t n_ids = 0;
  const size_t one_in = rustml::test::exhaustive() ? 1 : 8;
  for (; data.more(); ++n) {
    const std::string text(data.text());
    Ids expected(data.varint());
    const std::string_view packed = data.take(2 * expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      expected[i] = static_cast<unsigned char>(packed[2 * i]) | static_cast<unsigned char>(packed[2 * i + 1]) << 8;
    }
    if (n % one_in != 0) continue;
    rustml::runtime::StopSignal stop;
    const Encoding encoding = tokenizer->encode(text, {}, stop);
    ASSERT_EQ(encoding.ids, expected) << "string " << n << ": " << text;
    const std::string back = tokenizer->decode(encoding.ids.data(), encoding.ids.size(), false);
    if (encoding.dropped_bytes == 0) {
      ASSERT_EQ(back, text) << "string " << n;
    } else {
      ASSERT_EQ(back.size() + encoding.dropped_bytes, text.size()) << "string " << n;
    }
    n_ids += expected.size();
  }
  std::printf("%zu strings, one in %zu of them: %llu ids equal\n", n, one_in, static_cast<unsigned long long>(n_ids));
  EXPECT_GE(n, 50'000u);
}

TEST(ByteBpe, SmolLM2Facts) {
  SMOLLM2_OR_SKIP(path);
  const auto tokenizer = open_tokenizer(path);
  EXPECT_EQ(tokenizer->size(), 49152);
  EXPECT_EQ(tokenizer->kind(), "byte-level BPE (smollm)");
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_FALSE(tokenizer->adds_bos());
  EXPECT_EQ(tokenizer->stop_ids(), (Ids{0, 2}));  // <|endoftext|>, <|im_end|>
  // 21 bytes have no token.
  rustml::runtime::StopSignal stop;
  int missing = 0;
  for (int id = 0; id < 128; ++id) missing += tokenizer->encode(std::string(1, static_cast<char>(id)), {}, stop).ids.empty();
  EXPECT_LE(missing, 21);
  EXPECT_GT(missing, 0);
}

TEST(ByteBpe, MergesByRank) {
  ByteVocabulary v;
  const int32_t bc = v.merge("b", "c"), ab = v.merge("a", "b"), abc = v.merge("a", "bc");
  const auto tokenizer = load(v.file());
  EXPECT_EQ(encode(*tokenizer, "abc"), (Ids{abc}));  // bc comes first, then a + bc
  EXPECT_EQ(encode(*tokenizer, "ab"), (Ids{ab}));
  EXPECT_EQ(encode(*tokenizer, "abbc"), (Ids{ab, bc}));
  EXPECT_EQ(encode(*tokenizer, ""), Ids{});
  EXPECT_EQ(encode(*tokenizer, "a b"), (Ids{v.id("a"), v.id(spell(' ')), v.id("b")}));
  EXPECT_EQ(tokenizer->token_bytes(v.id(spell(' '))), " ");
}

TEST(ByteBpe, EveryByteComesBack) {
  const auto tokenizer = load(ByteVocabulary().file());
  std::string text;
  for (unsigned c = 0; c < 0x80; ++c) text += static_cast<char>(c);
  text += "\u00FF\u0100\u4E2D\U0001F600";
  const Ids ids = encode(*tokenizer, text);
  EXPECT_EQ(ids.size(), text.size());
  EXPECT_EQ(tokenizer->decode(ids.data(), ids.size(), true), text);
}

TEST(ByteBpe, BytesWithoutATokenAreDropped) {
  ByteVocabulary v;
  v.remove("x");
  const int32_t ab = v.merge("a", "b");
  const auto tokenizer = load(v.file());
  rustml::runtime::StopSignal stop;
  const Encoding encoding = tokenizer->encode("axb x", {}, stop);
  EXPECT_EQ(encoding.ids, (Ids{ab, v.id(spell(' '))}));  // what is dropped parts nobody, as in `tokenizers`
  EXPECT_EQ(encoding.dropped_bytes, 2u);
  EXPECT_ERROR(encode(*tokenizer, "ab ab axb", {.strict = true}), Status::invalid_argument, "offset 7");
  EXPECT_ERROR(encode(*tokenizer, "<|im_end|>ab<|im_end|>x", {.parse_special = true, .strict = true}), Status::invalid_argument,
               "offset 22");
}

TEST(ByteBpe, IgnoreMergesTakesWholeWords) {
  ByteVocabulary v;
  const int32_t word = v.add(spell(' ') + "word", kNormal);  // no merge leads to it
  const int32_t control = v.add("###", kControl);
  EXPECT_EQ(encode(*load(v.file("gpt-2")), " word").size(), 5u);
  const auto llama = load(v.file("llama-bpe"));
  EXPECT_EQ(encode(*llama, " word"), (Ids{word}));
  EXPECT_EQ(encode(*llama, " words").size(), 6u);
  EXPECT_EQ(encode(*llama, "###").size(), 3u) << "plain text became a control token";
  EXPECT_EQ(encode(*llama, "###", {.parse_special = true}), (Ids{control}));
}

TEST(ByteBpe, MergesNeverMakeAMarker) {
  ByteVocabulary v;
  v.merge("<", "|");
  v.merge("|", ">");
  v.merges.push_back("<| |>");
  const int32_t control = v.add("<||>", kControl);
  const auto tokenizer = load(v.file());
  EXPECT_EQ(encode(*tokenizer, "<||>").size(), 2u);
  EXPECT_EQ(encode(*tokenizer, "<||>", {.parse_special = true}), (Ids{control}));
}

TEST(ByteBpe, RefusesBadMerges) {
  const auto refused = [](const std::string& merge, const char* why) {
    ByteVocabulary v;
    v.merge("a", "b");
    v.merges.push_back(merge);
    EXPECT_ERROR(load(v.file()), Status::data_loss, why);
    EXPECT_ERROR(load(v.file()), Status::data_loss, "tokenizer.ggml.merges: entry 1");
  };
  refused("", "one blank");
  refused("ab", "one blank");
  refused(" ab", "one blank");
  refused("a ", "one blank");
  refused("a b c", "one blank");
  refused("a  b", "one blank");
}

TEST(ByteBpe, MergesOfTextsThatTheVocabularyLacks) {
  OddRecords records;
  ByteVocabulary v;
  v.remove("x");
  v.merges = {"a b", "ab c", "a zz", "x y"};  // makes nothing, makes nothing of nothing, cannot be, of a byte without a token
  const int32_t bc = v.merge("b", "c"), abcd = v.add("abcd", kNormal), xy = v.add("xy", kNormal);
  v.merges.push_back("abc d");
  const auto tokenizer = load(v.file());
  EXPECT_EQ(
      records.take(),
      "tokenizer.ggml.merges: 5 of 6 name a token that the vocabulary lacks, the first is entry 0, \"a b\"; such a text becomes the tokens "
      "of its bytes\n");
  const Ids a{v.id("a")}, b{v.id("b")}, c{v.id("c")};
  EXPECT_EQ(encode(*tokenizer, "abcd"), (Ids{abcd})) << "over two texts that are no tokens";
  EXPECT_EQ(encode(*tokenizer, "abc"), (Ids{a[0], b[0], c[0]})) << "a and b are joined before b and c can be";
  EXPECT_EQ(encode(*tokenizer, "bc"), (Ids{bc}));
  EXPECT_EQ(encode(*tokenizer, "xy"), (Ids{xy}));
  rustml::runtime::StopSignal stop;
  const Encoding dropped = tokenizer->encode("bxc", {}, stop);
  EXPECT_EQ(dropped.ids, (Ids{b[0], c[0]}));
  EXPECT_EQ(dropped.dropped_bytes, 1u);
  EXPECT_ERROR(encode(*tokenizer, "abx", {.strict = true}), Status::invalid_argument, "offset 2");
  for (const std::string text : {"abcabcd", "zzabab", "a zz", "\u00E9abc"}) {  // no byte is lost
    const Ids ids = encode(*tokenizer, text);
    EXPECT_EQ(tokenizer->decode(ids.data(), ids.size(), false), text);
  }
}

// By texts instead of ids, and the first pair of lowest rank each time; what is no token at the end becomes its bytes.
Ids joined_by_texts(const ByteVocabulary& v, const std::string& text) {
  std::vector<std::string> parts;
  for (const char c : text) parts.emplace_back(1, c);
  for (const auto& merges = v.merges;;) {
    size_t best = merges.size(), at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const size_t rank = static_cast<size_t>(std::find(merges.begin(), merges.end(), parts[i] + " " + parts[i + 1]) - merges.begin());
      if (rank < best) best = rank, at = i;
    }
    if (best == merges.size()) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) {
    if (const int32_t id = v.id(part); id >= 0) {
      ids.push_back(id);
    } else {
      for (const char c : part) ids.push_back(v.id(std::string(1, c)));
    }
  }
  return ids;
}

TEST(ByteBpe, MergesOfLostTokensAsByTexts) {
  std::mt19937 random(17);
  const auto letters = [&](size_t most) {
    std::string text;
    for (size_t n = 1 + random() % most; n > 0; --n) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int i = 0; i < 200; ++i) {
    ByteVocabulary v;
    for (int k = 0; k < 12; ++k) {
      const std::string left = letters(3), right = letters(2), merge = left + " " + right;
      if (std::find(v.merges.begin(), v.merges.end(), merge) != v.merges.end()) continue;
      v.merges.push_back(merge);
      if (random() % 2 == 0 && v.id(left + right) < 0) v.add(left + right, kNormal);
    }
    const auto tokenizer = load(v.file());
    for (const size_t most : {10, 10, 10, 100}) {  // short and long words have loops of their own
      const std::string text = letters(most);
      EXPECT_EQ(encode(*tokenizer, text), joined_by_texts(v, text)) << text << testing::PrintToString(v.merges);
    }
  }
}

TEST(ByteBpe, MergesOfAnotherVocabularyAreRefused) {
  ByteVocabulary v;
  for (int i = 0; i < (1 << 19) / 3 + 1; ++i) v.merges.push_back("l" + std::to_string(i) + " r" + std::to_string(i));
  EXPECT_ERROR(load(v.file()), Status::resource_exhausted, "tokenizer.ggml.merges: over 262144 texts that the vocabulary lacks");
}

// A vocabulary that joins a letter with itself up to 64 times, as trained ones do with blanks; others end after one merge.
ByteVocabulary runs() {
  ByteVocabulary v;
  for (std::string text : {std::string("a"), spell(' '), spell('\n'), std::string(".")}) {
    for (int i = 0; i < 6; ++i, text += text) v.merge(text, text);
  }
  v.merge("a", "b");
  v.merge(spell(0xE4), spell(0xB8));
  v.merge(spell(0xE4) + spell(0xB8), spell(0xAD));
  v.merge(spell(0xCC), spell(0x81));
  return v;
}

double seconds_to_encode(const Tokenizer& tokenizer, const std::string& unit, size_t n_bytes) {
  std::string text;
  while (text.size() < n_bytes) text += unit;
  rustml::runtime::StopSignal stop;
  const double begin = cpu_seconds();
  const Encoding encoding = tokenizer.encode(text, {}, stop);
  const double taken = cpu_seconds() - begin;
  size_t covered = 0;
  for (const int32_t id : encoding.ids) covered += tokenizer.token_bytes(id).size();
  EXPECT_EQ(covered, text.size());
  return taken;
}

// On a thread with 256 KiB of stack: nothing may recurse with the text. The square of a ten times longer text would take a
// hundred times as long.
TEST(ByteBpe, TenMegabytesOfOneThing) {
  const auto run = [](void*) -> void* {
    for (const std::string pre : {"gpt-2", "smollm", "llama-bpe"}) {
      const auto tokenizer = load(runs().file(pre));
      for (const std::string unit : {"a", " ", "\n", ".", "\u4E2D", "ab", "e\u0301", "1"}) {
        const double small = seconds_to_encode(*tokenizer, unit, kLongText / 10);
        if (pre != "gpt-2") continue;
        const double whole = seconds_to_encode(*tokenizer, unit, kLongText);
        EXPECT_LE(whole, 10.0) << unit;
        EXPECT_LE(whole, 40.0 * small + 1.0) << unit;
      }
    }
    return nullptr;
  };
  pthread_attr_t small_stack;
  pthread_attr_init(&small_stack);
  ASSERT_EQ(pthread_attr_setstacksize(&small_stack, 256 * 1024), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &small_stack, run, nullptr), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&small_stack);
}

// Snapshots of 1.0 are restored where text becomes the same tokens as then, and only there. Numbers: what commit 9acc97d printed.
TEST(ByteBpe, FingerprintsOfOldSnapshots) {
  ByteVocabulary v;
  v.merge("a", "b");
  const auto low = [&](const char* name) { return load(v.file(name))->fingerprint_low(); };
  EXPECT_EQ(low("gpt-2"), 0x9ac80ec1afac1f4b);
  EXPECT_EQ(low("smollm"), 0x20f115140ab5f0f4);
  EXPECT_EQ(low("starcoder"), 0x9f718b3649737a04);
  EXPECT_EQ(low("llama-bpe"), 0x74be432995418612);
  EXPECT_EQ(low("smaug-bpe"), 0x8fa9d09f7038c6b2);
  EXPECT_EQ(low("stablelm2"), 0x4b1c240bd7ab2f07);
  EXPECT_NE(low("qwen2"), 0xf7cdb85cc067eecb);
  EXPECT_NE(low("command-r"), 0x59c1e1dd29f0e561);
  EXPECT_NE(low("olmo"), 0xd03238e7de038a6c);
  EXPECT_NE(low("glm4"), 0xcc50ace43112bd95);
  for (const char* name : {"tekken", "deepseek-llm", "gpt-4o", "default"}) EXPECT_NE(low(name), 0x9ac80ec1afac1f4b) << name;
}

// What make_pre_tokenizers.py wrote: for each name a GGUF and 20,347 strings with their ids.
TEST(ByteBpe, EveryNameAsItsTokenizer) {
  const char* folder = std::getenv("RUSTML_PRE_TOKENIZERS");
  if (folder == nullptr) GTEST_SKIP() << "run tests/tokenizer/make_pre_tokenizers.py and set RUSTML_PRE_TOKENIZERS to its folder";
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".bin") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path = std::string(folder) + "/" + name;
    const auto tokenizer = open_tokenizer(path + ".gguf");
    size_t n = 0, n_wrong = 0;
    for (Data data = Data::of_path(path + ".bin"); data.more(); ++n) {
      const std::string text(data.text());
      Ids expected(data.varint());
      for (int32_t& id : expected) id = static_cast<int32_t>(data.varint());
      if (encode(*tokenizer, text, {.parse_special = true}) == expected) continue;
      EXPECT_GT(++n_wrong, 3u) << name << ", string " << n << ": " << text;
    }
    std::printf("%s: %zu strings, %zu wrong\n", name.c_str(), n, n_wrong);
    EXPECT_EQ(n_wrong, 0u) << name;
  }
}

TEST(ByteBpe, TextIsComposedWhereTheRuleSaysSo) {
  ByteVocabulary v;
  const int32_t e = v.merge(spell(0xC3), spell(0xA9));  // é
  EXPECT_EQ(encode(*load(v.file("qwen2")), "e\u0301"), (Ids{e}));
  EXPECT_EQ(encode(*load(v.file("exaone")), "e\u0301\uFF21"), (Ids{e, v.id("A")}));
  EXPECT_EQ(encode(*load(v.file("stablelm2")), "e\u0301").size(), 3u);
  EXPECT_EQ(encode(*load(v.file("qwen2")), "<|im_end|>e\u0301", {.parse_special = true}), (Ids{0, e}));
}

TEST(ByteBpe, StopsOnRequest) {
  const auto tokenizer = load(runs().file());
  rustml::runtime::CancelFlag flag;
  flag.trigger(1);
  rustml::runtime::StopSignal stopped(&flag);
  EXPECT_ERROR(tokenizer->encode("some words", {}, stopped), Status::cancelled, "");
  for (const std::string& text : {std::string(20 << 20, 'a'), std::string(20 << 20, '1')}) {  // one word, many words
    rustml::runtime::StopSignal late(nullptr, rustml::runtime::now_ns() + 2'000'000);
    EXPECT_ERROR(tokenizer->encode(text, {}, late), Status::deadline_exceeded, "");
  }
}

TEST(ByteBpe, FingerprintCoversWhatMatters) {
  const auto of = [](const ModelFile& file) { return std::pair(load(file)->fingerprint_low(), load(file)->fingerprint_high()); };
  ByteVocabulary v;
  v.merge("a", "b");
  v.merge("b", "a");
  const auto base = of(v.file());
  EXPECT_EQ(of(v.file()), base);
  EXPECT_NE(of(v.file("qwen2")), base);
  EXPECT_NE(of(v.file("tekken")), of(v.file("llama-bpe")));
  ByteVocabulary swapped = v;
  std::swap(swapped.merges[0], swapped.merges[1]);
  EXPECT_NE(of(swapped.file()), base);
  ByteVocabulary other_type = v;
  other_type.types[5] = kUserDefined;
  EXPECT_NE(of(other_type.file()), base);
  ByteVocabulary longer = v;
  longer.add("extra", kNormal);
  EXPECT_NE(of(longer.file()), base);
  ModelFile adds_bos = v.file();
  adds_bos.metadata["tokenizer.ggml.add_bos_token"] = true;
  EXPECT_NE(of(adds_bos), base);
}

}  // namespace
