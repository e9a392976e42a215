package devices

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/lorawan"
	"meldefunk/city/register"
)

const sheetHeader = "dev_eui;join_eui;app_key;model;asset;kind;name;lat;lon;empty_mm;full_mm;soil_type;serial;lorawan_version;nwk_key;state;since\n"

// delivery is a sheet as a technician gets it together: 500 bins, 300 trees, 200 bays. It
// gives its rows by the names of their columns.
func delivery() (names []string, rows []map[string]string) {
	names = strings.Split(strings.TrimSpace(sheetHeader), ";")
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		r := map[string]string{
			"join_eui": "70b3d57ed0000001", "lorawan_version": "1.0.3", "since": "3.5.2026",
			"app_key": fmt.Sprintf("%016X%016X", random.Uint64(), random.Uint64()), "serial": fmt.Sprintf("6412A%05d", i),
			"lat": fmt.Sprintf("52,%d", 25000+i), "lon": fmt.Sprintf("8,%05d", 4000+i),
		}
		switch {
		case i < 500:
			r["dev_eui"], r["model"], r["asset"], r["kind"], r["name"] = fmt.Sprintf("24e124713b%06x", i), "milesight/em310-udl", fmt.Sprintf("PK-%04d", i), "Papierkorb", fmt.Sprintf("Papierkorb %d", i)
			r["empty_mm"], r["full_mm"] = "1150", "180,5"
		case i < 800:
			r["dev_eui"], r["model"], r["asset"], r["kind"], r["name"], r["soil_type"] = fmt.Sprintf("a840410001%06x", i), "dragino/lse01", fmt.Sprintf("BA-%04d", i), "Baum", "Linde", "Sl3"
		default:
			r["dev_eui"], r["model"], r["asset"], r["kind"] = fmt.Sprintf("0018b20000%06x", i), "bosch/tps110", fmt.Sprintf("SP-%04d", i), "Stellplatz"
		}
		rows = append(rows, r)
	}
	return names, rows
}

func writeSheet(names []string, rows []map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff" + strings.Join(names, ";") + "\r\n")
	for _, r := range rows {
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = r[name]
		}
		b.WriteString(strings.Join(cells, ";") + "\r\n")
	}
	return b.Bytes()
}

