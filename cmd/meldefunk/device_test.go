package main

import (
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/storage/sqlite"
)

const (
	deviceConfig = "network_servers: [{name: stadt, dialect: chirpstack-v4, broker: \"mqtt://127.0.0.1:1\"}]\n" +
		"keys: {register: amt-1, keks: [{label: amt-1, file: DIR/kek-1}, {label: amt-2, file: DIR/kek-2}]}\n"
	canaryKey = "c0ffee15600df00d5ec2e7c0deba5e11"
)

// deviceTown is a configuration without anything in it.
func deviceTown(t *testing.T, config string, files map[string]string) (path string, in func(string) string) {
	t.Helper()
	p := newPlatform(t, "", deviceConfig+config, files)
	p.write("kek-1", "000102030405060708090a0b0c0d0e0f")
	p.write("kek-2", "0f0e0d0c0b0a09080706050403020100")
	return p.config, p.path
}

// deviceLesson is a command line, how it ends, and what it says.
type deviceLesson struct {
	args string // without spaces in any of them
	in   string // standard input
	code int
	want []string
	not  string
}

func teachDevices(t *testing.T, config string, all []deviceLesson) {
	t.Helper()
	for _, l := range all {
		args := strings.Fields(l.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "DIR", filepath.Dir(config))
		}
		line := append([]string{"device"}, args...)
		if args[0] != "scan" {
			line = append(line, "-c", config)
		}
		out, errs, code := runWith(t, l.in, line...)
		out += errs
		if code != l.code {
			t.Errorf("device %s: exit code %d, want %d:\n%s", l.args, code, l.code, out)
		}
		for _, want := range l.want {
			if !strings.Contains(out, want) {
				t.Errorf("device %s: said\n%s\nwant %q", l.args, out, want)
			}
		}
		if l.not != "" && strings.Contains(out, l.not) {
			t.Errorf("device %s: said\n%s\nwant no %q", l.args, out, l.not)
		}
	}
}

