#include "generation/beam_tree.h"

#include "tiny.h"

namespace rustml::generation {
namespace {

// Adds a token behind `parent`, wherever the session is.
BeamPath grow(BeamTree& tree, Session& session, const BeamPath& parent, int32_t token) {
  runtime::StopSignal stop;
  tree.enter(parent);
  EXPECT_TRUE(session.evaluate(std::span(&token, 1), true, stop));
  return tree.grow(parent);
}

TEST(BeamTree, AnyPathCanBeEnteredFromAnyOther) {
  for (const char* name : {"base_q8_0", "architectures/gemma3"}) {
    const auto engine = open_tiny(name);
    const auto s = new_session(engine), plain = new_session(engine);
    std::vector<int32_t> prompt = some_ids(20);
    for (int32_t& id : prompt) id %= static_cast<int32_t>(engine->info().vocab_size);
    eval(*s, prompt);
    BeamTree tree(*s, prompt.size());
    const BeamPath a = grow(tree, *s, {}, 5), ab = grow(tree, *s, a, 6), abc = grow(tree, *s, ab, 7);
    const BeamPath ad = grow(tree, *s, a, 8), e = grow(tree, *s, {}, 9), ef = grow(tree, *s, e, 6);
    const std::vector<BeamPath> paths = {{}, a, ab, abc, ad, e, ef};
    const std::vector<std::vector<int32_t>> tokens = {{}, {5}, {5, 6}, {5, 6, 7}, {5, 8}, {9}, {9, 6}};
    runtime::StopSignal stop;
    for (size_t from = 0; from < paths.size(); ++from) {
      for (size_t to = 0; to < paths.size(); ++to) {
        EXPECT_EQ(paths[to].tokens(), tokens[to]);
        EXPECT_EQ(paths[to].length(), tokens[to].size());
        tree.enter(paths[from]);
        tree.enter(paths[to]);
        std::vector<int32_t> all = prompt;
        all.insert(all.end(), tokens[to].begin(), tokens[to].end());
        EXPECT_EQ(s->tokens(), all);
        plain->reset();
        eval(*plain, all);
        EXPECT_EQ(*s->scores(stop), plain->logits()) << name << " from " << from << " to " << to;
      }
    }
  }
}

TEST(BeamTree, MemoryOfPathsThatAreGoneIsUsedAgain) {
  const auto engine = open_tiny("base_q8_0");
  const auto plain = new_session(engine);
  eval(*plain, some_ids(20));
  const auto budget = [&] { return engine->info().bytes_now; };
  const uint64_t before = budget();
  {
    BeamTree tree(*plain, 20);
    BeamPath longest;
    for (int i = 0; i < 3; ++i) longest = grow(tree, *plain, longest, 5);
    const uint64_t of_three = budget() - before;
    EXPECT_GT(of_three, 0u);
    longest = {};
    tree.enter({});
    for (int i = 0; i < 3; ++i) longest = grow(tree, *plain, longest, 6);
    EXPECT_EQ(budget() - before, of_three);
    longest = grow(tree, *plain, longest, 7);
    EXPECT_EQ(budget() - before, of_three / 3 * 4);
  }
  EXPECT_EQ(budget(), before);
}

}  // namespace
}  // namespace rustml::generation
