package joinserver

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city/lorawan/enrol"
)

// BenchmarkJoin is one join over HTTP on a connection that stays, with a store in memory.
func BenchmarkJoin(b *testing.B) {
	for _, v := range []enrol.Version{enrol.V1_0_3, enrol.V1_1_0} {
		b.Run(string(v), func(b *testing.B) {
			d := device(v)
			cfg := DefaultConfig()
			cfg.Peers = peers(b)
			store := newBook(d)
			s, err := New(cfg, store, bunch{"ns-kek": nsKEK, "stadt-kek-1": asKEK}, (&clock{at: start}).now, zerolog.Nop(), prometheus.NewRegistry())
			if err != nil {
				b.Fatal(err)
			}
			url := serve(b, s)
			messages := make([][]byte, b.N)
			for i := range messages {
				d.DevEUI[0], d.DevEUI[1], d.DevEUI[2] = byte(i), byte(i>>8), byte(i>>16)
				store.devices[d.DevEUI] = d
				m, _ := (&sensor{Device: d}).request(string(v))
				if messages[i], err = json.Marshal(m); err != nil {
					b.Fatal(err)
				}
			}
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N { // each message is good for one join
				r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(messages[i]))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+nsToken)
				resp, err := transport.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				if err != nil || !bytes.Contains(text, []byte(`"Success"`)) {
					b.Fatalf("%v: %s", err, text)
				}
				_ = resp.Body.Close()
			}
		})
	}
}
