package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// delivery is a sheet as a technician gets it together: 500 bins, 300 trees, 200 bays, each
// with its root key. spoil may change the fields of a row, counted as spreadsheets do.
func delivery(spoil func(row int, fields map[string]string)) string {
	columns := []string{"dev_eui", "join_eui", "app_key", "nwk_key", "model", "asset", "kind", "name", "lat", "lon", "empty_mm", "full_mm", "soil_type", "serial", "lorawan_version", "state", "since", "server"}
	var b strings.Builder
	b.WriteString("\ufeff" + strings.Join(columns, ";") + "\r\n")
	for i := range 1000 {
		f := map[string]string{
			"join_eui": "70b3d57ed0000001", "lorawan_version": "1.0.3", "since": "3.5.2026", "serial": fmt.Sprintf("6412A%05d", i),
			"app_key": fmt.Sprintf("C0FFEE15600DF00D%08X%08X", uint32(i+1)*2654435761, uint32(i+7)*40503), //nolint:gosec // any digits do
			"lat":     fmt.Sprintf("52,%d", 25000+i), "lon": fmt.Sprintf("8,%05d", 4000+i),
		}
		switch {
		case i < 500:
			f["dev_eui"], f["model"], f["asset"], f["kind"] = fmt.Sprintf("24e124713b%06x", i), "milesight/em310-udl", fmt.Sprintf("PK-%04d", i), "Papierkorb"
			f["name"], f["empty_mm"], f["full_mm"] = fmt.Sprintf("Papierkorb %d", i), "1150", "180,5"
		case i < 800:
			f["dev_eui"], f["model"], f["asset"], f["kind"], f["name"], f["soil_type"] = fmt.Sprintf("a840410001%06x", i), "dragino/lse01", fmt.Sprintf("BA-%04d", i), "Baum", "Linde", "Sl3"
		default:
			f["dev_eui"], f["model"], f["asset"], f["kind"] = fmt.Sprintf("0018b20000%06x", i), "bosch/tps110", fmt.Sprintf("SP-%04d", i), "Stellplatz"
		}
		spoil(i+2, f)
		fields := make([]string, len(columns))
		for n, c := range columns {
			fields[n] = f[c]
		}
		b.WriteString(strings.Join(fields, ";") + "\r\n")
	}
	return b.String()
}

func asDelivered(int, map[string]string) {}

// slips are twenty, each in a row of its own: what is put where, and how it is told.
var slips = []struct {
	row          int
	column, text string
	want         string
}{
	{17, "dev_eui", "24e124713b00000", `"24e124713b00000" has 15 of 16 hex digits (most significant byte first): a spreadsheet drops leading zeros`},
	{40, "dev_eui", "2.4E+15", `"2.4E+15" was made a number by a spreadsheet: format the column as text`},
	{41, "dev_eui", "24e124713b000001", "24e124713b000001 stands in row 3 already: want every device once"},
	{60, "dev_eui", "", "is empty, but the row tells of a device: want 16 hex digits"},
	{75, "join_eui", "70b3d57ed000000g", `"70b3d57ed000000g" is not an EUI: want 16 hex digits`},
	{101, "app_key", "2B7E151628AED2A6ABF7158809CF4F3", "has 31 of 32 hex digits"},
	{102, "app_key", strings.Repeat("0", 32), "is all zeros, which is no key"},
	{103, "app_key", strings.Repeat("01020304", 4), "is the same few bytes over and over"},
	{104, "nwk_key", "2B7E151628AED2A6ABF7158809CF4F31", "LoRaWAN 1.0.3 has one root key, app_key: give it there, or version 1.1"},
	{105, "lorawan_version", "1.2", `unknown version "1.2": want one of [1.0.0 `},
	{200, "model", "milesight/em310-uld", `did you mean "milesight/em310-udl"?`},
	{201, "model", "dragino/lse01", `dragino/lse01 is made for assets of kind soil, but "PK-0199" is bin: want a model for bin`},
	{300, "lon", "", "is one half of a position: want latitude and longitude, or neither"},
	{333, "kind", "Papierkorp", `unknown kind "Papierkorp": want one of bin (`},
	{450, "lat", "8,04", "want 47"},
	{451, "full_mm", "1800", "1800 mm does not fit: want the distance at which it counts as full"},
	{600, "soil_type", "Sand", `unknown soil type "Sand"`},
	{700, "serial", "6412A00600", `"6412A00600" is that of row 602 already: want every serial number of a maker once`},
	{900, "state", "kaputt", `unknown state "kaputt": want one of in_stock (lager, auf lager)`},
	{1001, "since", "31.2.2026", `"31.2.2026" is no time: want one like 2026-05-03`},
}

