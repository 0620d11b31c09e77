// All texts of the library and of the program are the same bytes in every locale: locale_test MODEL DIRECTORY [PROGRAM]. The locales
// are made here, from the sources of Debian's package `locales`.
#include <arpa/inet.h>
#include <locale.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>
#include <string>
#include <thread>

#include "check.h"
#ifdef RUSTML_WITH_HUB
#include <rustml_hub.h>
#endif

// glibc's setlocale keeps the parts of LOCPATH for ever. Asked for by AddressSanitizer alone.
extern "C" [[gnu::visibility("default")]] const char* __lsan_default_suppressions() { return "leak:argz_add_sep\n"; }

namespace {

const char *model_path, *directory, *program;
std::string folder, directory_path;  // of this test

// Digits become '#': what is timed differs from run to run; where points and separators are does not.
std::string masked(std::string text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || out.empty() || out.back() != '#') out += digit ? '#' : c;
  }
  return out;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int32_t on_log(void* user_data, const rustml_event* event) {
  *static_cast<std::string*>(user_data) += std::string(event->component) + ": " + masked({event->text, event->text_len}) + "\n";
  return 0;
}

rustml_text text_of(const char* text) { return {text, RUSTML_NUL_TERMINATED}; }

void listen(std::string* lines) {
  rustml_callback callback;
  rustml_callback_init(&callback, sizeof callback);
  callback.on_event = on_log;
  callback.user_data = lines;
  rustml_log_options options;
  rustml_log_options_init(&options, sizeof options);
  options.filter = text_of("trace");
  options.callback = lines ? &callback : nullptr;
  CHECK_OK(rustml_log_set(&options, &error));
}

// Adds the error's words: every call here is refused.
#define REFUSED(call)                                       \
  do {                                                      \
    rustml_error* error = nullptr;                          \
    CHECK((call) != RUSTML_OK);                             \
    all += std::string(rustml_error_message(error)) + "\n"; \
    rustml_error_release(error);                            \
  } while (0)

void add_refusals(rustml_session* session, std::string& all) {
  rustml_prompt prompt;
  rustml_prompt_init(&prompt, sizeof prompt);
  prompt.text = text_of("The");
  rustml_result result = {};
  result.struct_size = sizeof result;
  for (int i = 0; i < 3; ++i) {
    rustml_generation_options options;
    rustml_generation_options_init(&options, sizeof options);
    if (i == 0) options.temperature = -1234567.5f;
    if (i == 1) options.min_p = 1.0000001f;
    if (i == 2) options.top_p = -1e-9f;
    REFUSED(rustml_generate(session, &prompt, &options, nullptr, &result, &error));
  }
  rustml_beam_options beams;
  rustml_beam_options_init(&beams, sizeof beams);
  beams.length_penalty = 1234.0625f;
  REFUSED(rustml_beam_search(session, &prompt, &beams, nullptr, &result, &error));
  rustml_model* model = nullptr;
  rustml_model_options options;
  rustml_model_options_init(&options, sizeof options);
  options.memory_limit_bytes = 12345;
  REFUSED(rustml_model_open(model_path, RUSTML_NUL_TERMINATED, &options, &model, nullptr, &error));
  REFUSED(rustml_model_open("/no/such/file.gguf", RUSTML_NUL_TERMINATED, nullptr, &model, nullptr, &error));
  REFUSED(rustml_model_open("/no/such/folder/", RUSTML_NUL_TERMINATED, nullptr, &model, nullptr, &error));
  REFUSED(rustml_model_open((folder + "/bad").c_str(), RUSTML_NUL_TERMINATED, nullptr, &model, nullptr, &error));
  REFUSED(rustml_model_open((folder + "/negative").c_str(), RUSTML_NUL_TERMINATED, nullptr, &model, nullptr, &error));
  REFUSED(rustml_session_save(session, "/no/such/folder/file", RUSTML_NUL_TERMINATED, nullptr, &error));
}

std::string description(const rustml_model* model) {
  std::string text(65536, '\0');
  uint64_t needed = 0;
  CHECK_OK(rustml_model_describe_json(model, text.data(), text.size(), &needed, &error));
  text.resize(needed);
  return text;
}

