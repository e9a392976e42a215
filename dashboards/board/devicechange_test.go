package board_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/dashboards/board"
)

// at9002 is the page of a device that hangs on R-1.
var at9002 = "/geraet/" + eui(9002).String() + "/aendern"

func changing(n int) string { return "/geraet/" + eui(n).String() + "/aendern" }

func TestDeviceDeeds(t *testing.T) {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	since := time.Date(2026, 11, 20, 8, 30, 0, 0, berlin)
	for _, c := range []struct {
		name, path string
		form       []string
		want       board.DeviceChange
	}{
		{"install", changing(9001), []string{"tun", "einbauen", "anlage", " PK-5 ", "seit", "2026-11-20T08:30"}, board.DeviceChange{Do: board.Install, DevEUI: eui(9001), Asset: "PK-5", Since: since, State: register.InStock}},
		{"plan", changing(9001), []string{"tun", "planen", "anlage", "B/7 ö"}, board.DeviceChange{Do: board.Plan, DevEUI: eui(9001), Asset: "B/7 ö", State: register.InStock}},
		{"move", at9002, []string{"tun", "umhaengen", "anlage", "PK-5", "seit", "20.11.2026 08:30"}, board.DeviceChange{Do: board.Move, DevEUI: eui(9002), Asset: "PK-5", Since: since, State: register.Installed}},
		{"replace", at9002, []string{"tun", "ersetzen", "ersatz", "24:E1:24:00:00:00:23:29", "zustand", "ausgemustert"}, board.DeviceChange{Do: board.Replace, DevEUI: eui(9002), Other: eui(9001), State: register.Retired}},
		{"state", at9002, []string{"tun", "zustand", "zustand", "wartung"}, board.DeviceChange{Do: board.SetState, DevEUI: eui(9002), State: register.Maintenance}},
		{"back from the dead", changing(9004), []string{"tun", "zustand", "zustand", "lager"}, board.DeviceChange{Do: board.SetState, DevEUI: eui(9004), State: register.InStock}},
		{"retire", at9002, []string{"tun", "ausmustern"}, board.DeviceChange{Do: board.Retire, DevEUI: eui(9002), State: register.Installed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, book, seal := withBook(t)
			w := post(h, c.path, typed(seal, append(c.form, "stand", "4")...))
			if w.Code != 303 || w.Header().Get("Location") != c.path+"?vermerkt="+c.form[1] || len(book.devices) != 1 {
				t.Fatalf("%d %s %s", w.Code, w.Header(), text(w.Body.String()))
			}
			c.want.By, c.want.Reason, c.want.At, c.want.Base = "Erika Mustermann", "Straßenfest", now, 4
			got := book.devices[0]
			if !got.Since.Equal(c.want.Since) {
				t.Errorf("since %s, want %s", got.Since, c.want.Since)
			}
			if got.Since, c.want.Since = (time.Time{}), (time.Time{}); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if page := text(get(h, w.Header().Get("Location")).Body.String()); !strings.Contains(page, "Das Register ist geändert.") || !strings.Contains(page, "Erika Mustermann Straßenfest") {
				t.Error(page)
			}
		})
	}
}

