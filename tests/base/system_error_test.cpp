#include "base/system_error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace rustml::base {
namespace {

TEST(SystemError, HasTheStatusOfTheTableInAbiMd) {
  for (const int error : {ENOMEM, ENOSPC, EMFILE, ENFILE, EFBIG}) EXPECT_EQ(status_of_errno(error), Status::resource_exhausted) << error;
  for (const int error : {EACCES, EPERM, EROFS}) EXPECT_EQ(status_of_errno(error), Status::permission_denied) << error;
  for (const int error : {ENOENT, ENOTDIR}) EXPECT_EQ(status_of_errno(error), Status::not_found) << error;
  for (const int error : {EISDIR, ENAMETOOLONG}) EXPECT_EQ(status_of_errno(error), Status::invalid_argument) << error;
  EXPECT_EQ(status_of_errno(EIO), Status::data_loss);
}

TEST(SystemError, HasGlibcsWordsUntranslated) {
  int n_known = 0;
  for (int error = 1; error < 134; ++error) {
    const char* words = strerrordesc_np(error);
    const std::string number = " (errno " + std::to_string(error) + ")", text = errno_text(error);
    if (text == "System error" + number || words == nullptr) continue;
    EXPECT_EQ(text, words + number);
    ++n_known;
  }
  EXPECT_GE(n_known, 50);
}

TEST(SystemError, SaysWhatAndItsNumber) {
  EXPECT_NE(errno_text(ENOENT).find("No such file"), std::string::npos);
  EXPECT_NE(errno_text(ENOENT).find("errno 2"), std::string::npos);
}

}  // namespace
}  // namespace rustml::base
