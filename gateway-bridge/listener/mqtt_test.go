package listener

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What CONNECT is answered.
func TestConnect(t *testing.T) {
	both := []byte{version311, version5}
	good := hello{id: "x", username: "lab", password: secret, clean: true}
	for name, test := range map[string]struct {
		versions []byte
		change   func(*hello)
		want311  byte
		want5    byte
	}{
		"good":               {both, func(*hello) {}, 0, 0},
		"a session to keep":  {both, func(h *hello) { h.clean = false }, 0, 0},
		"a will":             {both, func(h *hello) { h.will = true }, 0, 0},
		"no client id":       {both, func(h *hello) { h.id = "" }, 0, 0},
		"no id, no clean":    {both, func(h *hello) { h.id, h.clean = "", false }, 2, 0},
		"wrong password":     {both, func(h *hello) { h.password = "wrong" }, 4, 0x86},
		"wrong user":         {both, func(h *hello) { h.username = "root" }, 4, 0x86},
		"no password":        {both, func(h *hello) { h.password = "" }, 4, 0x86},
		"anonymous":          {both, func(h *hello) { h.username, h.password = "", "" }, 4, 0x86},
		"properties":         {[]byte{version5}, func(h *hello) { h.properties = []byte{0x11, 0, 0, 1, 0, 0x21, 0, 20, 0x26, 0, 1, 'a', 0, 1, 'b'} }, 0, 0},
		"enhanced":           {[]byte{version5}, func(h *hello) { h.properties = []byte{propAuthMethod, 0, 1, 'a'} }, 0, 0x8c},
		"a property too far": {[]byte{version5}, func(h *hello) { h.properties = []byte{0x21, 0} }, 0, 0x81},
		"MQTT 3.1":           {[]byte{3}, func(*hello) {}, 1, 0},
		"MQTT 6":             {[]byte{6}, func(*hello) {}, 1, 0},
	} {
		for _, version := range test.versions {
			t.Run(fmt.Sprintf("%s, %d", name, version), func(t *testing.T) {
				st := open(t)
				c, h := st.raw(version), good
				h.version = version
				test.change(&h)
				c.write(h.packet())
				want := test.want311
				if version == version5 {
					want = test.want5
				}
				got := c.want(typeConnack)
				if got[0] != 0 || got[1] != want {
					t.Errorf("CONNACK %x, want 0x%02x", got, want)
				}
				if want != 0 {
					c.wantEnd(0)
					return
				}
				if assigned := bytes.Contains(got, []byte("assigned-")); assigned != (version == version5 && h.id == "") {
					t.Errorf("CONNACK %q: client id assigned: %v", got, assigned)
				}
				if version == version5 && !bytes.Contains(got, []byte{propReceiveMaximum, 4, 0, propMaximumPacket, 0, 5, 0x10, 0}) {
					t.Errorf("CONNACK %x", got)
				}
			})
		}
	}
}

// A session is there at the second connection, also after a restart of ours, or the
// publisher would drop what was not acknowledged; not at the first, nor after a clean one,
// nor for another network server.
func TestSessionPresent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions")
	cfg := DefaultConfig()
	cfg.SessionsFile = file
	other := lab(t)
	other.Server, other.Username = "other", "other"
	st := openAs(t, cfg, []Publisher{lab(t), other})
	want := func(what, username, id string, version byte, clean bool, present byte) {
		t.Helper()
		c := st.raw(version)
		c.write(hello{version: version, id: id, username: username, password: secret, clean: clean}.packet())
		if got := c.want(typeConnack); got[0] != present || got[1] != 0 {
			t.Errorf("%s: CONNACK %x, want session present %d", what, got, present)
		}
	}
	want("first", "lab", "a", version5, false, 0)
	want("second", "lab", "a", version5, false, 1)
	want("other version", "lab", "a", version311, false, 1)
	want("other server", "other", "a", version311, false, 0)
	want("too long", "lab", strings.Repeat("a", longestID+1), version311, false, 0)
	want("too long again", "lab", strings.Repeat("a", longestID+1), version311, false, 0)
	st.Stop()
	st = openAs(t, cfg, []Publisher{lab(t), other})
	want("after a restart", "lab", "a", version5, false, 1)
	want("clean", "lab", "a", version5, true, 0)
	want("after a clean one", "lab", "a", version5, false, 0)
	for i := range mostSessions {
		if _, err := st.memory.resume(session{"lab", fmt.Sprint(i)}, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(st.memory.known); n != mostSessions+1 {
		t.Errorf("%d sessions remembered", n)
	}
	want("other server, of which there are few", "other", "a", version311, false, 1)
	st.Stop()
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	st = openAs(t, cfg, []Publisher{lab(t)})
	want("file broken", "lab", "a", version5, false, 0)
	if !strings.Contains(st.log.String(), file) {
		t.Error("not said in the log")
	}
}

// Subscriptions are granted, or network servers that listen for commands fall over; nothing
// is ever delivered.
func TestSubscribe(t *testing.T) {
	for _, version := range []byte{version311, version5} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			st := open(t)
			st.Commit()
			c := st.dial(version)
			none := []byte{}
			if version == version5 {
				none = []byte{0}
			}
			filters := append(append(appendText(nil, "application/+/device/+/command/+"), 1), append(appendText(nil, "$share/chirpstack/a/#"), 2)...)
			c.write(appendPacket(nil, typeSubscribe, 2, append(append([]byte{0, 7}, none...), filters...)...))
			if got, want := c.want(typeSuback), append(append([]byte{0, 7}, none...), 1, 2); !bytes.Equal(got, want) {
				t.Errorf("SUBACK %x, want %x", got, want)
			}
			c.publish(0, 0, "application/1/device/2/event/up", "x")
			c.write(appendPacket(nil, typeUnsubscribe, 2, append(append([]byte{0, 8}, none...), appendText(nil, "$share/chirpstack/a/#")...)...))
			if got := c.want(typeUnsuback); got[1] != 8 || len(got) != 2+2*len(none) {
				t.Errorf("UNSUBACK %x", got)
			}
			c.write(appendPacket(nil, typePingreq, 0))
			c.want(typePingresp)
			c.write(appendPacket(nil, typeDisconnect, 0))
			c.wantEnd(0)
			if strings.Contains(st.log.String(), "is lost") {
				t.Error("who says goodbye is not lost")
			}
		})
	}
}

