// The options of a generation as a snapshot carries them, driven by two tables in saved_options.cpp.
//
// The options of format 1.0 begin section 5, one after the other without names, in the order of their table: every library
// reads them. Options that came later are in section 7, each by its name, and only those that differ from their default: the
// section is there only if some option needs it, and a library that does not know it refuses the snapshot instead of going on
// without the option.
//
//   section 7   u32 number of options; each: u32 bytes of its name, name, u64 bytes of its value, value
//
// Values: whole numbers and floats as they are, bool as u32, texts and lists behind their u64 length.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "base/byte_reader.h"
#include "generation/options.h"
#include "generation/snapshot_container.h"

namespace rustml::generation {

struct SavedOption {
  const char* name;  // as in rustml_generation_options
  void (*write)(const GenerationOptions& options, PayloadWriter& out);
  void (*read)(GenerationOptions& options, base::ByteReader& in, const char* name);  // data_loss
};

std::span<const SavedOption> options_of_1_0();  // frozen
std::span<const SavedOption> later_options();

// Section 7; empty: it is not needed.
std::vector<std::byte> encode_later_options(const GenerationOptions& options, std::span<const SavedOption> known = later_options());
// unimplemented: it has an option that is not `known`; data_loss: it cannot be. Values may still be out of range.
void decode_later_options(const std::vector<std::byte>& section, GenerationOptions& options,
                          std::span<const SavedOption> known = later_options());

}  // namespace rustml::generation
