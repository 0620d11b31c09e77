// librustml-hub as the program uses it: opened when a model is to be fetched or the cache looked at, so that who runs a
// local file pays neither the time nor the memory of a network library, and the program also runs without it.
#pragma once
#include <rustml_hub.h>

#include <cstdint>
#include <string>

#include "cli/long_call.h"

namespace rustml::cli {

// True for what can only mean a model of the hub: no such file or folder is here, nor the folder it would begin in.
bool names_hub_model(const std::string& name);  // ORG/NAME[@REVISION]
bool names_hub_file(const std::string& name);   // ORG/NAME/FILE.gguf[@REVISION]

// All throw Failure.
std::string hub_resolve(const std::string& id, uint32_t flags, LongCall& call);  // the local path; flags: RUSTML_HUB_*
std::string hub_list(uint32_t flags);
uint64_t hub_remove(const std::string& id);                  // bytes freed
uint64_t hub_verify(const std::string& id, LongCall& call);  // bytes read

}  // namespace rustml::cli
