package joinserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/rs/zerolog"

	"meldefunk/city/door"
	"meldefunk/city/door/doortest"
	"meldefunk/city/lorawan/enrol"
)

// post sends a message to a real address.
func post(url, token string, client *tls.Config, m message) (*http.Response, []byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: client}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp, out, err
}

// Over TLS a network server can ask only under the NetID its certificate stands for, and only
// with a certificate that is good.
func TestClientCertificates(t *testing.T) {
	gate := doortest.NewGate(t)
	cfg := DefaultConfig()
	cfg.TLS, cfg.Peers = gate.TLS, peers(t)
	for i := range cfg.Peers {
		cfg.Peers[i].Certificate, cfg.Peers[i].TokenEnv = cfg.Peers[i].Name+".example", ""
	}
	cfg.Peers[4].TokenEnv = "AS_TOKEN" // wants both
	o := openAs(t, cfg, bunch{"ns-kek": nsKEK, "stadt-kek-1": asKEK}, device(enrol.V1_0_4))
	o.clock.at = time.Now() // for which the certificates are good
	url := serve(t, o.Server)
	s := &sensor{Device: device(enrol.V1_0_4)}
	t.Run("gate", func(t *testing.T) {
		gate.Try(t, "lns.example", func(t *testing.T, client *tls.Config) error {
			m, ask := s.request("1.0.4")
			_, text, err := post(url, "", client, m)
			if err == nil {
				s.opens(t, read(t, bytes.NewReader(text)), ask)
			}
			return err
		})
	})
	if err := writeFile(gate.TLS.RevokedFile, gate.Ours.Revoke()); err != nil {
		t.Fatal(err)
	}
	homeOf := func(sender string) message {
		return message{"ProtocolVersion": "1.0", "SenderID": sender, "ReceiverID": testJS.String(), "MessageType": "HomeNSReq", "DevEUI": testEUI.String()}
	}
	keyOf := func(sender string) message {
		m := homeOf(sender)
		m["MessageType"], m["SessionKeyID"] = "AppSKeyReq", strings.Repeat("00", 16)
		return m
	}
	for _, test := range []struct {
		name, token string
		client      *tls.Config
		m           message
		status      int
		want        string
	}{
		{"its own NetID", "", gate.Client("lns.example"), homeOf("000013"), 200, "Success"},
		{"a DNS name", "", gate.Client("x", "lns.example"), homeOf("000013"), 200, "Success"},
		{"another's NetID", "", gate.Client("roaming.example"), homeOf("000013"), 200, "UnknownSender"},
		{"another's AS-ID", "", gate.Client("lns.example"), keyOf("as.stadt.example"), 200, "UnknownSender"},
		{"nobody's", "", gate.Client("nobody.example"), homeOf("000013"), 401, ""},
		{"half of both", "", gate.Client("as2.example"), keyOf("as2.stadt.example"), 401, ""},
		{"both", asToken, gate.Client("as2.example"), keyOf("as2.stadt.example"), 200, "UnknownDevEUI"},
		{"the other half", asToken, gate.Client("nobody.example"), keyOf("as2.stadt.example"), 401, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, text, err := post(url, test.token, test.client, test.m)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status {
				t.Fatalf("%d %s", resp.StatusCode, text)
			}
			if test.want == "" {
				return
			}
			if a := read(t, bytes.NewReader(text)); a.Result.ResultCode != test.want {
				t.Errorf("%+v", a)
			}
		})
	}
}

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }

// A peer that hangs up while its join is written changes nothing: when it asks again, it gets
// the answer.
func TestPeerHangsUp(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
	m, ask := s.request("1.0.4")
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	o.before = func(Grant) error { hangUp(); return nil }
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(text))
	r.Header.Set("Authorization", "Bearer "+nsToken)
	o.answer(httptest.NewRecorder(), r)
	if o.joins != 1 {
		t.Errorf("%d joins before it asks again", o.joins)
	}
	s.opens(t, o.gets(m), ask)
	if o.joins != 1 {
		t.Errorf("%d joins", o.joins)
	}
}

// Serve ends softly: what is under way is answered.
func TestStop(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.after = func(Grant) error {
		cancel()
		for { // until nobody is let in any more
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				return nil
			}
			_ = c.Close()
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- o.Serve(ctx, ln) }()
	m, ask := s.request("1.0.4")
	_, text, err := post("http://"+ln.Addr().String(), nsToken, nil, m)
	if err != nil {
		t.Fatal(err)
	}
	s.opens(t, read(t, bytes.NewReader(text)), ask)
	if err := <-ended; err != nil || o.Serving() {
		t.Errorf("%v, serving %v", err, o.Serving())
	}
	if err := o.Serve(t.Context(), ln); err == nil {
		t.Error("it serves on a closed listener")
	}
}