// TestDeviceCommands has every command do what it is for, and refuse what it cannot, in one
// life of two devices.
func TestDeviceCommands(t *testing.T) {
	config, in := deviceTown(t, "", map[string]string{
		"devices.csv": "\ufeffDevEUI;JoinEUI;Modell;Nummer;Art;Bezeichnung;Breite;Länge;Leer mm;Voll mm;AppKey;Seriennummer;Gruppen;Bemerkung\r\n" +
			"a840410001810001;a000000000000101;milesight/em310-udl;PK-1;Papierkorb;Domhof;52,27;8,04;1150;180,5;" + canaryKey + ";6412A1;Wochenmarkt;'=1+1\r\n" +
			";;;PK-2;Papierkorb;Markt;52,28;8,05;1150;180;;;;\r\n",
		"wrong.csv":  "dev_eui;model;asset;kind\na84041000181000;milesight/em310-udl;PK-3;bin\na840410001810003;milesight/em310-uld;PK-4;bin\na840410001810004;milesight/em310-udl;PK-5;bin\n",
		"vendor.csv": "dev_eui;model;batch;modle\na840410001810009;milesight/em310-udl;7;x\n",
		"key":        "# from the label\napp_key = " + strings.Repeat("0f", 15) + "11\n",
		"open":       "",
	})
	if err := os.Chmod(in("open"), 0o644); err != nil {
		t.Fatal(err)
	}
	const one, two, three = "a840410001810001", "a840410001810002", "a840410001810003"
	teachDevices(t, config, []deviceLesson{
		// Before anything is there.
		{args: "list", want: []string{"0 devices"}},
		{args: "show PK-1", code: exitNotFound, want: []string{`"PK-1" is no DevEUI, asset with a device or serial number here`}},
		{args: "show " + one, code: exitNotFound, want: []string{"meldefunk device add, or device import"}},
		{args: "export", want: []string{""}},
		{args: "label --all", code: exitNotFound, want: []string{"no device is so"}},
		{args: "import DIR/devices.csv --dry-run", want: []string{"row 2: created " + one + " PK-1: ", "row 3: created", "would be 2 created, 0 changed"}, not: canaryKey},
		{args: "list", want: []string{"0 devices"}},

		{args: "import DIR/devices.csv --by Berta --reason delivery", want: []string{"2 created, 0 changed, 0 unchanged, 0 failed, 0 skipped"}},
		{args: "import DIR/devices.csv", want: []string{"0 created, 0 changed, 2 unchanged"}},
		{args: "import - --json", in: "dev_eui,note\n" + one + ",pole 3\n", want: []string{`{"row":2,"status":"changed","dev_eui":"` + one + `","asset":"PK-1","facts":[{"field":"note","was":"=1+1","is":"pole 3"}]}`}},
		{args: "import - --dry-run", in: "dev_eui,note\n" + one + ",=1+1\n", want: []string{"pole 3 → =1+1"}},
		{args: "import -", in: "dev_eui;nte\nx;y\n", code: exitUsage, want: []string{`standard input: row 1: unknown column "nte": want one of those that meldefunk device import --columns lists, or leave it out; did you mean "note"?`}},
		{args: "import DIR/vendor.csv", code: exitUsage, want: []string{`unknown column "batch"`, `did you mean "model"?`}},
		{args: "import DIR/none.csv", code: exitUsage, want: []string{"no such file"}},
		{args: "import", code: exitUsage, want: []string{"a file, or - for standard input"}},
		{args: "import DIR/devices.csv --on-error ignore", code: exitUsage, want: []string{"want abort or skip"}},
		{args: "import DIR/devices.csv --excel", code: exitUsage, want: []string{"give --result"}},
		{args: "import --columns", want: []string{"dev_eui", "geraete_eui", "soil_type"}},
		{args: "import DIR/wrong.csv --result DIR/open", code: exitUsage, want: []string{
			`wrong.csv: row 2, column dev_eui: "a84041000181000" has 15 of 16 hex digits`,
			`row 3, column model: unknown model "milesight/em310-uld": want one of the`, `that meldefunk model list shows; did you mean "milesight/em310-udl"?`,
			"0 created, 0 changed, 0 unchanged, 2 failed, 1 skipped", "2 of 3 rows are wrong, nothing was written"}, not: "dragino/lse01,"},
		{args: "import DIR/wrong.csv --on-error skip --result DIR/result.csv", code: exitPartial, want: []string{"1 created, 0 changed, 0 unchanged, 2 failed, 0 skipped", "2 of 3 rows are wrong and were left out"}},

		{args: "add", code: exitUsage, want: []string{"dev_eui is missing"}},
		{args: "add note", code: exitUsage, want: []string{"want COLUMN=VALUE"}},
		{args: "add dev_eui=" + two + " app_key=" + canaryKey, code: exitUsage, want: []string{"use --keys-from"}, not: canaryKey},
		{args: "add eui=A8-40-41-00-01-81-00-01 note=x", code: exitConflict, want: []string{"is in the register already, installed: meldefunk device set"}},
		{args: "add dev_eui=a84041 model=milesight/em310-udl", code: exitUsage, want: []string{"column dev_eui: ", "nothing was written"}, not: "row 2"},
		{args: "add dev_eui=" + two + " model=milesight/em310-udl asset=PK-9", code: exitUsage, want: []string{"unknown asset"}},
		{args: "add --scan nonsense", code: exitUsage, want: []string{"--scan: "}},
		{args: "add --scan - model=milesight/em310-udl --keys-from DIR/key", in: "LW:D0:A000000000000101:A840410001810002:00000000:S6412A2", want: []string{"created " + two, "serial: - → 6412A2", "keys: - → set"}},
		{args: "add dev_eui=" + three + " model=milesight/em310-udl --generate-keys --dry-run", want: []string{"created " + three}},
		{args: "show " + three, code: exitNotFound},
		{args: "add dev_eui=" + three + " model=milesight/em310-udl --generate-keys --keys-from DIR/key", code: exitUsage, want: []string{"contradict each other"}},
		{args: "add asset=BA-1 kind=soil soil_type=Sl3", want: []string{"created", "BA-1"}},
		{args: "add asset=BA-1 kind=soil", code: exitConflict, want: []string{"asset BA-1 is described already"}},
		{args: "set BA-1 name=Linde", want: []string{"changed", "name: - → Linde"}},
		{args: "set " + two + " note=hi interval=20min", want: []string{"note: - → hi", "interval: - → 20 min"}},
		{args: "set " + two + " note=hi", want: []string{"nothing to change"}},
		{args: "set " + two + " note=-", want: []string{"note: hi → -"}},
		{args: "set " + two + " nummer=PK-2", code: exitUsage, want: []string{"meldefunk device move"}},
		{args: "set " + two + " state=installed", code: exitUsage, want: []string{"meldefunk device state"}},
		{args: "set " + two, code: exitUsage, want: []string{"Give COLUMN=VALUE"}},
		{args: "set " + two + " --keys-from DIR/key", want: []string{"nothing to change"}}, // it has this key
		{args: "set", code: exitUsage, want: []string{"which device?"}},

		{args: "scan LW:D0:A000000000000101:A840410001810002:00000000:S6412A2", want: []string{"DevEUI", two, "6412A2"}},
		{args: "scan --json DevEUI=A840410001810002;AppKey=" + canaryKey, want: []string{`"keys":["app_key"]`}, not: canaryKey},
		{args: "scan --json a b", code: exitUsage, want: []string{"put it in quotes"}},

		// Where it hangs.
		{args: "move " + two + " PK-1", code: exitConflict, want: []string{"PK-1 has device " + one, "replace it, or move that one first"}},
		{args: "move " + two + " PK-9", code: exitConflict, want: []string{`unknown asset "PK-9": describe it first, with its kind`}},
		{args: "move " + two + " BA-1", code: exitConflict, want: []string{"is made for assets of kind bin"}},
		{args: "move " + two, code: exitUsage, want: []string{"a device and the number of an asset"}},
		{args: "move " + two + " PK-2 --since tomorrow", code: exitUsage, want: []string{"--since: ", "is no time"}},
		{args: "move " + two + " PK-2 --planned --since 1h", code: exitUsage, want: []string{"contradict each other"}},
		{args: "move " + two + " PK-2 --planned", want: []string{two + ": moved asset: - → PK-2, state: in_stock → planned"}},
		{args: "state " + two + " installed --since 1h", want: []string{two + ": altered state: planned → installed"}, not: "replay"},
		{args: "state " + two + " broken", code: exitUsage, want: []string{"is no state"}},
		{args: "state " + two + " maintenance", want: []string{"installed → maintenance"}},
		{args: "move 6412a2 PK-2", code: exitConflict, want: []string{"hangs on PK-2 already"}},
		{args: "replace PK-1 PK-2", code: exitConflict, want: []string{"take one that hangs nowhere, or put it in stock first"}},
		{args: "state PK-2 in_stock", want: []string{"asset: PK-2 → -"}},
		{args: "replace PK-1 " + two + " --then broken", code: exitUsage, want: []string{"want in_stock or retired"}},
		{args: "replace PK-1 " + two + " --then retired --reason hit_by_a_car", want: []string{one + ": withdrawn asset: PK-1 → -, state: installed → retired", two + ": replaced device: " + one + " → " + two}},
		{args: "retire " + one, code: exitConflict, want: []string{"is retired already"}},

		// What is there.
		{args: "list", want: []string{two, "PK-1", "installed", "2 devices"}, not: one},
		{args: "list --state retired", want: []string{one, "1 devices"}, not: two},
		{args: "list --state broken", code: exitUsage, want: []string{"--state \"broken\""}},
		{args: "list -o xml", code: exitUsage, want: []string{"want table, json or csv"}},
		{args: "list --group Wochenmarkt", want: []string{two, "1 devices"}},
		{args: "list --search domhof -o json", want: []string{`"dev_eui":"` + two + `","state":"installed"`, `"keys":true`}},
		{args: "show PK-1", want: []string{"replaced by", "hit_by_a_car", "kept, encrypted", "heard", "never"}},
		{args: "show " + one + " --json", want: []string{`"hung":[{"asset":"PK-1"`, `"by":"Berta","from":"import ` + in("devices.csv"), `"action":"withdrawn"`}, not: canaryKey},
		{args: "verify PK-1", code: exitFailure, want: []string{"ok       installed", "MISSING  joined", "ok       calibrated", "none of 1 devices"}, not: "registered"},
		{args: "verify PK-1 --json", code: exitFailure, want: []string{`{"dev_eui":"` + two + `","asset":"PK-1","ok":false,"steps":[`}},
		{args: "verify", code: exitUsage, want: []string{"which device?"}},
		{args: "verify PK-1 --wait -1s", code: exitUsage, want: []string{"want a length above 0"}},

		// Keys.
		{args: "key show " + one, want: []string{"app_key, wrapped with amt-1; --reveal shows the digits"}, not: canaryKey},
		{args: "key show " + one + " --reveal", want: []string{one + " app_key=" + canaryKey}},
		{args: "show " + one, want: []string{"revealed by"}, not: canaryKey},
		{args: "key rotate " + one, code: exitFailure, want: []string{"is retired"}},
		{args: "key rotate 6412A2 " + two, want: []string{"keys of 1 devices changed"}},
		{args: "key show " + two + " --reveal", want: []string{"app_key="}, not: "0f0f0f"},
		{args: "key rewrap", code: exitUsage, want: []string{"--to: "}},
		{args: "key rewrap --to amt-2", want: []string{"keys of 2 devices changed"}},
		{args: "key rewrap --to amt-2", want: []string{"keys of 0 devices changed"}},
		{args: "key show PK-1", want: []string{"wrapped with amt-2"}},
		{args: "key rewrap --to none", code: exitFailure, want: []string{"none"}},

		{args: "export --form xml", code: exitUsage, want: []string{"want one of csv, excel, yaml, geojson"}},
		{args: "export --reveal", code: exitUsage, want: []string{"give --out"}},
		{args: "export --form yaml", want: []string{"dev_eui: " + one}, not: "key"},
		{args: "export --reveal --form csv --out DIR/open --reason audit", want: []string{"open: 3 devices, "}},
		{args: "label " + three, code: exitNotFound},
		{args: "label", code: exitUsage, want: []string{"which devices?"}},
		{args: "label PK-1", want: []string{"LW:D0:A000000000000101:A840410001810002:00000000:S6412A2", "PK-1 Domhof"}, not: "warning"},
		{args: "label a840410001810004", want: []string{"warning: no JoinEUI is known of 1 devices"}},
		{args: "label --all --pdf DIR/labels.pdf --format L4732", want: []string{"2 labels on L4732"}},
		{args: "label --all --png DIR/labels", want: []string{"2 pictures"}},
		{args: "label --all --pdf DIR/x --png DIR/y", code: exitUsage, want: []string{"give one of them"}},
		{args: "label PK-1 --pdf DIR/x --format A4", code: exitUsage, want: []string{"no label format"}},
		{args: "sync", code: exitUsage, want: []string{"no network server has provisioning"}},
	})
	if info, err := os.Stat(in("open")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("keys in clear went into a file with mode %v, %v", info.Mode(), err)
	}
	// What failed is mended in the result, and that is imported.
	text, err := os.ReadFile(in("result.csv"))
	if err != nil {
		t.Fatal(err)
	}
	mended := strings.NewReplacer("em310-uld,PK", "em310-udl,PK", "a84041000181000,", "a840410001810005,").Replace(string(text))
	if err := os.WriteFile(in("mended.csv"), []byte(mended), 0o600); err != nil {
		t.Fatal(err)
	}
	teachDevices(t, config, []deviceLesson{
		{args: "import DIR/mended.csv", want: []string{"2 created, 0 changed, 1 unchanged, 0 failed"}},
		{args: "add dev_eui=a840410001810006 model=milesight/em310-udl note==SUM(A1) device_owner==1"},
		{args: "list -o csv", want: []string{"dev_eui,state,asset,"}},
	})
}

