package board_test

import (
	"strings"
	"testing"
	"time"

	"meldefunk/dashboards/board"
)

func TestImprint(t *testing.T) {
	s, inv := osnabrueck()
	o := options(t, s, inv)
	bare := newBoard(t, o)
	for path, missing := range map[string]int{"/barrierefreiheit": 3, "/datenschutz": 4} {
		if page := text(get(bare, path).Body.String()); strings.Count(page, "nicht eingetragen") != missing || strings.Contains(page, "@") {
			t.Errorf("%s, of which nothing is known: %s", path, page)
		}
	}
	o.Config.Imprint = board.Imprint{Operator: "Stadt <Muster>", Contact: "tafel@example.org", Form: "https://www.example.org/melden", Enforcement: "Schlichtungsstelle\nMusterweg 1", Privacy: "dsb@example.org", Authority: "Aufsicht"}
	o.Retention = []board.Retention{{What: "Messungen"}, {What: "Rohe Nachrichten", Keep: 720 * time.Hour}, {What: "Kurzes", Keep: time.Minute}}
	h := newBoard(t, o)
	for path, want := range map[string][]string{
		"/barrierefreiheit": {"Stadt <Muster>", "tafel@example.org", "Barriere melden", "Schlichtungsstelle Musterweg 1", "teilweise"},
		"/datenschutz": {"Stadt <Muster>", "dsb@example.org", "Aufsicht", "Messungen bis es jemand löscht", "Rohe Nachrichten 30 Tage", "Kurzes 1 Stunde",
			"Stellplatz 3 Anlagen", "keine Kennzeichen", "Es gibt kein Cookie"},
	} {
		page := get(h, path).Body.String()
		for _, x := range want {
			if !strings.Contains(text(page), x) {
				t.Errorf("%s lacks %q: %s", path, x, text(page))
			}
		}
		if strings.Contains(page, "nicht eingetragen") || strings.Contains(text(page), "Luftgüte") {
			t.Errorf("%s: %s", path, text(page))
		}
	}
	for _, c := range []struct {
		i    board.Imprint
		says string
	}{{board.Imprint{Form: "javascript:alert(1)"}, "imprint.form"}, {board.Imprint{Operator: strings.Repeat("x", 501)}, "imprint.operator"}, {board.Imprint{Contact: "a\x00b"}, "imprint.contact"}} {
		if err := c.i.Validate(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.i, err)
		}
	}
}
