package board

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
)

// smallBody is what is not worth compressing, in bytes: it fits in one packet.
const smallBody = 1400

// send answers with a whole body, compressed for browsers that want it. A page holds no secret
// that its length could tell (BREACH): the seals in its forms are others every second.
func (b *Board) send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) < smallBody || !wantsGzip(r) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			b.sent(w.Write(body))
		}
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	z := b.squeezers.Get().(*gzip.Writer)
	defer b.squeezers.Put(z)
	z.Reset(w)
	b.sent(z.Write(body))
	if err := z.Close(); err != nil {
		b.sent(0, err)
	}
}

// wantsGzip tells whether a browser reads gzip. One that gives it a weight of 0 does not.
func wantsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(part, " ", "")), ";")
		if name == "gzip" || name == "x-gzip" {
			q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}
