#include "base/system_error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace rustml::base {
namespace {

TEST(SystemError, HasTheStatusOfTheTableInAbiMd) {
  for (const int error : {ENOMEM, ENOSPC, EMFILE, ENFILE, EFBIG}) EXPECT_EQ(status_of_errno(error), Status::resource_exhausted) << error;
  for (const int error : {EACCES, EPERM, EROFS}) EXPECT_EQ(status_of_errno(error), Status::permission_denied) << error;
  for (const int error : {ENOENT, ENOTDIR}) EXPECT_EQ(status_of_errno(error), Status::not_found) << error;
  for (const int error : {EISDIR, ENAMETOOLONG}) EXPECT_EQ(status_of_errno(error), Status::invalid_argument) << error;
  EXPECT_EQ(status_of_errno(EIO), Status::data_loss);
}

TEST(SystemError, SaysWhatAndItsNumber) {
  EXPECT_NE(errno_text(ENOENT).find("No such file"), std::string::npos);
  EXPECT_NE(errno_text(ENOENT).find("errno 2"), std::string::npos);
}

}  // namespace
}  // namespace rustml::base
