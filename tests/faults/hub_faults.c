/* The functions of rustml_hub.h while allocations fail, against tests/hub/server.py. PYTHON SERVER once|after */
#define _GNU_SOURCE
#include <rustml_hub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep.h"

#define MODEL "org/tiny/model.gguf"

static char folder[] = "/tmp/rustml-hub-faults-XXXXXX", cache[64], endpoint[64], text[1 << 16];
static uint64_t needed, count;

static rustml_hub_options options(uint32_t flags) {
  rustml_hub_options given;
  rustml_hub_options_init(&given, sizeof given);
  given.cache_dir = (rustml_text){cache, RUSTML_NUL_TERMINATED};
  given.endpoint = (rustml_text){endpoint, RUSTML_NUL_TERMINATED};
  given.flags = flags | RUSTML_HUB_NO_TOKEN;
  return given;
}
static int32_t empty_cache(rustml_error **error) {
  (void)error;
  char command[192];
  snprintf(command, sizeof command, "rm -rf %s && mkdir %s", cache, cache);
  return system(command) == 0 ? RUSTML_OK : RUSTML_INTERNAL;
}
static int32_t resolve_name(const char *name, uint32_t flags, rustml_error **error) {
  const rustml_hub_options given = options(flags);
  const int32_t status = rustml_hub_resolve(name, RUSTML_NUL_TERMINATED, &given, text, sizeof text, &needed, NULL, error);
  if (!status) sweep_answer(text, needed);
  return status;
}
static int32_t download(rustml_error **error) { return resolve_name(MODEL, 0, error); }
static int32_t download_shards(rustml_error **error) { return resolve_name("org/sharded", 0, error); }
static int32_t with_cache(rustml_error **error) {
  const int32_t status = empty_cache(error);
  return status ? status : download(error);
}
static int32_t resolve_offline(rustml_error **error) { return resolve_name(MODEL, RUSTML_HUB_OFFLINE, error); }
static int32_t list(rustml_error **error) {
  const rustml_hub_options given = options(RUSTML_HUB_OFFLINE);
  const int32_t status = rustml_hub_list(&given, text, sizeof text, &needed, error);
  if (!status) sweep_answer(text, needed);
  return status;
}
static int32_t verify(rustml_error **error) {
  const rustml_hub_options given = options(RUSTML_HUB_OFFLINE);
  const int32_t status = rustml_hub_verify(MODEL, RUSTML_NUL_TERMINATED, &given, &count, NULL, error);
  if (!status) sweep_answer(&count, sizeof count);
  return status;
}
static int32_t remove_model(rustml_error **error) {
  const rustml_hub_options given = options(RUSTML_HUB_OFFLINE);
  const int32_t status = rustml_hub_remove(MODEL, RUSTML_NUL_TERMINATED, &given, &count, error);
  if (!status) sweep_answer(&count, sizeof count);
  return status;
}

static const struct scenario kScenarios[] = {
    {"download", empty_cache, download, 0, 0},
    {"download_shards", empty_cache, download_shards, 0, 0},
    {"resolve_offline", with_cache, resolve_offline, 0, 0},
    {"list", with_cache, list, 0, 19},
    {"verify", with_cache, verify, 0, 19},
    {"remove", with_cache, remove_model, 0, 0},
    {"first_download", empty_cache, download, 1, 0},
};

static void teardown(void) {}

/* The server ends with its standard input, which is ours to close. */
static int start_server(const char *python, const char *server) {
  char ports[64] = "";
  int in[2], out[2];
  if (pipe(in) || pipe(out)) return 0;
  if (fork() == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    execlp(python, python, server, folder, (char *)NULL);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  if (read(out[0], ports, sizeof ports - 1) <= 0) return 0;
  snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d/faults", atoi(ports));
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 4 || !mkdtemp(folder)) return 2;
  snprintf(cache, sizeof cache, "%s/cache", folder);
  const int after = strcmp(argv[3], "after") == 0;
  if (!start_server(argv[1], argv[2])) return 2;
  const struct suite suite = {kScenarios, sizeof kScenarios / sizeof *kScenarios, NULL, teardown};
  const int bad = sweep(&suite, after ? "hub, one and all after" : "hub, one", after, 401, 1201);
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) != 0 || bad;
}
