// Written for the tests of this package; the device does not exist.
// ChirpStack v3's form: three depths, each moisture per mille and dS/m in hundredths.
function Decode(fPort, bytes, variables) {
  var depths = [];
  for (var i = 0; i < bytes.length; i += 4) {
    depths.push({ vwc: (bytes[i] << 8 | bytes[i + 1]) / 1000, ec: (bytes[i + 2] << 8 | bytes[i + 3]) / 100 });
  }
  return { depths: depths, port: fPort };
}
