// Package answer sends a whole body over HTTP the way lists, sets and pages are sent: with a
// tag by which a visitor who has it already gets the head alone, and compressed where that
// helps.
//
// It does not know what it sends, or to whom.
package answer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// worth is from how many bytes on compressing saves a packet.
const worth = 1 << 10

// Sender sends bodies. Its zero value is ready, and it is safe for concurrent use.
type Sender struct{ packers sync.Pool } // of *gzip.Writer, most of a megabyte each

// Send answers a GET or HEAD with a body of a media type, and status 200 or 304. Headers that
// are in w go with it.
func (s *Sender) Send(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	h := w.Header()
	// Weak: the same body goes out packed and unpacked.
	sum := sha256.Sum256(body)
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h.Set("ETag", tag)
	h.Add("Vary", "Accept-Encoding")
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", mediaType)
	if len(body) >= worth && takesGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = s.pack(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		// The only error possible is that nobody listens any more.
		_, _ = w.Write(body)
	}
}

func (s *Sender) pack(body []byte) []byte {
	var packed bytes.Buffer
	z, ok := s.packers.Get().(*gzip.Writer)
	if ok {
		z.Reset(&packed)
	} else {
		z = gzip.NewWriter(&packed)
	}
	_, _ = z.Write(body) // into memory it never fails
	_ = z.Close()
	s.packers.Put(z)
	return packed.Bytes()
}

// has tells whether If-None-Match names a tag, by the weak comparison (RFC 9110, section
// 13.1.2).
func has(lines []string, tag string) bool {
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.TrimSpace(one)
			if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3). What is not said is not taken.
func takesGzip(lines []string) bool {
	named, any := -1.0, -1.0
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			name, rest, _ := strings.Cut(one, ";")
			q := 1.0
			if _, text, weighed := strings.Cut(rest, "q="); weighed {
				var err error
				if q, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
					q = 0
				}
			}
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "gzip", "x-gzip":
				named = q
			case "*":
				any = q
			}
		}
	}
	if named >= 0 {
		return named > 0
	}
	return any > 0
}
