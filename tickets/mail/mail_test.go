package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"meldefunk/city"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var opened = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// mailbox is a real SMTP server that keeps what it is given.
type mailbox struct {
	mu     sync.Mutex
	got    []received
	fault  error  // answer in place of 250 after the message
	before error  // answer to RCPT
	lose   bool   // keep the message and hang up
	user   string // wanted, with password "geheim"
}

type received struct {
	to   []string
	body []byte
}

type visit struct {
	box  *mailbox
	conn *smtp.Conn
	to   []string
	in   bool
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &visit{box: b, conn: c, in: b.user == ""}, nil
}

func (v *visit) AuthMechanisms() []string {
	if v.box.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != v.box.user || password != "geheim" {
			// It repeats what it was sent, as some do.
			wire := base64.StdEncoding.EncodeToString
			return &smtp.SMTPError{Code: 535, Message: strings.Join([]string{
				"authentication failed", wire([]byte("\x00" + user + "\x00" + password)), wire([]byte(password)), password,
			}, " ")}
		}
		v.in = true
		return nil
	}), nil
}

func (v *visit) Mail(string, *smtp.MailOptions) error {
	if !v.in {
		return &smtp.SMTPError{Code: 530, Message: "login first"}
	}
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.box.mu.Lock()
	defer v.box.mu.Unlock()
	if v.box.before != nil {
		return v.box.before
	}
	v.to = append(v.to, to)
	return nil
}

func (v *visit) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.box.mu.Lock()
	defer v.box.mu.Unlock()
	if v.box.fault != nil {
		return v.box.fault
	}
	v.box.got = append(v.box.got, received{v.to, body})
	if v.box.lose {
		_ = v.conn.Conn().Close()
	}
	return nil
}

func (v *visit) Reset()        { v.to = nil }
func (v *visit) Logout() error { return nil }

func (b *mailbox) set(change func(*mailbox)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *mailbox) mails() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.got...)
}

