// EXPECT_ERROR(statement, status, part): the statement throws base::Error with this status, and its message has `part`.
#pragma once
#include <gtest/gtest.h>

#include "base/error.h"

#define EXPECT_ERROR(statement, wanted_status, part)                                                              \
  do {                                                                                                            \
    try {                                                                                                         \
      statement;                                                                                                  \
      ADD_FAILURE() << #statement << " threw nothing";                                                            \
    } catch (const rustml::base::Error& error) {                                                                  \
      EXPECT_EQ(static_cast<int>(error.status()), static_cast<int>(wanted_status)) << error.message();            \
      EXPECT_NE(error.message().find(part), std::string::npos) << error.message() << " has no \"" << part << '"'; \
    }                                                                                                             \
  } while (false)
