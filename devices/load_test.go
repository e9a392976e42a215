package devices

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meldefunk/city"
	"meldefunk/city/register"
)

const header = "dev_eui;model;asset;kind;name;lat;lon;empty_mm;full_mm;offset_mm\n"

// row is a CSV row that is right.
const row = "24e1247130000042;milesight/em310-udl;PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0\n"

const document = `assets:
  - id: PK-1
    kind: bin
    position: [52.2775, 8.0417]
    empty: 1200 mm
    full: 200 mm
devices:
  - dev_eui: 24e1247130000042
    model: milesight/em310-udl
    asset: PK-1
`

// loadFiles loads files given as name and content in turns.
func loadFiles(t testing.TB, files ...string) (*Inventory, error) {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	inv, err := Load(paths, register.Snapshot{}, catalogue{})
	if err != nil {
		return nil, fmt.Errorf("%s", strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	}
	return inv, nil
}

// TestSameInventory: what differs in these files makes no difference.
func TestSameInventory(t *testing.T) {
	tests := []struct {
		name  string
		files []string
	}{
		{"yaml", []string{"a.yaml", document}},
		{"yml", []string{"a.YML", document}},
		{"yaml with other units", []string{"a.yaml", strings.NewReplacer("1200 mm", "1.2 m", "200 mm", "20cm").Replace(document)}},
		{"yaml with a German kind", []string{"a.yaml", strings.Replace(document, "kind: bin", "kind: Papierkorb", 1)}},
		{"yaml with empty values", []string{"a.yaml", strings.Replace(document, "kind: bin", "kind: bin\n    name:\n    tour: ~\n    district: \"\"", 1)}},
		{"yaml with a quoted EUI in capitals", []string{"a.yaml", strings.Replace(document, "24e1247130000042", `"24E1247130000042"`, 1)}},
		{"yaml in two files", []string{"d.yaml", document[strings.Index(document, "devices"):], "a.yaml", document[:strings.Index(document, "devices")]}},
		{"csv", []string{"a.csv", strings.Replace(header+row, ";Papierkorb;", ";;", 1)}},
		{"csv with BOM and CRLF", []string{"a.csv", "\ufeff" + strings.ReplaceAll(strings.Replace(header+row, ";Papierkorb;", ";;", 1), "\n", "\r\n")}},
		{"csv with commas", []string{"a.csv", "dev_eui,model,asset,kind,lat,lon,empty_mm,full_mm\n24e1247130000042,milesight/em310-udl,PK-1,bin,52.2775,8.0417,1200,200\n"}},
		{"csv with points and semicolons", []string{"a.csv", strings.NewReplacer("52,", "52.", "8,", "8.", ";Papierkorb;", ";;").Replace(header + row)}},
		{"csv with German columns", []string{"a.csv", "Modell;Dev EUI;NUMMER;Art;laenge;Breitengrad;voll_mm;Leer-mm\nmilesight/em310-udl;24:e1:24:71:30:00:00:42;PK-1; Behälter ;8,0417;52,2775;200,0;1200\n"}},
		{"csv with empty rows and columns", []string{"a.csv", "dev_eui;model;asset;kind;lat;lon;empty_mm;full_mm;;\n;;;;;;;;;\n24e1247130000042;milesight/em310-udl;PK-1;bin;52.2775;8.0417;1200;200;;\n\n;;;;;;;;;\n"}},
		{"csv with devices, yaml with assets", []string{"d.csv", "dev_eui,model,asset\n24e1247130000042,milesight/em310-udl,PK-1\n", "a.yaml", document[:strings.Index(document, "devices")]}},
		{"the asset twice in the same words", []string{"d.csv", strings.Replace(header+row, ";Papierkorb;", ";;", 1), "a.yaml", document[:strings.Index(document, "devices")]}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv, err := loadFiles(t, tt.files...)
			if err != nil {
				t.Fatal(err)
			}
			d, a, ok := find(inv, "", eui(t, "24e1247130000042"))
			if !ok || inv.AssetCount() != 1 || inv.DeviceCount() != 1 {
				t.Fatalf("%d assets, %d devices, found %v", inv.AssetCount(), inv.DeviceCount(), ok)
			}
			if want := (city.Device{DevEUI: eui(t, "24e1247130000042"), Model: "milesight/em310-udl", Asset: "PK-1"}); *d != want {
				t.Errorf("got %+v, want %+v", *d, want)
			}
			position, calibration := *a.Position, *a.Bin
			rest := *a
			rest.Position, rest.Bin = nil, nil
			if want := (city.Asset{ID: "PK-1", Kind: city.Bin}); rest != want {
				t.Errorf("got %+v, want %+v", rest, want)
			}
			if want := (city.Position{Lat: 52.2775, Lon: 8.0417}); position != want {
				t.Errorf("got %+v, want %+v", position, want)
			}
			if want := (city.BinCalibration{Empty: 1200, Full: 200}); calibration != want {
				t.Errorf("got %+v, want %+v", calibration, want)
			}
		})
	}
}