// serve starts the mailbox; with a certificate it offers STARTTLS, or speaks TLS at once.
func serve(t *testing.T, box *mailbox, cert *tls.Certificate, implicit bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "mail.example", true, quiet{}
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	if cert != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
		if implicit {
			l = tls.NewListener(l, server.TLSConfig)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = l.Close() // Close alone misses a listener that Serve has not taken up yet
		_ = server.Close()
		<-done
	})
	return l.Addr().String()
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// certificate makes one for 127.0.0.1 that signs itself, and the file to trust it by.
func certificate(t *testing.T, until time.Time) (*tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func file(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, address string, change func(*Config)) *System {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Server, cfg.TLS = address, TLSNone
	cfg.From, cfg.To = "Stadtsensorik <sensorik@stadt.example>", []string{"osb@stadt.example"}
	cfg.ByService = map[string][]string{"OS-GRN-01": {"gruen@stadt.example", "baum@stadt.example"}}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func order() city.Order {
	return city.Order{
		Case: city.Case{Ref: "S-7K3QF2PA", Service: "OS-ABF-01", Asset: "PK-0042", Opened: opened, Closed: opened.Add(2 * time.Hour)},
		Asset: &city.Asset{ID: "PK-0042", Address: "Öwer de Hase 4\r\nBcc: fremd@anderswo.example\x1b[31m",
			Position: &city.Position{Lat: 52.2786, Lon: 8.0431}},
		Title: "Papierkorb voll – PK-0042 🗑\r\nX-Fremd: 1", Text: "Befund: Füllstand 96 % (Schwelle 90 %).\n.\n=cmd\n[Ref S-7K3QF2PA]",
		Closing:    "Sensor meldet 12 % – automatisch geschlossen. [Ref S-7K3QF2PA]",
		Attributes: []city.Attribute{{Code: "ref", Value: "S-7K3QF2PA"}, {Code: "messwert", Value: "96"}, {Code: "einheit", Value: "%"}},
	}
}

// parts takes a message apart as any mail program would.
func parts(t *testing.T, body []byte) (mail.Header, string, map[string]string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("%s, %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	text, err := r.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	words, err := io.ReadAll(quotedprintable.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	attached, err := r.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, attached))
	if err != nil {
		t.Fatal(err)
	}
	var facts map[string]string
	if err := json.Unmarshal(raw, &facts); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return m.Header, strings.ReplaceAll(string(words), "\r\n", "\n"), facts
}

func TestThread(t *testing.T) {
	box := &mailbox{}
	s := open(t, serve(t, box, nil, false), nil)
	id, err := s.Create(t.Context(), order())
	if err != nil || id != "S-7K3QF2PA" {
		t.Fatalf("create: %q, %v", id, err)
	}
	if err := s.Close(t.Context(), order(), id); err != nil {
		t.Fatal(err)
	}
	mails := box.mails()
	if len(mails) != 2 {
		t.Fatalf("%d mails, want 2", len(mails))
	}
	header, text, facts := parts(t, mails[0].body)
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || subject != "[S-7K3QF2PA] NEU | Papierkorb voll – PK-0042 🗑  X-Fremd: 1" {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<S-7K3QF2PA.1@stadt.example>", "Auto-Submitted": "auto-generated", "Bcc": "", "X-Fremd": "", "In-Reply-To": "",
		"Date": "Sun, 22 Nov 2026 09:00:00 +0000", "To": "<osb@stadt.example>",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(text, order().Text+"\n\n--- Daten ---\n") || !strings.Contains(text, "\naddress: Öwer de Hase 4  Bcc: fremd@anderswo.example [31m\n") {
		t.Errorf("text:\n%s", text)
	}
	if facts["messwert"] != "96" || facts["status"] != "open" || facts["lat"] != "52.278600" || facts["requested_datetime"] != "2026-11-22T09:00:00Z" {
		t.Errorf("facts %v", facts)
	}
	header, text, facts = parts(t, mails[1].body)
	if header.Get("Message-Id") != "<S-7K3QF2PA.2@stadt.example>" || header.Get("In-Reply-To") != "<S-7K3QF2PA.1@stadt.example>" ||
		header.Get("References") != "<S-7K3QF2PA.1@stadt.example>" || facts["status"] != "closed" || !strings.Contains(text, "12 % – automatisch") {
		t.Errorf("closing: %v\n%s", header, text)
	}
}

func TestRecipientsByService(t *testing.T) {
	box := &mailbox{}
	s := open(t, serve(t, box, nil, false), nil)
	o := order()
	o.Case.Service = "OS-GRN-01"
	if _, err := s.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if to := box.mails()[0].to; len(to) != 2 || to[0] != "gruen@stadt.example" || to[1] != "baum@stadt.example" {
		t.Fatalf("to %v", to)
	}
}

func TestLostAnswer(t *testing.T) {
	box := &mailbox{lose: true}
	s := open(t, serve(t, box, nil, false), nil)
	if _, err := s.Create(t.Context(), order()); city.AsFailure(err).Outcome != city.Unsure {
		t.Fatalf("lost answer: %v, want unsure", err)
	}
	if _, _, err := s.Find(t.Context(), order()); city.AsFailure(err).Outcome != city.Cannot {
		t.Fatalf("find: %v, want that it cannot be told", err)
	}
	box.set(func(b *mailbox) { b.lose = false })
	if _, err := s.Create(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	mails := box.mails()
	first, _, _ := parts(t, mails[0].body)
	second, _, _ := parts(t, mails[1].body)
	if first.Get("Message-Id") != second.Get("Message-Id") {
		t.Errorf("sent again as %s, first as %s", second.Get("Message-Id"), first.Get("Message-Id"))
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		box  *mailbox
		want city.Outcome
	}{
		{"unknown recipient", &mailbox{before: &smtp.SMTPError{Code: 550, Message: "no such user"}}, city.Refused},
		{"greylisted", &mailbox{before: &smtp.SMTPError{Code: 450, Message: "come back later"}}, city.Retry},
		{"refused after the message", &mailbox{fault: &smtp.SMTPError{Code: 554, Message: "spam"}}, city.Refused},
		{"full after the message", &mailbox{fault: &smtp.SMTPError{Code: 452, Message: "mailbox full"}}, city.Retry},
		{"wants a login", &mailbox{user: "sensorik"}, city.Retry},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, serve(t, c.box, nil, false), nil)
			_, err := s.Create(t.Context(), order())
			var f *city.Failure
			if !errors.As(err, &f) || f.Outcome != c.want {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if len(c.box.mails()) != 0 {
				t.Error("a mail came all the same")
			}
		})
	}
}

func TestLogin(t *testing.T) {
	box := &mailbox{user: "sensorik"}
	cert, ca := certificate(t, time.Now().Add(time.Hour))
	address := serve(t, box, cert, false)
	for name, want := range map[string]bool{"geheim": true, "falsch": false} {
		s := open(t, address, func(c *Config) {
			c.TLS, c.CAFile, c.Username, c.PasswordFile = TLSStart, ca, "sensorik", file(t, []byte(name+"\n"))
		})
		_, err := s.Create(t.Context(), order())
		if (err == nil) != want {
			t.Errorf("password %s: %v", name, err)
		}
		if err == nil {
			continue
		}
		if city.AsFailure(err).Outcome != city.Retry || !strings.Contains(err.Error(), "authentication failed <secret> <secret> <secret>") {
			t.Errorf("%v: want a retry without the password", err)
		}
	}
}

// A certificate that does not hold, or none where one is wanted, lets nothing out.
func TestCertificates(t *testing.T) {
	good, ca := certificate(t, time.Now().Add(time.Hour))
	old, oldCA := certificate(t, time.Now().Add(-time.Hour))
	for _, c := range []struct {
		name     string
		cert     *tls.Certificate
		implicit bool
		ca       string
		ok       bool
	}{
		{"starttls", good, false, ca, true},
		{"implicit", good, true, ca, true},
		{"unknown authority", good, false, oldCA, false},
		{"unknown authority, implicit", good, true, oldCA, false},
		{"expired", old, false, oldCA, false},
		{"no TLS offered", nil, false, ca, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			box := &mailbox{}
			s := open(t, serve(t, box, c.cert, c.implicit), func(cfg *Config) {
				cfg.TLS, cfg.CAFile = TLSStart, c.ca
				if c.implicit {
					cfg.TLS = TLSImplicit
				}
			})
			_, err := s.Create(t.Context(), order())
			if (err == nil) != c.ok || (len(box.mails()) == 1) != c.ok {
				t.Fatalf("%v, %d mails", err, len(box.mails()))
			}
			if err != nil && city.AsFailure(err).Outcome != city.Retry {
				t.Errorf("%v: want a retry", err)
			}
		})
	}
}

// A server that takes the connection and says nothing holds nobody for ever.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, l.Addr().String(), func(c *Config) { c.Timeout = time.Second })
	begin := time.Now()
	if _, err := s.Create(t.Context(), order()); city.AsFailure(err).Outcome != city.Retry {
		t.Fatalf("%v, want a retry", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		words  string
	}{
		"server":       {func(c *Config) { c.Server = "mail.example" }, "host:port"},
		"tls":          {func(c *Config) { c.TLS = "ssl" }, "starttls"},
		"plaintext":    {func(c *Config) { c.TLS = TLSNone }, "accepted"},
		"from":         {func(c *Config) { c.From = "niemand" }, "from"},
		"nobody":       {func(c *Config) { c.To = nil }, "at least one"},
		"to":           {func(c *Config) { c.To = []string{"x"} }, "not an address"},
		"service":      {func(c *Config) { c.ByService = map[string][]string{"OS-GRN-01": {"y"}} }, "OS-GRN-01"},
		"no password":  {func(c *Config) { c.Username = "u" }, "password_file"},
		"no user":      {func(c *Config) { c.PasswordEnv = "X" }, "username is missing"},
		"delivery":     {func(c *Config) { c.Delivery = "" }, "at-least-once"},
		"timeout":      {func(c *Config) { c.Timeout = time.Hour }, "5m"},
		"missing file": {func(c *Config) { c.Username, c.PasswordFile = "u", "/nowhere/x" }, "password_file"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Server, cfg.From, cfg.To = "mail.example:587", "a@stadt.example", []string{"b@stadt.example"}
			c.change(&cfg)
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Fatalf("%v, want %q", err, c.words)
			}
		})
	}
}

