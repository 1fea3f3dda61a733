#include "egress/http_exchange.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/http/error.hpp>

#include "egress/http_body.h"
#include "egress/relay.h"

namespace carrel::egress {
namespace {

// Of 1xx responses to one request.
constexpr int kMaxInterim = 32;
constexpr std::size_t kMaxEarly = 16 << 10;

// Lives in the frame of exchange(), which awaits every task below.
class Exchange {
 public:
  Exchange(std::shared_ptr<Connection> connection, RequestParser* parser, RequestPlan plan,
           AuditEvent* event)
      : connection_(std::move(connection)),
        c_(*connection_),
        parser_(parser),
        plan_(std::move(plan)),
        event_(event) {}

  Task<Exchanged> run(std::string head) {
    using namespace asio::experimental::awaitable_operators;
    c_.expect_within(c_.shared.timeouts.exchange);
    head += take_early(Way::kOut, plan_.body);
    event_->bytes_out += head.size();
    const ErrorCode error = co_await send_all(&c_.upstream, std::move(head));
    if (error) {
      done_.stale = true;
      fail_upstream(error);
      co_return std::move(done_);
    }
    if (plan_.end_is_leave) {
      co_await (send_and_watch() && receive_all());
    } else if (plan_.body.kind == Body::Kind::kNone) {
      co_await receive();
    } else {
      co_await (send_body() && receive());
    }
    co_return std::move(done_);
  }

 private:
  // What has come of a body already goes in one packet with its head.
  std::string take_early(Way way, Body& body) {
    if (body.kind != Body::Kind::kLength) return {};
    Socket& from = way == Way::kOut ? c_.client : c_.upstream;
    ErrorCode error;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(body.length, kMaxEarly));
    std::string early(c_.shared.scratch.peek(from, most, error));
    discard(from, early.size());
    body.length -= early.size();
    if (body.length == 0) body.kind = Body::Kind::kNone;
    return early;
  }

  // Who asks a model and goes away shall not go on paying for its answer: the end
  // of the client's stream ends the exchange.
  Task<> send_and_watch() {
    if (plan_.body.kind != Body::Kind::kNone) {
      co_await send_body();
      if (!body_is_sent_) co_return;
    }
    watches_ = true;
    while (!received_) {
      // What comes next is a request that waits its turn.
      auto [error] = co_await c_.client.async_wait(
          client_has_more_ ? Socket::wait_error : Socket::wait_read, kAwait);
      if (received_ || error) break;
      client_has_more_ = true;
      if (!has_ended(c_.client)) continue;
      client_left();
      break;
    }
    watches_ = false;
  }

  Task<> receive_all() {
    co_await receive();
    received_ = true;
    ErrorCode ignored;
    if (watches_) c_.client.cancel(ignored);
  }

  void client_left() {
    client_failed_ = true;
    if (c_.upstream_fate) c_.upstream_fate->break_off = true;
    ErrorCode ignored;
    c_.upstream.close(ignored);
  }

  Task<> send_body() {
    Pumped pumped;
    if (plan_.body.kind == Body::Kind::kChunked) {
      const ChunkRules rules{Chunks::kKeep, plan_.max_body.value_or(kNoLimit), {}};
      pumped =
          co_await pump_chunks<true>(connection_, Way::kOut, parser_, rules, &event_->bytes_out);
    } else {
      pumped = co_await pump(connection_, Way::kOut, plan_.body.length, &event_->bytes_out);
    }
    body_is_sent_ = !pumped.error;
    if (body_is_sent_) co_return;
    // Nothing can follow on this connection.
    done_.client_goes_on = done_.upstream_goes_on = false;
    if (pumped.error == http::error::body_limit) {
      fail({413, "request-too-large",
            "the body of the request is longer than the policy lets it be: " +
                std::to_string(*plan_.max_body) + " bytes"});
    } else if (pumped.source_failed && !answered_ && !c_.has_expired()) {
      // Half a request shall not be taken for a whole one.
      client_left();
    }
  }

