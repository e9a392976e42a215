// Written for the tests of this package; the device does not exist.
// The commonest shape: channel and type, then as many bytes as the type has.
function decodeUplink(input) {
  return { data: readChannels(input.bytes) };
}

function readChannels(bytes) {
  var decoded = {};
  for (var i = 0; i < bytes.length;) {
    var channel = bytes[i++];
    var type = bytes[i++];
    if (channel === 0x01 && type === 0x75) {
      decoded.battery = bytes[i];
      i += 1;
    } else if (channel === 0x03 && type === 0x67) {
      decoded.temperature = readInt16LE(bytes.slice(i, i + 2)) / 10;
      i += 2;
    } else if (channel === 0x04 && type === 0x82) {
      decoded.distance = readUInt16LE(bytes.slice(i, i + 2));
      i += 2;
    } else if (channel === 0x05 && type === 0x00) {
      decoded.position = bytes[i] === 0 ? 'normal' : 'tilt';
      i += 1;
    } else if (channel === 0x83 && type === 0x67) {
      decoded.temperature = readInt16LE(bytes.slice(i, i + 2)) / 10;
      decoded.temperature_alarm = readAlarm(bytes[i + 2]);
      i += 3;
    } else if (channel === 0xff && type === 0x0b) {
      decoded.device_status = 'on';
      i += 1;
    } else {
      break;
    }
  }
  return decoded;
}

function readUInt16LE(bytes) {
  var value = (bytes[1] << 8) + bytes[0];
  return value & 0xffff;
}

function readInt16LE(bytes) {
  var ref = readUInt16LE(bytes);
  return ref > 0x7fff ? ref - 0x10000 : ref;
}

function readAlarm(type) {
  switch (type) {
    case 0:
      return 'released';
    case 1:
      return 'triggered';
    default:
      return 'unknown';
  }
}
