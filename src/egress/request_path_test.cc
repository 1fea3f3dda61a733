#include "egress/request_path.h"

#include <gtest/gtest.h>

namespace carrel::egress {
namespace {

TEST(RequestPath, IsDecodedOnceAndWithoutItsQuery) {
  EXPECT_EQ(judged_path("/v1/a%20b?x=/../").value(), "/v1/a b");
  EXPECT_EQ(judged_path("/%41/%c3%a4").value(), "/A/\u00e4");
  EXPECT_EQ(judged_path("/").value(), "/");
  EXPECT_EQ(judged_path("/a/").value(), "/a/");
  EXPECT_EQ(judged_path("/a..b/.c/d.").value(), "/a..b/.c/d.");
  EXPECT_EQ(judged_path("/100%25").value(), "/100%");
}

TEST(RequestPath, WhatCanBeReadInTwoWaysIsRefused) {
  for (const char* path :
       {"",          "a",      "/..",      "/a/../b",      "/.",         "/a/.",
        "/%2e%2e/b", "/.%2E",  "//",       "/a//b",        "/a%2fb",     "/a%2Fb",
        "/a\\b",     "/a%5cb", "/%00",     "/a%0d%0ab",    "/a\tb",      "/%",
        "/%4",       "/%zz",   "/a#b",     "/%252e%252e/", "/a%252fb",   "/%25252e",
        "/..;x=1/a", "/.;/a",  "/%c0%ae/", "/%ff",         "/a%5c..%5cb"}) {
    const Result<std::string> judged = judged_path(path);
    ASSERT_FALSE(judged.ok()) << path << " became " << judged.value();
    EXPECT_NE(judged.error().message.find("two ways"), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace carrel::egress
