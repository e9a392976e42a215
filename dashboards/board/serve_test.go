package board_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"meldefunk/dashboards/board"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServe(t *testing.T) {
	s, inv := osnabrueck()
	o := options(t, s, inv)
	asked, release := make(chan struct{}), make(chan struct{})
	o.Ready = func() []board.Check {
		close(asked)
		<-release
		return []board.Check{{Name: "store", OK: true}}
	}
	b, err := board.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- b.Serve(ctx, ln) }()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer := make(chan string, 1)
	go func() {
		resp, err := client.Get("http://" + ln.Addr().String() + "/readyz")
		if err != nil {
			answer <- err.Error()
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		answer <- string(body)
	}()
	<-asked
	stop()
	select {
	case err := <-ended:
		t.Errorf("Serve returned (%v) while a request was under way", err)
	default:
	}
	close(release)
	if got := <-answer; !strings.Contains(got, `"store"`) {
		t.Errorf("the request that was under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := client.Get("http://" + ln.Addr().String() + "/healthz"); err == nil {
		t.Error("the board still answers after Serve has returned")
	}
}

func TestServeOnClosedListener(t *testing.T) {
	b, err := board.New(options(t, first(osnabrueck()), second(osnabrueck())))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("error %v, want one that names the address", err)
	}
}