// TestImportOfAThousand imports a delivery with twenty mistakes by the command line: nothing,
// then the good rows, then the result with the mistakes mended.
func TestImportOfAThousand(t *testing.T) {
	config, in := deviceTown(t, "", map[string]string{
		"good.csv": delivery(asDelivered),
		"bad.csv": delivery(func(row int, f map[string]string) {
			for _, s := range slips {
				if s.row == row {
					f[s.column] = s.text
				}
			}
		}),
	})
	timed := func(want int, args ...string) string {
		t.Helper()
		began := time.Now()
		out, errs, code := runWith(t, "", append(append([]string{"device", "import"}, args...), "-c", config)...)
		t.Logf("device import %s: %v", filepath.Base(args[0]), time.Since(began).Round(time.Millisecond))
		if code != want {
			t.Fatalf("exit code %d, want %d: %s", code, want, tail(out+errs, 2000))
		}
		return out + errs
	}
	said := timed(exitUsage, in("bad.csv"))
	lines := strings.Split(said, "\n")
	for _, s := range slips {
		begins, found := fmt.Sprintf("bad.csv: row %d, column ", s.row), 0
		for _, l := range lines {
			if strings.Contains(l, begins) {
				found++
				if !strings.Contains(l, s.want) {
					t.Errorf("said %q, want %q", l, s.want)
				}
			}
		}
		if found != 1 {
			t.Errorf("row %d is told %d times", s.row, found)
		}
	}
	if n := strings.Count(said, "bad.csv: row "); n != len(slips) || !strings.Contains(said, "0 created, 0 changed, 0 unchanged, 20 failed, 980 skipped") {
		t.Errorf("%d problems: %s", n, tail(said, 300))
	}
	if out, _ := run(t, "device", "list", "-c", config); !strings.Contains(out, "0 devices") {
		t.Fatal("something was written")
	}
	timed(exitPartial, in("bad.csv"), "--on-error", "skip", "--result", in("result.csv"))
	result, err := os.ReadFile(in("result.csv"))
	if err != nil || strings.Count(string(result), ",failed,") != len(slips) || strings.Count(string(result), ",created,") != 980 {
		t.Errorf("%v: %s", err, tail(string(result), 500))
	}
	for name, text := range map[string]string{"what was said": said, "the result": string(result)} {
		if strings.Contains(strings.ToUpper(text), "C0FFEE15600DF00D") {
			t.Errorf("%s holds a key", name)
		}
	}
	// The result has no keys, and its rows go wrong where they did; then the list as it should
	// have been.
	if out := timed(exitUsage, in("result.csv"), "--dry-run"); !strings.Contains(out, "16 failed, 984 skipped") {
		t.Errorf("the result: %s", tail(out, 300))
	}
	if out := timed(exitOK, in("good.csv")); !strings.Contains(out, "20 created, 0 changed, 980 unchanged, 0 failed, 0 skipped") {
		t.Errorf("the mended list: %s", tail(out, 300))
	}
	db := (&platform{t: t, dir: filepath.Dir(config)}).database()
	if n := number(t, db, `SELECT count(*) FROM devices WHERE length(app_key) >= 24 OR length(nwk_key) >= 24`); n != 1000 {
		t.Errorf("%v devices with a wrapped key", n)
	}
}

// TestImportOfAThousandBroken kills the import of a thousand devices at many moments and begins
// again: there is nothing or all of it, and at last all of it once.
func TestImportOfAThousandBroken(t *testing.T) {
	config, in := deviceTown(t, "", map[string]string{"good.csv": delivery(asDelivered)})
	binary := buildBinary(t, false)
	started := func() *exec.Cmd {
		cmd := exec.Command(binary, "device", "import", in("good.csv"), "-c", config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	count := regexp.MustCompile(`(?m)^(\d+) devices$`)
	there := func() string {
		out, code := run(t, "device", "list", "-c", config)
		m := count.FindStringSubmatch(out)
		if code != exitOK || m == nil {
			t.Fatalf("exit code %d: %s", code, tail(out, 500))
		}
		return m[1]
	}
	killed, seen := 0, map[string]int{}
	for after := 20 * time.Millisecond; ; after = after * 3 / 2 {
		cmd := started()
		time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		n := there()
		seen[n]++
		if n != "0" && n != "1000" {
			t.Fatalf("killed after %v: %s devices", after, n)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == -1 {
			killed++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	t.Logf("killed %d times; so many devices were there: %v", killed, seen)
	if killed == 0 {
		t.Error("no import was killed: the test says nothing")
	}
	began := time.Now()
	out, _, code := runWith(t, "", "device", "import", in("good.csv"), "-c", config)
	t.Logf("again, with nothing to do: %v", time.Since(began).Round(time.Millisecond))
	if code != exitOK || !strings.Contains(out, "0 created, 0 changed, 1000 unchanged, 0 failed, 0 skipped") {
		t.Errorf("exit code %d: %s", code, out)
	}
	began = time.Now()
	if n := there(); n != "1000" {
		t.Errorf("%s devices", n)
	}
	t.Logf("listed in %v", time.Since(began).Round(time.Millisecond))
	db := (&platform{t: t, dir: filepath.Dir(config)}).database()
	if n := number(t, db, `SELECT count(*) FROM bindings`); n != 1000 {
		t.Errorf("%v bindings", n)
	}
}
