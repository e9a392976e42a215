// Written for the tests of this package; the device does not exist.
// An engine that walks a table of sensors, as makers of many models have; a bit for each
// sensor says whether its words are there.
var SENSORS = [
  { length: 2, values: [
    { name: 'vwc', display: 'Volumetric water content', unit: '%', convert: function (x) { return (x[0] * 0.0003879 - 0.6956) * 100; } },
    { name: 'soil_temperature', display: 'Soil temperature', unit: '°C', convert: function (x) { return (x[1] - 32768) / 10; } },
  ] },
  { length: 1, values: [
    { name: 'conductivity', display: 'Electrical conductivity', unit: 'µS/cm', convert: function (x) { return x[0]; } },
  ] },
  { length: 1, values: [
    { name: 'battery_voltage', display: 'Battery voltage', unit: 'V', convert: function (x) { return x[0] / 1000; } },
  ] },
];

var decoder = {
  read: function (bytes, at) {
    return (bytes[at] << 8) + bytes[at + 1];
  },
  decode: function (bytes) {
    var version = bytes[0];
    if (version !== 2) {
      return { error: 'protocol version ' + version + ' does not match' };
    }
    var result = { protocol_version: version, device_id: this.read(bytes, 1) };
    var flags = this.read(bytes, 3);
    var at = 5;
    for (var i = 0; i < SENSORS.length; i++, flags >>= 1) {
      if ((flags & 1) !== 1) continue;
      var sensor = SENSORS[i];
      var words = [];
      for (var j = 0; j < sensor.length; j++) {
        words.push(this.read(bytes, at));
        at += 2;
      }
      for (var k = 0; k < sensor.values.length; k++) {
        var value = sensor.values[k];
        result[value.name] = { displayName: value.display, value: value.convert.call(this, words), unit: value.unit };
      }
    }
    return result;
  },
};

function decodeUplink(input) {
  var res = decoder.decode(input.bytes);
  return res.error ? { errors: [res.error] } : { data: res };
}