// TestDeviceListCSV writes nothing that a spreadsheet would reckon with.
func TestDeviceListCSV(t *testing.T) {
	config, _ := deviceTown(t, "", nil)
	teachDevices(t, config, []deviceLesson{{args: "add dev_eui=a840410001810006 model=milesight/em310-udl device_owner==cmd asset=@PK kind=bin name=+1"}})
	out, _ := run(t, "device", "list", "-o", "csv", "-c", config)
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, field := range records[1] {
		if field != "" && strings.Contains("=+-@", field[:1]) {
			t.Errorf("a field begins with %q: %s", field[:1], out)
		}
	}
	if !slices.Contains(records[1], "'@PK") || !slices.Contains(records[1], "'=cmd") {
		t.Errorf("%q", records[1])
	}
}

// TestDeviceOfFile leaves what stands in a file to the file, and refuses what contradicts it.
func TestDeviceOfFile(t *testing.T) {
	config, _ := deviceTown(t, "inventory: [DIR/i.csv]\n", map[string]string{
		"i.csv": "dev_eui,model,asset,kind\na840410001810001,dragino/lse01,BA-1,soil\n",
		"s.csv": "dev_eui,model,asset\na840410001810001,dragino/lse01,BA-1\n",
		"o.csv": "dev_eui,model,asset,kind\na840410001810001,dragino/lse01,BA-2,soil\n",
	})
	teachDevices(t, config, []deviceLesson{
		{args: "list", want: []string{"a840410001810001", "BA-1"}},
		{args: "show BA-1", want: []string{"a file of the settings"}},
		{args: "move BA-1 BA-2", code: exitConflict, want: []string{"stands in an inventory file"}},
		{args: "retire BA-1", code: exitConflict, want: []string{"stands in an inventory file"}},
		{args: "set BA-1 note=x", code: exitConflict, want: []string{"stands in an inventory file"}},
		{args: "import DIR/o.csv", code: exitUsage, want: []string{"stands in the inventory files with"}},
		{args: "add dev_eui=a840410001810002 model=dragino/lse01 asset=BA-1", code: exitUsage, want: []string{"BA-1"}},
		{args: "import DIR/s.csv", want: []string{"1 created"}},
		{args: "add dev_eui=a840410001810002 model=dragino/lse01 asset=BA-2 kind=soil", want: []string{"created"}},
		{args: "list", want: []string{"2 devices"}},
	})
}

