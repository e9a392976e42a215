// Runs before any codec and gives the function that runs one, and where the time stands. What it needs of the
// language is taken now: a codec may overwrite what it likes, and hurts only itself.
(function () {
  const { parse, stringify } = JSON, D = Date, text = String, list = Array.isArray;
  const nothing = function () {};
  globalThis.console = {
    log: nothing, info: nothing, warn: nothing, error: nothing, debug: nothing, trace: nothing,
    assert: nothing, dir: nothing, group: nothing, groupEnd: nothing, time: nothing, timeEnd: nothing, table: nothing,
  };

  // The time is when the uplink was received, and chance is always the same: a stored frame
  // that is decoded again gives what it gave.
  const clock = new Float64Array(1); // set before each run
  const make = Reflect.construct;
  const Clock = function Date(...parts) {
    if (new.target === undefined) return make(D, [clock[0]]).toString();
    return make(D, parts.length === 0 ? [clock[0]] : parts, new.target);
  };
  for (const [name, value] of [['prototype', D.prototype], ['length', D.length], ['UTC', D.UTC], ['parse', D.parse], ['now', function now() { return clock[0]; }]]) {
    Object.defineProperty(Clock, name, { value, enumerable: false });
  }
  Object.defineProperty(D.prototype, 'constructor', { value: Clock });
  globalThis.Date = Clock;
  let dice = 1;
  Math.random = function random() {
    dice = Math.imul(dice, 1664525) + 1013904223 >>> 0;
    return dice / 4294967296;
  };

  const json = function (v) { const s = stringify(v); return s === undefined ? 'null' : s; };
  const texts = function (v) {
    const out = [];
    if (v === undefined || v === null) return out;
    if (!list(v)) return [text(v)];
    for (let i = 0; i < v.length && i < 20; i++) out[i] = text(v[i]);
    return out;
  };

  const run = function (bytes, fPort) {
    let out;
    if (typeof decodeUplink === 'function') {
      out = decodeUplink({ bytes, fPort, recvTime: new D(clock[0]) });
    } else if (typeof Decoder === 'function') {
      out = { data: Decoder(bytes, fPort) };
    } else if (typeof Decode === 'function') {
      out = { data: Decode(fPort, bytes, {}) };
    } else {
      return '{"missing":true}';
    }
    if (out === null || typeof out !== 'object') return '{"data":null}';
    const errors = texts(out.errors), warnings = texts(out.warnings), data = json(out.data);
    let answer = '{"data":' + data;
    if (errors.length > 0) answer += ',"errors":' + json(errors);
    if (warnings.length > 0) answer += ',"warnings":' + json(warnings);
    if (errors.length === 0 && typeof normalizeUplink === 'function') {
      try {
        const n = normalizeUplink({ data: parse(data) });
        answer += ',"normalized":' + json(n && n.data);
      } catch (e) {
        answer += ',"hint":' + json(text(e));
      }
    }
    return answer + '}';
  };
  return [run, clock.buffer];
})()