func readSheet(t testing.TB, form Form, data []byte) *Sheet {
	t.Helper()
	s, problems := ReadSheet("devices", form, data)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// mistakes are twenty, each in a row of its own: what is put where, and what is said of it.
// The row is that of the sheet, the header being row 1.
var mistakes = []struct {
	row       int
	column    string
	text      string
	want      string
	alsoBlank string // another column that is emptied
}{
	{row: 17, column: "dev_eui", text: "24e124713b00000", want: `row 17, column dev_eui: "24e124713b00000" has 15 of 16 hex digits (most significant byte first): a spreadsheet drops leading zeros unless the column is text`},
	{row: 40, column: "dev_eui", text: "2.4E+15", want: `row 40, column dev_eui: "2.4E+15" was made a number by a spreadsheet: format the column as text and enter the 16 hex digits again`},
	{row: 41, column: "dev_eui", text: "24e124713b000001", want: "row 41, column dev_eui: 24e124713b000001 stands in row 3 already: want every device once"},
	{row: 60, column: "dev_eui", text: "", want: "row 60, column dev_eui: is empty, but the row tells of a device: want 16 hex digits"},
	{row: 75, column: "join_eui", text: "70b3d57ed000000g", want: `row 75, column join_eui: "70b3d57ed000000g" is not an EUI: want 16 hex digits`},
	{row: 101, column: "app_key", text: "2B7E151628AED2A6ABF7158809CF4F3", want: "row 101, column app_key: has 31 of 32 hex digits (most significant byte first)"},
	{row: 102, column: "app_key", text: strings.Repeat("0", 32), want: "row 102, column app_key: is all zeros, which is no key"},
	{row: 103, column: "app_key", text: strings.Repeat("01020304", 4), want: "row 103, column app_key: is the same few bytes over and over"},
	{row: 104, column: "nwk_key", text: "2B7E151628AED2A6ABF7158809CF4F31", want: "row 104, column nwk_key: LoRaWAN 1.0.3 has one root key, app_key: give it there, or version 1.1 if the device has two"},
	{row: 105, column: "lorawan_version", text: "1.1", want: "row 105, column nwk_key: is missing: LoRaWAN 1.1 has two root keys"},
	{row: 200, column: "model", text: "milesight/em310-uld", want: `row 200, column model: unknown model "milesight/em310-uld": want one of bosch/tps110, dragino/lse01, milesight/em310-udl; did you mean "milesight/em310-udl"?`},
	{row: 201, column: "model", text: "dragino/lse01", want: `row 201, column model: dragino/lse01 is made for assets of kind soil, but "PK-0199" is bin: want a model for bin`},
	{row: 300, column: "asset", text: "PK-0000", want: `row 300, column asset: "PK-0000" has the device of row 2 already: want one device per asset`, alsoBlank: "described"},
	{row: 333, column: "kind", text: "Papierkorp", want: `row 333, column kind: unknown kind "Papierkorp": want one of bin (`},
	{row: 450, column: "lat", text: "8,04", want: "row 450, column lat: latitude 8.04", alsoBlank: ""},
	{row: 451, column: "full_mm", text: "1800", want: "row 451, column full_mm: 1800 mm does not fit"},
	{row: 600, column: "soil_type", text: "Sand", want: `row 600, column soil_type: unknown soil type "Sand"`},
	{row: 700, column: "serial", text: "6412A00600", want: `row 700, column serial: "6412A00600" is that of row 602 already: want every serial number of a maker once`},
	{row: 900, column: "state", text: "kaputt", want: `row 900, column state: unknown state "kaputt": want one of in_stock (lager, auf lager)`},
	{row: 1001, column: "since", text: "31.2.2026", want: `row 1001, column since: "31.2.2026" is no time: want one like 2026-05-03`},
}

func TestImportOfAThousand(t *testing.T) {
	names, rows := delivery()
	good := writeSheet(names, rows)
	for _, m := range mistakes {
		r := rows[m.row-2]
		r[m.column] = m.text
		if m.alsoBlank == "described" { // the row is about another row's asset
			for _, name := range []string{"kind", "name", "lat", "lon", "empty_mm", "full_mm"} {
				r[name] = ""
			}
		}
	}
	bad := readSheet(t, CSV, writeSheet(names, rows))

	begin := time.Now()
	plan, problems := importer(register.Snapshot{}).Plan(bad)
	t.Logf("planned in %v", time.Since(begin))
	wrong := map[int][]string{}
	for _, p := range Errors(problems) {
		wrong[p.Row] = append(wrong[p.Row], p.Error())
	}
	for _, m := range mistakes {
		if got := wrong[m.row]; len(got) != 1 || !strings.HasPrefix(got[0], m.want) {
			t.Errorf("row %d: got %q, want %q", m.row, got, m.want)
		}
		delete(wrong, m.row)
	}
	if len(wrong) > 0 {
		t.Errorf("also wrong: %v", wrong)
	}
	if !plan.Change.Empty() || len(plan.Change.Entries) > 0 || plan.Count(Failed) != 20 || plan.Count(Skipped) != 980 {
		t.Fatalf("aborted: %d failed, %d skipped, %d devices", plan.Count(Failed), plan.Count(Skipped), len(plan.Change.Devices))
	}

	// The good rows alone, then the list as it should have been, then again.
	im := importer(register.Snapshot{})
	im.Skip = true
	plan, _ = im.Plan(bad)
	if plan.Count(Created) != 980 || plan.Count(Failed) != 20 || len(plan.Change.Devices) != 980 || len(plan.Change.Bindings) != 980 {
		t.Fatalf("%d created, %d failed, %d devices, %d bindings", plan.Count(Created), plan.Count(Failed), len(plan.Change.Devices), len(plan.Change.Bindings))
	}
	s := keep(register.Snapshot{}, plan.Change)
	sheet := readSheet(t, CSV, good)
	plan, problems = importer(s).Plan(sheet)
	if len(problems) > 0 || plan.Count(Created) != 20 || plan.Count(Unchanged) != 980 || len(plan.Change.Devices) != 20 {
		t.Fatalf("%v: %d created, %d unchanged", problems, plan.Count(Created), plan.Count(Unchanged))
	}
	s = keep(s, plan.Change)
	plan, problems = importer(s).Plan(sheet)
	if len(problems) > 0 || !plan.Change.Empty() || len(plan.Change.Entries) > 0 || plan.Count(Unchanged) != 1000 {
		t.Fatalf("again: %v, %d unchanged", problems, plan.Count(Unchanged))
	}
	// Keys wrapped with another key encryption key are the same keys.
	im = importer(s)
	im.Wrap = wrapWith("amt-2")
	if plan, _ = im.Plan(sheet); !plan.Change.Empty() {
		t.Fatalf("another label: %d devices", len(plan.Change.Devices))
	}
	im.Unwrap = nil
	if plan, _ = im.Plan(sheet); plan.Count(Changed) != 1000 {
		t.Fatalf("another label, and nothing to compare with: %d changed", plan.Count(Changed))
	}
	d := s.Devices[0]
	if got, err := reveal(d.Keys); err != nil || got.Nwk.IsZero() || d.State != register.Installed || d.Region != "EU868" {
		t.Errorf("got %+v, %v", d, err)
	}
	if b := s.Bindings[0]; !b.From.Equal(time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("binding %+v", b)
	}
}

// No key gets out by printing, by JSON, in a problem, in the audit trail or in a result that
// was not asked to tell them, wherever in the sheet it stands.
func TestImportTellsNoKey(t *testing.T) {
	const canary = "C0FFEE15600DF00D5EC2E7C0DEBA5E11"
	forms := [][2]string{
		{string(CSV), "dev_eui;app_key;model\na840410001810001;" + canary + ";dragino/lse01\n"},
		{string(CSV), "dev_eui;app_key;model\n" + canary + ";a840410001810001;dragino/lse01\n"},
		{string(CSV), "dev_eui;app_key;note\na840410001810001;;" + canary + "\n"},
		{string(CSV), "dev_eui;app_key;model\na840410001810001;x;" + canary[:30] + "\n"},
		{string(CSV), "dev_eui;app_key;model\na840410001810001;" + canary[:31] + ";dragino/lse01\n"},
		{string(CSV), "dev_eui;app_key;model\na840410001810001;" + canary + ";dragino/lse01;1\n"},
		{string(CSV), "dev_eui;app_key;serial\na840410001810001;;" + canary[:8] + "-" + canary[8:16] + "-" + canary[16:] + "\n"},
		{string(CSV), "a840410001810001;" + canary + ";dragino/lse01\n"},
		{string(CSV), "dev_eui;model;app_key\na840410001810001;dragino/lse01;\"" + canary + "\nx;y\n"},
		{string(YAML), "devices:\n  - dev_eui: a840410001810001\n    model: dragino/lse01\n    app_key: " + canary + "\n"},
		{string(YAML), "devices:\n  - dev_eui: " + canary + "\n    model: dragino/lse01\n    app_key: [" + canary + "]\n"},
		{string(YAML), "devices:\n  - dev_eui: *" + canary + "\n"},
		{string(YAML), "devices: [{" + canary + ": 1, dev_eui: a840410001810001}]\n"},
		{string(GeoJSON), `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"dev_eui":"a840410001810001","model":"dragino/lse01","app_key":"` + canary + `"}}]}`},
		{string(GeoJSON), `{"type":"` + canary + `","features":[]}`},
		{string(GeoJSON), `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"` + canary + `":1,"geometry":"` + canary + `","app_key":["` + canary + `",1]}}]}`},
	}
	for _, f := range forms {
		var told []string
		sheet, problems := ReadSheet("s", Form(f[0]), []byte(f[1]))
		if sheet != nil {
			var more []Problem
			im := importer(register.Snapshot{})
			im.Skip = true
			plan, more := im.Plan(sheet)
			problems = append(problems, more...)
			var result bytes.Buffer
			if err := plan.Result(&result, sheet, Machine, false); err != nil {
				t.Fatal(err)
			}
			for _, v := range []any{sheet, *sheet, sheet.Rows, plan, plan.Change, problems} {
				j, _ := json.Marshal(v) // a key refuses to be marshaled
				told = append(told, fmt.Sprintf("%v %+v %#v %s", v, v, v, j))
			}
			told = append(told, result.String())
			var all bytes.Buffer
			kept := Export{Register: keep(register.Snapshot{}, plan.Change)}
			for _, err := range []error{kept.CSV(&all, Excel), kept.YAML(&all), kept.GeoJSON(&all)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			told = append(told, all.String())
		}
		for _, p := range problems {
			told = append(told, p.Error())
		}
		for _, text := range told {
			plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "", "0x", "", ",", "").Replace(text))
			if strings.Contains(plain, canary[4:28]) {
				t.Errorf("%q tells the key: %.300s", f[1], text)
			}
		}
	}
}

