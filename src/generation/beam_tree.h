// Where the beams of a search have gone: a tree of evaluated tokens behind the prompt, each with its cells. What beams share is
// stored once, and going from one beam to the next copies only the cells that differ.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "generation/session.h"

namespace rustml::generation {

class BeamTree;

// The way from the end of the prompt to one token of the tree. Tokens live while a path leads to them, and the tree outlives all paths.
class BeamPath {
 public:
  BeamPath() = default;  // the end of the prompt
  BeamPath(const BeamPath& other) noexcept : end_(other.end_) {
    if (end_) ++end_->references;
  }
  BeamPath& operator=(BeamPath other) noexcept {
    std::swap(end_, other.end_);
    return *this;
  }
  ~BeamPath();
  uint64_t length() const noexcept { return end_ ? end_->depth : 0; }
  std::vector<int32_t> tokens() const;

 private:
  friend class BeamTree;
  struct Node {
    Tail tail;     // one evaluated token
    Node* parent;  // null: the prompt
    uint64_t depth, references;
    uint64_t* n_alive;  // of the tree
  };
  explicit BeamPath(Node* fresh) noexcept : end_(fresh) {}
  Node* end_ = nullptr;
};

class BeamTree {
 public:
  // The session holds a prompt of n_prompt tokens.
  BeamTree(Session& session, uint64_t n_prompt) : session_(session), n_prompt_(n_prompt), memory_(session.engine().budget(), 0, "beams") {}
  BeamTree(const BeamTree&) = delete;
  BeamTree& operator=(const BeamTree&) = delete;

  // `parent` and behind it the session's last token, just evaluated; here the session is now. resource_exhausted.
  BeamPath grow(const BeamPath& parent);
  // Makes the session hold the prompt and this path.
  void enter(const BeamPath& path);

 private:
  using Node = BeamPath::Node;
  void charge_node();

  Session& session_;
  const uint64_t n_prompt_;
  runtime::Charge memory_;
  uint64_t n_alive_ = 0, n_charged_ = 0;  // nodes
  BeamPath here_;                         // what the session holds behind the prompt
};

}  // namespace rustml::generation
