// The extras contract: identifiers, a sequence and random numbers from the host.
#pragma once

#include "trellis/guest/contracts.h"
#include "trellis/guest/host.h"
#include "trellis/guest/msgpack.h"

namespace trellis::guest {

class Extras {
 public:
  explicit Extras(Text binding = "default") : binding_(binding) {}

  // A random UUID in text form.
  Result<Text> guid() const {
    Result<Answer> answer = call("RequestGuid", true, false, false, 0, 0);
    if (!answer) {
      return answer.error();
    }
    return answer->guid;
  }

  // A number that rises with each request of this actor.
  Result<uint64_t> sequence() const {
    Result<Answer> answer = call("RequestSequence", false, true, false, 0, 0);
    if (!answer) {
      return answer.error();
    }
    return answer->number;
  }

  // A number from `min` to `max`.
  Result<uint32_t> random(uint32_t min, uint32_t max) const {
    Result<Answer> answer = call("RequestRandom", false, false, true, min, max);
    if (!answer) {
      return answer.error();
    }
    return static_cast<uint32_t>(answer->number);
  }

 private:
  struct Answer {
    Text guid;
    uint64_t number = 0;
  };

  // The 2020 request holds the arguments of all later ones; replies come as the struct of 2020 and
  // early 2021 or as a bare value.
  Result<Answer> call(Text operation, bool guid, bool sequence, bool random, uint32_t min,
                      uint32_t max) const {
    msgpack::Writer writer;
    writer.map(5).field("guid", guid).field("sequence", sequence).field("random", random);
    writer.field("min", min).field("max", max);
    Result<Bytes> reply = host_call(binding_, kExtras, operation, writer.bytes());
    if (!reply) {
      return reply.error();
    }
    Answer answer;
    msgpack::Reader reader(*reply);
    if (reader.peek() == msgpack::Kind::Text) {
      answer.guid = reader.text();
    } else if (reader.peek() == msgpack::Kind::Uint) {
      answer.number = static_cast<uint64_t>(reader.integer());
    } else {
      read_answer(reader, sequence, answer);
    }
    if (!reader.ok()) {
      return Error{"the reply does not fit the contract extras"};
    }
    return answer;
  }

  static void read_answer(msgpack::Reader& reader, bool sequence, Answer& answer) {
    static constexpr Text kNames[] = {"guid", "sequenceNumber", "randomNumber", "random_number"};
    msgpack::read_struct(reader, kNames, [&](size_t field) {
      if (field == 0) {
        answer.guid = reader.text();
      } else if ((field == 1) == sequence) {
        answer.number = static_cast<uint64_t>(reader.integer());
      } else {
        reader.skip();
      }
    });
  }

  Text binding_;
};

}  // namespace trellis::guest