// A town of the register in small, to be changed by sheets.
func smallTown(t testing.TB) register.Snapshot {
	t.Helper()
	sheet := readSheet(t, CSV, []byte(
		"dev_eui;model;asset;kind;name;empty_mm;full_mm;offset_mm;serial;app_key;note;groups;since\n"+
			"24e1240000000001;milesight/em310-udl;PK-1;bin;Domhof;1200;200;-15;A1;2B7E151628AED2A6ABF7158809CF4F31;neu;Markt|Altstadt;2026-05-03\n"+
			"24e1240000000002;milesight/em310-udl;PK-2;bin;Neumarkt;1200;200;;A2;;;;2026-05-03\n"+
			"24e1240000000003;milesight/em310-udl;;;;;;;A3;;;;\n"+
			";;BA-1;soil;Linde;;;;;;;;\n"))
	plan, problems := importer(register.Snapshot{}).Plan(sheet)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return keep(register.Snapshot{}, plan.Change)
}

// facts tells in short what becomes of each row.
func facts(p *Plan) string {
	var rows []string
	for _, o := range p.Outcomes {
		row := string(o.Status)
		for _, f := range o.Facts {
			row += fmt.Sprintf(" %s:%s>%s", f.Field, f.Was, f.Is)
		}
		rows = append(rows, row)
	}
	return strings.Join(rows, "\n")
}