func TestConfig(t *testing.T) {
	file := func(name, text string) string { return doortest.File(t, name, text) }
	keyPair := doortest.NewGate(t).TLS
	for name, test := range map[string]struct {
		change func(*Config)
		want   string // "": none
	}{
		"good":               {func(*Config) {}, ""},
		"wide open":          {func(c *Config) { c.Listen = ":443" }, "can be reached from the network"},
		"plaintext accepted": {func(c *Config) { c.Listen, c.Plaintext, c.Peers = ":443", "accepted", c.Peers[:1] }, ""},
		"keys in plaintext":  {func(c *Config) { c.Listen, c.Plaintext = ":443", "accepted" }, `peers: 1 ("roaming"): plaintext_keys: not without TLS`},
		"half a pair":        {func(c *Config) { c.TLS.CertFile = "c.pem" }, "cert_file and key_file: give both or neither"},
		"no such file":       {func(c *Config) { c.TLS = door.TLS{CertFile: "none.pem", KeyFile: "none.key"} }, "no such file"},
		"nobody":             {func(c *Config) { c.Peers = nil }, "peers: nobody may ask"},
		"no name":            {func(c *Config) { c.Peers[0].Name = "" }, "name: missing"},
		"name twice":         {func(c *Config) { c.Peers[1].Name = "lns" }, `peers: 1: name: "lns" stands twice`},
		"no role":            {func(c *Config) { c.Peers[0].Role = "" }, `peers: 0 ("lns"): role: "": want network_server or application_server`},
		"no NetID":           {func(c *Config) { c.Peers[0].ID = "lns.example" }, "is not a NetID"},
		"no AS-ID":           {func(c *Config) { c.Peers[3].ID = "" }, "id: want the AS-ID"},
		"no KEK":             {func(c *Config) { c.Peers[0].KEK = "" }, "give the label of the key"},
		"unknown KEK":        {func(c *Config) { c.Peers[0].KEK = "ns-kek-2" }, `key encryption key "ns-kek-2" is not configured: want one of ["ns-kek"]`},
		"long KEK":           {func(c *Config) { c.Peers[0].KEK = strings.Repeat("k", 257) }, "the label has 257 bytes"},
		"KEK and plaintext":  {func(c *Config) { c.Peers[0].PlaintextKeys = "accepted" }, "kek, plaintext_keys: give"},
		"plaintext yes":      {func(c *Config) { c.Peers[1].PlaintextKeys = "yes" }, `plaintext_keys: "yes": the only value is "accepted"`},
		"KEK of an AS":       {func(c *Config) { c.Peers[3].KEK = "ns-kek" }, "only a network server has them"},
		"no credentials":     {func(c *Config) { c.Peers[0].TokenEnv = "" }, "give at least one"},
		"two tokens":         {func(c *Config) { c.Peers[0].TokenFile = "x" }, "token_file, token_env: give one of them"},
		"short token":        {func(c *Config) { c.Peers[0].TokenEnv, c.Peers[0].TokenFile = "", file("short", "fifteen bytes..") }, `peers: 0 ("lns"): token_file:`},
		"no CA":              {func(c *Config) { c.Peers[0].Certificate = "lns.example" }, "nobody is asked for one without tls.client_ca_file"},
		"with CA":            {func(c *Config) { c.Peers[0].Certificate, c.TLS = "lns.example", keyPair }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Peers = peers(t)
			test.change(&cfg)
			_, err := New(cfg, newBook(), bunch{"ns-kek": nsKEK}, time.Now, zerolog.Nop(), prometheus.NewRegistry())
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	reg := prometheus.NewRegistry()
	if _, err := newMetrics(reg); err != nil {
		t.Fatal(err)
	}
	if _, err := newMetrics(reg); !errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		t.Errorf("registered twice: %v", err)
	}
}

// A token can be changed without a restart. One that cannot be read keeps its peer out, and
// the log says so, once a minute.
func TestTokenChanges(t *testing.T) {
	name := doortest.File(t, "token", nsToken+"\n")
	cfg := DefaultConfig()
	cfg.Peers = peers(t)[:1]
	cfg.Peers[0].TokenEnv, cfg.Peers[0].TokenFile = "", name
	o := openAs(t, cfg, bunch{"ns-kek": nsKEK}, device(enrol.V1_0_4))
	m := message{"ProtocolVersion": "1.0", "SenderID": "000013", "ReceiverID": testJS.String(), "MessageType": "HomeNSReq", "DevEUI": testEUI.String()}
	status := func(token string) int { return o.asks(token, m).Code }
	if status(nsToken) != 200 || status(otherToken) != 401 {
		t.Error("before")
	}
	if err := writeFile(name, otherToken); err != nil {
		t.Fatal(err)
	}
	if status(nsToken) != 401 || status(otherToken) != 200 {
		t.Error("after")
	}
	if err := writeFile(name, "short"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if status("short") != 401 {
			t.Error("a token that is too short was taken")
		}
	}
	o.clock.pass(complainEvery)
	status("short")
	if n := strings.Count(o.logs.String(), "keeps nobody out"); n != 1 {
		t.Errorf("the log tells it %d times: %s", n, o.logs.String())
	}
}

func TestMetrics(t *testing.T) {
	o, s := open(t, device(enrol.V1_0_4)), &sensor{Device: device(enrol.V1_0_4)}
	m, _ := s.request("1.0.4")
	o.gets(m)
	o.gets(m)
	m["TransactionID"] = 8
	o.gets(m)
	m["SenderID"] = "999999"
	o.gets(m)
	o.asks("nobody's token at all", m)
	want := fmt.Sprintf(`
# HELP meldefunk_joinserver_repeats_total Messages that came again and got the answer they had before.
# TYPE meldefunk_joinserver_repeats_total counter
meldefunk_joinserver_repeats_total 1
# HELP meldefunk_joinserver_requests_total Messages to the join server, by peer (empty: none that is known), type and ResultCode.
# TYPE meldefunk_joinserver_requests_total counter
meldefunk_joinserver_requests_total{peer="",result="Unauthorized",type=""} 1
meldefunk_joinserver_requests_total{peer="",result="UnknownSender",type="JoinReq"} 1
meldefunk_joinserver_requests_total{peer="lns",result="JoinReqFailed",type="JoinReq"} 1
meldefunk_joinserver_requests_total{peer="lns",result="Success",type="JoinReq"} %d
`, 2)
	if err := testutil.GatherAndCompare(o.reg, strings.NewReader(want), "meldefunk_joinserver_requests_total", "meldefunk_joinserver_repeats_total"); err != nil {
		t.Error(err)
	}
}
