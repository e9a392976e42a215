// Runs before any codec and gives the function that runs one. What it needs of the
// language is taken now: a codec may overwrite what it likes, and hurts only itself.
(function () {
  const { parse, stringify } = JSON, D = Date, text = String, list = Array.isArray;
  const nothing = function () {};
  globalThis.console = {
    log: nothing, info: nothing, warn: nothing, error: nothing, debug: nothing, trace: nothing,
    assert: nothing, dir: nothing, group: nothing, groupEnd: nothing, time: nothing, timeEnd: nothing, table: nothing,
  };

  const json = function (v) { const s = stringify(v); return s === undefined ? 'null' : s; };
  const texts = function (v) {
    const out = [];
    if (v === undefined || v === null) return out;
    if (!list(v)) return [text(v)];
    for (let i = 0; i < v.length && i < 20; i++) out[i] = text(v[i]);
    return out;
  };

  return function (question) {
    const q = parse(question);
    let out;
    if (typeof decodeUplink === 'function') {
      out = decodeUplink({ bytes: q.bytes, fPort: q.fPort, recvTime: new D(q.recvTime) });
    } else if (typeof Decoder === 'function') {
      out = { data: Decoder(q.bytes, q.fPort) };
    } else if (typeof Decode === 'function') {
      out = { data: Decode(q.fPort, q.bytes, {}) };
    } else {
      return '{"missing":true}';
    }
    if (out === null || typeof out !== 'object') return '{"data":null}';
    const errors = texts(out.errors), data = json(out.data);
    let answer = '{"data":' + data + ',"errors":' + json(errors) + ',"warnings":' + json(texts(out.warnings));
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
})()