// TestDeviceBadFile is refused by whatever reads the inventory, and changes nothing.
func TestDeviceBadFile(t *testing.T) {
	config, in := deviceTown(t, "inventory: [DIR/i.csv]\n", map[string]string{"i.csv": "dev_eui,model,asset,kind\nx,dragino/lse01,BA-1,soil\n"})
	for _, args := range []string{"list", "show BA-1", "add dev_eui=a840410001810002 model=dragino/lse01", "export", "verify BA-1", "sync", "label --all"} {
		teachDevices(t, config, []deviceLesson{{args: args, code: exitUsage, want: []string{in("i.csv") + ":2: "}}})
	}
}

// TestDeviceCompletion completes devices, assets, states and columns, and nothing where it
// cannot read.
func TestDeviceCompletion(t *testing.T) {
	config, _ := deviceTown(t, "", nil)
	complete := func(words ...string) string {
		out, _ := run(t, append([]string{"__complete", "device"}, words...)...)
		lines, _, _ := strings.Cut(out, ":4")
		lines, _, _ = strings.Cut(lines, ":6")
		return strings.TrimSpace(strings.ReplaceAll(lines, "\n", " "))
	}
	if got := complete("show", "-c", config, ""); got != "" {
		t.Errorf("before anything is there: %q", got)
	}
	teachDevices(t, config, []deviceLesson{
		{args: "add dev_eui=a840410001810001 model=dragino/lse01 asset=BA-1 kind=soil"},
		{args: "add dev_eui=a840410001810002 model=dragino/lse01"},
		{args: "add asset=BA-2 kind=soil name=Linde"},
	})
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"show", "-c", config, ""}, "a840410001810001\tBA-1 dragino/lse01 a840410001810002\tdragino/lse01"},
		{[]string{"show", "-c", config, "ba"}, "BA-1\ta840410001810001 dragino/lse01"},
		{[]string{"show", "-c", config, "BA-1", ""}, ""},
		{[]string{"move", "-c", config, "BA-1", ""}, "BA-2\tLinde"},
		{[]string{"state", "-c", config, "BA-1", ""}, "in_stock planned installed maintenance retired"},
		{[]string{"replace", "-c", config, "BA-1", "A84041000181"}, "a840410001810001\tBA-1 dragino/lse01 a840410001810002\tdragino/lse01"},
		{[]string{"retire", "-c", config, "BA-1", ""}, ""},
		{[]string{"add", "-c", config, "join"}, "join_eui="},
		{[]string{"export", "-c", config, "--form", "g"}, "geojson"},
		{[]string{"replace", "-c", config, "--then", ""}, "in_stock retired"},
		{[]string{"show", "-c", config + ".none", ""}, ""},
	} {
		got := complete(c.words...)
		if got != c.want && !(c.want == "join_eui=" && strings.HasPrefix(got, c.want)) && !(c.want == "geojson" && strings.Contains(got, c.want)) {
			t.Errorf("%q completes to %q, want %q", c.words, got, c.want)
		}
	}
}

