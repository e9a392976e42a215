package tickets

import (
	"bytes"
	"context"
	"encoding/base64"
	stdcsv "encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-smtp"

	"meldefunk/city"
	"meldefunk/tickets/csv"
	"meldefunk/tickets/profile"
	"meldefunk/tickets/profile/profiletest"
)

// heard is what a receiver has of a case, whatever it came by.
type heard struct {
	fields map[string]string // for machines and in one line each: title, address, asset_id, …
	text   string
	shape  string // how it was put: names of headers, fields, columns; the same for every case
}

// nasty are names that somebody may write into an inventory or a rule, and whether they
// must come out as they went in.
var nasty = []struct {
	name, word string
	intact     bool
}{
	{"umlauts", "Öwer de Hase, Große Straße – ÄÖÜ äöü ß", true},
	{"other letters", "Łódź Ελλάδα Привет 日本 שלום", true},
	{"emoji", "🗑️ 👩🏽‍🌾 🇩🇪", true},
	{"combining", "Mu\u0308lleimer e\u0301", true},
	{"formula", `=HYPERLINK("http://boese.example";"x")`, true},
	{"other formulas", "+1+1", true},
	{"at", "@SUM(1)", true},
	{"equals", "a=b&c=d;e%20f+g", true},
	{"markup", `<script>alert("x")</script>`, true},
	{"end of CDATA", "]]><b>&amp;&lt;&#0;", true},
	{"quotes", `"'` + "`" + `; DROP TABLE cases; --`, true},
	{"separators", `a,b;c|d"e""f`, true},
	{"end of a mail", "a\r\n.\r\nQUIT", false},
	{"header", "x\r\nBcc: fremd@boese.example\r\n\r\nText", false},
	{"fact", "x\nstatus: closed", false},
	{"ANSI", "\x1b[31mrot\x1b]0;Titel\x07\x1b[2J", false},
	{"NUL and others", "a\x00b\x7fc\u0085d\u2028e\u2029f", false},
	{"no characters of XML", "a\uFFFEb\uFFFFc\u000Bd", false},
	{"not UTF-8", "a\xff\xc3b\xed\xa0\x80", false},
	{"turned round", "voll \u202Etxet\u202C \u2066x\u2069", false},
	{"long", strings.Repeat("Straße der Pariser Kommune ", 40), false},
}

// What stands in an asset's name or a rule's title does no harm on any way out, and what is
// only unusual gets there as it is.
func TestNothingInANameDoesHarm(t *testing.T) {
	ways := []struct {
		name string
		send func(t *testing.T, o city.Order) heard
	}{
		{"XML", throughXML},
		{"form", throughForm},
		{"mail", throughMail},
		{"webhook", throughWebhook},
		{"CSV for machines", func(t *testing.T, o city.Order) heard { return throughCSV(t, o, csv.MachineFile, ',') }},
		{"CSV for Excel", func(t *testing.T, o city.Order) heard { return throughCSV(t, o, csv.ExcelFile, ';') }},
	}
	order := func(word string) city.Order {
		c := city.Case{
			Ref: "S-7K3QF2PA", Service: "OS-ABF-01", Asset: word, Quantity: city.FillLevel, Value: 96, Limit: 90,
			Since: at("2026-11-21T13:05:00Z"), Opened: at("2026-11-21T13:35:00Z"), Title: word, Advice: word,
		}
		a := &city.Asset{ID: word, Name: word, Address: word, Tour: word, Position: &city.Position{Lat: 52.2786, Lon: 8.0431}}
		o := Preview(c, a, Route{}, berlin(t))
		o.SentAt = c.Opened
		return o
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			plain := way.send(t, order("Domhof"))
			for _, n := range nasty {
				t.Run(n.name, func(t *testing.T) {
					o := order(n.word)
					got := way.send(t, o)
					if got.shape != plain.shape {
						t.Errorf("put as\n%s\nwant\n%s", got.shape, plain.shape)
					}
					if got.text != o.Text {
						t.Errorf("text\n%q\nwant\n%q", got.text, o.Text)
					}
					if !strings.HasSuffix(got.text, "\n"+o.Marker) || strings.Count(got.text, "\n") != strings.Count(plain.text, "\n") {
						t.Errorf("a text of other lines: %q", got.text)
					}
					for field, value := range got.fields {
						if !harmlessLine(value) {
							t.Errorf("%s is %q", field, value)
						}
						if _, there := plain.fields[field]; !there {
							t.Errorf("%s is new: %q", field, value)
						}
					}
					for _, line := range append(strings.Split(got.text, "\n"), got.fields["title"]) {
						if !harmlessLine(line) || strings.ContainsAny(line, "\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069\uFFFE\uFFFF") {
							t.Errorf("people read %q", line)
						}
					}
					if n.intact {
						for field, value := range got.fields {
							if strings.Contains(plain.fields[field], "Domhof") && !strings.Contains(value, n.word) {
								t.Errorf("%s is %q, want %q in it", field, value, n.word)
							}
						}
						if !strings.Contains(got.text, n.word) {
							t.Errorf("text is %q, want %q in it", got.text, n.word)
						}
					}
				})
			}
		})
	}
}