  Task<> receive() {
    for (int interim = 0; interim <= kMaxInterim; ++interim) {
      ResponseParser parser;
      std::optional<ResponsePlan> response = co_await read_head(&parser);
      if (!response) co_return;
      event_->status = static_cast<std::uint16_t>(response->status);
      answered_ = !response->interim;
      continued_ = continued_ || response->status == 100;
      // Where the body was not asked for, whether it comes cannot be known.
      if (answered_ && plan_.expects_continue && !continued_ && !body_is_sent_ &&
          plan_.body.kind != Body::Kind::kNone) {
        response->client_keeps_alive = response->upstream_keeps_alive = false;
        response->forward.set(http::field::connection, "close");
      }
      if (interim_unwanted(*response)) continue;
      std::string head = head_text<false>(response->forward);
      head += take_early(Way::kIn, response->body);
      event_->bytes_in += head.size();
      began_ = true;
      if (co_await send_all(&c_.client, std::move(head))) co_return;
      if (response->interim) continue;
      if (response->switches) {
        co_await switch_protocol();
      } else {
        co_await receive_body(&parser, std::move(*response));
      }
      co_return;
    }
    done_.failure = "the server sends interim responses without end";
    done_.truncated = true;
  }

  [[nodiscard]] bool interim_unwanted(const ResponsePlan& response) const {
    return response.interim && plan_.http_1_0;
  }

  Task<std::optional<ResponsePlan>> read_head(ResponseParser* parser) {
    std::size_t have = 0;
    for (std::size_t round = 0; round <= kMaxResponseHead; ++round) {
      ErrorCode error = co_await wait_for_more(&c_.upstream, have);
      std::string_view bytes;
      if (!error) bytes = c_.shared.scratch.peek(c_.upstream, kMaxResponseHead, error);
      if (error == asio::error::would_block) continue;
      if (!error && bytes.size() == have && has_ended(c_.upstream)) error = asio::error::eof;
      if (error) {
        done_.stale = have == 0 && !began_;
        fail_upstream(error);
        co_return std::nullopt;
      }
      have = bytes.size();
      const HeadScan scan = scan_head(bytes, kMaxResponseHead);
      if (scan.state == HeadScan::State::kIncomplete) continue;
      parser->skip(plan_.is_head);
      std::optional<HttpFault> fault = parse_head<false>(*parser, bytes, scan, kMaxResponseHead);
      std::variant<ResponsePlan, HttpFault> planned;
      if (!fault) planned = plan_response(parser->get(), plan_);
      if (!fault && std::holds_alternative<HttpFault>(planned))
        fault = std::get<HttpFault>(planned);
      if (fault) {
        fail({fault->status, "bad-response", fault->text});
        co_return std::nullopt;
      }
      discard(c_.upstream, scan.size);
      c_.touch();
      auto& response = std::get<ResponsePlan>(planned);
      if (!plan_.concealed.empty()) {
        conceal(response.forward, plan_.concealed);
        response.forward.reason("");
      }
      co_return std::move(response);
    }
    fail({502, "bad-response", "the server's answer comes in too many pieces"});
    co_return std::nullopt;
  }

