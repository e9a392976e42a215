package webhook

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/door"
)

// Whatever is posted is answered with one of the documented codes, and what is offered
// stays within the bounds.
func FuzzPost(f *testing.F) {
	f.Add("/lns", "event=up", "", []byte("{}"))
	f.Add("/lns/down/ack", "", "gzip", packed([]byte("{}")))
	f.Add("/lns/", "event=%0a;=&event", "gzip", []byte("\x1f\x8b\x08"))
	f.Add("/lns//../x", "event=bad", "identity", bytes.Repeat([]byte("bad"), 1000))
	f.Add("/lns", "", "gzip", packed(make([]byte, 5000)))

	const small = 1024
	file := filepath.Join(f.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		f.Fatal(err)
	}
	var offered *city.Arrival
	offer := func(_ context.Context, a city.Arrival) error {
		offered = &a
		a.Acker.Ack()
		return nil
	}
	s, err := New(DefaultConfig(), []Hook{{Server: "lab", Path: "/lns", Secret: Secret{Secret: door.Secret{File: file}}, MaxBody: small, Understand: understand}},
		offer, time.Now, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		f.Fatal(err)
	}
	s.stopping = f.Context()
	codes := []int{200, 202, 400, 404, 413, 415}
	f.Fuzz(func(t *testing.T, path, query, encoding string, sent []byte) {
		offered = nil
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(sent))
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Authorization", "Bearer "+secret)
		r.Header.Set("Content-Encoding", encoding)
		w := httptest.NewRecorder()
		s.answer(w, r)
		if !slices.Contains(codes, w.Code) {
			t.Errorf("answer %d", w.Code)
		}
		if taken := w.Code == 200 || w.Code == 202 || w.Code == 413; taken != (offered != nil) {
			t.Errorf("answer %d, offered %v", w.Code, offered)
		}
		if offered != nil && (len(offered.Message.Body) > small || !strings.HasPrefix(offered.Message.Topic, "webhook/lab/") || len(offered.Message.Topic) > 200) {
			t.Errorf("%d bytes on topic %q", len(offered.Message.Body), offered.Message.Topic)
		}
	})
}
