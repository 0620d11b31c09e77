// What Python's str does, on texts whose bytes keep their origin. All count their work and what they make before they make it.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "chat/characters.h"
#include "chat/renderer.h"

namespace rustml::chat {

// In linear time, whatever is sought: templates come from strangers.
size_t find_bytes(std::string_view text, std::string_view sought, size_t from = 0);
// The last one that ends at `end` or before.
size_t find_last_bytes(std::string_view text, std::string_view sought, size_t end);

constexpr int64_t kNoLimit = -1;

// The first `most` of them replaced.
Text replaced(const Text& text, std::string_view sought, const Text& by, int64_t most, Renderer& renderer);
// At a separator, or at blanks, at most `most` times; from the right, the last ones.
std::vector<Text> split(const Text& text, std::string_view separator, int64_t most, Renderer& renderer);
std::vector<Text> split_right(const Text& text, std::string_view separator, int64_t most, Renderer& renderer);
std::vector<Text> split_at_blanks(const Text& text, int64_t most, Renderer& renderer);
std::vector<Text> split_right_at_blanks(const Text& text, int64_t most, Renderer& renderer);
std::vector<Text> split_lines(const Text& text, bool keep_ends, Renderer& renderer);
Text joined(const Text& separator, const std::vector<Text>& parts, Renderer& renderer);
// `fill` that many times on each side.
Text padded(const Text& text, int64_t left, int64_t right, const Text& fill, Renderer& renderer);
// To `width` characters; align '<', '>' or '^' as str.ljust, rjust and center do.
Text aligned(const Text& text, int64_t width, char align, const Text& fill, Renderer& renderer);
// The first character in upper case (`first`), the others in lower case.
Text capitalized(const Text& text, Case first);

Value list_of_texts(std::vector<Text> parts, bool markup = false);
// Steps for reading n bytes, and for a search in them.
void count_reading(size_t n, Renderer& renderer);
void count_search(size_t n, size_t sought, Renderer& renderer);

}  // namespace rustml::chat