// A change and a return are told in the thread, each under an ID of its own.
func TestNoteAndReopen(t *testing.T) {
	box := &mailbox{}
	s := open(t, serve(t, box, nil, false), nil)
	o := order()
	o.At = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for range 2 {
		if err := s.Note(t.Context(), o, o.Case.Ref, "note-abc", "Auch betroffen: PK-0043."); err != nil {
			t.Fatal(err)
		}
	}
	o.Case.Ref = "S-00000002"
	if err := s.Reopen(t.Context(), o, "S-7K3QF2PA"); err != nil {
		t.Fatal(err)
	}
	want := []struct{ id, answers, word, text string }{
		{"<S-7K3QF2PA.note-abc@stadt.example>", "<S-7K3QF2PA.1@stadt.example>", "[S-7K3QF2PA] NACHTRAG | ", "Auch betroffen: PK-0043.\n\n--- Daten ---"},
		{"<S-7K3QF2PA.note-abc@stadt.example>", "<S-7K3QF2PA.1@stadt.example>", "[S-7K3QF2PA] NACHTRAG | ", "Auch betroffen: PK-0043.\n\n--- Daten ---"},
		{"<S-00000002.1@stadt.example>", "<S-7K3QF2PA.1@stadt.example>", "[S-00000002] WIEDER OFFEN | ", order().Text + "\n\n--- Daten ---"},
	}
	mails := box.mails()
	if len(mails) != len(want) {
		t.Fatalf("%d mails, want %d", len(mails), len(want))
	}
	for i, w := range want {
		header, text, facts := parts(t, mails[i].body)
		subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
		if err != nil || !strings.HasPrefix(subject, w.word) || header.Get("Message-Id") != w.id || header.Get("In-Reply-To") != w.answers ||
			!strings.HasPrefix(text, w.text) || facts["status"] != "open" {
			t.Errorf("mail %d: %v\n%s", i, header, text)
		}
	}
	if header, _, _ := parts(t, mails[0].body); header.Get("Date") != "Sun, 22 Nov 2026 10:00:00 +0000" {
		t.Errorf("date %q", header.Get("Date"))
	}
}
