// Written for the tests of this package; the device does not exist.
// TS013 form: type, two bytes of value, repeated.
var TYPES = {
  0x01: function (v, d) { d.battery = v; },
  0x02: function (v, d) { d.distance = v === 0xffff ? 'No Echo' : (v / 10).toFixed(1) + ' cm'; },
  0x03: function (v, d) { d.climate = { temperature: (v << 16 >> 16) / 10 }; },
  0x04: function (v, d) { d.lid = v ? 'tilted' : 'upright'; },
};

function decodeUplink(input) {
  var data = { frames: 1 }, warnings = [];
  for (var i = 0; i + 2 < input.bytes.length; i += 3) {
    var put = TYPES[input.bytes[i]];
    if (!put) {
      return { errors: ['unknown type ' + input.bytes[i] + ' at ' + i] };
    }
    put(input.bytes[i + 1] << 8 | input.bytes[i + 2], data);
  }
  if (i !== input.bytes.length) {
    warnings.push((input.bytes.length - i) + ' bytes left over');
  }
  return { data: data, warnings: warnings };
}

function normalizeUplink(input) {
  return { data: { air: { temperature: input.data.climate.temperature } } };
}
