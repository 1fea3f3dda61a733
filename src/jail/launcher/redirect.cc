#include "jail/launcher/redirect.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "jail/launcher/kernel.h"
#include "jail/launcher/netlink.h"

namespace carrel::launcher {
namespace {

constexpr char kTable[] = "carrel";
constexpr char kChain[] = "connections";
constexpr std::uint32_t kBeforeOthers = static_cast<std::uint32_t>(-150);  // NF_IP_PRI_MANGLE
constexpr std::uint8_t kTcp = 6;
constexpr int kNetfilter = 12;  // NETLINK_NETFILTER

constexpr std::uint16_t message_type(unsigned message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

// nfgenmsg of every message of a batch; its ends name the subsystem in the third field.
nfgenmsg header_for(std::uint8_t family) { return {family, NFNETLINK_V0, 0}; }
nfgenmsg batch_end() {
  return {NFPROTO_UNSPEC, NFNETLINK_V0, __builtin_bswap16(NFNL_SUBSYS_NFTABLES)};
}

// The expressions of one rule, in order.
class Rule {
 public:
  explicit Rule(NetlinkMessages& out) : out_(out) {
    out_.begin(message_type(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND,
               header_for(NFPROTO_INET));
    out_.text(NFTA_RULE_TABLE, kTable);
    out_.text(NFTA_RULE_CHAIN, kChain);
    list_ = out_.open(NFTA_RULE_EXPRESSIONS);
  }
  void end() {
    out_.close(list_);
    out_.end();
  }

  void load_meta(std::uint32_t key) {
    const Expression expression(out_, "meta");
    out_.big_endian(NFTA_META_KEY, key);
    out_.big_endian(NFTA_META_DREG, NFT_REG_1);
  }
  void load_network_header(std::uint32_t offset, std::uint32_t size) {
    const Expression expression(out_, "payload");
    out_.big_endian(NFTA_PAYLOAD_DREG, NFT_REG_1);
    out_.big_endian(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    out_.big_endian(NFTA_PAYLOAD_OFFSET, offset);
    out_.big_endian(NFTA_PAYLOAD_LEN, size);
  }
  // Goes on only where what was loaded compares so.
  void compare(std::uint32_t how, const void* value, std::size_t size) {
    const Expression expression(out_, "cmp");
    out_.big_endian(NFTA_CMP_SREG, NFT_REG_1);
    out_.big_endian(NFTA_CMP_OP, how);
    data(NFTA_CMP_DATA, value, size);
  }
  void to_listener(std::uint32_t family, const void* address, std::size_t size) {
    constexpr std::uint16_t kPort = __builtin_bswap16(kTransparentPort);
    set(NFT_REG_1, address, size);
    set(NFT_REG_2, &kPort, sizeof kPort);
    const Expression expression(out_, "tproxy");
    out_.big_endian(NFTA_TPROXY_FAMILY, family);
    out_.big_endian(NFTA_TPROXY_REG_ADDR, NFT_REG_1);
    out_.big_endian(NFTA_TPROXY_REG_PORT, NFT_REG_2);
  }

 private:
  class Expression {
   public:
    Expression(NetlinkMessages& out, const char* name) : out_(out) {
      element_ = out_.open(NFTA_LIST_ELEM);
      out_.text(NFTA_EXPR_NAME, name);
      data_ = out_.open(NFTA_EXPR_DATA);
    }
    Expression(const Expression&) = delete;
    Expression& operator=(const Expression&) = delete;
    ~Expression() {
      out_.close(data_);
      out_.close(element_);
    }

   private:
    NetlinkMessages& out_;
    std::size_t element_;
    std::size_t data_;
  };

  void data(unsigned type, const void* value, std::size_t size) {
    const std::size_t nest = out_.open(type);
    out_.attribute(NFTA_DATA_VALUE, value, size);
    out_.close(nest);
  }
  void set(std::uint32_t reg, const void* value, std::size_t size) {
    const Expression expression(out_, "immediate");
    out_.big_endian(NFTA_IMMEDIATE_DREG, reg);
    data(NFTA_IMMEDIATE_DATA, value, size);
  }

  NetlinkMessages& out_;
  std::size_t list_;
};

void put_table_and_chain(NetlinkMessages& out) {
  out.begin(message_type(NFT_MSG_NEWTABLE), NLM_F_CREATE, header_for(NFPROTO_INET));
  out.text(NFTA_TABLE_NAME, kTable);
  out.end();
  out.begin(message_type(NFT_MSG_NEWCHAIN), NLM_F_CREATE, header_for(NFPROTO_INET));
  out.text(NFTA_CHAIN_TABLE, kTable);
  out.text(NFTA_CHAIN_NAME, kChain);
  out.text(NFTA_CHAIN_TYPE, "filter");
  const std::size_t hook = out.open(NFTA_CHAIN_HOOK);
  out.big_endian(NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
  out.big_endian(NFTA_HOOK_PRIORITY, kBeforeOthers);
  out.close(hook);
  out.end();
}

// The rule for one family: TCP, and not to the loopback itself.
void put_rule(NetlinkMessages& out, std::uint8_t family, std::uint32_t destination_offset,
              const void* loopback, std::size_t loopback_size, const void* listener,
              std::size_t listener_size) {
  Rule rule(out);
  rule.load_meta(NFT_META_NFPROTO);
  rule.compare(NFT_CMP_EQ, &family, sizeof family);
  rule.load_meta(NFT_META_L4PROTO);
  rule.compare(NFT_CMP_EQ, &kTcp, sizeof kTcp);
  rule.load_network_header(destination_offset, static_cast<std::uint32_t>(loopback_size));
  rule.compare(NFT_CMP_NEQ, loopback, loopback_size);
  rule.to_listener(family, listener, listener_size);
  rule.end();
}

}  // namespace

long redirect_connections(Families families) {
  static constexpr std::uint8_t kLoopbackV4[1] = {127};  // the first byte of 127.0.0.0/8
  static constexpr std::uint8_t kLoopbackV6[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  constexpr std::uint32_t kDestinationV4 = 16;  // in the header of IPv4, and of IPv6
  constexpr std::uint32_t kDestinationV6 = 24;
  NetlinkMessages out;
  out.begin(NFNL_MSG_BATCH_BEGIN, 0, batch_end());
  out.end();
  put_table_and_chain(out);
  put_rule(out, NFPROTO_IPV4, kDestinationV4, kLoopbackV4, sizeof kLoopbackV4, kTransparentV4,
           sizeof kTransparentV4);
  if (families == Families::kBoth) {
    put_rule(out, NFPROTO_IPV6, kDestinationV6, kLoopbackV6, sizeof kLoopbackV6, kTransparentV6,
             sizeof kTransparentV6);
  }
  out.begin(NFNL_MSG_BATCH_END, 0, batch_end());
  out.end();
  return out.send(kNetfilter);
}

}  // namespace carrel::launcher