// Everything the library says, once.
std::string texts() {
  std::string all = rustml_build_json(), lines;
  all += rustml_abi_layout_json();
  listen(&lines);
  rustml_model_options options;
  rustml_model_options_init(&options, sizeof options);
  options.n_threads = 1;
  for (const char* path : {model_path, directory}) {
    rustml_model* model = nullptr;
    CHECK_OK(rustml_model_open(path, RUSTML_NUL_TERMINATED, &options, &model, nullptr, &error));
    all += description(model) + "\n";
    rustml_session* session = new_session(model);
    rustml_prompt prompt;
    rustml_prompt_init(&prompt, sizeof prompt);
    prompt.kind = RUSTML_PROMPT_IDS;
    const int32_t ids[] = {1, 2, 3};
    prompt.ids = ids;
    prompt.n_ids = 3;
    rustml_generation_options generation;
    rustml_generation_options_init(&generation, sizeof generation);
    generation.max_tokens = 3;
    rustml_result result = {};
    result.struct_size = sizeof result;
    CHECK_OK(rustml_generate(session, &prompt, &generation, nullptr, &result, &error));
    add_refusals(session, all);
    rustml_session_release(session);
    rustml_model_release(model);
  }
  listen(nullptr);
  const std::string out = folder + "/out.gguf";
  rustml_quantize_options quantize;
  rustml_quantize_options_init(&quantize, sizeof quantize);
  CHECK_OK(rustml_model_quantize(directory, RUSTML_NUL_TERMINATED, out.c_str(), RUSTML_NUL_TERMINATED, &quantize, nullptr, &error));
  return all + lines + content(out);
}