func TestImportChanges(t *testing.T) {
	const one, two, three = "24e1240000000001", "24e1240000000002", "24e1240000000003"
	for _, c := range []struct {
		name, sheet string
		want        string // facts, or
		wrong       string // the errors
		warn        string
		bindings    int
	}{
		{name: "an empty field and an absent column keep", sheet: "dev_eui;name;note\n" + one + ";;\n", want: "unchanged"},
		{name: "a hyphen clears", sheet: "dev_eui;note;groups;offset_mm\n" + one + ";-;-;-\n", want: "changed note:neu> offset_mm:-15> groups:Altstadt|Markt>"},
		{name: "one value of a calibration", sheet: "dev_eui;offset_mm\n" + one + ";-20,5\n", want: "changed offset_mm:-15>-20.5"},
		{name: "another shape", sheet: "asset;shape;points\nPK-1;table;1200=0|300=100\n", want: "changed empty_mm:1200> full_mm:200> shape:>table points:>300=100|1200=0"},
		{name: "an asset by its number", sheet: "asset;address\nBA-1;Domhof 4\n", want: "changed address:>Domhof 4"},
		{name: "the device of an asset, by its EUI as people write it", sheet: "DevEUI;Bezeichnung\n24-E1-24-00-00-00-00-01;Dom\n", want: "changed name:Domhof>Dom"},
		{name: "the same key", sheet: "dev_eui;app_key\n" + one + ";2b 7e 15 16 28 ae d2 a6 ab f7 15 88 09 cf 4f 31\n", want: "unchanged"},
		{name: "another key", sheet: "dev_eui;app_key\n" + one + ";2B7E151628AED2A6ABF7158809CF4F32\n", want: "changed keys:set>set"},
		{name: "a key is taken away", sheet: "dev_eui;app_key\n" + one + ";-\n", want: "changed keys:set>"},
		{name: "a key at last", sheet: "dev_eui;app_key\n" + two + ";2B7E151628AED2A6ABF7158809CF4F32\n", want: "changed keys:>set"},
		{name: "a public key", sheet: "dev_eui;app_key\n" + two + ";5572404C696E6B4C6F52613230313823\n", want: "changed keys:>set", warn: "row 2, column app_key: is printed in a public document"},
		{name: "one key for two", sheet: "dev_eui;app_key\n" + one + ";2B7E151628AED2A6ABF7158809CF4F31\n" + two + ";2B7E151628AED2A6ABF7158809CF4F31\n", want: "unchanged\nchanged keys:>set", warn: "row 3, column app_key: is that of row 2 as well"},
		{name: "another version needs other keys", sheet: "dev_eui;lorawan_version\n" + one + ";1.1\n", wrong: "row 2, column lorawan_version: 1.1.0 has other root keys than those kept: give app_key and nwk_key as well"},
		{name: "two keys", sheet: "dev_eui;lorawan_version;app_key;nwk_key\n" + one + ";1.1;2B7E151628AED2A6ABF7158809CF4F32;2B7E151628AED2A6ABF7158809CF4F33\n", want: "changed lorawan_version:1.0.3>1.1.0 keys:set>set"},
		{name: "move", sheet: "dev_eui;asset;since\n" + one + ";BA-1;1.6.2026\n", wrong: `row 2, column model: milesight/em310-udl is made for assets of kind bin or level, but "BA-1" is soil: want a model for soil`},
		{name: "change places", sheet: "dev_eui;asset;since\n" + one + ";PK-2;1.6.2026\n" + two + ";PK-1;1.6.2026\n", bindings: 4,
			want: "changed asset:PK-1>PK-2 since:2026-05-03T00:00:00Z>2026-06-01T00:00:00Z\nchanged asset:PK-2>PK-1 since:2026-05-03T00:00:00Z>2026-06-01T00:00:00Z"},
		{name: "where one hangs", sheet: "dev_eui;asset\n" + one + ";PK-2\n", wrong: "row 2, column asset: PK-2 has device 24e1240000000002 since 3 May 2026 00:00: replace it, or move that one first"},
		{name: "from the shelf", sheet: "dev_eui;asset;kind\n" + three + ";PK-3;bin\n", want: "changed asset:>PK-3 state:in_stock>installed since:>2026-11-22T09:30:00Z kind:>bin", bindings: 3},
		{name: "replaced", sheet: "dev_eui;asset;state;since\n" + one + ";;retired;\n" + three + ";PK-1;;\n", bindings: 3,
			want: "changed asset:PK-1> state:installed>retired since:2026-05-03T00:00:00Z>\nchanged asset:>PK-1 state:in_stock>installed since:>2026-11-22T09:30:00Z"},
		{name: "back on the shelf", sheet: "dev_eui;asset\n" + one + ";-\n", want: "changed asset:PK-1> state:installed>in_stock since:2026-05-03T00:00:00Z>", bindings: 2},
		{name: "it hung there for longer", sheet: "dev_eui;since\n" + one + ";2026-04-01\n", want: "changed since:2026-05-03T00:00:00Z>2026-04-01T00:00:00Z", bindings: 2},
		{name: "planned", sheet: "dev_eui;asset;state\n" + three + ";PK-1;geplant\n", want: "changed asset:>PK-1 state:in_stock>planned", bindings: 2},
		{name: "planned for nowhere", sheet: "dev_eui;state\n" + three + ";geplant\n", wrong: "row 2, column asset: is empty, but the device is planned: want the number of the asset that it hangs on"},
		{name: "on the shelf and on an asset", sheet: "dev_eui;asset;state\n" + three + ";PK-3;Lager\n", wrong: `row 2, column asset: a device that is in_stock hangs nowhere: leave out asset "PK-3", or give another state`},
		{name: "in the future", sheet: "dev_eui;since\n" + one + ";2027-01-01\n", wrong: "row 2, column asset: 1 January 2027 00:00 is still to come"},
		{name: "since when on the shelf", sheet: "dev_eui;since\n" + three + ";2026-01-01\n", wrong: "row 2, column since: tells from when it hangs, but it is in_stock"},
		{name: "no such asset", sheet: "dev_eui;asset\n" + three + ";PK-3\n", wrong: `row 2, column asset: unknown asset "PK-3": want one that is described, here or in the register`},
		{name: "a new asset without a kind", sheet: "asset;name\nPK-3;Dom\n", wrong: `row 2, column kind: is empty, but asset "PK-3" is new`},
		{name: "a new device without a model", sheet: "dev_eui\n24e1240000000009\n", wrong: "row 2, column model: is missing: want one of bosch/tps110"},
		{name: "what cannot be cleared", sheet: "dev_eui;model;region\n" + one + ";-;-\n", wrong: "row 2, column model: cannot be cleared: leave the field empty to keep what is there, or give another value\n" +
			"row 2, column region: cannot be cleared: leave the field empty to keep what is there, or give another value\nrow 2, column model: is missing"},
		{name: "the serial number of another", sheet: "dev_eui;serial\n" + three + ";a1\n", wrong: `row 2, column serial: "a1" is that of device 24e1240000000001 already`},
		{name: "two descriptions", sheet: "asset;name\nPK-1;Dom\nPK-1;Rathaus\n", wrong: `row 3, column name: "PK-1" is described in row 2 already, with "Dom"`},
		{name: "the same twice", sheet: "asset;name\nPK-1;Dom\nPK-1;Dom\n", want: "changed name:Domhof>Dom\nunchanged"},
		{name: "everything that is wrong", sheet: "dev_eui;interval;class;lat;asset\n" + three + ";20;D;52,2;PK-1\n", wrong: `row 2, column class: unknown class "D": want A, B or C` + "\n" +
			`row 2, column interval: "20" is no interval: want a whole number with s, min, h or d, like "20 min"` + "\n" + `row 2, column lat: is one half of a position: want latitude and longitude, or neither` + "\n" +
			"row 2, column asset: PK-1 has device 24e1240000000001 since 3 May 2026 00:00: replace it, or move that one first"},
		{name: "the number of a maker from behind too", sheet: "dev_eui;model;join_eui\na84041000024e124;dragino/lse01;\n", want: "created model:>dragino/lse01 lorawan_version:>1.0.3 region:>EU868 class:>A state:>in_stock"},
		{name: "an EUI from behind", sheet: "dev_eui;model\n01000000004140a8;dragino/lse01\n", want: "created model:>dragino/lse01 lorawan_version:>1.0.3 region:>EU868 class:>A state:>in_stock",
			warn: "row 2, column dev_eui: 01000000004140a8 ends in the reversed number of Dragino: look whether it is a840410000000001 on the label (most significant byte first)"},
		{name: "a JoinEUI that is the DevEUI", sheet: "dev_eui;join_eui\n" + one + ";" + one + "\n", want: "changed join_eui:>" + one, warn: "row 2, column join_eui: is the device's own EUI"},
		{name: "rows are counted as spreadsheets do", sheet: "dev_eui;name\n\n" + one + ";\"a\nb\"\n;\n2" + two + ";x\n;;\n;;1\n",
			wrong: "row 3, column name: \"a\\nb\" has line breaks or control characters: want one line\nrow 5, column dev_eui: \"224e1240000000002\" is not an EUI\nrow 5, column model: is missing\nrow 7: the row has 3 fields, the header 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := smallTown(t)
			sheet := readSheet(t, CSV, []byte(c.sheet))
			plan, problems := importer(s).Plan(sheet)
			var wrong, warn []string
			for _, p := range problems {
				if p.Warning {
					warn = append(warn, p.Error())
				} else {
					wrong = append(wrong, p.Error())
				}
			}
			same := func(what string, got []string, want string) {
				lines := strings.Split(want, "\n")
				if want == "" {
					lines = nil
				}
				if len(got) != len(lines) {
					t.Errorf("%s: got %q, want %q", what, got, lines)
					return
				}
				for i := range got {
					if !strings.HasPrefix(got[i], lines[i]) {
						t.Errorf("%s: got %q, want %q", what, got[i], lines[i])
					}
				}
			}
			same("errors", wrong, c.wrong)
			same("warnings", warn, c.warn)
			if c.wrong != "" {
				if !plan.Change.Empty() {
					t.Errorf("changes all the same: %+v", plan.Change)
				}
				return
			}
			if got := facts(plan); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			after := keep(s, plan.Change)
			if n := len(after.Bindings); c.bindings > 0 && n != c.bindings {
				t.Errorf("%d bindings, want %d: %+v", n, c.bindings, after.Bindings)
			}
			im := importer(after)
			if again, problems := im.Plan(sheet); len(Errors(problems)) > 0 || !again.Change.Empty() {
				t.Errorf("a second time: %v\n%s", problems, facts(again))
			}
		})
	}
}

