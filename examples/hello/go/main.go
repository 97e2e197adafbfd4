// hello in Go: a reactor of WASI preview 1 (the linker exports _initialize), with the waPC imports
// and the few MessagePack bytes by hand.
package main

import (
	"fmt"
	"unsafe"
)

//go:wasmimport wapc __guest_request
func guestRequest(operation, payload unsafe.Pointer)

//go:wasmimport wapc __guest_response
func guestResponse(data unsafe.Pointer, size uint32)

//go:wasmimport wapc __guest_error
func guestError(data unsafe.Pointer, size uint32)

// Every text and body of this actor is shorter than 32 and 256 bytes.
func text(out []byte, value string) []byte {
	out = append(out, 0xa0|byte(len(value)))
	return append(out, value...)
}

func hello() []byte {
	const body = "Hello from Trellis\n"
	out := append(make([]byte, 0, 128), 0x84)
	out = append(text(out, "statusCode"), 0xcc, 200)
	out = text(text(out, "status"), "OK")
	out = append(text(out, "header"), 0x81)
	out = text(text(out, "content-type"), "text/plain")
	out = append(text(out, "body"), 0xc4, byte(len(body)))
	return append(out, body...)
}

func serve(operation string, payload []byte) ([]byte, error) {
	switch operation {
	case "HandleRequest":
		return hello(), nil
	case "echo":
		return payload, nil
	case "fail":
		return nil, fmt.Errorf("deliberate failure")
	case "panic":
		panic("deliberate panic")
	}
	return nil, fmt.Errorf("Could not find function %q", operation)
}

//go:wasmexport __guest_call
func guestCall(operationSize, payloadSize uint32) uint32 {
	operation := make([]byte, operationSize)
	payload := make([]byte, payloadSize)
	guestRequest(unsafe.Pointer(unsafe.SliceData(operation)), unsafe.Pointer(unsafe.SliceData(payload)))
	reply, err := serve(string(operation), payload)
	if err != nil {
		reason := err.Error()
		guestError(unsafe.Pointer(unsafe.StringData(reason)), uint32(len(reason)))
		return 0
	}
	guestResponse(unsafe.Pointer(unsafe.SliceData(reply)), uint32(len(reply)))
	return 1
}

// A reactor never runs main, but the linker wants one.
func main() {}
