/* Sizes and offsets as this compiler sees them (layout_generated.h), and what the library says about them. */
#include "check.h"
#include "layout_generated.h"

int main(void) {
  const char *json = rustml_abi_layout_json();
  char hash[32];
  CHECK(LAYOUT_MAJOR == RUSTML_VERSION_MAJOR && LAYOUT_MINOR == RUSTML_VERSION_MINOR);
  CHECK(rustml_abi_layout_hash(LAYOUT_MAJOR, LAYOUT_MINOR) == LAYOUT_HASH);
  CHECK(rustml_abi_layout_hash(LAYOUT_MAJOR, LAYOUT_MINOR + 1) == 0);
  CHECK(rustml_abi_layout_hash(999, 0) == 0);
  CHECK(rustml_abi_layout_hash(0xFFFFFFFFu, 0xFFFFFFFFu) == 0);
  snprintf(hash, sizeof hash, "0x%016llx", (unsigned long long)LAYOUT_HASH);
  CHECK(json == rustml_abi_layout_json());
  CHECK(json[0] == '{' && json[strlen(json) - 1] == '}');
  CHECK(strstr(json, hash) != NULL);
  CHECK(strstr(json, "{\"name\":\"struct_size\",\"type\":\"uint32_t\",\"offset\":0,\"size\":4}") != NULL);
  CHECK(strstr(json, "{\"name\":\"rustml_generate_batch\",\"returns\":\"int32_t\"") != NULL);
  return finish();
}
