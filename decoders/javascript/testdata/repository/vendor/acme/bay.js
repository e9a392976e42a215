// Written for the tests of this package; the device does not exist.
function Decoder(bytes, port) {
  return { occupied: bytes[0] === 1, temp_f: bytes[1], battery: bytes[2], distance: 211 };
}
