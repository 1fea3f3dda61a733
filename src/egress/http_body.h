// The body of an HTTP message, from one side to the other.
#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "egress/http_message.h"
#include "egress/relay.h"

namespace carrel::egress {

struct HeldCredential;

enum class Chunks : std::uint8_t { kKeep, kUnwrap };  // unwrap: for a reader of HTTP/1.0

struct ChunkRules {
  Chunks chunks = Chunks::kKeep;
  std::uint64_t limit = kNoLimit;                     // of the body's bytes
  std::vector<const HeldCredential*> concealed = {};  // that no trailer may show
};

// Reads the chunks of `parser`, whose head has been read, and writes chunks of
// its own with the trailers that may pass. Whatever it was that came, what
// goes on is well formed. Beyond the limit, http::error::body_limit. The parser
// outlives the task.
template <bool IsRequest>
[[nodiscard]] Task<Pumped> pump_chunks(std::shared_ptr<Connection> connection, Way way,
                                       http::parser<IsRequest, http::buffer_body>* parser,
                                       ChunkRules rules, std::uint64_t* moved);

}  // namespace carrel::egress
