package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city/door"
)

// TestTicketInbox lets a ticket system tell a real process what became of a ticket, and ends
// that without mercy once it has answered.
func TestTicketInbox(t *testing.T) {
	key := door.SigningKey("only tests know this signing key")
	address := "127.0.0.1:" + freePort(t)
	config := strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1) + fmt.Sprintf(`tickets:
  systems:
    emsos: {kind: webhook, url: "http://127.0.0.1:1/", secret_file: DIR/secret}
  links: {emsos: "https://osb.stadt.example/{id}"}
  inbox:
    listen: %q
    secrets: {emsos: {secret_file: DIR/secret}}
`, address)
	p := newPlatform(t, buildBinary(t, false), config, map[string]string{
		"inventory.yaml": twoBins, "secret": "whsec_" + base64.StdEncoding.EncodeToString(key),
	})
	ticketsInto(t, p.path("data"))
	p.launch()
	tell := func(id, number, signature string) (int, string) {
		t.Helper()
		body := `{"specversion":"1.0","id":"1","source":"/emsos","type":"de.meldefunk.ticket.status.v1",` +
			`"data":{"ref":"S-7K2MPQ4D","id":"` + number + `","status":"closed","notes":"Geleert"}}`
		r, err := http.NewRequest(http.MethodPost, "http://"+address+"/tickets/emsos", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now()
		if signature == "" {
			signature = key.Sign(id, at, []byte(body))
		}
		r.Header.Set("Webhook-Id", id)
		r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
		r.Header.Set("Webhook-Signature", signature)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	for name, c := range map[string]struct {
		number, signature string
		code              int
	}{
		"wrong signature": {"4711", "v1,bm9wZQ==", http.StatusUnauthorized},
		"wrong number":    {"4712", "", http.StatusNotFound},
	} {
		if code, text := tell("m-"+strings.ReplaceAll(name, " ", "-"), c.number, c.signature); code != c.code {
			t.Errorf("%s: %d %s, want %d", name, code, text, c.code)
		}
	}
	if code, text := tell("m1", "4711", ""); code != http.StatusOK {
		t.Fatalf("answered %d %s", code, text)
	}
	if page, err := p.get("/meldung/S-7K2MPQ4D"); err != nil || !strings.Contains(page, `<a href="https://osb.stadt.example/4711">4711</a>`) {
		t.Errorf("the number leads nowhere on the board: %v, %s", err, page)
	}
	p.kill()
	teach(t, p.config, []ticketLesson{{"it is on the disk", []string{"show", "S-7K2MPQ4D"}, exitOK, "Im Ticketsystem geschlossen: Geleert"},
		{"the link", []string{"show", "S-7K2MPQ4D"}, exitOK, "https://osb.stadt.example/4711"}})
}
