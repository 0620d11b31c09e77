// The state of a loop that runs, which its body sees as `loop`.
#pragma once
#include <vector>

#include "chat/renderer.h"

namespace rustml::chat {

struct Renderer::Loop {
  const Statement* statement;
  Scope* scope;  // around it
  std::vector<Value> items;
  size_t index;
  int depth;                     // 1: not inside of itself
  bool seen = false;             // loop.changed(…) was called …
  std::vector<Value> last_seen;  // … with these
};

}  // namespace rustml::chat