// What inventory files say counts, and may be said again.
func TestImportBesideFiles(t *testing.T) {
	files, err := New([]city.Device{{DevEUI: eui(t, "24e1240000000001"), Model: "milesight/em310-udl", Asset: "PK-1"}},
		[]city.Asset{{ID: "PK-1", Kind: city.Bin, Name: "Domhof"}, {ID: "PK-2", Kind: city.Bin}}, catalogue{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ sheet, want, wrong string }{
		{"dev_eui;model;asset\n24e1240000000002;milesight/em310-udl;PK-2\n", "created model:>milesight/em310-udl asset:>PK-2 lorawan_version:>1.0.3 region:>EU868 class:>A state:>installed since:>2026-11-22T09:30:00Z", ""},
		{"dev_eui;model;asset\n24e1240000000002;milesight/em310-udl;PK-1\n", "", "PK-1 has device 24e1240000000001, by the inventory files: take that one out there first"},
		{"dev_eui;model;asset;kind;name\n24e1240000000001;milesight/em310-udl;PK-1;bin;Domhof\n", "created model:>milesight/em310-udl asset:>PK-1 lorawan_version:>1.0.3 region:>EU868 class:>A state:>installed since:>2026-11-22T09:30:00Z kind:>bin name:>Domhof", ""},
		{"dev_eui;model;asset\n24e1240000000001;milesight/em310-udl;PK-2\n", "", `column asset: is "PK-2", but device 24e1240000000001 stands in the inventory files with "PK-1": change it there`},
		{"dev_eui;model\n24e1240000000001;milesight/em310-udl\n", "", `column asset: is "", but device`},
		{"asset;name\nPK-1;Dom\n", "", `"PK-1" stands in the inventory files with another name: change it there`},
		{"asset;asset_note\nPK-1;am Tor\n", "created kind:>bin name:>Domhof asset_note:>am Tor", ""},
	} {
		im := importer(register.Snapshot{})
		im.Files = files
		sheet := readSheet(t, CSV, []byte(c.sheet))
		plan, problems := im.Plan(sheet)
		if c.wrong != "" {
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.wrong) {
				t.Errorf("%q: got %v, want %q", c.sheet, problems, c.wrong)
			}
			continue
		}
		if got := facts(plan); len(problems) > 0 || got != c.want {
			t.Errorf("%q: %v, got\n%s\nwant\n%s", c.sheet, problems, got, c.want)
		}
		im.Register = keep(register.Snapshot{}, plan.Change)
		if again, problems := im.Plan(sheet); len(problems) > 0 || !again.Change.Empty() {
			t.Errorf("%q: a second time %v\n%s", c.sheet, problems, facts(again))
		}
	}
}

