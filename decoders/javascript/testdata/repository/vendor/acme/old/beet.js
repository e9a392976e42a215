// Written for the tests of this package; the device does not exist.
function Decoder(bytes, port) {
  return { soil_moisture_percent: bytes[0] };
}
