package tickets

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"meldefunk/city"
)

var update = flag.Bool("update", false, "write the golden files of ticket texts anew")

// sample is a case of a category as the shipped rules, or likely ones, would open it.
type sample struct {
	c city.Case
	a *city.Asset
}

func samples() []sample {
	bin := &city.Asset{ID: "PK-0042", Kind: city.Bin, Name: "Papierkorb Domhof 4", Address: "Domhof 4", Tour: "5"}
	glass := &city.Asset{ID: "AG-07", Kind: city.Bin, Name: "Altglas Öwer de Hase", Address: "Öwer de Hase 1", Tour: "Glas Nord"}
	tree := &city.Asset{ID: "BA-1204", Kind: city.Soil, Name: "Linde", Address: "Große Straße 12"}
	bay := &city.Asset{ID: "EL-07", Kind: city.Parking, Name: "Ladesäule Neumarkt", Address: "Neumarkt 3"}
	full := func(service, title string, a *city.Asset, limit float64, advice string) sample {
		return sample{city.Case{Service: service, Title: title, Asset: a.ID, Quantity: city.FillLevel, Value: limit + 6.25, Limit: limit, ClosedValue: 12, Advice: advice}, a}
	}
	dry := func(service, title string, q city.Quantity, value, limit, better float64, advice string) sample {
		return sample{city.Case{Service: service, Title: title, Asset: tree.ID, Quantity: q, Value: value, Limit: limit, ClosedValue: better, Advice: advice}, tree}
	}
	taken := func(service, title, advice string) sample {
		return sample{city.Case{Service: service, Title: title, Asset: bay.ID, Quantity: city.Occupied, Value: 1, Limit: 1, Advice: advice}, bay}
	}
	sick := func(service, title string, q city.Quantity, value, limit, better float64, advice string) sample {
		return sample{city.Case{Service: service, Title: title, Asset: bin.ID, Quantity: q, Value: value, Limit: limit, ClosedValue: better, Advice: advice}, bin}
	}
	return []sample{
		full("OS-ABF-01", "Papierkorb voll", bin, 90, "Leerung mit der nächsten Tour."),
		sick("OS-ABF-02", "Papierkorb umgekippt oder bewegt", city.Tilt, 1, 1, 0, "Vor Ort prüfen und aufrichten."),
		full("OS-ABF-03", "", glass, 85, "Leerung mit der nächsten Tour."),
		full("OS-ABF-10", "", glass, 85, "Entsorger verständigen."),
		full("OS-ABF-11", "", glass, 85, "Betreiber verständigen."),
		full("OS-ABF-20", "", glass, 80, "Container tauschen."),
		{city.Case{Service: "OS-ABF-30", Asset: "HS-3", Quantity: city.FillLevel, Value: 4, Limit: 10, ClosedValue: 100, Advice: "Beutel auffüllen."},
			&city.Asset{ID: "HS-3", Kind: city.Bin, Name: "Spender am Hasesee"}},
		dry("OS-GRN-01", "Straßenbaum: Bewässerung nötig", city.UsableFieldCapacity, 27.54, 30, 84, "Baum wässern, Gießring und Bewässerungssack prüfen."),
		dry("OS-GRN-02", "", city.SoilMoisture, 0, 12.5, 30.5, "Wässern."),
		dry("OS-GRN-03", "", city.SoilTension, 62.4, 40, 8, "Wässern."),
		dry("OS-GRN-04", "", city.SoilMoisture, 48.5, 45, 31, "Baumscheibe und Entwässerung prüfen."),
		taken("OS-PRK-01", "Stellplatz dauerbelegt", "Stellplatz kontrollieren, bei Falschparken Verkehrsaußendienst verständigen."),
		taken("OS-PRK-02", "", "Stellplatz kontrollieren."),
		taken("OS-PRK-03", "", "Verkehrsaußendienst verständigen."),
		sick("OS-SEN-01", "Sensor ohne Signal", city.QuantityUnknown, 26.5, 24, 0, "Sensor vor Ort prüfen; sind mehrere in der Nähe betroffen, das Gateway."),
		sick("OS-SEN-02", "Sensor: keine brauchbaren Messwerte", city.QuantityUnknown, 1, 1, 0, "Sensor und Fühler vor Ort prüfen, reinigen oder tauschen."),
		sick("OS-SEN-03", "Sensor: Batterie schwach", city.BatteryVoltage, 2.956, 3, 3.61, "Batterie tauschen."),
		sick("OS-SEN-04", "Sensor: Gehäuse geöffnet oder abgenommen", city.Tampered, 1, 1, 0, "Sensor vor Ort prüfen und befestigen."),
		{city.Case{Service: "OS-GWY-01", Title: "Gateway ausgefallen", Value: 7, Limit: 1, Advice: "Strom und Netzanschluss des Gateways prüfen."}, nil},
	}
}