// The result says what became of each row, holds no formula, and can be imported again.
func TestImportResult(t *testing.T) {
	s := smallTown(t)
	sheet := readSheet(t, CSV, []byte("DevEUI;Modell;Nummer;Art;AppKey;Bemerkung;Leer mm;Voll mm\n"+
		"24e1240000000001;;;;;=1+1;;\n"+
		"24e1240000000008;milesight/em310-udl;PK-8;Papierkorb;2B7E151628AED2A6ABF7158809CF4F38;;1200,5;200\n"+
		"24e1240000000009;milesight/xx;PK-9;Papierkorb;2B7E151628AED2A6ABF7158809CF4F39;;;\n"+
		";;BA-1;;;;;\n"))
	im := importer(s)
	im.Skip = true
	plan, _ := im.Plan(sheet)
	var out bytes.Buffer
	if err := plan.Result(&out, sheet, Excel, false); err != nil {
		t.Fatal(err)
	}
	const want = "\ufeffDevEUI;Modell;Nummer;Art;Bemerkung;Leer mm;Voll mm;row;status;id;message\r\n" +
		"24e1240000000001;;;;'=1+1;;;2;changed;24e1240000000001;\r\n" +
		"24e1240000000008;milesight/em310-udl;PK-8;Papierkorb;;1200,5;200;3;created;24e1240000000008;\r\n" +
		"24e1240000000009;milesight/xx;PK-9;Papierkorb;;;;4;failed;24e1240000000009;" +
		"\"column Modell: unknown model \"\"milesight/xx\"\": want one of bosch/tps110, dragino/lse01, milesight/em310-udl; its keys are not in this file: mend the row in the sheet that was imported\"\r\n" +
		";;BA-1;;;;;5;unchanged;BA-1;\r\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	for _, style := range []Style{Excel, Machine} {
		var with bytes.Buffer
		if err := plan.Result(&with, sheet, style, true); err != nil {
			t.Fatal(err)
		}
		im.Register = keep(s, plan.Change)
		mended := bytes.Replace(with.Bytes(), []byte("milesight/xx"), []byte("milesight/em310-udl"), 1)
		again, problems := im.Plan(readSheet(t, CSV, mended))
		if len(problems) > 0 || again.Count(Unchanged) != 3 || again.Count(Created) != 1 {
			t.Errorf("the mended result: %v\n%s\n%s", problems, facts(again), mended)
			continue
		}
		if got, err := reveal(again.Change.Devices[0].Keys); err != nil || got.Nwk.Hex() != "2b7e151628aed2a6abf7158809cf4f39" {
			t.Errorf("key of the mended row: %v", err)
		}
	}
}