// TestDeviceOlderSchema does not read a database of an older version, and says how it is
// brought up to date.
func TestDeviceOlderSchema(t *testing.T) {
	config, in := deviceTown(t, "", nil)
	teachDevices(t, config, []deviceLesson{{args: "add dev_eui=a840410001810001 model=dragino/lse01"}})
	db, err := sql.Open("sqlite", "file:"+in("data/"+sqlite.FileName))
	if err == nil {
		_, err = db.Exec("PRAGMA user_version = 1")
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	teachDevices(t, config, []deviceLesson{{args: "list", code: exitFailure, want: []string{"written by an older version of meldefunk", "start the platform with this version once"}}})
}

// TestTwoImporters import two sheets at once, again and again, and lose no row.
func TestTwoImporters(t *testing.T) {
	config, in := deviceTown(t, "", nil)
	p := newPlatform(t, buildBinary(t, false), strings.ReplaceAll(deviceConfig, "DIR", filepath.Dir(config)), nil)
	p.launch()
	const importers, rows = 3, 20
	var all sync.WaitGroup
	for i := range importers {
		all.Go(func() {
			for n := range rows / 5 {
				sheet := "dev_eui;model;asset;kind\n"
				for row := range 5 {
					sheet += fmt.Sprintf("a84041%02x000000%02x;milesight/em310-udl;PK-%d-%d;bin\n", i, 5*n+row, i, 5*n+row)
				}
				name := in(fmt.Sprintf("%d-%d.csv", i, n))
				if err := os.WriteFile(name, []byte(sheet), 0o600); err != nil {
					t.Error(err)
					return
				}
				if out, code := run(t, "device", "import", name, "-c", p.config); code != exitOK {
					t.Errorf("importer %d: exit code %d: %s", i, code, out)
				}
			}
		})
	}
	all.Wait()
	out, _ := run(t, "device", "list", "-c", p.config)
	if !strings.Contains(out, fmt.Sprintf("\n%d devices\n", importers*rows)) {
		t.Errorf("%s", tail(out, 300))
	}
	p.stop()
	if out, _ := run(t, "device", "list", "-c", p.config); !strings.Contains(out, fmt.Sprintf("\n%d devices\n", importers*rows)) {
		t.Errorf("after the stop: %s", tail(out, 300))
	}
}

// TestRegisterChangeAsJSON has a change reach the running platform as it was: it travels as
// JSON, and what that leaves out would be lost.
func TestRegisterChangeAsJSON(t *testing.T) {
	config, in := deviceTown(t, "", map[string]string{
		"all.csv": "dev_eui;join_eui;app_key;nwk_key;model;asset;kind;name;address;district;tour;owner;species;lat;lon;empty_mm;full_mm;offset_mm;shape;points;offsets;asset_note;groups;photos;serial;lorawan_version;region;class;profile;interval;state;device_owner;note;since;firmware;server;soil_type;zero_mm\n" +
			"a840410001810001;a000000000000101;" + canaryKey + ";2b7e151628aed2a6abf7158809cf4f31;milesight/em310-udl;UF-1;Container;Dom;Domhof 4;Innenstadt;3;Stadtwerke;;52,27;8,04;;;;table;2400=0|300=100;distance=-20;tief;a|b;x.jpg|y.jpg;SN1;1.1;EU868;C;p;20 min;maintenance;Amt;Notiz;3.5.2026;1.2.1;stadt;;\n" +
			";;;;;PG-1;Pegel" + strings.Repeat(";", 31) + "4500\n" +
			"a840410001810002;;;;dragino/lse01;BA-1;Baum;;;;;;Linde" + strings.Repeat(";", 24) + "Sl3;\n" +
			";;;;;PK-1;bin;;;;;;;;;1150;180;15;linear" + strings.Repeat(";", 19) + "\n",
	})
	whole := func(export string) string {
		out, code := run(t, "device", "export", "--form", export, "-c", config)
		if code != exitOK {
			t.Fatal(out)
		}
		return out
	}
	teachDevices(t, config, []deviceLesson{{args: "import DIR/all.csv", want: []string{"4 created"}}})
	want := whole("yaml")
	p := newPlatform(t, buildBinary(t, false), strings.ReplaceAll(deviceConfig, "DIR", filepath.Dir(config)), nil)
	p.launch()
	if out, code := run(t, "device", "import", in("all.csv"), "-c", p.config); code != exitOK {
		t.Fatal(out)
	}
	config = p.config
	since := func(text string) string { // of those that began now
		lines := strings.Split(text, "\n")
		return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
			return strings.Contains(l, "since:") && !strings.Contains(l, "2026-05-02T22:00:00Z")
		}), "\n")
	}
	if got := since(whole("yaml")); got != since(want) {
		t.Errorf("by the platform\n%s\nwithout\n%s", got, want)
	}
	if out, code := run(t, "device", "import", in("all.csv"), "-c", config); code != exitOK || !strings.Contains(out, "4 unchanged") {
		t.Errorf("again: %s", out)
	}
}