  Task<> receive_body(ResponseParser* parser, ResponsePlan response) {
    Pumped pumped;
    switch (response.body.kind) {
      case Body::Kind::kNone:
        break;
      case Body::Kind::kChunked:
        pumped = co_await pump_chunks<false>(
            connection_, Way::kIn, parser,
            ChunkRules{plan_.http_1_0 ? Chunks::kUnwrap : Chunks::kKeep, kNoLimit, plan_.concealed},
            &event_->bytes_in);
        break;
      case Body::Kind::kLength:
        pumped = co_await pump(connection_, Way::kIn, response.body.length, &event_->bytes_in);
        break;
      case Body::Kind::kUntilClose:
        pumped = co_await pump(connection_, Way::kIn, kNoLimit, &event_->bytes_in);
        if (pumped.error == asio::error::eof) {
          pumped.error.clear();
          // Without TLS's own end, somebody may have cut it short.
          if (c_.upstream_fate && !c_.upstream_fate->in_order) {
            pumped.error = asio::error::connection_reset;
          }
        }
        break;
    }
    if (pumped.error) {
      done_.failure =
          (pumped.source_failed ? "the server broke off: " : "the client left: ") +
          (c_.has_expired() ? std::string("idle for too long") : pumped.error.message());
      if (client_failed_) done_.failure = "the client left";
      done_.truncated = true;
      // Where the end of the connection is the end of the body, only a reset
      // tells the client that it has not got all.
      ErrorCode ignored;
      if (response.body.kind == Body::Kind::kUntilClose) {
        c_.client.set_option(asio::socket_base::linger(true, 0), ignored);
      }
      cancel_client();
      co_return;
    }
    const bool request_is_over = plan_.body.kind == Body::Kind::kNone || body_is_sent_;
    done_.client_goes_on = response.client_keeps_alive;
    done_.upstream_goes_on = response.upstream_keeps_alive;
    if (request_is_over) co_return;
    if (!response.client_keeps_alive || !response.upstream_keeps_alive) {
      done_.client_goes_on = false;
      cancel_client();
    } else {
      c_.expect_within(c_.shared.timeouts.greeting);  // the rest of the request's body
    }
  }

  Task<> switch_protocol() {
    const std::uint64_t out = event_->bytes_out;
    const std::uint64_t in = event_->bytes_in;
    Relayed relayed = co_await relay(connection_, plan_.destination);
    event_->bytes_out = out + relayed.bytes_out;
    event_->bytes_in = in + relayed.bytes_in;
    done_.failure = std::move(relayed.failure);
  }

  // Ends send_body(), which may wait for bytes that nobody will send.
  void cancel_client() {
    ErrorCode ignored;
    c_.client.cancel(ignored);
    c_.upstream.cancel(ignored);
  }

  void fail(OwnResponse response) {
    if (done_.own_response) return;  // what failed first is why
    done_.client_goes_on = done_.upstream_goes_on = false;
    done_.failure = response.text;
    if (began_) {
      done_.truncated = true;
    } else {
      done_.own_response = std::move(response);
    }
    cancel_client();
  }

  void fail_upstream(const ErrorCode& error) {
    const std::string host = host_text(plan_.destination.host);
    if (client_failed_) {
      done_.failure = body_is_sent_ || plan_.body.kind == Body::Kind::kNone
                          ? "the client left"
                          : "the client left before its request was whole";
      done_.truncated = true;
    } else if (c_.has_expired()) {
      fail({504, "no-response", host + ": no answer in time"});
    } else if (error == asio::error::eof) {
      fail({502, "no-response", host + ": the server closed the connection without an answer"});
    } else {
      fail({502, "no-response", host + ": the connection broke: " + error.message()});
    }
  }

  std::shared_ptr<Connection> connection_;
  Connection& c_;
  RequestParser* parser_;
  RequestPlan plan_;
  AuditEvent* event_;
  Exchanged done_;
  bool body_is_sent_ = false;
  bool answered_ = false;   // a final response has begun
  bool continued_ = false;  // 100 was passed on
  bool began_ = false;      // the client has got something
  bool client_failed_ = false;
  bool received_ = false;         // receive_all() is over
  bool watches_ = false;          // send_and_watch() waits for the client
  bool client_has_more_ = false;  // bytes behind its request
};

}  // namespace

Task<Exchanged> exchange(std::shared_ptr<Connection> connection, RequestParser* parser,
                         RequestPlan plan, std::string head_text, AuditEvent* event) {
  Exchange exchange(std::move(connection), parser, std::move(plan), event);
  co_return co_await exchange.run(std::move(head_text));
}

}  // namespace carrel::egress
