//! hello in Rust without any crate: the waPC imports and the few MessagePack bytes by hand.

#[link(wasm_import_module = "wapc")]
extern "C" {
    fn __guest_request(operation: *mut u8, payload: *mut u8);
    fn __guest_response(data: *const u8, size: usize);
    fn __guest_error(data: *const u8, size: usize);
}

/// Every text and body of this actor is shorter than 32 and 256 bytes.
fn text(out: &mut Vec<u8>, value: &str) {
    out.push(0xa0 | value.len() as u8);
    out.extend_from_slice(value.as_bytes());
}

fn hello() -> Vec<u8> {
    let body = b"Hello from Trellis\n";
    let mut out = Vec::with_capacity(128);
    out.push(0x84);
    text(&mut out, "statusCode");
    out.extend_from_slice(&[0xcc, 200]);
    text(&mut out, "status");
    text(&mut out, "OK");
    text(&mut out, "header");
    out.push(0x81);
    text(&mut out, "content-type");
    text(&mut out, "text/plain");
    text(&mut out, "body");
    out.extend_from_slice(&[0xc4, body.len() as u8]);
    out.extend_from_slice(body);
    out
}

fn serve(operation: &[u8], payload: Vec<u8>) -> Result<Vec<u8>, String> {
    match operation {
        b"HandleRequest" => Ok(hello()),
        b"echo" => Ok(payload),
        b"fail" => Err("deliberate failure".into()),
        b"panic" => panic!("deliberate panic"),
        other => Err(format!(
            "No handler registered for function \"{}\"",
            String::from_utf8_lossy(other)
        )),
    }
}

#[no_mangle]
pub extern "C" fn __guest_call(operation_size: usize, payload_size: usize) -> i32 {
    let mut operation = vec![0u8; operation_size];
    let mut payload = vec![0u8; payload_size];
    unsafe { __guest_request(operation.as_mut_ptr(), payload.as_mut_ptr()) };
    match serve(&operation, payload) {
        Ok(reply) => {
            unsafe { __guest_response(reply.as_ptr(), reply.len()) };
            1
        }
        Err(error) => {
            unsafe { __guest_error(error.as_ptr(), error.len()) };
            0
        }
    }
}
