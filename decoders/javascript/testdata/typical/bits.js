// Written for the tests of this package; the device does not exist.
// Fixed places, fields of a few bits, numbers given as texts.
function Decoder(bytes, port) {
  var value = (bytes[0] << 8 | bytes[1]) & 0x3fff;
  var out = {
    status: bytes[0] >> 6,
    battery: value / 1000,
    moisture: parseFloat(((bytes[2] << 8 | bytes[3]) / 100).toFixed(2)),
    interrupt: bytes[8] & 0x01,
    tamper: bytes[8] >> 1 & 0x01,
    level: bytes[8] >> 2 & 0x0f,
  };
  var raw = bytes[4] << 8 | bytes[5];
  out.temperature = ((raw & 0x8000 ? raw - 0x10000 : raw) / 100).toFixed(2);
  out.conductivity = bytes[6] << 8 | bytes[7];
  if (port === 2) {
    out.mode = ['normal', 'config', 'alarm', 'test'][bytes[9] & 0x03];
    out.firmware = 'v' + (bytes[9] >> 5) + '.' + (bytes[9] >> 2 & 0x07);
  }
  return out;
}