// harmlessLine tells whether a value is one line of text that no terminal, log or program
// takes for an order.
func harmlessLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// throughXML writes a ticket as GeoReport servers do and reads it again.
func throughXML(t *testing.T, o city.Order) heard {
	t.Helper()
	type request struct {
		XMLName    xml.Name `xml:"request"`
		Title      string   `xml:"title"`
		Text       string   `xml:"description"`
		Attributes []struct {
			Code  string `xml:"code,attr"`
			Value string `xml:",chardata"`
		} `xml:"attribute"`
	}
	sent := request{Title: o.Title, Text: o.Text}
	for _, a := range o.Attributes {
		sent.Attributes = append(sent.Attributes, struct {
			Code  string `xml:"code,attr"`
			Value string `xml:",chardata"`
		}{a.Code, a.Value})
	}
	b, err := xml.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var got request
	if err := xml.Unmarshal(b, &got); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	h := heard{fields: map[string]string{"title": got.Title}, text: got.Text}
	for _, a := range got.Attributes {
		h.fields[a.Code] = a.Value
		h.shape += a.Code + " "
	}
	for i, a := range o.Attributes {
		if got.Attributes[i].Value != a.Value {
			t.Errorf("XML made %q of %q", got.Attributes[i].Value, a.Value)
		}
	}
	return h
}

// throughForm posts a ticket to the reference server.
func throughForm(t *testing.T, o city.Order) heard {
	t.Helper()
	var form map[string][]string
	hall, err := profile.New(profile.Config{APIKey: secret, Now: newClock().now, Services: []profile.Service{{Code: "ABF-1", Name: "Papierkorb voll"}}})
	if err != nil {
		t.Fatal(err)
	}
	judge := profiletest.New(t, profile.Document(), hall)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
		r.Body = io.NopCloser(bytes.NewReader(body))
		judge.ServeHTTP(w, r)
	}))
	defer srv.Close()
	s := openSystem(t, toServer(t, srv.URL), newLedger())
	if _, err := s.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	r := hall.Requests()[0]
	title, text, _ := strings.Cut(r.Description, "\n\n")
	h := heard{fields: map[string]string{"title": title, "address": r.Address}, text: text}
	for code, value := range r.Attributes {
		h.fields[code] = value
	}
	var names []string
	for name, values := range form {
		names = append(names, name+" "+strconv.Itoa(len(values)))
	}
	slices.Sort(names)
	h.shape = strings.Join(names, ", ")
	return h
}

// letterbox is a mail server that keeps one message.
type letterbox struct {
	mu   sync.Mutex
	got  []byte
	seen int
}

