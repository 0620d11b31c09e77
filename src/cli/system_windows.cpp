#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <fcntl.h>
#include <io.h>
#include <windows.h>
// After windows.h, which it needs.
#include <psapi.h>

#include <atomic>
#include <cwchar>
#include <iostream>

#include "cli/system.h"

extern "C" int __wgetmainargs(int* argc, wchar_t*** argv, wchar_t*** environment, int expand_wildcards, int* new_mode);

namespace rustml::cli {
namespace {

std::atomic<void (*)()> interrupt_handler{nullptr};

std::string narrow(const wchar_t* text, size_t n) {
  const int units = static_cast<int>(n);
  std::string out(static_cast<size_t>(WideCharToMultiByte(CP_UTF8, 0, text, units, nullptr, 0, nullptr, nullptr)), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, units, out.data(), static_cast<int>(out.size()), nullptr, nullptr);
  return out;
}

std::wstring wide(const std::string& utf8) {
  const int bytes = static_cast<int>(utf8.size());
  std::wstring out(static_cast<size_t>(MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, nullptr, 0)), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, out.data(), static_cast<int>(out.size()));
  return out;
}

HANDLE handle_of(int stream) noexcept {
  return GetStdHandle(stream == 0 ? STD_INPUT_HANDLE : stream == 1 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE);
}

double seconds_of(const FILETIME& t) { return 1e-7 * static_cast<double>(uint64_t{t.dwHighDateTime} << 32 | t.dwLowDateTime); }

BOOL WINAPI on_console_event(DWORD event) {
  void (*const handler)() = interrupt_handler;
  if (handler == nullptr || (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)) return FALSE;
  handler();
  return TRUE;
}

}  // namespace

std::vector<std::string> start_program(int, char**) {
  for (const int stream : {0, 1, 2}) _setmode(stream, _O_BINARY);
  if (is_terminal(1) || is_terminal(2)) SetConsoleOutputCP(CP_UTF8);
  DWORD mode = 0;
  if (GetConsoleMode(handle_of(2), &mode)) SetConsoleMode(handle_of(2), mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);  // for \033[K
  int argc = 0, new_mode = 0;
  wchar_t **argv = nullptr, **environment = nullptr;
  __wgetmainargs(&argc, &argv, &environment, 0, &new_mode);
  std::vector<std::string> arguments;
  for (int i = 0; i < argc; ++i) arguments.push_back(narrow(argv[i], std::wcslen(argv[i])));
  return arguments;
}

bool is_terminal(int stream) noexcept {
  DWORD mode;
  return GetConsoleMode(handle_of(stream), &mode) != 0;
}

size_t terminal_columns() noexcept {
  CONSOLE_SCREEN_BUFFER_INFO info;
  return GetConsoleScreenBufferInfo(handle_of(1), &info) ? static_cast<size_t>(info.srWindow.Right - info.srWindow.Left + 1) : 0;
}

// A console gives its own characters; bytes in UTF-8 it gives only of ASCII.
bool read_line(std::string& line) {
  if (!is_terminal(0)) {
    if (!std::getline(std::cin, line)) return false;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
  std::wstring text;
  for (wchar_t block[512]; !text.ends_with(L'\n');) {
    DWORD n = 0;
    if (!ReadConsoleW(handle_of(0), block, 512, &n, nullptr) || n == 0) break;
    text.append(block, n);
  }
  if (text.empty() || text[0] == L'\x1A' || text[0] == L'\x04') return false;  // Ctrl-Z, Ctrl-D
  while (text.ends_with(L'\n') || text.ends_with(L'\r')) text.pop_back();
  line = narrow(text.data(), text.size());
  return true;
}

std::FILE* open_file(const std::string& utf8_path, const char* mode) {
  return _wfopen(wide(utf8_path).c_str(), wide(std::string(mode) + (std::string(mode).ends_with('b') ? "" : "b")).c_str());
}

void on_interrupt(void (*handler)()) noexcept {
  interrupt_handler = handler;
  static const BOOL installed = SetConsoleCtrlHandler(on_console_event, TRUE);
  static_cast<void>(installed);
}

void end_at_once(int code) noexcept {
  TerminateProcess(GetCurrentProcess(), static_cast<UINT>(code));
  for (;;) Sleep(INFINITE);
}

void* hub_function(const char*, std::string& problem) {
  problem =
      "librustml-hub, which fetches models, does not exist for Windows yet: download the model with another program and give its path";
  return nullptr;
}

uint64_t peak_resident_bytes() {
  PROCESS_MEMORY_COUNTERS counters{};
  return K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters) ? counters.PeakWorkingSetSize : 0;
}

double others_processor_seconds() {
  FILETIME idle, kernel, user, created, ended, own_kernel, own_user;  // the system's kernel time has its idle time in it
  if (!GetSystemTimes(&idle, &kernel, &user) || !GetProcessTimes(GetCurrentProcess(), &created, &ended, &own_kernel, &own_user)) return -1;
  return seconds_of(kernel) - seconds_of(idle) + seconds_of(user) - seconds_of(own_kernel) - seconds_of(own_user);
}

void prefer_huge_pages(void*, size_t) noexcept {}

}  // namespace rustml::cli
