package webhook

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"

	"meldefunk/city"
)

// keptHead is how many bytes are kept of a body that is too large: enough to see what it is.
const keptHead = 64 << 10

// errEncoding is about a Content-Encoding that is not understood.
var errEncoding = errors.New("content-encoding: want gzip or none")

// body reads what was posted, at most limit bytes, packed and unpacked. What is larger, or
// no gzip, gives what was read with a rejection. An error means that the client did not
// deliver.
func body(r *http.Request, limit int) ([]byte, *city.Rejection, error) {
	encoding := r.Header.Get("Content-Encoding")
	if encoding != "" && encoding != "identity" && encoding != "gzip" {
		return nil, nil, errEncoding
	}
	if r.ContentLength > int64(limit) {
		head := make([]byte, min(keptHead, limit))
		if _, err := io.ReadFull(r.Body, head); err != nil {
			return nil, nil, fmt.Errorf("read the body: %w", err)
		}
		return head, city.Reject(city.ReasonTooLarge, "body of %d bytes: max_message is %d", r.ContentLength, limit), nil
	}
	read, err := upTo(r.Body, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("read the body: %w", err)
	}
	if len(read) > limit {
		return head(read[:limit]), city.Reject(city.ReasonTooLarge, "body of more than %d bytes, which is max_message", limit), nil
	}
	if encoding != "gzip" {
		return read, nil, nil
	}
	packed, err := gzip.NewReader(bytes.NewReader(read))
	if err != nil {
		return read, city.Reject(city.ReasonMalformed, "not gzip, though content-encoding says so: %v", err), nil
	}
	unpacked, err := upTo(packed, limit)
	switch {
	case err != nil:
		return read, city.Reject(city.ReasonMalformed, "the gzip is broken: %v", err), nil
	case len(unpacked) > limit:
		return head(unpacked[:limit]), city.Reject(city.ReasonTooLarge, "%d bytes of gzip unpack to more than %d, which is max_message", len(read), limit), nil
	}
	return unpacked, nil, nil
}

// upTo reads limit bytes and one more that shows there are more.
func upTo(r io.Reader, limit int) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(limit)+1))
}

// head copies: a part would hold the whole.
func head(b []byte) []byte { return bytes.Clone(b[:min(len(b), keptHead)]) }
