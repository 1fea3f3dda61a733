#include "egress/http_body.h"

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_cat.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <tuple>

#include "egress/credential.h"

namespace carrel::egress {
namespace {

constexpr std::size_t kPart = 32 << 10;
// The longest line between chunks, and all trailers: Beast is given at most this at once.
constexpr std::size_t kMaxLine = 64 << 10;

using Part = std::array<char, kPart>;

struct Parsed {
  std::size_t taken = 0;    // of the input
  std::size_t written = 0;  // into the part
  ErrorCode error;
};

// Parses what is in `input` into `part`, until either is used up.
template <bool IsRequest>
Parsed parse_some(http::parser<IsRequest, http::buffer_body>& parser, std::string_view input,
                  Part& part) {
  Parsed parsed;
  auto& body = parser.get().body();
  body.data = part.data();
  body.size = part.size();
  parsed.taken = parser.put(asio::buffer(input.data(), input.size()), parsed.error);
  parsed.written = part.size() - body.size;
  if (parsed.error == http::error::need_buffer) parsed.error.clear();
  if (parsed.error == http::error::need_more) parsed.error.clear();
  return parsed;
}

// `size` bytes of `part` as a chunk, none for 0, and the last chunk if there is an `end`.
Task<ErrorCode> write_part(Socket* to, std::shared_ptr<Part> part, std::size_t size,
                           std::optional<http::fields> end, Chunks chunks) {
  const asio::const_buffer bytes(part->data(), size);
  if (chunks == Chunks::kUnwrap) {
    auto [error, written] = co_await asio::async_write(*to, bytes, kAwait);
    co_return error;
  }
  ErrorCode error;
  if (!end) {
    const auto chunk = http::make_chunk(bytes);
    std::tie(error, std::ignore) = co_await asio::async_write(*to, chunk, kAwait);
  } else if (size == 0) {
    const auto last = http::make_chunk_last(*std::move(end));
    std::tie(error, std::ignore) = co_await asio::async_write(*to, last, kAwait);
  } else {
    const auto both =
        boost::beast::buffers_cat(http::make_chunk(bytes), http::make_chunk_last(*std::move(end)));
    std::tie(error, std::ignore) = co_await asio::async_write(*to, both, kAwait);
  }
  co_return error;
}

}  // namespace

template <bool IsRequest>
Task<Pumped> pump_chunks(std::shared_ptr<Connection> connection, Way way,
                         http::parser<IsRequest, http::buffer_body>* parser, ChunkRules rules,
                         std::uint64_t* moved) {
  Connection& c = *connection;
  Socket& from = way == Way::kOut ? c.client : c.upstream;
  Socket& to = way == Way::kOut ? c.upstream : c.client;
  const auto part = std::make_shared<Part>();
  Pumped result;
  parser->get().clear();  // what is in it at the end are the trailers
  parser->eager(true);
  std::size_t seen = 0;  // and not taken: it does not make a whole line
  while (!parser->is_done()) {
    result.error = co_await wait_for_more(&from, seen);
    result.source_failed = true;
    if (result.error) co_return result;
    const std::string_view input = c.shared.scratch.peek(from, kMaxLine, result.error);
    if (result.error == asio::error::would_block) continue;
    if (!result.error && input.size() == seen && has_ended(from)) {
      result.error = asio::error::eof;
    }
    if (!result.error && seen == kMaxLine) result.error = http::error::header_limit;
    if (result.error) co_return result;
    const Parsed parsed = parse_some(*parser, input, *part);
    result.error = parsed.error;
    if (!result.error && parsed.written > rules.limit - result.bytes) {
      result.error = http::error::body_limit;
    }
    if (result.error) co_return result;
    discard(from, parsed.taken);
    seen = input.size() - parsed.taken;
    if (parsed.written == part->size()) seen = 0;  // there may be more where this came from
    std::optional<http::fields> end;
    if (parser->is_done()) {
      end = allowed_trailers(parser->get());
      conceal(*end, rules.concealed);
    }
    if (parsed.written == 0 && !end) continue;
    c.touch();
    result.bytes += parsed.written;
    if (moved != nullptr) *moved += parsed.written;
    result.error = co_await write_part(&to, part, parsed.written, std::move(end), rules.chunks);
    result.source_failed = false;
    if (result.error) co_return result;
  }
  co_return result;
}

template Task<Pumped> pump_chunks<true>(std::shared_ptr<Connection>, Way,
                                        http::parser<true, http::buffer_body>*, ChunkRules,
                                        std::uint64_t*);
template Task<Pumped> pump_chunks<false>(std::shared_ptr<Connection>, Way,
                                         http::parser<false, http::buffer_body>*, ChunkRules,
                                         std::uint64_t*);

}  // namespace carrel::egress
