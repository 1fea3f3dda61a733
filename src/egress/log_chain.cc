#include "egress/log_chain.h"

#include <sha2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "sys/error.h"

namespace carrel::egress {
namespace {

constexpr std::string_view kBefore = R"(,"chain":")";
constexpr std::string_view kAfter = R"("})";
constexpr std::size_t kDigits = SHA256_DIGEST_LENGTH * 2;
// Others hold the lock for microseconds; who holds it longer costs lines, not the proxy's time.
constexpr int kLockTries = 20;
constexpr std::chrono::microseconds kLockPause{250};

void feed(SHA2_CTX& hash, std::string_view text) {
  SHA256Update(&hash, reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

bool lock(int fd) {
  for (int i = 0; i < kLockTries; ++i) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    std::this_thread::sleep_for(kLockPause);
  }
  return false;
}

}  // namespace

std::string chain_after(std::string_view previous, std::string_view text) {
  SHA2_CTX hash;
  SHA256Init(&hash);
  feed(hash, previous);
  feed(hash, text);
  std::array<char, SHA256_DIGEST_STRING_LENGTH> digits;
  return SHA256End(&hash, digits.data());
}

std::string join_chain(const ChainedLine& line) {
  return line.text.substr(0, line.text.size() - 1) + std::string(kBefore) + line.chain +
         std::string(kAfter);
}

std::optional<ChainedLine> split_chain(std::string_view line) {
  constexpr std::size_t kTail = kBefore.size() + kDigits + kAfter.size();
  if (line.size() <= kTail || !line.ends_with(kAfter)) return std::nullopt;
  const std::size_t at = line.size() - kTail;
  if (line.substr(at, kBefore.size()) != kBefore) return std::nullopt;
  const std::string_view chain = line.substr(at + kBefore.size(), kDigits);
  return ChainedLine{std::string(line.substr(0, at)) + "}", std::string(chain)};
}

Status ChainVerifier::take(std::string_view line) {
  ++lines_;
  const std::string which = "line " + std::to_string(lines_);
  const std::optional<ChainedLine> parts = split_chain(line);
  if (!parts) return Error{Errc::kInvalid, which + " is not whole: it has no chain at its end"};
  if (parts->chain != chain_after(chain_, parts->text)) {
    return Error{Errc::kInvalid, which +
                                     " does not follow from the one before: it was changed, or "
                                     "lines were removed or put in before it"};
  }
  chain_ = parts->chain;
  return Unit{};
}

bool LogFile::append(std::string text) {
  if (!lock(file_.get())) return false;
  const bool done = append_locked(std::move(text));
  ::flock(file_.get(), LOCK_UN);
  return done;
}

bool LogFile::append_locked(std::string text) {
  if (!catch_up()) return false;
  std::string chain = chain_after(chain_, text);
  std::string line = ends_in_line_ ? "" : "\n";
  line += join_chain({std::move(text), chain}) + "\n";
  const ssize_t written =
      sys::retry([&] { return ::write(file_.get(), line.data(), line.size()); });
  if (written != static_cast<ssize_t>(line.size())) return false;
  chain_ = std::move(chain);
  size_ += written;
  ends_in_line_ = true;
  return true;
}

// Finds the last whole line, where others have written since.
bool LogFile::catch_up() {
  struct stat about{};
  if (::fstat(file_.get(), &about) != 0) return false;
  if (!S_ISREG(about.st_mode) || about.st_size == size_) return true;
  const auto length = std::min<std::int64_t>(about.st_size, 2 * kMaxLogLine);
  std::string tail(static_cast<std::size_t>(length), '\0');
  const ssize_t got = sys::retry(
      [&] { return ::pread(file_.get(), tail.data(), tail.size(), about.st_size - length); });
  if (got != length) return false;
  ends_in_line_ = tail.empty() || tail.ends_with('\n');
  tail.resize(tail.find_last_of('\n') == std::string::npos ? 0 : tail.find_last_of('\n'));
  const std::size_t before = tail.find_last_of('\n');
  const auto last =
      split_chain(std::string_view(tail).substr(before == std::string::npos ? 0 : before + 1));
  chain_ = last ? last->chain : "";
  size_ = about.st_size;
  return true;
}

}  // namespace carrel::egress
