// Odd files that are harmless: make_oddities.py wrote them and what llama.cpp or transformers answers; what is odd is said once.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/json.h"
#include "engine.h"

namespace golden {
namespace {

using rustml::base::Json;

const std::string kData = std::string(RUSTML_TEST_DATA) + "/data/";

Json oddities() {
  std::ifstream in(kData + "oddities.json", std::ios::binary);
  return rustml::base::parse_json(std::string(std::istreambuf_iterator<char>(in), {}), "oddities.json");
}

std::vector<int32_t> ids(const Json& list) {
  std::vector<int32_t> out;
  for (const Json& item : list.items) out.push_back(static_cast<int32_t>(item.integer));
  return out;
}

// Warnings while it lives.
struct Warnings {
  std::vector<std::string> texts;
  Warnings() {
    rustml_callback callback;
    rustml_callback_init(&callback, sizeof callback);
    callback.user_data = this;
    callback.on_event = [](void* user_data, const rustml_event* event) -> int32_t {
      static_cast<Warnings*>(user_data)->texts.emplace_back(event->text, event->text_len);
      return 0;
    };
    rustml_log_options options;
    rustml_log_options_init(&options, sizeof options);
    options.filter = {"warn", 4};
    options.callback = &callback;
    EXPECT_EQ(rustml_log_set(&options, nullptr), RUSTML_OK);
  }
  ~Warnings() { rustml_log_set(nullptr, nullptr); }
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;
};

TEST(Oddities, AnswersAreThoseOfOthersAndOddThingsAreSaidOnce) {
  const Json all = oddities();
  for (const Json& file : all.find("files")->items) {
    const std::string& name = file.find("file")->string;
    SCOPED_TRACE(name);
    const Warnings warnings;
    const Model model(kData + name);
    const std::vector<Json>& records = file.find("records")->items;
    ASSERT_EQ(warnings.texts.size(), records.size()) << testing::PrintToString(warnings.texts);
    for (size_t i = 0; i < records.size(); ++i)
      EXPECT_NE(warnings.texts[i].find(records[i].string), std::string::npos) << warnings.texts[i] << " has no " << records[i].string;
    for (const Json& prompt : file.find("prompts")->items) {
      Session session(model);
      std::vector<int32_t> chosen;
      const std::vector<int32_t> expected = ids(*prompt.find("greedy"));
      session.greedy(ids(*prompt.find("ids")), expected.size(), 1, chosen);
      EXPECT_EQ(chosen, expected) << "after " << prompt.find("ids")->items.size() << " tokens";
    }
  }
}

}  // namespace
}  // namespace golden
