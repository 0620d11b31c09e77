#include <dlfcn.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "cli/system.h"

namespace rustml::cli {
namespace {

std::atomic<void (*)()> interrupt_handler{nullptr};
static_assert(std::atomic<void (*)()>::is_always_lock_free);

double seconds_of(const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

}  // namespace

std::vector<std::string> start_program(int argc, char** argv) {
  signal(SIGXFSZ, SIG_IGN);  // a limit of file size is an error of writing
  return {argv, argv + argc};
}

bool is_terminal(int stream) noexcept { return ::isatty(stream) != 0; }

size_t terminal_columns() noexcept {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool read_line(std::string& line) { return static_cast<bool>(std::getline(std::cin, line)); }

std::FILE* open_file(const std::string& utf8_path, const char* mode) {
  return std::fopen(utf8_path.c_str(), (mode + std::string("e")).c_str());
}

void on_interrupt(void (*handler)()) noexcept {
  interrupt_handler = handler;
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  action.sa_handler = SIG_DFL;
  if (handler) {
    action.sa_handler = [](int) {
      if (void (*const now)() = interrupt_handler) now();
    };
    action.sa_flags = SA_RESTART;
  }
  sigaction(SIGINT, &action, nullptr);
}

void end_at_once(int code) noexcept { _exit(code); }

void* hub_function(const char* name, std::string& problem) {
  static void* const library = dlopen("librustml-hub.so.1", RTLD_NOW | RTLD_LOCAL);
  void* const function = library ? dlsym(library, name) : nullptr;
  if (!function) {
    const char* const text = dlerror();
    problem = std::string("librustml-hub, which fetches models, is not there: ") + (text ? text : name) +
              "; install it beside librustml, or give the path of a local file";
  }
  return function;
}

uint64_t peak_resident_bytes() {
  // getrusage would count what the parent held before exec.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  }
  return 0;
}

double others_processor_seconds() {
  std::ifstream stat("/proc/stat");
  std::string cpu;
  uint64_t user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  if (!(stat >> cpu >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal)) return -1;
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  return static_cast<double>(user + nice + system + irq + soft + steal) / static_cast<double>(sysconf(_SC_CLK_TCK)) -
         seconds_of(own.ru_utime) - seconds_of(own.ru_stime);
}

void prefer_huge_pages(void* memory, size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes, MADV_HUGEPAGE);
#endif
}

}  // namespace rustml::cli