// QoS 2 is at least once here: PUBREC comes after the commit, PUBCOMP at once.
func TestQoS2(t *testing.T) {
	st := open(t)
	c := st.dial(version5)
	c.publish(2, 9, topic, "x")
	a := st.Next()
	c.write(appendPacket(nil, typePingreq, 0))
	c.want(typePingresp)
	a.Acker.Ack()
	if got := c.want(typePubrec); !bytes.Equal(got, []byte{0, 9}) {
		t.Errorf("PUBREC %x", got)
	}
	c.write(appendPacket(nil, typePubrel, 2, 0, 9))
	if got := c.want(typePubcomp); !bytes.Equal(got, []byte{0, 9}) {
		t.Errorf("PUBCOMP %x", got)
	}
}

// A second connection with the same client id ends the first, one of another network server
// does not; what came on the first is still committed.
func TestTakeover(t *testing.T) {
	other := lab(t)
	other.Server, other.Username = "other", "other"
	st := openAs(t, DefaultConfig(), []Publisher{lab(t), other})
	first := st.dial(version5)
	stranger := st.raw(version5)
	stranger.write(hello{version: version5, id: "raw", username: "other", password: secret}.packet())
	stranger.want(typeConnack)
	first.publish(1, 1, topic, "x")
	a := st.Next()
	second := st.dial(version5)
	first.wantEnd(0x8e)
	a.Acker.Ack()
	go func() { st.Next().Acker.Ack() }()
	second.publish(1, 1, topic, "x")
	second.want(typePuback)
	if n := st.Connections("lab") + st.Connections("other"); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	stranger.write(appendPacket(nil, typePingreq, 0))
	stranger.want(typePingresp)
}

// The message says whose it is by who is logged in, not by its topic.
func TestServerOfAMessage(t *testing.T) {
	other := lab(t)
	other.Server, other.Username, other.Topics = "other", "other", []string{"other/#"}
	st := openAs(t, DefaultConfig(), []Publisher{lab(t), other})
	for username, to := range map[string]string{"lab": topic, "other": "other/x"} {
		c := st.raw(version311)
		c.write(hello{version: version311, id: "x", username: username, password: secret}.packet())
		c.want(typeConnack)
		c.publish(0, 0, to, "x")
		a := st.Next()
		if a.Message.Server != username {
			t.Errorf("%s published as %s", username, a.Message.Server)
		}
		a.Acker.Ack()
	}
	c := st.raw(version311)
	c.write(hello{version: version311, id: "y", username: "lab", password: secret}.packet())
	c.want(typeConnack)
	c.publish(1, 1, "other/x", "x")
	c.wantEnd(0)
}

// At the stop what was offered is still acknowledged; what was not, is not.
func TestStop(t *testing.T) {
	st := open(t, func(s *Server) { s.drain = patience })
	c := st.dial(version5)
	c.publish(1, 1, topic, "taken")
	a := st.Next()
	c.publish(1, 2, topic, "left")
	c.write(appendPacket(nil, typePingreq, 0))
	c.want(typePingresp) // it has been read
	st.Cancel()
	a.Acker.Ack()
	if got := c.want(typePuback); !bytes.Equal(got, []byte{0, 1}) {
		t.Errorf("PUBACK %x", got)
	}
	c.wantEnd(0x8b)
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a/c", false}, {"a/b", "a", false}, {"a", "a/b", false},
		{"+/b", "a/b", true}, {"+", "a/b", false}, {"+", "/b", false}, {"+/+", "/b", true}, {"a/+", "a/", true}, {"a/+", "a", false},
		{"#", "a/b", true}, {"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"a/+/#", "a/b", true}, {"a/+/#", "a", false},
		{"#", "$SYS/x", false}, {"+/x", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true},
	} {
		if got := matches(test.filter, test.topic); got != test.want {
			t.Errorf("%s has %s in it: %v", test.filter, test.topic, got)
		}
	}
}
