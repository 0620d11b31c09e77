#include "generation/beam_tree.h"

#include <algorithm>
#include <string>

#include "base/refuse.h"

namespace rustml::generation {

// In a loop: a path may be as long as a context.
BeamPath::~BeamPath() {
  for (Node* node = end_; node && --node->references == 0;) {
    Node* const parent = node->parent;
    --*node->n_alive;
    delete node;
    node = parent;
  }
}

std::vector<int32_t> BeamPath::tokens() const {
  std::vector<int32_t> out;
  for (const Node* node = end_; node; node = node->parent) out.push_back(node->tail.tokens.front());
  std::reverse(out.begin(), out.end());
  return out;
}

void BeamTree::charge_node() {
  if (n_alive_ < n_charged_) return;
  const models::KvCache& cache = session_.cache();
  const uint64_t bytes = cache.shape().bytes_per_position(cache.type()) + sizeof(Node), limit = session_.memory_limit();
  if (const uint64_t all = cache.bytes_used() + memory_.bytes() + bytes; limit != 0 && all > limit)
    fail(Status::resource_exhausted,
         "beams: with the kv cache they need " + std::to_string(all) + " bytes, more than the session's memory_limit_bytes of " +
             std::to_string(limit),
         base::refusal_detail("memory_limit_bytes", limit, "at least " + std::to_string(all)));
  memory_.grow(bytes, "beams");
  ++n_charged_;
}

BeamPath BeamTree::grow(const BeamPath& parent) {
  charge_node();
  BeamPath path(new Node{session_.save_tail(n_prompt_ + parent.length()), parent.end_, parent.length() + 1, 1, &n_alive_});
  if (parent.end_) ++parent.end_->references;
  ++n_alive_;
  return here_ = path;
}

void BeamTree::enter(const BeamPath& path) {
  std::vector<const Node*> missing;
  const Node *to = path.end_, *from = here_.end_;
  while (from && from->depth > path.length()) from = from->parent;
  while (to != from) {
    missing.push_back(to);
    if (from && from->depth == to->depth) from = from->parent;
    to = to->parent;
  }
  session_.truncate(n_prompt_ + (to ? to->depth : 0));
  for (size_t i = missing.size(); i-- > 0;) session_.restore_tail(missing[i]->tail);
  here_ = path;
}

}  // namespace rustml::generation