// TestTellReplay names the command only where readings may lie elsewhere than a change says.
func TestTellReplay(t *testing.T) {
	now := time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)
	one, two, never := city.EUI{7: 1}, city.EUI{7: 2}, city.EUI{7: 3}
	f := &fleet{devices: []fleetDevice{
		{Device: register.Device{Device: city.Device{DevEUI: one}}, Heard: now.Add(-time.Minute)},
		{Device: register.Device{Device: city.Device{DevEUI: two}}, Heard: now.Add(-2 * time.Hour)},
		{Device: register.Device{Device: city.Device{DevEUI: never}}},
	}}
	hung := func(devEUI city.EUI, from, to time.Duration) register.Binding {
		b := register.Binding{DevEUI: devEUI, Asset: "PK-1", From: now.Add(from)}
		if to != 0 {
			b.To = now.Add(to)
		}
		return b
	}
	for name, test := range map[string]struct {
		hung []register.Binding
		want string
	}{
		"from now on":            {[]register.Binding{hung(one, 0, 0)}, ""},
		"heard since":            {[]register.Binding{hung(one, -time.Hour, 0)}, "replay --uplinks --device 0000000000000001 --from 2026-05-03T11:00:00Z\n"},
		"not heard since":        {[]register.Binding{hung(two, -time.Hour, 0)}, ""},
		"never heard":            {[]register.Binding{hung(never, -time.Hour, 0)}, ""},
		"moved away in the past": {[]register.Binding{hung(one, -48*time.Hour, -time.Hour), hung(one, -time.Hour, 0)}, "--device 0000000000000001 --from 2026-05-03T11:00:00Z\n"},
		"two of them":            {[]register.Binding{hung(one, -time.Hour, 0), hung(two, -3*time.Hour, 0)}, "replay --uplinks --from 2026-05-03T09:00:00Z\n"},
	} {
		var out strings.Builder
		f.tellReplay(&out, &register.Change{At: now, Bindings: test.hung})
		if !strings.HasSuffix(out.String(), test.want) || (test.want == "") != (out.Len() == 0) {
			t.Errorf("%s: said %q, want %q", name, out.String(), test.want)
		}
	}
}