#ifdef RUSTML_WITH_HUB
// What the hub's library says of a server that resets every connection: libcurl takes the system's words, in its language.
std::string hub_texts() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener, 8) == 0);
  CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  std::thread server([&] {
    for (int peer; (peer = accept(listener, nullptr, nullptr)) >= 0; close(peer)) {
      char request[16];
      const ssize_t n = read(peer, request, sizeof request);
      const linger at_once = {n > 0, 0};
      setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
  });
  setenv("HF_ENDPOINT", ("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port))).c_str(), 1);
  setenv("HF_HUB_CACHE", (folder + "/hub").c_str(), 1);
  std::string all;
  char path[256];
  uint64_t needed = 0;
  REFUSED(rustml_hub_resolve("a/b", RUSTML_NUL_TERMINATED, nullptr, path, sizeof path, &needed, nullptr, &error));
  shutdown(listener, SHUT_RDWR);
  server.join();
  close(listener);
  return masked(all);  // the port
}
#else
std::string hub_texts() { return {}; }
#endif

// With LC_ALL in its environment, which it does not look at.
std::string program_texts(const char* locale) {
  if (!program) return {};
  const std::string start = std::string("LC_ALL=") + locale + " " + program + " ",
                    with = std::string(" --gguf ") + model_path + " --threads 1 ";
  std::string all;
  for (const std::string& command :
       {"info --json" + with, "info" + with, "run --json --max-tokens 4 --logprobs 2 --prompt-ids 1,2,3" + with,
        "run --stats --max-tokens 4 --prompt-ids 1,2,3" + with, "run --temperature 0,5 --prompt x" + with,
        "run --temperature -1.5 --prompt x" + with, "bench --json --prefill 4 --decode 2 --repeat 1" + with}) {
    FILE* pipe = popen((start + command + " 2>&1").c_str(), "r");
    char block[4096];
    std::string text;
    for (size_t n; (n = fread(block, 1, sizeof block, pipe)) > 0;) text.append(block, n);
    pclose(pipe);
    all += "$ " + command + "\n" + masked(text);
  }
  return all;
}

void compare(const std::string& got, const std::string& wanted, const char* where) {
  ++n_checks;
  if (got == wanted) return;
  ++n_failures;
  size_t at = 0;
  while (at < got.size() && at < wanted.size() && got[at] == wanted[at]) ++at;
  const size_t begin = at < 60 ? 0 : at - 60;
  fprintf(stderr, "%s: other bytes from %zu on:\n  %s\n  %s\n", where, at, got.substr(begin, 160).c_str(),
          wanted.substr(begin, 160).c_str());
}

struct Grouping : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
  std::string do_truename() const override { return "wahr"; }
};

// A folder of this test like DIRECTORY, but for one number in its config.json.
void copy_with(const std::string& name, const std::string& key, const char* value) {
  std::filesystem::copy(directory, folder + "/" + name);
  std::string config = content(folder + "/" + name + "/config.json");
  const size_t at = config.find(':', config.find('"' + key + '"')) + 1;
  config.replace(at, config.find_first_of(",}", at) - at, value);
  std::ofstream(folder + "/" + name + "/config.json") << config;
}

bool make_locale(const std::string& name) {
  const std::string source = name.substr(0, name.find('.')), out = folder + "/" + name;
  const int status = system(("localedef -i " + source + " -f UTF-8 --no-archive " + out + " 2>/dev/null").c_str());
  return status != -1 && setlocale(LC_ALL, name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  char name[] = "/tmp/rustml-locale-XXXXXX";
  if (argc < 3 || !mkdtemp(name)) return 2;
  model_path = argv[1];
  directory = argv[2];
  program = argc > 3 ? argv[3] : nullptr;
  folder = name;
  setenv("LOCPATH", name, 1);
  unsetenv("LANGUAGE");
  unsetenv("http_proxy");
  copy_with("small", "rms_norm_eps", "1.25e-7");
  copy_with("bad", "hidden_size", "1.5e-7");
  copy_with("negative", "rms_norm_eps", "-2.5e-7");
  directory_path = folder + "/small";
  directory = directory_path.c_str();

  const std::string wanted = texts(), of_program = program_texts("C"), of_hub = hub_texts();
  CHECK(wanted.find("\"norm_eps\":1.25e-7") != std::string::npos);
  CHECK(wanted.find("1.5e-7") != std::string::npos);
  CHECK(wanted.find("is -2.5e-7; it must be") != std::string::npos);
  CHECK(wanted.find("No such file or directory (errno 2)") != std::string::npos);
  CHECK(wanted.find("[TRACE] matmul") != std::string::npos && wanted.find("\"ph\":\"X\"") != std::string::npos);
  compare(texts(), wanted, "the second time");

  int n_made = 0;
  for (const char* locale : {"de_DE.UTF-8", "tr_TR.UTF-8", "ps_AF.UTF-8"}) {
    if (!make_locale(locale)) continue;
    ++n_made;
    CHECK(strcmp(localeconv()->decimal_point, ".") != 0);
    compare(texts(), wanted, locale);
    compare(program_texts(locale), of_program, locale);
    if (n_made == 1) compare(hub_texts(), of_hub, locale);  // seconds: it tries five times
    std::locale::global(std::locale(locale));
    compare(texts(), wanted, "std::locale::global");
    std::locale::global(std::locale::classic());
    setlocale(LC_ALL, "C");
    const locale_t other = newlocale(LC_ALL_MASK, locale, nullptr);
    std::thread([&] {
      uselocale(other);
      compare(texts(), wanted, "uselocale");
      uselocale(LC_GLOBAL_LOCALE);
    }).join();
    freelocale(other);
  }
  if (n_made > 0) {  // another thread changes it meanwhile
    std::atomic<bool> done{false};
    std::thread changing([&] {
      while (!done) {
        setlocale(LC_NUMERIC, "ps_AF.UTF-8");
        setlocale(LC_NUMERIC, "de_DE.UTF-8");
        setlocale(LC_NUMERIC, "C");
      }
    });
    rustml_memory_plan plan = {};
    plan.struct_size = sizeof plan;
    for (int i = 0; i < 300; ++i) CHECK_OK(rustml_model_plan(directory, RUSTML_NUL_TERMINATED, nullptr, nullptr, &plan, nullptr, &error));
    done = true;
    changing.join();
  }
  std::locale::global(std::locale(std::locale::classic(), new Grouping));
  compare(texts(), wanted, "a C++ locale with grouping");
  std::locale::global(std::locale::classic());
  std::filesystem::remove_all(folder);
  puts("PASSED the C locale");
  if (n_made < 3)
    printf("SKIPPED other locales: %d of 3 could not be made; localedef and its sources are in Debian's package locales\n", 3 - n_made);
  else
    puts("PASSED other locales");
  return finish();
}