// Every category has its text in testdata/texts, as people get to read it. Look at what
// changes there with the eyes of a dispatcher: go test ./tickets -run TestTexts -update
func TestTexts(t *testing.T) {
	seen := map[string]bool{}
	routes := mustLoad(t, "{}")
	for _, s := range samples() {
		c := s.c
		t.Run(c.Service, func(t *testing.T) {
			seen[c.Service] = true
			c.Ref = "S-7K3QF2PA"
			c.Since, c.Opened = at("2026-07-01T22:05:00Z"), at("2026-07-01T22:35:00Z")
			open := Preview(c, s.a, routes.Route(&c, s.a), berlin(t))
			if open.Closing != "" {
				t.Errorf("closing %q while the case is wanted", open.Closing)
			}
			c.Closed, c.ClosedSince = at("2026-11-22T15:00:00Z"), at("2026-11-22T14:40:00Z")
			o := Preview(c, s.a, routes.Route(&c, s.a), berlin(t))
			var b strings.Builder
			fmt.Fprintf(&b, "%s\n\n%s\n\n--- Abschluss ---\n%s\n\n--- Daten ---\n", o.Title, o.Text, o.Closing)
			for _, a := range o.Attributes {
				fmt.Fprintf(&b, "%s: %s\n", a.Code, a.Value)
			}
			for _, word := range []string{"unknown", "NaN", "  ", ": \n", "(Schwelle )"} {
				if strings.Contains(b.String(), word) {
					t.Errorf("says %q", word)
				}
			}
			if n := utf8.RuneCountInString(o.Title); n > MaxTitle {
				t.Errorf("title of %d characters", n)
			}
			golden(t, filepath.Join("testdata", "texts", c.Service+".txt"), b.String())
		})
	}
	for _, s := range Services() {
		if !seen[s.Code] {
			t.Errorf("%s has no text", s.Code)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// A preview is what is sent.
func TestPreviewIsWhatIsSent(t *testing.T) {
	l, c := newLedger(), newClock()
	l.open("S-7K3QF2PA")
	l.close("S-7K3QF2PA")
	r := newReconciler(t, config(), l, Local{}, c)
	asset, ok := inventory().Asset("PK-0042")
	if !ok {
		t.Fatal("no asset")
	}
	sent := orderOf(t, r, &city.CaseTicket{Case: l.cases[0], Ticket: city.Ticket{Ref: "S-7K3QF2PA"}})
	if got := Preview(l.cases[0], asset, Route{System: SystemLocal}, berlin(t)); !reflect.DeepEqual(got, sent) {
		t.Errorf("preview\n%+v\nsent\n%+v", got, sent)
	}
}

// How long one person's vehicle stood is nobody's business, whatever a rule measures.
func TestUntimedTicketsTellNoTimes(t *testing.T) {
	for _, q := range []city.Quantity{city.Occupied, city.FormerDuration, city.PreviousDuration, city.OccupiedSince} {
		c := city.Case{Ref: "S-7K3QF2PA", Service: "OS-PRK-02", Asset: "BP-1", Quantity: q, Value: 754, Limit: 721,
			Since: at("2026-07-01T22:05:00Z"), Closed: at("2026-07-02T22:05:00Z"), ClosedSince: at("2026-07-02T21:05:00Z"), ClosedValue: 765}
		o := Preview(c, nil, Route{}, berlin(t))
		said := fmt.Sprint(o.Title, o.Text, o.Closing, o.Attributes)
		for _, secret := range []string{"Uhr", "754", "721", "765", "2026", "seit"} {
			if strings.Contains(said, secret) {
				t.Errorf("%v: says %q: %s", q, secret, said)
			}
		}
	}
}
