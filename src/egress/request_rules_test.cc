#include "egress/request_rules.h"

#include <gtest/gtest.h>

#include "egress/credential.h"
#include "egress/gateway.h"

namespace carrel::egress {
namespace {

using policy::Credential;
using policy::HostName;
using policy::HostRule;
using policy::RequestRule;

RequestView view_of(const std::string& method, const std::string& path,
                    const std::string& host = "a.test") {
  return {Destination{HostName::parse(host).value(), 443}, {}, method, path, true};
}

RequestRule rule(RequestRule::Action action, const std::string& method, const std::string& path) {
  RequestRule made;
  made.action = action;
  made.scope.hosts = {HostRule::parse("a.test").value()};
  if (!method.empty()) made.scope.methods = {method};
  if (!path.empty()) made.scope.paths = {policy::Glob::parse(path).value()};
  return made;
}

constexpr auto kAllow = RequestRule::Action::kAllow;
constexpr auto kDeny = RequestRule::Action::kDeny;

TEST(RequestRules, WithoutARuleEveryRequestPasses) {
  EXPECT_EQ(judge_request({}, view_of("DELETE", "/")).refusal, "");
}

TEST(RequestRules, WhereOneAllowsWhatNoneAllowsIsRefused) {
  policy::NetworkPolicy policy;
  policy.requests = {rule(kAllow, "GET", "/a/**"), rule(kAllow, "POST", "/b")};
  EXPECT_EQ(judge_request(policy, view_of("GET", "/a/b/c")).refusal, "");
  EXPECT_EQ(judge_request(policy, view_of("POST", "/b")).refusal, "");
  EXPECT_NE(judge_request(policy, view_of("POST", "/a/b")).refusal, "");
  EXPECT_NE(judge_request(policy, view_of("GET", "/b")).refusal, "");
  EXPECT_NE(judge_request(policy, view_of("get", "/a/b")).refusal, "");
  EXPECT_EQ(judge_request(policy, view_of("POST", "/x", "b.test")).refusal, "");
}

TEST(RequestRules, DenyWinsOverEveryAllow) {
  policy::NetworkPolicy policy;
  RequestRule deny = rule(kDeny, "", "/a/secret");
  deny.reason = "ask first";
  policy.requests = {rule(kAllow, "", ""), deny};
  EXPECT_EQ(judge_request(policy, view_of("GET", "/a/other")).refusal, "");
  const RequestVerdict verdict = judge_request(policy, view_of("GET", "/a/secret"));
  EXPECT_EQ(verdict.refusal, "the rule 'deny /a/secret' denies it (ask first)") << verdict.refusal;
}

TEST(RequestRules, TheWidestBoundOfThoseThatAllowCounts) {
  policy::NetworkPolicy policy;
  RequestRule small = rule(kAllow, "POST", "");
  small.max_bytes = 10;
  RequestRule large = rule(kAllow, "POST", "/large");
  large.max_bytes = 1000;
  policy.requests = {small, large};
  EXPECT_EQ(judge_request(policy, view_of("POST", "/")).max_bytes, 10u);
  EXPECT_EQ(judge_request(policy, view_of("POST", "/large")).max_bytes, 1000u);
  policy.requests.insert(rule(kAllow, "POST", "/any"));
  EXPECT_EQ(judge_request(policy, view_of("POST", "/any")).max_bytes, std::nullopt);
}

TEST(RequestRules, ExcludedHostsAreNotInspected) {
  policy::NetworkPolicy policy;
  policy.inspect = {HostRule::parse("*.a.test").value()};
  policy.inspect_exclude = {HostRule::parse("pinned.a.test").value()};
  const auto inspected = [&](const char* host) {
    return is_inspected(policy, {HostName::parse(host).value(), 443});
  };
  EXPECT_TRUE(inspected("b.a.test"));
  EXPECT_FALSE(inspected("a.test"));
  EXPECT_FALSE(inspected("pinned.a.test"));
}

std::vector<HeldCredential> held(Credential::Place place, const std::string& field,
                                 bool only = false) {
  HeldCredential made;
  made.rule.name = "key";
  made.rule.scope.hosts = {HostRule::parse("a.test").value()};
  made.rule.place = place;
  made.rule.field = field;
  made.rule.only = only;
  made.secret = Secret::of("s3cret+/").value();
  made.placeholder = "carrel-placeholder-1";
  std::vector<HeldCredential> all;
  all.push_back(std::move(made));
  return all;
}

RequestHead head_with(const std::string& target, const std::string& name = "",
                      const std::string& value = "") {
  RequestHead head(http::verb::get, target, 11);
  if (!name.empty()) head.set(name, value);
  return head;
}

TEST(Credentials, TakeThePlaceOfNothingAndOfThePlaceholder) {
  const Credentials header(held(Credential::Place::kHeader, "x-key"));
  for (const char* value : {"", "carrel-placeholder-1"}) {
    RequestHead head = *value == '\0' ? head_with("/") : head_with("/", "X-Key", value);
    const Injected injected = header.inject(head, view_of("GET", "/"));
    EXPECT_EQ(injected.refusal, std::nullopt);
    EXPECT_EQ(injected.names, "key");
    EXPECT_EQ(head["x-key"], "s3cret+/");
    EXPECT_EQ(head.count("x-key"), 1u);
  }
  const Credentials query(held(Credential::Place::kQuery, "key"));
  RequestHead head = head_with("/a?x=1&k%65y=carrel-placeholder-1&y=2");
  EXPECT_EQ(query.inject(head, view_of("GET", "/a")).refusal, std::nullopt);
  EXPECT_EQ(head.target(), "/a?x=1&y=2&key=s3cret%2B%2F");
  const Credentials basic(held(Credential::Place::kBasic, "me"));
  head = head_with("/", "Authorization", "Basic bWU6Y2FycmVsLXBsYWNlaG9sZGVyLTE=");
  EXPECT_EQ(basic.inject(head, view_of("GET", "/")).refusal, std::nullopt);
  EXPECT_EQ(head[http::field::authorization], "Basic bWU6czNjcmV0Ky8=");
}

TEST(Credentials, NothingIsPutInWhereOthersCouldRead) {
  const Credentials credentials(held(Credential::Place::kHeader, "x-key"));
  RequestView plain = view_of("GET", "/");
  plain.confidential = false;
  RequestHead head = head_with("/");
  EXPECT_EQ(credentials.inject(head, plain).names, "");
  EXPECT_EQ(head.count("x-key"), 0u);
  head = head_with("/");
  EXPECT_EQ(credentials.inject(head, view_of("GET", "/", "b.test")).names, "");
  EXPECT_EQ(head.count("x-key"), 0u);
}

TEST(Credentials, PlaceholderGoesNowhereElse) {
  const Credentials credentials(held(Credential::Place::kHeader, "x-key"));
  for (auto [name, value] : {std::pair("x-other", "carrel-placeholder-1"),
                             {"Cookie", "a=carrel-placeholder-1; b"},
                             {"Authorization", "basic bWU6Y2FycmVsLXBsYWNlaG9sZGVyLTE="}}) {
    RequestHead head = head_with("/", name, value);
    EXPECT_TRUE(credentials.inject(head, view_of("GET", "/", "b.test")).refusal) << name;
    head = head_with("/", name, value);
    EXPECT_TRUE(credentials.inject(head, view_of("GET", "/")).refusal) << name;
  }
  RequestHead head = head_with("/?a=carrel%2Dplaceholder-1");
  EXPECT_TRUE(credentials.inject(head, view_of("GET", "/")).refusal);
}

TEST(Credentials, OnlyRefusesKeysInEveryCustomaryPlace) {
  const Credentials strict(held(Credential::Place::kHeader, "x-key", true));
  for (const char* name : {"X-Key", "Authorization", "authorization", "Cookie", "X-Api-Key"}) {
    RequestHead head = head_with("/", name, "mine");
    EXPECT_TRUE(strict.inject(head, view_of("GET", "/")).refusal) << name;
  }
  RequestHead head = head_with("/?access%5Ftoken=mine");
  EXPECT_TRUE(strict.inject(head, view_of("GET", "/")).refusal);
  head = head_with("/", "X-Other", "mine");
  EXPECT_EQ(strict.inject(head, view_of("GET", "/")).refusal, std::nullopt);
}

TEST(Credentials, EchoesAreTakenOutOfHeads) {
  const std::vector<HeldCredential> all = held(Credential::Place::kBasic, "me");
  http::fields fields;
  fields.insert("a", "x s3cret+/ y");
  fields.insert("b", "Basic bWU6czNjcmV0Ky8=");
  fields.insert("c", "https://x/?k=s3cret%2B%2F");
  fields.insert("d", "kept");
  conceal(fields, {all.data()});
  EXPECT_EQ(std::distance(fields.begin(), fields.end()), 1);
  EXPECT_EQ(fields["d"], "kept");
}

TEST(Gateway, OwnLocationsAreToldAsTheyAreInside) {
  policy::Gateway gateway;
  gateway.name = "model";
  gateway.host = HostName::parse("a.test").value();
  gateway.base_path = "/v1";
  EXPECT_EQ(inside_location(gateway, "https://a.test/v1/x?y"), "http://model.gateway/x?y");
  EXPECT_EQ(inside_location(gateway, "https://a.test/v1"), "http://model.gateway");
  for (const char* other :
       {"https://a.test/v10", "https://a.test/", "/v1/x", "https://b.test/v1/"}) {
    EXPECT_EQ(inside_location(gateway, other), other);
  }
}

}  // namespace
}  // namespace carrel::egress
