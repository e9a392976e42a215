// Written for the tests of this package; the device does not exist.
// A table of ports; dates, texts, warnings, and a normalized form.
const EVENTS = ['boot', 'periodic', 'button', 'alarm', 'tamper', 'low battery'];

const u16 = (b, i) => (b[i] << 8) | b[i + 1];
const u32 = (b, i) => ((b[i] << 24) | (b[i + 1] << 16) | (b[i + 2] << 8) | b[i + 3]) >>> 0;
const hex = (b) => b.map((v) => v.toString(16).padStart(2, '0')).join('');

function measurement(bytes, recvTime) {
  const measured = new Date(u32(bytes, 0) * 1000);
  return {
    event: EVENTS[bytes[4]] || 'unknown',
    measured_at: measured.toISOString(),
    delay: Math.round((recvTime.getTime() - measured.getTime()) / 1000),
    occupied: bytes[5] === 1,
    temperature: ((bytes[6] << 24) >> 24) / 2,
    battery: u16(bytes, 7) / 1000,
  };
}

function decodeUplink(input) {
  const { bytes, fPort, recvTime } = input;
  const warnings = [];
  switch (fPort) {
    case 1:
      return { data: { serial: hex(bytes.slice(0, 4)), firmware: bytes.slice(4, 7).join('.') } };
    case 2: {
      if (bytes.length !== 9) {
        return { errors: [`want 9 bytes, got ${bytes.length}`] };
      }
      const data = measurement(bytes, recvTime);
      if (data.battery < 3.1) {
        warnings.push('battery is low');
      }
      return { data, warnings };
    }
    default:
      return { errors: ['unknown FPort ' + fPort] };
  }
}

function normalizeUplink(input) {
  return { data: { air: { temperature: input.data.temperature }, battery: input.data.battery } };
}
