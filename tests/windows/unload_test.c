/* LoadLibraryW, a generation, FreeLibrary, a hundred times over: threads and handles do not grow. Not linked with the library. */
#include <rustml.h>
#include <stdio.h>
#include <windows.h>
/* After windows.h, which it needs. */
#include <tlhelp32.h>

#define LIBRARY L"rustml.dll"

static int n_threads(void) {
  THREADENTRY32 entry;
  int n = 0;
  const HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
  entry.dwSize = sizeof entry;
  if (Thread32First(all, &entry)) {
    do n += entry.th32OwnerProcessID == GetCurrentProcessId();
    while (Thread32Next(all, &entry));
  }
  CloseHandle(all);
  return n;
}

/* Wine's GetProcessHandleCount returns 0. A new handle takes the lowest number that is free, so numbers grow if handles leak. */
static int n_handles(void) {
  const HANDLE next = CreateEventW(NULL, FALSE, FALSE, NULL);
  const int n = (int)((uintptr_t)next / 4);
  CloseHandle(next);
  return n;
}

static int sees_leaks(void) {
  const int before = n_handles();
  HANDLE events[50];
  int i, good;
  for (i = 0; i < 50; ++i) events[i] = CreateEventW(NULL, FALSE, FALSE, NULL);
  good = n_handles() >= before + 40;
  for (i = 0; i < 50; ++i) CloseHandle(events[i]);
  return good && n_handles() <= before + 2;
}

static void *find(HMODULE library, const char *name) {
  const FARPROC found = GetProcAddress(library, name);
  if (!found) fprintf(stderr, "no %s\n", name);
  return (void *)(uintptr_t)found;
}

static int look(void) {
  uint32_t (*version)(void);
  HMODULE library = LoadLibraryW(LIBRARY);
  if (!library) return 0;
  *(void **)&version = find(library, "rustml_abi_version");
  return version && version() == (RUSTML_VERSION_MAJOR << 16 | RUSTML_VERSION_MINOR) && FreeLibrary(library);
}

static int generate(const char *model_path) {
  int32_t (*open)(const char *, uint64_t, const rustml_model_options *, rustml_model **, const rustml_call_options *, rustml_error **);
  int32_t (*create)(rustml_model *, const rustml_session_options *, rustml_session **, const rustml_call_options *, rustml_error **);
  int32_t (*init_options)(rustml_generation_options *, uint32_t);
  int32_t (*init_prompt)(rustml_prompt *, uint32_t);
  int32_t (*init_model)(rustml_model_options *, uint32_t);
  int32_t (*run)(rustml_session *, const rustml_prompt *, const rustml_generation_options *, const rustml_callback *, rustml_result *,
                 rustml_error **);
  int32_t (*release_session)(rustml_session *);
  int32_t (*release_model)(rustml_model *);
  const int32_t ids[4] = {10, 20, 30, 40};
  rustml_model_options model_options;
  rustml_generation_options options;
  rustml_prompt prompt;
  rustml_result result = {0};
  rustml_model *model = NULL;
  rustml_session *session = NULL;
  HMODULE library = LoadLibraryW(LIBRARY);
  int good;
  if (!library) return 0;
  *(void **)&open = find(library, "rustml_model_open");
  *(void **)&create = find(library, "rustml_session_create");
  *(void **)&init_options = find(library, "rustml_generation_options_init");
  *(void **)&init_prompt = find(library, "rustml_prompt_init");
  *(void **)&init_model = find(library, "rustml_model_options_init");
  *(void **)&run = find(library, "rustml_generate");
  *(void **)&release_session = find(library, "rustml_session_release");
  *(void **)&release_model = find(library, "rustml_model_release");
  if (!open || !create || !init_options || !init_prompt || !init_model || !run || !release_session || !release_model) return 0;
  init_model(&model_options, sizeof model_options);
  model_options.n_threads = 3;
  init_options(&options, sizeof options);
  options.max_tokens = 4;
  options.ignore_eos = 1;
  init_prompt(&prompt, sizeof prompt);
  prompt.kind = RUSTML_PROMPT_IDS;
  prompt.ids = ids;
  prompt.n_ids = 4;
  result.struct_size = sizeof result;
  good = open(model_path, RUSTML_NUL_TERMINATED, &model_options, &model, NULL, NULL) == RUSTML_OK &&
         create(model, NULL, &session, NULL, NULL) == RUSTML_OK && run(session, &prompt, &options, NULL, &result, NULL) == RUSTML_OK &&
         result.generated_tokens == 4 && release_model(model) == RUSTML_OK && release_session(session) == RUSTML_OK;
  return FreeLibrary(library) && good;
}

int main(int argc, char **argv) {
  const int threads = n_threads();
  int handles = 0, i, j;
  if (argc < 2) return 2;
  if (!sees_leaks()) {
    fprintf(stderr, "handles cannot be counted like this\n");
    return 1;
  }
  for (i = 0; i < 120; ++i) {
    if (!(i < 20 ? look() : generate(argv[1]))) {
      fprintf(stderr, "round %d failed\n", i);
      return 1;
    }
    /* A thread is listed until it is quite gone, which may be a little after it was joined. */
    for (j = 0; j < 20000 && n_threads() != threads; ++j) Sleep(1);
    if (n_threads() != threads) {
      fprintf(stderr, "round %d left %d threads\n", i, n_threads() - threads);
      return 1;
    }
    if (i == 5 || i == 30) handles = n_handles(); /* what is made once is there */
    if (i > 5 && i != 20 && (i < 20 || i > 30) && n_handles() > handles + 2) {
      fprintf(stderr, "round %d: %d handles, before %d\n", i, n_handles(), handles);
      return 1;
    }
  }
  if (!GetModuleHandleW(LIBRARY)) {
    fprintf(stderr, "the library was unmapped\n");
    return 1;
  }
  printf("120 rounds, %d threads, %d handles\n", threads, n_handles());
  return 0;
}