func TestImportCannotWrap(t *testing.T) {
	sheet := readSheet(t, CSV, []byte("dev_eui;model;app_key\n24e1240000000009;dragino/lse01;2B7E151628AED2A6ABF7158809CF4F39\n"))
	for _, c := range []struct {
		wrap func(lorawan.Key) (string, []byte, error)
		want string
	}{
		{nil, "row 2, column app_key: no key encryption key is configured"},
		{func(lorawan.Key) (string, []byte, error) { return "", nil, errors.New("no label") }, "row 2, column app_key: cannot be wrapped: no label"},
	} {
		im := importer(register.Snapshot{})
		im.Wrap = c.wrap
		if plan, problems := im.Plan(sheet); len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), c.want) || !plan.Change.Empty() {
			t.Errorf("got %v, want %q", problems, c.want)
		}
	}
}

// A sheet that cannot be read at all says why and where.
func TestReadSheetBad(t *testing.T) {
	for _, c := range []struct {
		form       Form
		text, want string
	}{
		{CSV, "", "row 1: the file is empty"},
		{CSV, "dev_eui;model\n", "sheet has no rows: there is nothing to import"},
		{CSV, "model;name\nx;y\n", "row 1: columns dev_eui and asset are missing: want one of them at least"},
		{CSV, "dev_eui;modle\nx;y\n", `row 1: unknown column "modle": want one of those that meldefunk device import --columns lists, or leave it out; did you mean "model"?`},
		{CSV, "dev_eui;eui\nx;y\n", `row 1: column "eui": there is a column for dev_eui already`},
		{CSV, "dev_eui;name\n1;\"a\"b\n", "row 2: not CSV"},
		{CSV, "dev_eui;name\n1;Stra\xdfe\n", "line 2 is not UTF-8"},
		{YAML, "devices: 3", "line 1, devices: is the single value"},
		{YAML, "devices: [", "line 1: not YAML"},
		{YAML, "", "line 1: the file is empty"},
		{GeoJSON, "{\n\"type\": x}", "not JSON, line 2: invalid character 'x'"},
		{GeoJSON, "[]", "not GeoJSON: want an object"},
		{GeoJSON, `{"type":"Feature"}`, `not a GeoJSON FeatureCollection, but "Feature"`},
		{"xlsx", "x", `unknown form "xlsx"`},
	} {
		s, problems := ReadSheet("sheet", c.form, []byte(c.text))
		if s != nil || len(problems) == 0 || !strings.HasPrefix(problems[0].Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, problems, c.want)
		}
	}
}

func TestGeoJSONRows(t *testing.T) {
	const head = `{"type":"FeatureCollection","name":"Behälter","features":[`
	for _, c := range []struct{ feature, want, wrong string }{
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[8.0417,52.2775,64]},"properties":{"Nummer":"PK-1","Art":"Papierkorb","Leer mm":1.2e3,"Voll mm":200,"Gruppen":["B","A"],"Tour":null}}`,
			"created kind:>bin lat:>52.2775 lon:>8.0417 empty_mm:>1200 full_mm:>200 groups:>A|B", ""},
		{`{"type":"Feature","geometry":null,"properties":{"asset":"PK-1","kind":"bin"}}`, "created kind:>bin", ""},
		{`{"type":"Feature","geometry":{"type":"Polygon","coordinates":[]},"properties":{"asset":"PK-1","kind":"bin"}}`, "", `feature 1, geometry: is a "Polygon": want a Point`},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[8]},"properties":{"asset":"PK-1","kind":"bin"}}`, "", "feature 1, geometry: has no coordinates"},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[52.2775,8.0417]},"properties":{"asset":"PK-1","kind":"bin"}}`, "", "feature 1, lat: latitude 8.0417 and longitude 52.2775 are swapped"},
		{`{"type":"Feature","geometry":{"type":"Point","coordinates":[8,52]},"properties":{"asset":"PK-1","kind":"bin","lat":52}}`, "", `feature 1, lat: lat stands there as "geometry" already`},
		{`{"type":"Feature","properties":{"asset":"PK-1","kind":"bin","adress":"x"}}`, "", `feature 1: unknown property "adress": want one of`},
		{`{"type":"Feature","properties":{"asset":"PK-1","kind":"bin","name":true}}`, "", "feature 1, name: want a text, a number, or a list of texts"},
		{`{"type":"Point"}`, "", "feature 1: is no GeoJSON feature"},
		{`3`, "", "feature 1: is no GeoJSON feature"},
	} {
		plan, problems := importer(register.Snapshot{}).Plan(readSheet(t, GeoJSON, []byte(head+c.feature+"]}")))
		if c.wrong != "" {
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), c.wrong) {
				t.Errorf("%s: got %v, want %q", c.feature, problems, c.wrong)
			}
		} else if got := facts(plan); len(problems) > 0 || got != c.want {
			t.Errorf("%s: %v, got %s, want %s", c.feature, problems, got, c.want)
		}
	}
}

func TestFormOf(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       Form
	}{
		{"a.CSV", "{", CSV}, {"a.yml", "", YAML}, {"a.json", "", GeoJSON}, {"a.geojson", "", GeoJSON}, {"a.xlsx", "", ""},
		{"-", "\ufeff {\"type\"", GeoJSON}, {"-", "# ours\n\nassets:\n", YAML}, {"-", "dev_eui;model\n", CSV}, {"-", "", CSV},
	} {
		if got, err := FormOf(c.name, []byte(c.data)); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s %q: got %q, %v", c.name, c.data, got, err)
		}
	}
}

// Whatever bytes come: no panic, each problem says where, what is planned fits together and
// is planned only once.
func FuzzSheet(f *testing.F) {
	names, rows := delivery()
	f.Add(byte(0), writeSheet(names, rows[498:503]))
	f.Add(byte(0), []byte("dev_eui;asset;row;status;id;message\n24e1240000000001;-;2;failed;x;y\n"))
	f.Add(byte(1), []byte(document))
	f.Add(byte(1), []byte("assets: [{id: x, kind: level, shape: table, points: [{distance: 2 m, level: 0 %}, {distance: 1 m, level: 100 %}], level: {zero: 3 m}, groups: [a, b], note: \"-\"}]\ndevices: [{dev_eui: 24e1240000000001, owner: x, asset: '-', app_key: 00112233445566778899aabbccddeeff}]\n"))
	f.Add(byte(2), []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[8.0417,52.2775]},"properties":{"asset":"PK-1","kind":"bin","groups":["a"]}}]}`))
	town := smallTown(f)
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		form := []Form{CSV, YAML, GeoJSON}[int(which)%3]
		sheet, problems := ReadSheet("f", form, data)
		if (sheet == nil) != (len(problems) > 0) {
			t.Fatalf("sheet %v and %v", sheet != nil, problems)
		}
		if sheet == nil {
			return
		}
		im := importer(town)
		im.Skip = true
		plan, problems := im.Plan(sheet)
		for _, p := range problems {
			if p.Row < 1 || p.Text == "" {
				t.Fatalf("does not say where: %v", p)
			}
		}
		if len(plan.Outcomes) != len(sheet.Rows) || plan.Count(Failed) > len(Errors(problems)) {
			t.Fatalf("%d outcomes of %d rows, %d failed of %v", len(plan.Outcomes), len(sheet.Rows), plan.Count(Failed), problems)
		}
		after := keep(town, plan.Change)
		overlaps(t, after)
		im.Register = after
		again, _ := im.Plan(sheet)
		if !again.Change.Empty() {
			t.Fatalf("a second time: %s", facts(again))
		}
		var out bytes.Buffer
		if err := plan.Result(&out, sheet, Excel, true); err != nil {
			t.Fatal(err)
		}
	})
}

