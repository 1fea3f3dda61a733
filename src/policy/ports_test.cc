#include "policy/ports.h"

#include <gtest/gtest.h>

namespace carrel::policy {
namespace {

TEST(Ports, ANumberIsAPortOfTheLoopback) {
  const auto port = PublishedPort::parse("8080");
  ASSERT_TRUE(port.ok());
  EXPECT_EQ(port.value().place(), "127.0.0.1:8080");
  EXPECT_EQ(port.value().inside, 8080);
}

TEST(Ports, AnAddressAndASecondPortCanBeNamed) {
  const struct {
    const char* text;
    const char* place;
    int inside;
  } kCases[] = {
      {"8080:80", "127.0.0.1:8080", 80},
      {"192.0.2.1:8080", "192.0.2.1:8080", 8080},
      {"192.0.2.1:8080:80", "192.0.2.1:8080", 80},
      {"[::1]:8080", "[::1]:8080", 8080},
      {"[2001:db8::1]:8080:80", "[2001:db8::1]:8080", 80},
  };
  for (const auto& each : kCases) {
    const auto port = PublishedPort::parse(each.text);
    ASSERT_TRUE(port.ok()) << each.text << ": " << port.error().message;
    EXPECT_EQ(port.value().place(), each.place);
    EXPECT_EQ(port.value().inside, each.inside);
    EXPECT_EQ(port.value().text(), each.text);
  }
}

TEST(Ports, WhatIsNoneIsRefused) {
  for (const char* text : {"", ":", "0", "65536", "080", "8080:", ":8080", "-1", " 80", "host:8080",
                           "::1:8080", "[::1]", "1.2.3.4", "1:2:3", "80:0", "1.2.3.4:0:80"}) {
    EXPECT_FALSE(PublishedPort::parse(text).ok()) << text;
  }
  for (const char* text : {"", "0", "65536", "080", "80:80", "a"}) {
    EXPECT_FALSE(HostPort::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace carrel::policy
