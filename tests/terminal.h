// A pseudo-terminal with a program on it, driven as a person would.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "process.h"

namespace carrel::tests {

class Terminal {
 public:
  // Streams and controlling terminal of `invocation` become the terminal's.
  explicit Terminal(Invocation invocation);

  void type(std::string_view keys);
  void resize(unsigned short rows, unsigned short columns);
  void hang_up() { master_.reset(); }  // as when the window is closed

  // Reads until `text` was shown after what was expected before; false when the
  // program ended or the time is over.
  [[nodiscard]] bool expect(std::string_view text);

  // Everything that was shown so far.
  [[nodiscard]] const std::string& shown() const { return shown_; }

  [[nodiscard]] const Process& process() const { return *process_; }
  // Waits for the end; `out` is what was shown.
  [[nodiscard]] Ended wait();

 private:
  bool read_more(std::chrono::steady_clock::time_point deadline);

  UniqueFd master_;
  std::unique_ptr<Process> process_;
  std::chrono::milliseconds time_limit_;
  std::string shown_;
  std::size_t expected_ = 0;
};

}  // namespace carrel::tests
