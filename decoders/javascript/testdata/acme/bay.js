// Written for the tests of this package; the device does not exist.
// The Things Network's older form: one byte of state, one of temperature in °F.
function Decoder(bytes, port) {
  last = bytes[0]; // a global by accident, as many codecs have
  return {
    status: last & 1 ? 'Car' : 'Empty',
    temperature_f: bytes[1],
    self_test: last & 2 ? 'failed' : 'ok',
  };
}
