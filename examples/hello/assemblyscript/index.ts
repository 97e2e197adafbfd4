// hello in AssemblyScript: the waPC imports and the few MessagePack bytes by hand.

@external("wapc", "__guest_request")
declare function guest_request(operation: usize, payload: usize): void;
@external("wapc", "__guest_response")
declare function guest_response(data: usize, size: usize): void;
@external("wapc", "__guest_error")
declare function guest_error(data: usize, size: usize): void;

function ok(bytes: ArrayBuffer): i32 {
  guest_response(changetype<usize>(bytes), bytes.byteLength);
  return 1;
}

function fail(text: string): i32 {
  const utf8 = String.UTF8.encode(text);
  guest_error(changetype<usize>(utf8), utf8.byteLength);
  return 0;
}

// Writes MessagePack; every text and body of this actor is shorter than 32 and 256 bytes.
class Writer {
  bytes: ArrayBuffer = new ArrayBuffer(256);
  size: i32 = 0;

  byte(value: i32): Writer {
    store<u8>(changetype<usize>(this.bytes) + this.size, <u8>value);
    this.size += 1;
    return this;
  }

  raw(text: string): Writer {
    const utf8 = String.UTF8.encode(text);
    memory.copy(changetype<usize>(this.bytes) + this.size, changetype<usize>(utf8), utf8.byteLength);
    this.size += utf8.byteLength;
    return this;
  }

  text(value: string): Writer {
    return this.byte(0xa0 | String.UTF8.byteLength(value)).raw(value);
  }

  binary(value: string): Writer {
    return this.byte(0xc4).byte(String.UTF8.byteLength(value)).raw(value);
  }

  done(): ArrayBuffer {
    return this.bytes.slice(0, this.size);
  }
}

function hello(): ArrayBuffer {
  const writer = new Writer();
  writer.byte(0x84);
  writer.text("statusCode").byte(0xcc).byte(200);
  writer.text("status").text("OK");
  writer.text("header").byte(0x81).text("content-type").text("text/plain");
  writer.text("body").binary("Hello from Trellis\n");
  return writer.done();
}

export function __guest_call(operation_size: i32, payload_size: i32): i32 {
  // Nothing outlives a call, so each starts with an empty heap and a warm instance does not grow.
  heap.reset();
  const operation = new ArrayBuffer(operation_size);
  const payload = new ArrayBuffer(payload_size);
  guest_request(changetype<usize>(operation), changetype<usize>(payload));
  const name = String.UTF8.decode(operation);
  if (name == "HandleRequest") return ok(hello());
  if (name == "echo") return ok(payload);
  if (name == "fail") return fail("deliberate failure");
  // As every AssemblyScript program may end: the host's env.abort with a text and a place.
  if (name == "abort") throw new Error("deliberate abort");
  return fail('Could not find function "' + name + '"');
}
