// SPDX-License-Identifier: Apache-2.0
#include "report/table.hpp"

#include <gtest/gtest.h>

namespace talweg::report {
namespace {

TEST(Table, AlignsItsColumns) {
  Table table({{"name", Table::Align::left}, {"n", Table::Align::right}});
  table.add({"a", "1"});
  table.add({"long", "1000"});
  EXPECT_EQ(table.text(), "name     n\na        1\nlong  1000\n");
}

}  // namespace
}  // namespace talweg::report