// TestDeviceFormsSayWhatIsWrong: beside the field, in a summary that has the focus and leads
// there, and with what was typed.
func TestDeviceFormsSayWhatIsWrong(t *testing.T) {
	refuse := func(r register.Refusal) error { return &r }
	day := now.Add(-24 * time.Hour)
	for _, c := range []struct {
		name, path string
		form       []string
		refuse     error
		field      string // of the error; "": it is about all
		says       string
	}{
		{"no asset", at9002, []string{"tun", "umhaengen", "anlage", ""}, nil, "umhaengen-anlage", "Nummer der Anlage: Bitte ausfüllen."},
		{"unknown asset", at9002, []string{"tun", "umhaengen", "anlage", `<b>"PK`}, nil, "umhaengen-anlage", `Eine Anlage „<b>"PK“ gibt es nicht.`},
		{"in the future", at9002, []string{"tun", "umhaengen", "anlage", "PK-5", "seit", "2026-11-30T08:30"}, nil, "umhaengen-seit", "liegt in der Zukunft"},
		{"no time", at9002, []string{"tun", "umhaengen", "anlage", "PK-5", "seit", "gestern"}, nil, "umhaengen-seit", "Bitte einen Zeitpunkt"},
		{"no reason", at9002, []string{"tun", "ausmustern", "grund", " "}, nil, "ausmustern-grund", "Begründung: Bitte ausfüllen."},
		{"no name", at9002, []string{"tun", "ausmustern", "name", ""}, nil, "ausmustern-name", "Name: Bitte ausfüllen."},
		{"a name of two lines", at9002, []string{"tun", "ausmustern", "name", "a\nb"}, nil, "ausmustern-name", "Name: Bitte nur Text in einer Zeile."},
		{"no EUI", at9002, []string{"tun", "ersetzen", "ersatz", "24e1", "zustand", "lager"}, nil, "ersetzen-ersatz", "Bitte die 16 Zeichen"},
		{"a state that is not offered", at9002, []string{"tun", "zustand", "zustand", "ausgemustert"}, nil, "zustand-zustand", "Bitte einen der genannten"},
		{"a deed that does not fit", changing(9001), []string{"tun", "umhaengen", "anlage", "PK-5"}, nil, "", "Das geht bei diesem Gerät nicht: Es ist im Lager."},
		{"no deed", at9002, []string{"tun", "verschenken"}, nil, "", "Bitte sagen, was mit dem Gerät ist."},
		{"an old page", at9002, []string{"tun", "ausmustern", "stand", "3"}, nil, "", "Inzwischen hat das jemand anderes geändert; es wurde nichts vermerkt. Bitte ansehen, was jetzt gilt, und dann noch einmal senden. Geändert hat es petra, 23.08.2026, 15:05 Uhr."},
		{"somebody was faster", at9002, []string{"tun", "ausmustern"}, refuse(register.Refusal{Why: register.Overtaken}), "", "Geändert hat es petra"},
		{"taken", at9002, []string{"tun", "umhaengen", "anlage", "PK-5"}, refuse(register.Refusal{Why: register.Taken, Asset: "PK-5", Other: eui(5), Since: day}), "umhaengen-anlage", "An „PK-5“ hängt seit 20.11.2026, 14:05 Uhr schon Gerät 24e1240000000005."},
		{"taken by a file", at9002, []string{"tun", "umhaengen", "anlage", "PK-5"}, refuse(register.Refusal{Why: register.TakenByFile, Asset: "PK-5", Other: eui(5)}), "umhaengen-anlage", "nach einer Datei des Bestands Gerät 24e1240000000005"},
		{"wrong kind", at9002, []string{"tun", "umhaengen", "anlage", "B-8"}, refuse(register.Refusal{Why: register.WrongKind, Asset: "B-8", Kind: city.Soil, Kinds: []city.Kind{city.Level, city.Bin}, Model: "milesight/em310-udl"}), "umhaengen-anlage", "„B-8“ ist von der Art Boden; milesight/em310-udl taugt für: Behälter, Wasserstand."},
		{"too early", at9002, []string{"tun", "umhaengen", "anlage", "PK-5", "seit", "01.01.2026"}, refuse(register.Refusal{Why: register.TooEarly, DevEUI: eui(9002), Asset: "R-1", Since: day, At: day}), "umhaengen-seit", "Bitte einen späteren Zeitpunkt"},
		{"in use", at9002, []string{"tun", "ersetzen", "ersatz", eui(9003).String(), "zustand", "lager"}, refuse(register.Refusal{Why: register.HangsAlready, DevEUI: eui(9003), Asset: "R-2", Since: day}), "ersetzen-ersatz", "hängt seit 20.11.2026, 14:05 Uhr an „R-2“"},
		{"not in the register", at9002, []string{"tun", "ersetzen", "ersatz", eui(77).String(), "zustand", "lager"}, refuse(register.Refusal{Why: register.UnknownDevice, DevEUI: eui(77)}), "ersetzen-ersatz", "steht nicht im Register"},
		{"a contradiction", at9002, []string{"tun", "ausmustern"}, refuse(register.Refusal{Why: register.Contradiction, Text: `inventory: <server> "x" is not configured`}), "", `Das passt nicht zum übrigen Bestand; es wurde nichts vermerkt. inventory: <server> "x" is not configured`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, book, seal := withBook(t)
			book.refuse = c.refuse
			form := typed(seal, append([]string{"stand", "4"}, c.form...)...)
			w := post(h, c.path, form)
			page := w.Body.String()
			if w.Code != 422 || len(book.devices) != 0 || !strings.Contains(text(page), c.says) {
				t.Fatalf("%d, want %q in %s", w.Code, c.says, text(page))
			}
			if !strings.Contains(page, `role="alert" tabindex="-1" autofocus`) {
				t.Error("the summary has no focus")
			}
			if c.field == "" {
				return
			}
			for _, want := range []string{`<a href="#` + c.field + `">`, `id="` + c.field + `-fehler"`, `aria-invalid="true"`} {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %s", want)
				}
			}
			for _, key := range []string{"anlage", "seit", "ersatz"} {
				if typed := strings.TrimSpace(form.Get(key)); typed != "" && !strings.Contains(page, `name="`+key+`" value="`+strings.NewReplacer("<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace(typed)+`"`) {
					t.Errorf("what was typed as %s is gone", key)
				}
			}
		})
	}
}

func TestDevicePage(t *testing.T) {
	h, book, seal := withBook(t)
	page := get(h, at9002).Body.String()
	for _, want := range []string{"Papierkorb Ledenhof (R-1)", "vorhanden", "SN-232a", "vor 1 Stunde", note, "aufgenommen", "petra Montage", "im Lager → eingebaut", "Schlüssel gesetzt"} {
		if !strings.Contains(text(page), want) {
			t.Errorf("the page lacks %q: %s", want, text(page))
		}
	}
	for _, not := range []string{note, "geheim", "Einbauen", "Vormerken"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
	if !strings.Contains(page, `<option value="`+eui(9001).String()+`">`) {
		t.Error("the device on the shelf is not proposed")
	}
	if page := get(h, changing(9005)).Body.String(); !strings.Contains(page, `name="anlage" value="R-3"`) || strings.Contains(page, "Umhängen") {
		t.Error("where it was planned is not proposed, or it can be moved")
	}
	if page := get(h, changing(9004)).Body.String(); strings.Count(page, "<details") != 1 {
		t.Errorf("of what is retired can be done: %s", text(page))
	}
	for _, path := range []string{"/geraet/x/aendern", changing(1), changing(77)} {
		if w := get(h, path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
		if w := post(h, path, typed(seal)); w.Code != 404 {
			t.Errorf("post to %s: %d", path, w.Code)
		}
	}
	book.refuse = errDisk
	if w := post(h, at9002, typed(seal, "tun", "ausmustern", "stand", "4")); w.Code != 503 {
		t.Errorf("with a broken register: %d", w.Code)
	}
	if w := post(h, at9002, typed("x", "tun", "ausmustern", "stand", "4")); w.Code != 403 {
		t.Errorf("without a seal: %d", w.Code)
	}
}

func TestAssetForm(t *testing.T) {
	full := func(pairs ...string) url.Values {
		form := url.Values{"bezeichnung": {"Papierkorb Ledenhof"}, "address": {""}, "district": {"Innenstadt"}, "tour": {"Tour 1"}, "lat": {"52,2712"}, "lon": {"8,0444"},
			"empty_mm": {"1200"}, "full_mm": {"200"}, "offset_mm": {""}, "asset_note": {""}, "stand": {"3"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	merge := func(seal string, form url.Values) url.Values {
		all := typed(seal)
		for key, value := range form {
			all[key] = value
		}
		return all
	}
	for _, c := range []struct {
		name, id string
		form     url.Values
		want     map[string]string // nil: nothing is changed
		field    string
		says     string // what is wrong
	}{
		{"nothing", "R-1", full(), nil, "", ""},
		{"tour and note", "R-1", full("tour", "Tour 9", "asset_note", "steht <schief>"), map[string]string{"tour": "Tour 9", "asset_note": "steht <schief>"}, "", ""},
		{"calibration", "R-1", full("empty_mm", "1.250,5", "full_mm", "210"), nil, "empty_mm", "Abstand leer in mm: Bitte eine Zahl"},
		{"calibration with a comma", "R-1", full("empty_mm", "1250,5", "offset_mm", "−15"), map[string]string{"empty_mm": "1250.5", "offset_mm": "-15"}, "", ""},
		{"no calibration", "R-1", full("empty_mm", "", "full_mm", ""), map[string]string{"empty_mm": "-", "full_mm": "-"}, "", ""},
		{"half a calibration", "R-1", full("empty_mm", ""), nil, "full_mm", "Bitte beide angeben, oder keinen"},
		{"the wrong way round", "R-1", full("full_mm", "1300"), nil, "full_mm", "weniger als der Abstand"},
		{"too far", "R-1", full("empty_mm", "999999999"), nil, "empty_mm", "Bitte eine Zahl von 0 bis"},
		{"infinite", "R-1", full("empty_mm", "Inf"), nil, "empty_mm", "Bitte eine Zahl, wie"},
		{"hexadecimal", "R-1", full("empty_mm", "0x10"), nil, "empty_mm", "Bitte eine Zahl, wie"},
		{"half a position", "R-1", full("lon", ""), nil, "lat", "Bitte beide angeben, oder keine."},
		{"a page that is old", "R-1", full("stand", "2"), nil, "", "Inzwischen hat das jemand anderes geändert"},
		{"no reason", "R-1", full("tour", "Tour 9", "grund", ""), nil, "grund", "Begründung: Bitte ausfüllen."},
		{"only the tour", "R-1", url.Values{"tour": {"Tour 9"}, "stand": {"3"}}, map[string]string{"tour": "Tour 9"}, "", ""},
		{"soil", "R-2", url.Values{"soil_type": {"Ls2"}, "stand": {"3"}}, map[string]string{"soil_type": "Ls2"}, "", ""},
		{"no soil", "R-2", url.Values{"soil_type": {""}, "stand": {"3"}}, map[string]string{"soil_type": "-"}, "", ""},
		{"soil that is none", "R-2", url.Values{"soil_type": {"Zement"}, "stand": {"3"}}, nil, "soil_type", "Bodenart: Bitte eine der genannten."},
		{"gauge", "R-3", url.Values{"zero_mm": {"4510"}, "stand": {"3"}}, map[string]string{"zero_mm": "4510"}, "", ""},
		{"thousands", "R-3", url.Values{"zero_mm": {"4.510"}, "stand": {"3"}}, nil, "zero_mm", "Bitte ohne Tausenderpunkt"},
		{"a name", "R-3", url.Values{"bezeichnung": {"Schacht <Nord>"}, "lat": {"52.271"}, "lon": {"8.044"}, "stand": {"3"}}, map[string]string{"name": "Schacht <Nord>", "lat": "52.271", "lon": "8.044"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, book, seal := withBook(t)
			w := post(h, "/anlage/"+c.id+"/aendern", merge(seal, c.form))
			page := w.Body.String()
			if c.says != "" {
				if w.Code != 422 || len(book.assets) > 0 || !strings.Contains(text(page), c.says) {
					t.Fatalf("%d %s", w.Code, text(page))
				}
				if c.field != "" && (!strings.Contains(page, `<a href="#angaben-`+c.field+`">`) || !strings.Contains(page, `id="angaben-`+c.field+`-fehler"`)) {
					t.Errorf("not beside %s", c.field)
				}
				return
			}
			if w.Code != 303 || len(book.assets) != min(1, len(c.want)) {
				t.Fatalf("%d, %d changes: %s", w.Code, len(book.assets), text(page))
			}
			if c.want == nil {
				return
			}
			if got := book.assets[0]; !reflect.DeepEqual(got.Fields, c.want) || got.By != "Erika Mustermann" || got.Reason != "Straßenfest" || got.Asset != c.id || got.Base != 3 || !got.At.Equal(now) {
				t.Errorf("got %+v", got)
			}
			if page := text(get(h, w.Header().Get("Location")).Body.String()); !strings.Contains(page, "Angaben geändert.") {
				t.Error(page)
			}
		})
	}

	h, book, seal := withBook(t)
	if page := get(h, "/anlage/PK-1/aendern").Body.String(); !strings.Contains(text(page), "steht in einer Datei des Bestands und wird dort geändert") || strings.Contains(page, "<details") {
		t.Error("an asset of a file can be changed")
	}
	if w := post(h, "/anlage/PK-1/aendern", typed(seal, "stand", "0", "tour", "x")); w.Code != 403 {
		t.Errorf("an asset of a file: %d", w.Code)
	}
	if w := get(h, "/anlage/PK-99/aendern"); w.Code != 404 {
		t.Errorf("an asset that is not there: %d", w.Code)
	}
	if page := text(get(h, "/anlage/R-1/aendern").Body.String()); !strings.Contains(page, "Max <Muster>") || !strings.Contains(page, "Papierkorb → Papierkorb Ledenhof") {
		t.Error(page)
	}
	book.refuse = &register.Refusal{Why: register.WrongField, Field: "lat", Text: "52 north does not fit"}
	if page := post(h, "/anlage/R-1/aendern", merge(seal, full("lat", "12"))).Body.String(); !strings.Contains(page, `id="angaben-lat-fehler"`) || !strings.Contains(page, `lang="en">52 north does not fit`) {
		t.Error(text(page))
	}
	book.refuse = &register.Refusal{Why: register.WrongField, Field: "name", Text: "a key, or looks like one"}
	if page := post(h, "/anlage/R-1/aendern", merge(seal, full("bezeichnung", "x"))).Body.String(); !strings.Contains(page, `id="angaben-bezeichnung-fehler"`) {
		t.Error(text(page))
	}
	book.kept.Assets[1].Soil = &city.SoilCalibration{FieldCapacity: 30, WiltingPoint: 12}
	if page := text(get(h, "/anlage/R-2/aendern").Body.String()); !strings.Contains(page, "eigene Werte: Feldkapazität 30,0 %, Welkepunkt 12,0 %") {
		t.Error(page)
	}
	if w := post(h, "/anlage/R-2/aendern", typed(seal, "stand", "3", "soil_type", "")); w.Code != 303 || len(book.assets) != 0 {
		t.Errorf("soil as it was is no change: %d", w.Code)
	}
}
