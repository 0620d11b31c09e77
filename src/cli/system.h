// What the program asks of the operating system beside C++'s library: system_linux.cpp, system_windows.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace rustml::cli {

// First of all: standard input and output become plain bytes in UTF-8. The arguments in UTF-8.
std::vector<std::string> start_program(int argc, char** argv);

bool is_terminal(int stream) noexcept;  // 0, 1, 2
// Columns of the terminal that standard output is; 0: unknown, or no terminal.
size_t terminal_columns() noexcept;
// A line of standard input without its end; false at the end of the input.
bool read_line(std::string& line);
std::FILE* open_file(const std::string& utf8_path, const char* mode);  // null: errno says why

// Ctrl-C calls `handler`, in a signal handler or on a thread of its own; null: it ends the program. Writing to a closed pipe is an
// error and no signal from the first call on.
void on_interrupt(void (*handler)()) noexcept;
[[noreturn]] void end_at_once(int code) noexcept;  // from such a handler too

// A function of librustml-hub, which is opened at the first call; null: `problem` says why.
void* hub_function(const char* name, std::string& problem);

// The most memory this process ever held, in bytes; 0 if unknown.
uint64_t peak_resident_bytes();
// Processor seconds since the machine's start, of everyone but this process; negative: unknown.
double others_processor_seconds();
// Memory that is not touched yet should come in pages of 2 MiB.
void prefer_huge_pages(void* memory, size_t bytes) noexcept;

}  // namespace rustml::cli