// overlaps finds two bindings of one device or asset at the same time, and devices that do
// not hang where their binding says.
func overlaps(t testing.TB, s register.Snapshot) {
	t.Helper()
	open := map[city.EUI]string{}
	for i, a := range s.Bindings {
		if a.To.IsZero() {
			open[a.DevEUI] = a.Asset
		}
		for _, b := range s.Bindings[i+1:] {
			if (a.DevEUI == b.DevEUI || a.Asset == b.Asset) && (b.To.IsZero() || a.From.Before(b.To)) && (a.To.IsZero() || b.From.Before(a.To)) {
				t.Fatalf("%+v and %+v overlap", a, b)
			}
		}
	}
	for _, d := range s.Devices {
		if on, hangs := open[d.DevEUI]; hangs != d.Hangs() || hangs && on != d.Asset {
			t.Fatalf("%s is %s on %q, its binding is to %q", d.DevEUI, d.State, d.Asset, on)
		}
		if d.Asset != "" && !slices.ContainsFunc(s.Assets, func(a register.Asset) bool { return a.ID == d.Asset }) {
			t.Fatalf("%s hangs on %q, which nobody knows", d.DevEUI, d.Asset)
		}
	}
}

// In YAML a problem tells the line and the key as they stand there.
func TestYAMLRows(t *testing.T) {
	const text = "assets:\n  - id: PK-1\n    kind: bin\n    empty: 12\n  - id: PK-2\n    kind: bin\n    groups: [Markt, 'a|b']\n" +
		"devices:\n  - dev_eui: 24e1240000000001\n    model: milesight/em310-udl\n    asset: PK-1\n    class: D\n    app_key: 2B7E\n"
	_, problems := importer(register.Snapshot{}).Plan(readSheet(t, YAML, []byte(text)))
	want := []string{
		`line 4, empty: "12" has no unit`,
		`line 7, groups: holds the single value "a|b": want single values without "|"`,
		"line 13, app_key: has 4 of 32 hex digits",
		`line 9, class: unknown class "D"`,
	}
	if len(problems) < len(want) {
		t.Fatalf("got %v", problems)
	}
	for _, w := range want {
		if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.HasPrefix(p.Error(), w) }) {
			t.Errorf("got %v, want %q", problems, w)
		}
	}
}

// BenchmarkPlan plans a thousand new devices with their keys.
func BenchmarkPlan(b *testing.B) {
	names, rows := delivery()
	sheet := readSheet(b, CSV, writeSheet(names, rows))
	for b.Loop() {
		if plan, problems := importer(register.Snapshot{}).Plan(sheet); len(problems) > 0 || plan.Count(Created) != len(rows) {
			b.Fatal(problems)
		}
	}
}