// TestLoadBad: each set of files with exactly what is said about it.
func TestLoadBad(t *testing.T) {
	const (
		models = "bosch/tps110, dragino/lse01, milesight/em310-udl"
		kinds  = "bin (papierkorb, behälter, behaelter, abfallbehälter, container), soil (baum, boden, grünfläche, beet), parking (stellplatz, parkplatz, ladeplatz), " +
			"level (pegel, wasserstand, schacht, becken, gewässer, gewaesser, basin, shaft), weather (wetterstation, wetter), air (luftgüte, luftguete, luftqualität, luft), " +
			"people (personenzählung, personenzaehlung, zählstelle, zaehlstelle, counter), door (tür, tuer, klappe, deckel, tor, lid, gate), tracker (fahrzeug, anhänger, anhaenger, vehicle), " +
			"light (leuchte, straßenleuchte, strassenleuchte, laterne, lamp), meter (zähler, zaehler, wasserzähler, wasserzaehler)"
		columns = "dev_eui (eui, geraete_eui, geräte_eui), model (modell), asset (anlage, nummer, asset_id), server, firmware (fw, firmware_version, firmwarestand), " +
			"kind (art), name (bezeichnung), address (adresse), lat (latitude, breite, breitengrad), lon (lng, longitude, laenge, länge, längengrad, laengengrad), " +
			"district (stadtteil), tour, owner (eigentuemer, eigentümer), species (baumart, gattung), empty_mm (leer_mm), full_mm (voll_mm), offset_mm, shape (form), height_mm (durchmesser_mm, innenmass_mm), " +
			"points (strapping_table, peiltabelle, stuetzpunkte, stützpunkte), zero_mm (gauge_zero_mm, pegelnull_mm, nullpunkt_mm), soil_type (bodenart), " +
			"field_capacity (feldkapazitaet, feldkapazität), wilting_point (welkepunkt), offsets (corrections, korrekturen, korrektur), " +
			"asset_note (bemerkung_anlage, anlagennotiz), groups (gruppen, gruppe), photos (fotos, bilder), join_eui (app_eui), " +
			"serial (serial_number, seriennummer, sn), lorawan_version (mac_version, lorawan), region (band), class (klasse, geraeteklasse, geräteklasse), " +
			"profile (device_profile, profil, geraeteprofil, geräteprofil), interval (uplink_interval, intervall, sendeintervall), " +
			"state (zustand, betriebszustand), device_owner (geraete_eigentuemer, geräte_eigentümer), note (bemerkung, notiz, device_note)"
		assetKeys = "id, kind, name, address, position, district, tour, owner, empty, full, offset, shape, height, points, level, soil_type, field_capacity, wilting_point, offsets, species, note, groups, photos"
	)
	csv := func(old, new string) []string {
		if !strings.Contains(header+row, old) {
			t.Fatalf("the good file has no %q", old)
		}
		return []string{"a.csv", strings.Replace(header+row, old, new, 1)}
	}
	yml := func(old, new string) []string {
		if !strings.Contains(document, old) {
			t.Fatalf("the good document has no %q", old)
		}
		return []string{"a.yaml", strings.Replace(document, old, new, 1)}
	}
	tests := []struct {
		name  string
		files []string
		want  []string
	}{
		{
			name:  "no such kind of file",
			files: []string{"a.json", "{}"},
			want: []string{
				`a.json: ".json" is no kind of file that is read here: want *.yaml, *.yml or *.csv`,
			},
		},
		{
			name:  "csv empty",
			files: []string{"a.csv", "\ufeff\n"},
			want: []string{
				`a.csv:1: the file is empty: want a header with the columns dev_eui, model, asset`,
			},
		},
		{
			name:  "csv of Windows",
			files: []string{"a.csv", "dev_eui;model;asset;name\n24e1247130000042;milesight/em310-udl;PK-1;Gr\xfcn\n"},
			want: []string{
				`a.csv:2: is not UTF-8: save the file as UTF-8 (in a spreadsheet "CSV UTF-8")`,
			},
		},
		{
			name:  "csv unknown column",
			files: csv("offset_mm", "ofset_mm"),
			want: []string{
				`a.csv:1: unknown column "ofset_mm": want one of ` + columns + `; did you mean "offset_mm"?`,
			},
		},
		{
			name:  "csv column twice",
			files: csv(";name;", ";Modell;"),
			want: []string{
				`a.csv:1: column "Modell": there is a column for model already: want one`,
			},
		},
		{
			name:  "csv columns missing",
			files: csv("dev_eui;model;", "name;tour;"),
			want: []string{
				`a.csv:1: column "name": there is a column for name already: want one`,
				`a.csv:1: column dev_eui is missing: want at least dev_eui, model, asset`,
				`a.csv:1: column model is missing: want at least dev_eui, model, asset`,
			},
		},
		{
			name:  "csv quote not closed",
			files: csv("Papierkorb", "\"Papierkorb"),
			want: []string{
				`a.csv:2: not CSV, byte 85 of line 2: extraneous or missing " in quoted-field: want a quote inside a quoted field doubled; nothing after this line was read`,
			},
		},
		{
			name:  "csv quote inside",
			files: csv("Papierkorb", "Papier\"korb\""),
			want: []string{
				`a.csv:2: not CSV, byte 53 of line 2: bare " in non-quoted-field: want a quote inside a quoted field doubled; nothing after this line was read`,
			},
		},
		{
			name:  "csv row too short",
			files: csv(";200;0\n", ";200\n"),
			want: []string{
				`a.csv:2: the row has 9 fields, the header 10: want as many; put fields that hold ';' in quotes`,
			},
		},
		{
			name:  "csv field without a column",
			files: []string{"a.csv", "dev_eui;model;asset;kind;\n24e1247130000042;milesight/em310-udl;PK-1;bin;what\n"},
			want: []string{
				`a.csv:2: field 5 holds "what", but its column has no name: want one of ` + columns,
			},
		},
		{
			name:  "EUI too short",
			files: csv("24e1247130000042", "4e1247130000042"),
			want: []string{
				`a.csv:2: column "dev_eui": "4e1247130000042" has 15 of 16 hex digits (most significant byte first): a spreadsheet drops leading zeros unless the column is text`,
			},
		},
		{
			name:  "EUI of a spreadsheet",
			files: csv("24e1247130000042", "2,4E+15"),
			want: []string{
				`a.csv:2: column "dev_eui": "2,4E+15" was made a number by a spreadsheet: format the column as text and enter the 16 hex digits again`,
			},
		},
		{
			name:  "EUI in base64",
			files: csv("24e1247130000042", "JOEkcTAAAEI="),
			want: []string{
				`a.csv:2: column "dev_eui": "JOEkcTAAAEI=" is not an EUI: want 16 hex digits, like a840410001810001`,
			},
		},
		{
			name:  "EUI zero",
			files: csv("24e1247130000042", "0000000000000000"),
			want: []string{
				`a.csv:2: column "dev_eui": "0000000000000000" is no device: want the 16 hex digits on its label`,
			},
		},
		{
			name:  "EUI missing",
			files: csv("24e1247130000042", " "),
			want: []string{
				`a.csv:2: column "dev_eui": is empty: want 16 hex digits, like a840410001810001`,
			},
		},
		{
			name:  "EUI twice in a file",
			files: csv("24e1247130000042;milesight/em310-udl;PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0\n", "24e1247130000042;milesight/em310-udl;PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0\n24E1247130000042;milesight/em310-udl;PK-2;bin;;;;;;\n"),
			want: []string{
				`a.csv:3: column "dev_eui": 24e1247130000042 stands in a.csv:2 already: want every device once`,
			},
		},
		{
			name:  "EUI twice in two files",
			files: []string{"a.csv", "dev_eui,model,asset,kind\n24e1247130000042,milesight/em310-udl,PK-1,bin\n", "b.yaml", "assets:\n  - id: PK-2\n    kind: bin\ndevices:\n  - asset: PK-2\n    dev_eui: 24e1247130000042\n    model: milesight/em310-udl\n"},
			want: []string{
				`b.yaml:6: dev_eui: 24e1247130000042 stands in a.csv:2 already: want every device once`,
			},
		},
		{
			name:  "model unknown",
			files: csv("milesight/em310-udl", "Milesight/EM310UDL"),
			want: []string{
				`a.csv:2: column "model": unknown model "Milesight/EM310UDL": want one of ` + models + `; did you mean "milesight/em310-udl"?`,
			},
		},
		{
			name:  "model missing",
			files: csv("milesight/em310-udl", ""),
			want: []string{
				`a.csv:2: column "model": is missing: want one of ` + models,
			},
		},
		{
			name:  "model of another kind",
			files: csv("milesight/em310-udl", "dragino/lse01"),
			want: []string{
				`a.csv:2: column "model": dragino/lse01 is made for assets of kind soil, but "PK-1" is bin: want a model for bin`,
			},
		},
		{
			name:  "asset missing",
			files: csv("PK-1;", "  ;"),
			want: []string{
				`a.csv:2: column "asset": is missing: want the number of the asset that the device hangs on`,
			},
		},
		{
			name:  "asset unknown",
			files: csv("PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0", "PK-1;;;;;;;"),
			want: []string{
				`a.csv:2: column "asset": unknown asset "PK-1": want one that is described, here or in another file; in CSV a row describes its asset once it has a kind`,
			},
		},
		{
			name:  "asset with two devices",
			files: csv("24e1247130000042;milesight/em310-udl;PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0\n", "24e1247130000042;milesight/em310-udl;PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0\n24e1247130000043;milesight/em310-udl;PK-1;;;;;;;\n"),
			want: []string{
				`a.csv:3: column "asset": "PK-1" has a device already, in a.csv:2: want one device per asset; a second one hangs on an asset of its own`,
			},
		},
		{
			name:  "asset twice with other facts",
			files: []string{"a.csv", "dev_eui,model,asset,kind,name\n24e1247130000042,milesight/em310-udl,PK-1,bin,Domhof\n", "b.yaml", "assets:\n  - id: PK-1\n    kind: bin\n    name: Domhof 4\n    tour: 3\n"},
			want: []string{
				`b.yaml:2: id: "PK-1" stands in a.csv:2 with another name, tour: say it in one place only, or the same in both`,
			},
		},
		{
			name:  "kind unknown",
			files: csv(";bin;", ";Papirkorb;"),
			want: []string{
				`a.csv:2: column "kind": unknown kind "Papirkorb": want one of ` + kinds + `; did you mean "papierkorb"?`,
			},
		},
		{
			name:  "kind missing",
			files: csv(";bin;", ";;"),
			want: []string{
				`a.csv:2: column "kind": is empty, but the row describes its asset: want one of [bin soil parking level weather air people door tracker light meter]`,
			},
		},
		{
			name:  "text of two lines",
			files: csv("Papierkorb", "\"Papier\nkorb\""),
			want: []string{
				"a.csv:2: column \"name\": \"Papier\\nkorb\" has line breaks or control characters: want one line",
			},
		},
		{
			name:  "text too long",
			files: csv("Papierkorb", "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP"),
			want: []string{
				`a.csv:2: column "name": has 201 characters: want 200 at most`,
			},
		},
		{
			name:  "number in words",
			files: csv("1200", "viel"),
			want: []string{
				`a.csv:2: column "empty_mm": "viel" is not a plain number`,
			},
		},
		{
			name:  "number with separators",
			files: csv("1200", "1.200,0"),
			want: []string{
				`a.csv:2: column "empty_mm": "1.200,0": want one decimal comma or point and no separators for thousands`,
			},
		},
		{
			name:  "number with a unit",
			files: csv("1200", "1200 mm"),
			want: []string{
				`a.csv:2: column "empty_mm": "1200 mm" is not a plain number`,
			},
		},
		{
			name:  "number infinite",
			files: csv("1200", "Inf"),
			want: []string{
				`a.csv:2: column "empty_mm": "Inf" is not a plain number`,
			},
		},
		{
			name:  "decimal comma in csv with commas",
			files: []string{"a.csv", "dev_eui,model,asset,kind,lat,lon\n24e1247130000042,milesight/em310-udl,PK-1,bin,\"52,2775\",8.0417\n"},
			want: []string{
				`a.csv:2: column "lat": "52,2775": want a decimal point; a comma is understood in CSV separated by semicolons only`,
			},
		},
		{
			name:  "position swapped",
			files: csv("52,2775;8,0417", "8,0417;52,2775"),
			want: []string{
				`a.csv:2: column "lat": latitude 8.0417 and longitude 52.2775 are swapped: want 52.2775 first`,
			},
		},
		{
			name:  "position elsewhere",
			files: csv("52,2775;8,0417", "0;0"),
			want: []string{
				`a.csv:2: column "lat": latitude 0, longitude 0 is not in Germany: want 47 to 55.5 and 5.5 to 15.5 degrees (WGS 84)`,
			},
		},
		{
			name:  "position by half",
			files: csv("52,2775;8,0417", "52,2775;"),
			want: []string{
				`a.csv:2: column "lat": is one half of a position: want latitude and longitude, or neither`,
			},
		},
		{
			name:  "full beyond empty",
			files: csv(";1200;200;", ";1200;1200;"),
			want: []string{
				`a.csv:2: column "full_mm": 1200 mm does not fit: want the distance at which it counts as full, at least 0 and less than when empty (1200 mm)`,
			},
		},
		{
			name:  "full without empty",
			files: csv(";1200;200;", ";;200;"),
			want: []string{
				`a.csv:2: column "empty_mm": is one half of a calibration: want the distances when empty and when full, or neither`,
			},
		},
		{
			name:  "full negative",
			files: csv(";1200;200;", ";1200;-1;"),
			want: []string{
				`a.csv:2: column "full_mm": -1 mm does not fit: want the distance at which it counts as full, at least 0 and less than when empty (1200 mm)`,
			},
		},
		{
			name:  "empty zero",
			files: csv(";1200;200;", ";0;0;"),
			want: []string{
				`a.csv:2: column "empty_mm": 0 mm does not fit: want the distance from the sensor to the bottom, more than 0 and at most 50000 mm`,
			},
		},
		{
			name:  "offset absurd",
			files: csv(";200;0", ";200;1000000"),
			want: []string{
				`a.csv:2: column "offset_mm": 1000000 mm does not fit: want at most 50000 mm either way`,
			},
		},
		{
			name:  "calibration of a tree",
			files: csv("milesight/em310-udl;PK-1;bin", "dragino/lse01;PK-1;soil"),
			want: []string{
				`a.csv:2: column "empty_mm": only bins and basins have a fill level, this is soil: leave out their calibration`,
			},
		},
		{
			name:  "a row of problems",
			files: csv("24e1247130000042;milesight/em310-udl;PK-1;bin;Papierkorb;52,2775;8,0417;1200;200;0\n", "x;y;PK-1;z;;52,2775;0,80417;a;b;c\n"),
			want: []string{
				`a.csv:2: column "dev_eui": "x" is not an EUI: want 16 hex digits, like a840410001810001`,
				`a.csv:2: column "kind": unknown kind "z": want one of ` + kinds,
				`a.csv:2: column "empty_mm": "a" is not a plain number`,
				`a.csv:2: column "full_mm": "b" is not a plain number`,
				`a.csv:2: column "offset_mm": "c" is not a plain number`,
				`a.csv:2: column "lat": latitude 52.2775, longitude 0.80417 is not in Germany: want 47 to 55.5 and 5.5 to 15.5 degrees (WGS 84)`,
				`a.csv:2: column "model": unknown model "y": want one of ` + models,
			},
		},
		{
			name:  "an asset may stand in what was not read",
			files: []string{"a.yaml", "assets: [\n", "b.csv", "dev_eui,model,asset\n24e1247130000042,milesight/em310-udl,PK-1\n24e1247130000043,acme/x,PK-2\n"},
			want: []string{
				`a.yaml:1: not YAML: did not find expected node content`,
				`b.csv:3: column "model": unknown model "acme/x": want one of ` + models,
			},
		},
		{
			name:  "full and offset",
			files: csv(";1200;200;0", ";1200;1300;60000"),
			want: []string{
				`a.csv:2: column "full_mm": 1300 mm does not fit: want the distance at which it counts as full, at least 0 and less than when empty (1200 mm)`,
				`a.csv:2: column "offset_mm": 60000 mm does not fit: want at most 50000 mm either way`,
			},
		},
		{
			name:  "yaml empty",
			files: []string{"a.yaml", "# nothing\n"},
			want: []string{
				`a.yaml:1: the file is empty: want the lists "assets:" and "devices:"`,
			},
		},
		{
			name:  "yaml second document",
			files: yml("devices:", "---\ndevices:"),
			want: []string{
				`a.yaml:7: a second document begins here: want one, without "---"`,
			},
		},
		{
			name:  "yaml not YAML",
			files: yml("kind: bin", "kind: [bin"),
			want: []string{
				`a.yaml:2: not YAML: did not find expected ',' or ']'`,
			},
		},
		{
			name:  "yaml a list",
			files: []string{"a.yaml", "- id: PK-1\n"},
			want: []string{
				`a.yaml:1: the file is a list of 1: want a mapping of assets, devices`,
			},
		},
		{
			name:  "yaml lists of the wrong sort",
			files: []string{"a.yaml", "assets: PK-1\ndevices: {}\n"},
			want: []string{
				`a.yaml:1: assets: is the single value "PK-1": want a list; "assets: []" says that there are none`,
				`a.yaml:2: devices: is a mapping: want a list; "devices: []" says that there are none`,
			},
		},
		{
			name:  "yaml unknown keys",
			files: yml("    kind: bin", "    kind: bin\n    addres: Domhof 4"),
			want: []string{
				`a.yaml:4: unknown key "addres": want one of ` + assetKeys + `; did you mean "address"?`,
			},
		},
		{
			name:  "yaml key twice",
			files: yml("    kind: bin", "    kind: bin\n    kind: soil"),
			want: []string{
				`a.yaml:4: kind: stands here a second time: want it once`,
			},
		},
		{
			name:  "yaml everything missing",
			files: []string{"a.yaml", "assets:\n  - name: Domhof\ndevices:\n  - server: x\n"},
			want: []string{
				`a.yaml:2: id: is missing: want the city's number of it, like PK-0042`,
				`a.yaml:2: kind: is missing: want one of [bin soil parking level weather air people door tracker light meter]`,
				`a.yaml:4: dev_eui: is missing: want 16 hex digits, like a840410001810001`,
				`a.yaml:4: model: is missing: want one of ` + models,
				`a.yaml:4: asset: is missing: want the number of the asset that the device hangs on`,
			},
		},
		{
			name:  "yaml an asset is a word",
			files: []string{"a.yaml", "assets:\n  - PK-1\ndevices: []\n"},
			want: []string{
				`a.yaml:2: an asset is the single value "PK-1": want a mapping of ` + assetKeys,
			},
		},
		{
			name:  "yaml alias",
			files: []string{"a.yaml", "assets:\n  - &a\n    id: PK-1\n    kind: bin\n  - *a\n"},
			want: []string{
				`a.yaml:5: an asset is an alias (not understood here): want a mapping of ` + assetKeys,
			},
		},
		{
			name:  "yaml merge key",
			files: []string{"a.yaml", "assets:\n  - &a\n    id: PK-1\n    kind: bin\n  - <<: *a\n    id: PK-2\n    kind: bin\n"},
			want: []string{
				`a.yaml:5: unknown key "<<": want one of ` + assetKeys,
			},
		},
		{
			name:  "yaml EUI too long",
			files: yml("24e1247130000042", "24e12471300000421"),
			want: []string{
				`a.yaml:8: dev_eui: "24e12471300000421" is not an EUI: want 16 hex digits, like a840410001810001`,
			},
		},
		{
			name:  "yaml EUI is a list",
			files: yml("24e1247130000042", "[24e1247130000042]"),
			want: []string{
				`a.yaml:8: dev_eui: is a list of 1: want one value`,
			},
		},
		{
			name:  "yaml length without unit",
			files: yml("1200 mm", "1200"),
			want: []string{
				`a.yaml:5: empty: "1200" has no unit: want mm, cm or m, like "1500 mm"`,
			},
		},
		{
			name:  "yaml length in inches",
			files: yml("1200 mm", "47 in"),
			want: []string{
				`a.yaml:5: empty: unit "in" does not fit: want mm, cm or m, like "1500 mm"`,
			},
		},
		{
			name:  "yaml length with comma",
			files: yml("1200 mm", "1,2 m"),
			want: []string{
				`a.yaml:5: empty: "1,2": want a decimal point; a comma is understood in CSV separated by semicolons only`,
			},
		},
		{
			name:  "yaml full beyond empty",
			files: yml("200 mm\ndevices", "1.3 m\ndevices"),
			want: []string{
				`a.yaml:6: full: 1300 mm does not fit: want the distance at which it counts as full, at least 0 and less than when empty (1200 mm)`,
			},
		},
		{
			name:  "yaml position of one",
			files: yml("[52.2775, 8.0417]", "[52.2775]"),
			want: []string{
				`a.yaml:4: position: is a list of 1: want latitude and longitude, like [52.2775, 8.0417]`,
			},
		},
		{
			name:  "yaml position swapped",
			files: yml("[52.2775, 8.0417]", "[8.0417, 52.2775]"),
			want: []string{
				`a.yaml:4: position: latitude 8.0417 and longitude 52.2775 are swapped: want 52.2775 first`,
			},
		},
		{
			name:  "yaml position in words",
			files: yml("[52.2775, 8.0417]", "[52° 16' N, 8.0417]"),
			want: []string{
				`a.yaml:4: position: "52° 16' N" is not a plain number: want latitude and longitude, like [52.2775, 8.0417]`,
			},
		},
		{
			name:  "yaml position is a text",
			files: yml("[52.2775, 8.0417]", "52.2775 8.0417"),
			want: []string{
				`a.yaml:4: position: is the single value "52.2775 8.0417": want latitude and longitude, like [52.2775, 8.0417]`,
			},
		},
		{
			name:  "yaml same asset, other facts",
			files: yml("devices:", "  - id: PK-1\n    kind: soil\ndevices:"),
			want: []string{
				`a.yaml:7: id: "PK-1" stands in a.yaml:2 with another kind, position, calibration: say it in one place only, or the same in both`,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv, err := loadFiles(t, tt.files...)
			if err == nil {
				t.Fatalf("accepted: %d assets, %d devices", inv.AssetCount(), inv.DeviceCount())
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestLoadNothing(t *testing.T) {
	inv, err := Load(nil, register.Snapshot{}, catalogue{}) // a city begins like that
	if err != nil || inv.DeviceCount() != 0 || inv.AssetCount() != 0 {
		t.Errorf("%v, %v", inv, err)
	}
}

func TestLoadManyProblems(t *testing.T) {
	var file strings.Builder
	file.WriteString("dev_eui;model;asset;kind\n")
	for i := range 500 {
		fmt.Fprintf(&file, "nonsense %d;milesight/em310-udl;PK-%d;bin\n", i, i)
	}
	_, err := loadFiles(t, "a.csv", file.String())
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || lines[100] != "and 400 more problems" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestLoadTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := readLimited(path, 10); err != nil || string(data) != "0123456789" {
		t.Errorf("as large as may be: got %q, %v", data, err)
	}
	if _, err := readLimited(path, 9); err == nil {
		t.Error("one byte more was accepted")
	}
	if err := os.Truncate(path, maxYAML+1); err != nil {
		t.Fatal(err)
	}
	want := path + ": the file is too large: want 16 MiB at most; split it, or turn YAML into CSV (64 MiB)"
	if _, err := Load([]string{path}, register.Snapshot{}, catalogue{}); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoadTooMany(t *testing.T) {
	rows := func(n int) string {
		var s strings.Builder
		s.WriteString("dev_eui;model;asset;kind\n")
		for i := range n {
			fmt.Fprintf(&s, "24e124%010x;dragino/lse01;BA-%d;soil\n", i, i)
		}
		return s.String()
	}
	assets := func(n int) string {
		var s strings.Builder
		s.WriteString("assets:\n")
		for i := range n {
			fmt.Fprintf(&s, "  - id: BA-%d\n    kind: soil\n", i)
		}
		return s.String()
	}
	tests := []struct {
		name string
		csv  string
		yaml string
		want string
	}{
		{"as many as there may be", rows(3), assets(3), ""},
		{"one row more", rows(5), "", "a.csv:5: too many"},
		{"one asset more", "", assets(5), "a.yaml:8: too many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuilder(catalogue{})
			b.most = 3
			if tt.csv != "" {
				b.readCSV(&source{name: "a.csv"}, []byte(tt.csv))
			}
			if tt.yaml != "" {
				b.readYAML(&source{name: "a.yaml"}, []byte(tt.yaml))
			}
			_, err := b.build()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := tt.want + ": an inventory holds 3 devices and as many assets at most; nothing after this line was read"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestColumnsAreTold(t *testing.T) {
	seen := make(map[string]string)
	for _, c := range Columns() {
		if c.Meaning == "" {
			t.Errorf("%s has no meaning", c.Name)
		}
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if other, twice := seen[plain(name)]; twice {
				t.Errorf("%q means %s and %s", name, c.Name, other)
			}
			seen[plain(name)] = c.Name
		}
	}
}

// The documentation names every column with its other names, every key, and every kind with
// its words.
func TestDocsNameEverything(t *testing.T) {
	data, err := os.ReadFile("../docs/inventory.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := strings.ToLower(string(data))
	umlauts := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue")
	names := func(what, word string) {
		if !strings.Contains(doc, word) && !strings.Contains(doc, umlauts.Replace(word)) {
			t.Errorf("docs/inventory.md does not name %s %q", what, word)
		}
	}
	for _, c := range Columns() {
		names("the column", "`"+c.Name+"`")
		for _, alias := range c.Aliases {
			names(c.Name+", also called", alias)
		}
	}
	for _, k := range city.Kinds() {
		for _, word := range kindWords(k) {
			names(k.String()+", also called", word)
		}
	}
	for _, key := range append(append([]string{}, assetKeys...), deviceKeys...) {
		names("the key", key)
	}
}

func fuzz(f *testing.F, read func(b *builder, s *source, data []byte)) {
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBuilder(catalogue{})
		if line, bad := notUTF8(data); bad {
			if line < 1 {
				t.Fatalf("line %d", line)
			}
			return // as readFile does
		}
		read(b, &source{name: "f"}, data)
		inv, err := b.build()
		if (inv == nil) == (err == nil) {
			t.Fatalf("got %v and %v", inv, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("does not say where: %v", err)
			}
			return
		}
		for _, a := range inv.Assets() {
			if a.ID == "" || a.Kind == city.KindUnknown || a.Bin != nil && a.Bin.Shape != city.Table && !(a.Bin.Full < a.Bin.Empty) ||
				a.Bin != nil && a.Bin.Shape == city.Table && len(a.Bin.Strapping.Points) < 2 || a.Level != nil && !(a.Level.Zero > 0) {
				t.Fatalf("not an asset: %+v", a)
			}
			for _, d := range inv.Devices(a.ID) {
				if found, on, ok := find(inv, d.Server, d.DevEUI); !ok || found != d || on != a || d.DevEUI.IsZero() {
					t.Fatalf("device %+v is not found on %+v", d, a)
				}
			}
		}
	})
}

func FuzzYAML(f *testing.F) {
	example, err := os.ReadFile("testdata/inventory.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(document))
	f.Add([]byte("assets: [{id: x, kind: level, shape: table, points: [{distance: 2 m, level: 0 %}, {distance: 1 m, level: 100 %}], level: {zero: 3 m}, offsets: {distance: -5 mm}}]\ndevices: [{dev_eui: 24e1247130000042, model: milesight/em310-udl, asset: x, firmware: 1.2}]\n"))
	f.Add([]byte("assets: [&a {id: x}, *a, {<<: *a}]\n---\ndevices:\n"))
	fuzz(f, (*builder).readYAML)
}

func FuzzCSV(f *testing.F) {
	example, err := os.ReadFile("testdata/devices.csv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(header + row))
	f.Add([]byte("dev_eui;model;asset;fw;art;form;Peiltabelle;Pegelnull mm;Korrekturen\n24e1247130000042;milesight/em310-udl;x;v1.2;Pegel;table;1200=0|800=35,5;4500;distance=-5|temperature=0,5\n"))
	f.Add([]byte("\ufeffdev_eui,model,asset,\"kind\n\"\n\"a\"b,c\n"))
	fuzz(f, (*builder).readCSV)
}

// BenchmarkLoad reads 100,000 devices with their assets.
func BenchmarkLoad(b *testing.B) {
	const n = 100_000
	var csv, yml, sensors strings.Builder
	csv.WriteString("dev_eui;model;asset;kind;name;address;lat;lon;district;tour;empty_mm;full_mm\n")
	yml.WriteString("assets:\n")
	sensors.WriteString("devices:\n")
	for i := range n {
		fmt.Fprintf(&csv, "24e12471%08x;milesight/em310-udl;PK-%d;Papierkorb;Papierkorb Domhof %d;Domhof %d;52,2775;8,0417;Innenstadt;3;1200;200\n", i, i, i, i)
		fmt.Fprintf(&yml, "  - id: PK-%d\n    kind: bin\n    name: Papierkorb Domhof %d\n    address: Domhof %d\n    position: [52.2775, 8.0417]\n    empty: 1200 mm\n    full: 200 mm\n", i, i, i)
		fmt.Fprintf(&sensors, "  - dev_eui: 24e12471%08x\n    model: milesight/em310-udl\n    asset: PK-%d\n", i, i)
	}
	for name, content := range map[string]string{"a.csv": csv.String(), "a.yaml": yml.String()} {
		b.Run(name, func(b *testing.B) {
			files := []string{filepath.Join(b.TempDir(), name)}
			if name == "a.yaml" {
				files = append(files, filepath.Join(b.TempDir(), "d.yaml"))
				if err := os.WriteFile(files[1], []byte(sensors.String()), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			if err := os.WriteFile(files[0], []byte(content), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				inv, err := Load(files, register.Snapshot{}, catalogue{})
				if err != nil {
					b.Fatal(err)
				}
				if inv.DeviceCount() != n || inv.AssetCount() != n {
					b.Fatalf("%d devices, %d assets", inv.DeviceCount(), inv.AssetCount())
				}
			}
		})
	}
}

// TestOwner: whose an asset is can be said in both kinds of files, and in two ways only if
// they are the same.
// An inventory file lies there in clear for as long as the platform runs, and its devices hang
// where it says for ever.
func TestLoadRefusesWhatIsImported(t *testing.T) {
	const key = "2B7E151628AED2A6ABF7158809CF4F3C"
	yaml := func(line string) []string {
		return []string{"a.yaml", strings.Replace(document, "    asset: PK-1\n", "    asset: PK-1\n    "+line+"\n", 1)}
	}
	csv := func(column, cell string) []string {
		return []string{"a.csv", strings.TrimSuffix(header, "\n") + ";" + column + "\n" + strings.TrimSuffix(row, "\n") + ";" + cell + "\n"}
	}
	const keys, ever = "keys do not belong into this file: import it with meldefunk device import", "a device of an inventory file hangs on its asset for ever"
	for _, c := range []struct {
		files []string
		want  string // "": it is taken
	}{
		{csv("AppKey", key), `a.csv:1: column "AppKey": ` + keys},
		{csv("Nwk Key", key), `a.csv:1: column "Nwk Key": ` + keys},
		{csv("note", key), "a.csv:2: field 11: " + keys},
		{csv("note", strings.ToLower(key[:8]+"-"+key[8:])), "a.csv:2: field 11: " + keys},
		{csv(key, ""), "a.csv:1: column 11 is called like a key: is the header missing?"},
		{csv("seit", "2026-05-03"), `a.csv:1: column "seit": ` + ever},
		{csv("Zustand", "Lager"), `a.csv:2: column "Zustand": is in_stock, but ` + ever},
		{csv("Zustand", "kaputt"), `a.csv:2: column "Zustand": unknown state "kaputt": want one of in_stock (lager, auf lager), planned (geplant)`},
		{csv("lorawan_version", "1.2"), `a.csv:2: column "lorawan_version": unknown version "1.2": want one of [1.0.0 1.0.1 1.0.2 1.0.3 1.0.4 1.1.0]`},
		{csv("interval", "20"), `a.csv:2: column "interval": "20" is no interval: want a whole number with s, min, h or d, like "20 min"`},
		{csv("interval", "40 d"), `a.csv:2: column "interval": "40 d" does not fit: want 1 s to 31 d`},
		{csv("class", "D"), `a.csv:2: column "class": unknown class "D": want A, B or C`},
		{csv("region", "Europa"), `a.csv:2: column "region": "Europa" is no region: want a name like EU868`},
		{csv("AppEUI", "70B3D57ED00001A"), `a.csv:2: column "AppEUI": "70B3D57ED00001A" has 15 of 16 hex digits`},
		{csv("AppEUI", "0000000000000000"), ""},
		{csv("Zustand", "in Betrieb"), ""},
		{csv("groups", "Wochenmarkt|Altstadt"), ""},
		{yaml("app_key: " + key), "a.yaml:11: app_key: " + keys},
		{yaml("nwk_key: " + key), "a.yaml:11: nwk_key: " + keys},
		{yaml("since: 2026-05-03"), "a.yaml:11: since: " + ever},
		{yaml("state: retired"), "a.yaml:11: state: is retired, but " + ever},
		{yaml("lorawan_version: MAC_V1_0_3"), ""},
		{yaml("owner: SWO"), ""},
	} {
		_, err := loadFiles(t, c.files...)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.files[1], err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: error %v, want %q", c.files[1], err, c.want)
		case err != nil && strings.Contains(strings.ToUpper(err.Error()), key[8:]):
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

func TestOwner(t *testing.T) {
	csv := "dev_eui;model;asset;kind;Eigentümer\n24e1247130000042;milesight/em310-udl;PK-1;bin;Stadtwerke Osnabrück\n"
	yaml := "assets:\n  - {id: PK-1, kind: bin, owner: Stadtwerke Osnabrück}\n  - {id: PK-2, kind: bin}\n"
	inv, err := loadFiles(t, "a.csv", csv, "b.yaml", yaml)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"PK-1": "Stadtwerke Osnabrück", "PK-2": ""} {
		if a, found := inv.Asset(id); !found || a.Owner != want {
			t.Errorf("%s belongs to %q, want %q", id, a.Owner, want)
		}
	}
	_, err = loadFiles(t, "a.csv", csv, "b.yaml", strings.Replace(yaml, "Stadtwerke", "Verkehrsbetriebe", 1))
	if err == nil || !strings.Contains(err.Error(), "with another owner") {
		t.Errorf("two owners: %v", err)
	}
}
