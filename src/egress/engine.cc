#include "egress/engine.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <functional>
#include <list>

#include "egress/dns_server.h"
#include "egress/handout.h"
#include "egress/http_proxy.h"
#include "egress/ports.h"
#include "egress/seclude.h"
#include "egress/socks.h"
#include "egress/transparent.h"
#include "sys/error.h"

namespace carrel::egress {
namespace {

constexpr std::chrono::seconds kTick{1};               // deadlines are this exact
constexpr std::chrono::milliseconds kAcceptPause{50};  // when the machine is out of something
constexpr std::chrono::seconds kLastWords{1};          // for what is open at the end
constexpr std::size_t kOtherFiles = 64;                // descriptors besides those of connections
constexpr std::size_t kFilesEach = 2;

// One listener and its clients; all engines' state lives here.
class Engine {
 public:
  Engine(asio::io_context& context, Shared& shared, std::size_t max_connections)
      : executor_(context.get_executor()),
        shared_(shared),
        max_connections_(max_connections),
        room_(executor_),
        tick_(executor_) {}

  Status listen(UniqueFd fd, Service service) {
    return listen(std::move(fd), [service](std::shared_ptr<Connection> connection) {
      return serve(service, std::move(connection));
    });
  }

  Status publish(Published published, SandboxSockets* sockets) {
    const policy::PublishedPort port = published.port;
    return listen(std::move(published.listener),
                  [port, sockets](std::shared_ptr<Connection> connection) {
                    return serve_published(std::move(connection), port, sockets);
                  });
  }

  Status answer_names(UniqueFd fd) {
    DatagramSocket& socket = datagrams_.emplace_back(executor_);
    ErrorCode error;
    socket.assign(asio::ip::udp::v4(), fd.get(), error);
    if (error) return Error{Errc::kSystem, "cannot use a socket: " + error.message()};
    static_cast<void>(fd.release());
    socket.non_blocking(true, error);
    asio::co_spawn(executor_, serve_dns_over_udp(&socket, &shared_), asio::detached);
    return Unit{};
  }

  void start() { asio::co_spawn(executor_, keep_time(), asio::detached); }

  void stop() {
    stopped_ = true;
    ErrorCode ignored;
    for (Listener& listener : listeners_) listener.acceptor.close(ignored);
    for (DatagramSocket& socket : datagrams_) socket.close(ignored);
    tick_.cancel();
    room_.cancel();
    for (const auto& connection : connections_) connection->close();
  }

 private:
  using Serve = std::function<Task<>(std::shared_ptr<Connection>)>;
  struct Listener {
    Acceptor acceptor;
    Serve serve;
  };
  using Place = std::list<std::shared_ptr<Connection>>::iterator;

  Status listen(UniqueFd fd, Serve serve) {
    Listener& listener = listeners_.emplace_back(Listener{Acceptor(executor_), std::move(serve)});
    ErrorCode error;
    listener.acceptor.assign(asio::ip::tcp::v4(), fd.get(), error);
    if (error) return Error{Errc::kSystem, "cannot use a listener: " + error.message()};
    static_cast<void>(fd.release());
    asio::co_spawn(executor_, accept_all(&listener), asio::detached);
    return Unit{};
  }

  Task<> accept_all(Listener* listener) {
    while (!stopped_) {
      if (connections_.size() >= max_connections_) {
        room_.expires_at(Clock::time_point::max());
        co_await room_.async_wait(kAwait);
        continue;
      }
      auto [error, socket] = co_await listener->acceptor.async_accept(kAwait);
      if (stopped_) co_return;
      if (error) {
        Timer pause(executor_, kAcceptPause);
        co_await pause.async_wait(kAwait);
        continue;
      }
      begin(std::move(socket), listener->serve);
    }
  }

  void begin(Socket socket, const Serve& serve) {
    connections_.push_front(std::make_shared<Connection>(&shared_, std::move(socket)));
    const Place place = connections_.begin();
    asio::co_spawn(executor_, serve(*place), [this, place](const std::exception_ptr&) {
      (*place)->close();
      connections_.erase(place);
      room_.cancel();
    });
  }

  static Task<> serve(Service service, std::shared_ptr<Connection> connection) {
    switch (service) {
      case Service::kHttp:
        return serve_http(std::move(connection));
      case Service::kSocks:
        return serve_socks(std::move(connection));
      case Service::kDnsOverTcp:
        return serve_dns_over_tcp(std::move(connection));
      case Service::kHostPort:
        return serve_host_port(std::move(connection));
      case Service::kDnsOverUdp:  // no connection comes of it
      case Service::kTransparent:
        break;
    }
    return serve_transparent(std::move(connection));
  }

  Task<> keep_time() {
    while (!stopped_) {
      tick_.expires_after(kTick);
      co_await tick_.async_wait(kAwait);
      const auto now = Clock::now();
      for (const auto& connection : connections_) connection->check_deadline(now);
    }
  }

