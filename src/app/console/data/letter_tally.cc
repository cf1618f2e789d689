// SPDX-License-Identifier: Apache-2.0
#include "app/console/data/letter_tally.h"

#include <algorithm>

#include "app/console/data/message_view.h"

namespace tocsin::console {

Result<std::map<std::string, std::int64_t>> LetterTally::codes(const bus::TopicInfo& topic) {
  const std::lock_guard lock(mutex_);
  std::size_t read = 0;
  for (const bus::PartitionInfo& p : topic.partitions) {
    std::int64_t& next = next_[p.partition];
    if (next > p.end_offset) {  // the topic is another one of the same name
      next = 0;
      codes_.clear();
    }
    next = std::max(next, p.first_offset);
    if (next >= p.end_offset) continue;
    TOCSIN_TRY_STATUS(read_range(bus_, {topic_, p.partition}, next, p.end_offset,
                                 [&](const bus::Message& message) {
                                   std::string code(message.header("error.code").substr(0, 200));
                                   if (codes_.size() >= kCodesMax && !codes_.contains(code))
                                     code = "other";
                                   ++codes_[code];
                                   next = message.offset + 1;
                                   return ++read < kLettersEach;
                                 }));
  }
  return codes_;
}

}  // namespace tocsin::console
