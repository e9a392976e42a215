// Written for the tests of this package; the device does not exist.
function decodeUplink(input) {
  const b = input.bytes;
  if (b.length !== 8) return { errors: ['want 8 bytes'] };
  const u16 = (i) => (b[i] << 8) | b[i + 1];
  return {
    data: { moist: u16(0) / 10, ground: { t: ((u16(2) << 16) >> 16) / 10 }, salt: u16(4), battery: u16(6) / 1000, serial: 'A7' },
  };
}

function normalizeUplink(input) {
  const d = input.data;
  return { data: { soil: { moisture: d.moist, temperature: d.ground.t, ec: d.salt / 1000 } } };
}