  Executor executor_;
  Shared& shared_;
  std::size_t max_connections_;
  std::list<Listener> listeners_;
  std::list<DatagramSocket> datagrams_;
  std::list<std::shared_ptr<Connection>> connections_;
  Timer room_;  // cancelled when a connection ends
  Timer tick_;
  bool stopped_ = false;
};

using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

// Until the other end of `socket` is closed; what it may still say is ignored.
Task<> wait_for_end(Descriptor* socket) {
  while (true) {
    auto [error] = co_await socket->async_wait(Descriptor::wait_read, kAwait);
    if (error) co_return;
    char ignored[64];
    const ssize_t size = ::recv(socket->native_handle(), ignored, sizeof ignored, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) co_return;
  }
}

Task<> wait_for_sign(Descriptor* fd) { co_await fd->async_wait(Descriptor::wait_read, kAwait); }

std::size_t connections_within_open_files(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const std::size_t files = std::max<std::size_t>(limit.rlim_cur, kOtherFiles + kFilesEach);
  return std::min(wanted, (files - kOtherFiles) / kFilesEach);
}

Status serve(Config config, std::vector<UniqueFd> listeners, UniqueFd& complaints) {
  std::optional<SandboxSockets> sockets;
  if (!config.published.empty()) {
    CARREL_TRY(SandboxSockets opened, SandboxSockets::open(listeners.front()));
    sockets.emplace(std::move(opened));
  }
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  const Executor executor = context.get_executor();
  CARREL_TRY(auto resolver, Resolver::make(executor, {config.nameservers, config.timeouts.lookup}));
  Shared shared{
      .outbound = Outbound(std::make_shared<const policy::NetworkPolicy>(std::move(config.policy)),
                           std::move(resolver), std::move(config.proxies), config.timeouts.connect),
      .audit = AuditLog(std::move(config.audit), std::move(config.sandbox)),
      .timeouts = config.timeouts,
      .scratch = {},
      .max_held = config.max_held,
      .held = 0,
  };
  shared.credentials = Credentials(std::move(config.credentials));
  if (!config.ca_bundle.empty()) {
    shared.tls = std::make_unique<Tls>(std::move(config.ca_bundle), std::move(config.authority));
  }
  Engine engine(context, shared, connections_within_open_files(config.max_connections));
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const Service service = config.services[std::min(i, config.services.size() - 1)];
    if (service == Service::kDnsOverUdp) {
      CARREL_CHECK(engine.answer_names(std::move(listeners[i])));
    } else {
      CARREL_CHECK(engine.listen(std::move(listeners[i]), service));
    }
  }
  for (Published& published : config.published) {
    CARREL_CHECK(engine.publish(std::move(published), &*sockets));
  }
  engine.start();
  const bool has_lifetime = config.lifetime.valid();
  Descriptor life(executor, (has_lifetime ? config.lifetime : config.handout).release());
  Task<> lived = has_lifetime ? wait_for_sign(&life) : wait_for_end(&life);
  asio::co_spawn(executor, std::move(lived), [&](const std::exception_ptr&) {
    engine.stop();
    context.stop();
  });
  complaints.reset();  // whoever waits for its end does not wait for the engine's
  context.run();
  context.restart();
  context.run_for(kLastWords);
  return Unit{};
}

Result<std::vector<UniqueFd>> receive(const Config& config) {
  std::vector<HandedOut> expected;
  for (const Service service : config.services) {
    if (service == Service::kTransparent) continue;
    expected.push_back(service == Service::kDnsOverUdp ? HandedOut::kDatagrams
                                                       : HandedOut::kListener);
  }
  const bool transparent = expected.size() < config.services.size();
  return receive_listeners(config.handout, expected,
                           transparent ? Further::kListeners : Further::kNone);
}

Status run(Config config, UniqueFd& complaints) {
  std::vector<int> keep = {complaints.get(), config.handout.get(), config.lifetime.get(),
                           config.audit.get()};
  for (const Published& published : config.published) keep.push_back(published.listener.get());
  CARREL_CHECK(seclude(std::move(keep)));
  CARREL_TRY(std::vector<UniqueFd> listeners, receive(config));
  if (listeners.empty()) return Unit{};  // the sandbox never was
  return serve(std::move(config), std::move(listeners), complaints);
}

void complain(const UniqueFd& to, const Error& error) {
  if (!to.valid()) return;
  const std::string line = "carrel: the proxy cannot serve: " + error.message + "\n";
  static_cast<void>(sys::retry([&] { return ::write(to.get(), line.data(), line.size()); }));
}

}  // namespace

Status run_engine(Config config) {
  UniqueFd complaints = std::move(config.complaints);
  Status ran = run(std::move(config), complaints);
  if (!ran.ok()) complain(complaints, ran.error());
  return ran;
}

}  // namespace carrel::egress
