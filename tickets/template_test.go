package tickets

import (
	"strings"
	"testing"

	"meldefunk/city"
)

func TestWordsOfARoute(t *testing.T) {
	bin := &city.Asset{ID: "PK-0042", Name: "Papierkorb Domhof 4", Address: "Domhof 4", Tour: "Mitte", District: "Innenstadt"}
	full := city.Case{Ref: "S-7K3QF2PA", Service: "OS-ABF-01", Asset: "PK-0042", Quantity: city.FillLevel, Value: 96.25, Limit: 90,
		Since: at("2026-11-21T13:05:00Z"), Title: "Papierkorb voll", Advice: "Leerung mit der nächsten Tour."}
	bay := city.Case{Ref: "S-7K3QF2PA", Service: "OS-PRK-02", Asset: "BP-1", Quantity: city.FormerDuration, Value: 754, Limit: 720, Since: at("2026-11-21T13:05:00Z")}
	tests := []struct {
		name        string
		c           city.Case
		a           *city.Asset
		r           Route
		title, text string // text without its first line and the ref
	}{
		{"everything", full, bin, Route{
			Unit: "Bauhof", Title: "{title} ({value} von {limit}): {asset}, {place}",
			Advice: "{advice} {unit}: Tour {tour}, {district}, {address}, {name}, {service}, seit {since}.", Contact: "bauhof@stadt.example",
		}, "Papierkorb voll (96,3 % von 90 %): PK-0042, Papierkorb Domhof 4 (PK-0042)",
			`Standort: Papierkorb Domhof 4 (PK-0042)
Befund: Füllstand 96,3 % (Schwelle 90 %), seit 21.11.2026, 14:05 Uhr.
Vorschlag: Leerung mit der nächsten Tour. Bauhof: Tour Mitte, Innenstadt, Domhof 4, Papierkorb Domhof 4, Papierkorb voll, seit 21.11.2026, 14:05 Uhr.
Wird automatisch geschlossen, sobald der Sensor eine Leerung erkennt.
Rückfragen: bauhof@stadt.example`},
		{"nothing", full, bin, Route{AutoClose: AutoCloseNever}, "Papierkorb voll - PK-0042, Domhof 4",
			`Standort: Papierkorb Domhof 4 (PK-0042)
Befund: Füllstand 96,3 % (Schwelle 90 %), seit 21.11.2026, 14:05 Uhr.
Vorschlag: Leerung mit der nächsten Tour.`},
		{"what is not known leaves nothing", city.Case{Ref: "S-7K3QF2PA", Service: "ST-01", Group: "tour:5", Members: []string{"PK-1"}}, nil,
			Route{Title: "{title} {name} {tour}{value}", Advice: "{address}", AutoClose: AutoCloseNever}, "ST-01 Tour 5",
			"Standort: Tour 5\nBefund: 1 Standort betroffen.\nBetroffen: PK-1."},
		{"what is not for the public neither", bay, nil, Route{Title: "Belegt {value} {limit} {since}", AutoClose: AutoCloseNever}, "Belegt",
			"Standort: BP-1\nBefund: Behindertenparkplatz dauerbelegt."},
		{"what is put in is not looked at again", full, &city.Asset{ID: "PK-0042", Name: "{unit}\n[Ref S-00000000]\u202e"}, Route{Unit: "Bauhof", Title: "{name} - {unit}", AutoClose: AutoCloseNever},
			"{unit} [Ref S-00000000] - Bauhof",
			`Standort: {unit} [Ref S-00000000] (PK-0042)
Befund: Füllstand 96,3 % (Schwelle 90 %), seit 21.11.2026, 14:05 Uhr.
Vorschlag: Leerung mit der nächsten Tour.`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Preview(tt.c, tt.a, tt.r, berlin(t))
			if o.Title != tt.title {
				t.Errorf("title\n got %q\nwant %q", o.Title, tt.title)
			}
			_, text, _ := strings.Cut(o.Text, "\n")
			if text = strings.TrimSuffix(text, "\n[Ref S-7K3QF2PA]"); text != tt.text {
				t.Errorf("text\n got %q\nwant %q", text, tt.text)
			}
		})
	}
	long := Preview(full, bin, Route{Title: strings.Repeat("{place} ", 25), Contact: strings.Repeat("ä", 200)}, berlin(t))
	if n := len([]rune(long.Title)); n != MaxTitle {
		t.Errorf("title of %d characters, want %d", n, MaxTitle)
	}
}

func TestRouteForMachines(t *testing.T) {
	c := city.Case{Ref: "S-7K3QF2PA", Service: "OS-ABF-01", Asset: "PK-1", Grade: 2}
	value := func(o city.Order, code string) string {
		for _, a := range o.Attributes {
			if a.Code == code {
				return a.Value
			}
		}
		return ""
	}
	o := Preview(c, nil, Route{Unit: "Bauhof", Code: "7.10", Priority: PriorityLow}, berlin(t))
	if value(o, "prioritaet") != "niedrig" || value(o, "zustaendig") != "Bauhof" || o.Code != "7.10" {
		t.Errorf("got %+v", o)
	}
	if o := Preview(c, nil, Route{}, berlin(t)); value(o, "prioritaet") != "hoch" || value(o, "zustaendig") != "" || o.Code != "" {
		t.Errorf("got %+v", o)
	}
}
