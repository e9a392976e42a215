package joinserver

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/lorawan/enrol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// The keys of the tests. Their bytes are easily found, wherever they turn up.
var (
	nsKEK  = []byte("KEK-of-network-s")
	asKEK  = []byte("KEK-of-the-city-and-nobody-else!")
	nwkKey = lorawan.Key([]byte("canary-NwkKey-17"))
	appKey = lorawan.Key([]byte("canary-AppKey-17"))

	testEUI = city.EUI{0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0, 0, 1}
	testJS  = city.EUI{0xa0, 0, 0, 0, 0, 0, 1, 1}
	testNet = lorawan.NetID{0, 0, 0x13}
	start   = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
)

const (
	nsToken    = "a-token-of-the-network-server"
	otherToken = "a-token-of-another-network"
	asToken    = "a-token-of-the-application"
)

// device is one of the city that may join.
func device(v enrol.Version) Device {
	d := Device{
		DevEUI: testEUI, JoinEUI: testJS, Version: v, Home: testNet, KEK: "stadt-kek-1",
		Keys: enrol.RootKeys{Nwk: nwkKey},
	}
	if v.Two() {
		d.Keys.App = appKey
	}
	return d
}

// peers are a network server, a foreign one that may ask for homes, one that may not, and
// two application servers.
func peers(t testing.TB) []Peer {
	t.Setenv("NS_TOKEN", nsToken)
	t.Setenv("OTHER_TOKEN", otherToken)
	t.Setenv("AS_TOKEN", asToken)
	return []Peer{
		{Name: "lns", Role: NetworkServer, ID: "000013", TokenEnv: "NS_TOKEN", KEK: "ns-kek"},
		{Name: "roaming", Role: NetworkServer, ID: "60001A", TokenEnv: "OTHER_TOKEN", PlaintextKeys: "accepted", Roaming: true},
		{Name: "stranger", Role: NetworkServer, ID: "60001b", TokenEnv: "OTHER_TOKEN", KEK: "ns-kek"},
		{Name: "as", Role: ApplicationServer, ID: "as.stadt.example", TokenEnv: "AS_TOKEN"},
		{Name: "as2", Role: ApplicationServer, ID: "as2.stadt.example", TokenEnv: "AS_TOKEN"},
	}
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// office is a Server at work with its store, its log and its clock.
type office struct {
	*Server
	*book
	clock clock
	t     testing.TB
	logs  bytes.Buffer // at every level
	reg   *prometheus.Registry
}

func open(t testing.TB, devices ...Device) *office {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Peers = peers(t)
	return openAs(t, cfg, bunch{"ns-kek": nsKEK, "stadt-kek-1": asKEK}, devices...)
}

func openAs(t testing.TB, cfg Config, keks KEKs, devices ...Device) *office {
	t.Helper()
	o := &office{book: newBook(devices...), clock: clock{at: start}, t: t, reg: prometheus.NewRegistry()}
	var err error
	o.Server, err = New(cfg, o.book, keks, o.clock.now, zerolog.New(zerolog.SyncWriter(&o.logs)), o.reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, err := range o.faults {
			t.Errorf("the store was told: %v", err)
		}
	})
	return o
}

// message is one as JSON has it.
type message map[string]any

// reply is an answer, read as strictly as can be.
type reply struct {
	ProtocolVersion, SenderID, ReceiverID, ReceiverNSID, MessageType string
	TransactionID                                                    uint32
	ReceiverToken                                                    string
	Result                                                           struct{ ResultCode, Description string }
	PHYPayload, SessionKeyID, DevEUI, HNetID                         string
	Lifetime                                                         uint32
	NwkSKey, FNwkSIntKey, SNwkSIntKey, NwkSEncKey, AppSKey           *struct{ KEKLabel, AESKey string }
}

// asks sends a message with a token and gives the answer as it came.
func (o *office) asks(token string, m message) *httptest.ResponseRecorder {
	o.t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.sends(token, text)
}

func (o *office) sends(token string, text []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(text))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	o.answer(w, r)
	return w
}

// gets asks as the network server of the tests and understands the answer.
func (o *office) gets(m message) reply {
	o.t.Helper()
	return o.getsWith(nsToken, m)
}

func (o *office) getsWith(token string, m message) reply {
	o.t.Helper()
	w := o.asks(token, m)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		o.t.Fatalf("status %d, %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return read(o.t, w.Body)
}

func read(t testing.TB, from io.Reader) (out reply) {
	t.Helper()
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if more, _ := io.ReadAll(d.Buffered()); len(bytes.TrimSpace(more)) > 0 {
		t.Fatalf("behind the answer stands %q", more)
	}
	return out
}

// sensor is the device's side of a join, played with city/lorawan alone.
type sensor struct {
	Device
	nonce uint16 // DevNonce of the next join-request
	addr  uint32 // the network server counts addresses up
}

// request is the JoinReq that a network server makes of the next join-request.
func (s *sensor) request(mac string) (message, lorawan.JoinAsk) {
	r := lorawan.JoinRequest{JoinEUI: s.JoinEUI, DevEUI: s.DevEUI, DevNonce: s.nonce}
	s.nonce++
	return s.wants("JoinReq", mac, r.Seal(nil, s.Keys.Nwk)), r.Ask()
}

// wants is a request for a session; every one asks for another address.
func (s *sensor) wants(kind, mac string, frame []byte) message {
	s.addr++
	settings := "23"
	if mac[:3] == "1.1" {
		settings = "A3"
	}
	return message{
		"ProtocolVersion": "1.0", "SenderID": s.Home.String(), "ReceiverID": s.JoinEUI.String(), "TransactionID": 7,
		"MessageType": kind, "MACVersion": mac, "PHYPayload": hex.EncodeToString(frame), "DevEUI": s.DevEUI.String(),
		"DevAddr": s.Home.DevAddr(s.addr).String(), "DLSettings": settings, "RxDelay": 5,
		"CFList": "184f84e85684b85e84886684586e8400",
	}
}

// opens is what the device makes of the join-accept in an answer.
func (s *sensor) opens(t testing.TB, a reply, ask lorawan.JoinAsk) lorawan.Session {
	t.Helper()
	if a.Result.ResultCode != "Success" {
		t.Fatalf("refused: %+v", a.Result)
	}
	frame, err := hex.DecodeString(a.PHYPayload)
	if err != nil {
		t.Fatal(err)
	}
	accept, err := lorawan.OpenJoinAccept(frame, s.Keys.Nwk, ask)
	if err != nil {
		t.Fatal(err)
	}
	if accept.NetID != s.Home || accept.DevAddr != s.Home.DevAddr(s.addr) || accept.RX1DROffset != 2 || accept.RX2DataRate != 3 || accept.RXDelay != 5 || !accept.HasCFList {
		t.Errorf("join-accept %+v", accept)
	}
	return accept.Session(layer(s.Version), s.Keys.Nwk, s.Keys.App, ask)
}

// serve opens a Server at a real address until the test ends, and gives its URL.
func serve(t testing.TB, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Serve does not end")
		}
	})
	scheme := "http"
	if s.tls != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s", scheme, ln.Addr())
}
