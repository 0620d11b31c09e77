// Where things are printed: the answer to stdout, everything else to stderr.
#pragma once
#include <rustml.h>

#include <exception>
#include <string>
#include <string_view>

namespace rustml::cli {

// Whoever read standard output is gone: stop quietly.
class OutputClosed : public std::exception {};

// At once, unbuffered: a token is seen when it is there. Throws OutputClosed, or Failure when the write fails.
void write_answer(std::string_view text);
// One line "rustml-infer: <text>" on stderr.
void report(std::string_view text);

bool stdin_is_terminal() noexcept;
bool stdout_is_terminal() noexcept;
bool stderr_is_terminal() noexcept;

// Columns to wrap an answer at: those of $COLUMNS, else of the terminal, less the last one, where some terminals begin a new line by
// themselves. 0: no wrapping, for standard output is no terminal.
size_t wrap_columns();

// A line on the terminal that the next one replaces; clear removes it. Only for a terminal on stderr.
void show_progress(std::string_view text);
void show_progress(const char* doing, const rustml_event& event);  // "loading  42 % of 310 MB"
void clear_progress();

// Sends the library's log records to stderr. `filter` is --log; when empty, RUST_LOG, then "warn". Spans go to the file `trace`,
// if it is not empty, until end_trace or the program's end.
void start_log(const std::string& filter, const std::string& trace = "");
// Throws Failure if the file could not be written.
void end_trace();
// A record that a sister library delivered as an event, if that filter lets the program's own lines of its level through.
void show_log(const rustml_event& event);

// After an answer: counts, seconds and rates.
void print_statistics(const rustml_result& result, double load_seconds);

}  // namespace rustml::cli
