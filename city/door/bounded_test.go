package door_test

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"meldefunk/city/door"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConnectionsAreBounded(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := door.Bounded(inner, 1)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	defer dial().Close()
	defer dial().Close()
	first, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error)
	go func() {
		for {
			c, err := b.Accept()
			accepted <- err
			if err != nil {
				return
			}
			_ = c // kept open
		}
	}()
	select {
	case err := <-accepted:
		t.Fatal("a second one was accepted", err)
	case <-time.After(50 * time.Millisecond): // it must not happen, so there is no event to wait for
	}
	_ = first.Close()
	_ = first.Close() // twice gives one place
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	if err := <-accepted; err == nil {
		t.Error("accepts after Close")
	}
}
