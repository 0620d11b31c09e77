// GPT-2's alphabet, in which byte-level vocabularies spell bytes: those that Latin-1 prints stand for themselves, the 68
// others for U+0100 and on, in order.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace rustml::tokenizer {

struct ByteAlphabet {
  std::array<std::array<char, 2>, 256> text{};  // UTF-8 of the character of each byte
  std::array<unsigned char, 256> length{};
  std::array<int16_t, 0x144> byte{};  // of each character, -1: none

  constexpr ByteAlphabet() {
    byte.fill(-1);
    int next = 0x100;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      const int c = printable ? b : next++;
      byte[static_cast<size_t>(c)] = static_cast<int16_t>(b);
      auto& out = text[static_cast<size_t>(b)];
      length[static_cast<size_t>(b)] = c < 0x80 ? 1 : 2;
      out[0] = static_cast<char>(c < 0x80 ? c : 0xC0 | c >> 6);
      out[1] = static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  std::string_view of(unsigned char b) const { return {text[b].data(), length[b]}; }

  // The bytes that a text spells; false if it has a character outside the alphabet.
  bool spelled(std::string_view letters, std::string& bytes) const {
    bytes.clear();
    for (size_t i = 0; i < letters.size(); ++i) {
      auto c = static_cast<unsigned>(static_cast<unsigned char>(letters[i]));
      if (c >= 0x80) {
        if ((c & 0xE0) != 0xC0 || i + 1 == letters.size() || (static_cast<unsigned char>(letters[i + 1]) & 0xC0) != 0x80) return false;
        c = (c & 0x1F) << 6 | (static_cast<unsigned char>(letters[++i]) & 0x3F);
      }
      if (c >= byte.size() || byte[c] < 0) return false;
      bytes += static_cast<char>(byte[c]);
    }
    return true;
  }
};
inline constexpr ByteAlphabet kByteAlphabet;

}  // namespace rustml::tokenizer