func (b *letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return b, nil }
func (b *letterbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (b *letterbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (b *letterbox) Reset()                                      {}
func (b *letterbox) Logout() error                               { return nil }

func (b *letterbox) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = body
	b.seen++
	return err
}

func throughMail(t *testing.T, o city.Order) heard {
	t.Helper()
	box := &letterbox{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	server.Domain, server.ReadTimeout, server.WriteTimeout = "mail.example", 10*time.Second, 10*time.Second
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	defer func() {
		_ = l.Close()
		_ = server.Close()
		<-done
	}()
	cfg := config()
	cfg.System, cfg.Mail.Server, cfg.Mail.TLS = SystemMail, l.Addr().String(), "none"
	cfg.Mail.From, cfg.Mail.To = "Stadtsensorik <sensorik@stadt.example>", []string{"osb@stadt.example"}
	if _, err := openSystem(t, cfg, newLedger()).Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	if box.seen != 1 {
		t.Fatalf("%d mails", box.seen)
	}
	m, err := mail.ReadMessage(bytes.NewReader(box.got))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range m.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	part, err := r.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	text, block, _ := strings.Cut(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n\n--- Daten ---\n")
	if part, err = r.NextRawPart(); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
	if err != nil {
		t.Fatal(err)
	}
	h := heard{fields: map[string]string{}, text: text}
	if err := json.Unmarshal(raw, &h.fields); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, line := range strings.Split(strings.TrimRight(block, "\n"), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		keys = append(keys, key)
		if h.fields[key] != value {
			t.Errorf("the block says %q, the attachment %q", line, h.fields[key])
		}
	}
	h.fields["title"] = strings.TrimPrefix(subject, "["+o.Case.Ref+"] NEU | ")
	h.shape = fmt.Sprint(names, keys)
	return h
}

func throughWebhook(t *testing.T, o city.Order) heard {
	t.Helper()
	var body []byte
	var names []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		for name := range r.Header {
			names = append(names, name)
		}
		fmt.Fprintf(w, `{"ref":%q,"id":"1"}`, o.Case.Ref)
	}))
	defer srv.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.System, cfg.Webhook.URL, cfg.Webhook.SecretFile = SystemWebhook, srv.URL, key
	all, err := Open(cfg, Parts{Now: newClock().now})
	if err != nil {
		t.Fatal(err)
	}
	s := all[SystemWebhook]
	if _, err := s.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	var e struct {
		Subject string
		Data    struct {
			Title, Description, Address string
			Attributes                  map[string]string
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(body, bytes.ToValidUTF8(body, nil)) || bytes.ContainsAny(body, "<>&\r\n\x1b") {
		t.Errorf("%s", body)
	}
	h := heard{fields: e.Data.Attributes, text: e.Data.Description}
	h.fields["title"], h.fields["address"], h.fields["subject"] = e.Data.Title, e.Data.Address, e.Subject
	slices.Sort(names)
	h.shape = fmt.Sprint(names)
	return h
}

func throughCSV(t *testing.T, o city.Order, file string, comma rune) heard {
	t.Helper()
	cfg := config()
	cfg.System, cfg.CSV.Folder = SystemCSV, t.TempDir()
	all, err := Open(cfg, Parts{Orders: func(context.Context, string) ([]city.Order, error) { return []city.Order{o}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s := all[SystemCSV]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.(interface{ Run(context.Context) error }).Run(ctx); err != nil { // writes on the way out
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(cfg.CSV.Folder, file))
	if err != nil {
		t.Fatal(err)
	}
	r := stdcsv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	r.Comma = comma
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	h := heard{fields: map[string]string{}, shape: fmt.Sprint(rows[0], len(rows[1]))}
	for i, column := range rows[0] {
		value := rows[1][i]
		if comma == ';' && value != "" && strings.ContainsRune("=+-@\t\r|%", rune(value[0])) {
			t.Errorf("Excel takes %s for a formula: %q", column, value)
		}
		if column == "description" {
			h.text = value
			continue
		}
		h.fields[column] = value
	}
	return h
}
