package door

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	for name, c := range map[string]struct {
		patient bool // the request ends within Drain
		want    error
	}{
		"what is under way is answered": {true, nil},
		"what lasts is cut":             {false, ErrCut},
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			taken, stopping := make(chan struct{}), make(chan struct{})
			service := Service{Connections: 1, Drain: time.Minute, Stopping: func() { close(stopping) },
				Server: &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					close(taken)
					if <-stopping; !c.patient {
						<-r.Context().Done() // until it is cut
					}
				})}}
			if !c.patient {
				service.Drain = time.Millisecond
			}
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- service.Serve(ctx, ln) }()
			answered := make(chan error, 1)
			go func() {
				client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				resp, err := client.Get("http://" + ln.Addr().String())
				if err == nil {
					err = resp.Body.Close()
				}
				answered <- err
			}()
			<-taken
			stop()
			if err := <-served; !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err := <-answered; (err == nil) != c.patient {
				t.Errorf("the request ended with %v", err)
			}
			if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
				t.Error("it still listens")
			}
		})
	}
}

// A listener that breaks ends it with the reason.
func TestServeBroken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	service := Service{Server: &http.Server{ReadHeaderTimeout: time.Minute}, Connections: 1, Drain: time.Minute}
	if err := service.Serve(t.Context(), ln); err == nil {
		t.Error("no error")
	}
}
