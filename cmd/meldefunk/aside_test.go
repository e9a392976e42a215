package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// asideTown has three messages set aside and gives its configuration, its data folder and
// their IDs: one of a device that is in the inventory by now, one whose bytes are no text,
// and an old one of a network server that is not configured any more.
func asideTown(t *testing.T) (config, data string, ids [3]string) {
	t.Helper()
	dir := write(t, map[string]string{
		"meldefunk.yaml": "data: DIR/data\n" + strings.Replace(good, "inventory.yaml", "DIR/inventory.csv", 1),
		"inventory.csv":  "dev_eui;model;asset;kind;name;empty_mm;full_mm\na840410001840002;milesight/em310-udl;PK-1;bin;Domhof;2500;300\n",
	})
	config, data = filepath.Join(dir, "meldefunk.yaml"), filepath.Join(dir, "data")
	device, err := city.ParseEUI("a840410001840002")
	if err != nil {
		t.Fatal(err)
	}
	up, now := v4Up(1), time.Now()
	at, err := openOffline(t.Context(), config, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	err = at.work(t.Context(), func(ctx context.Context) error {
		running, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- at.road.Run(running) }()
		var errs []error
		for _, a := range []city.Arrival{
			{Message: city.Message{Server: "ns", Topic: up.topic, Body: up.body, Received: now.Add(-time.Hour)},
				Event: city.Event{DevEUI: device}, Err: city.Reject(city.ReasonUnknownDevice, "not in the inventory")},
			{Message: city.Message{Server: "ns", Topic: up.topic, Body: []byte("{\x1b[2J"), Received: now.Add(-2 * time.Hour)},
				Err: city.Reject(city.ReasonMalformed, "no \x1b[2J JSON")},
			{Message: city.Message{Server: "gone", Topic: "t", Body: []byte("x"), Received: now.Add(-100 * 24 * time.Hour)},
				Err: city.Reject(city.ReasonMalformed, "old")},
		} {
			a.Acker = nobody{}
			errs = append(errs, at.road.Offer(ctx, a))
		}
		stop()
		errs = append(errs, <-ended)
		oldestFirst, err := at.store.AsidesAfter(ctx, city.AsideFilter{}, time.Time{}, 0, 10)
		for i := range oldestFirst {
			ids[2-i] = fmt.Sprintf("%016x", oldestFirst[i].Key)
		}
		return errors.Join(append(errs, err)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return config, data, ids
}

const noID = "00000000000000aa"

// The cases share one town and go on from what the former ones have left.
func TestAside(t *testing.T) {
	config, _, ids := asideTown(t)
	known, strange, old := ids[0], ids[1], ids[2]
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in what is printed, "!" and what must not be
	}{
		{"list", []string{"list"}, exitOK, "3 set aside: malformed 2, unknown_device 1"},
		{"list, no escape codes", []string{"list"}, exitOK, "!\x1b"},
		{"list, limited", []string{"list", "--limit", "1"}, exitOK, "(1 listed; --limit 0 lists all)"},
		{"list by reason", []string{"list", "--reason", "unknown_device"}, exitOK, known},
		{"list by reason leaves others out", []string{"list", "--reason", "unknown_device"}, exitOK, "!" + strange},
		{"list by device", []string{"list", "--device", "A840410001840002"}, exitOK, "1 set aside"},
		{"list by server and reason", []string{"list", "--server", "gone", "--reason", "malformed,too_large"}, exitOK, "1 set aside"},
		{"list the old", []string{"list", "--older", "24h"}, exitOK, "1 set aside"},
		{"list the new", []string{"list", "--newer", "24h"}, exitOK, "2 set aside"},
		{"list as JSON", []string{"list", "--json"}, exitOK, `"by_reason":{"malformed":2,"unknown_device":1},"listed":3,"total":3`},
		{"show", []string{"show", known}, exitOK, `"devEui":"a840410001840002"`},
		{"show bytes that are no text", []string{"show", strange}, exitOK, "7b 1b 5b 32 4a"},
		{"show as JSON", []string{"show", "--json", old}, exitOK, `"body":"eA=="`},
		{"show what is not there", []string{"show", noID}, exitFailure, "no set-aside message " + noID},
		{"show nothing", []string{"show"}, exitUsage, "which message?"},
		{"bad ID", []string{"show", "12"}, exitUsage, `"12" is no ID`},
		{"bad reason", []string{"list", "--reason", "ugly"}, exitUsage, `--reason "ugly": want of [malformed`},
		{"bad device", []string{"list", "--device", "12"}, exitUsage, "--device: "},
		{"bad age", []string{"list", "--older", "-1h"}, exitUsage, "--older -1h0m0s: want a duration above 0"},
		{"bad limit", []string{"list", "--limit", "-1"}, exitUsage, "--limit -1"},
		{"drop without a choice", []string{"drop"}, exitUsage, "which messages?"},
		{"replay without a choice", []string{"replay"}, exitUsage, "which messages?"},
		{"all and some", []string{"drop", "--all", "--server", "ns"}, exitUsage, "contradict"},
		{"drop what is not there", []string{"drop", strange, noID}, exitFailure, "no set-aside message " + noID},
		{"it dropped nothing then", []string{"list"}, exitOK, "3 set aside"},
		{"replay", []string{"replay", known, strange}, exitOK, "2 chosen, 1 replayed, 1 still set aside"},
		{"replay what cannot", []string{"replay", "--reason", "malformed", "--json"}, exitOK, `{"chosen":2,"replayed":0,"still_set_aside":2}`},
		{"drop the old", []string{"drop", "--older", "2160h"}, exitOK, "1 dropped"},
		{"drop all", []string{"drop", "--all", "--json"}, exitOK, `{"dropped":1}`},
		{"nothing left", []string{"list"}, exitOK, "0 set aside\n"},
		{"unknown subcommand", []string{"lsit"}, exitUsage, "takes no argument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"aside"}, c.args...)
			if c.args[0] != "lsit" {
				args = append(args, "-c", config)
			}
			out, code := run(t, args...)
			not, banned := strings.CutPrefix(c.want, "!")
			if code != c.code || banned == strings.Contains(out, not) {
				t.Errorf("exit code %d, want %d with %q in:\n%s", code, c.code, c.want, out)
			}
		})
	}
}

// Beside a process that uses the folder, reading works and changing is refused.
func TestAsideBesideThePlatform(t *testing.T) {
	config, data, ids := asideTown(t)
	store, err := sqlite.Open(t.Context(), data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if out, code := run(t, "aside", "list", "-c", config); code != exitOK || !strings.Contains(out, "3 set aside") {
		t.Errorf("list: exit code %d, %s", code, out)
	}
	if out, code := run(t, "aside", "show", "-c", config, ids[2]); code != exitOK {
		t.Errorf("show: exit code %d, %s", code, out)
	}
	for _, verb := range []string{"replay", "drop"} {
		if out, code := run(t, "aside", verb, "--all", "-c", config); code != exitFailure || !strings.Contains(out, "stop it first") {
			t.Errorf("%s: exit code %d, %s", verb, code, out)
		}
	}
	if n, err := store.AsideCounts(t.Context(), city.AsideFilter{}); err != nil || messages(n) != 3 {
		t.Errorf("%v set aside afterwards, %v; want 3 messages", n, err)
	}
}

// Each line of JSON can be read by itself, and together they say what is stored.
func TestAsideListJSON(t *testing.T) {
	config, _, ids := asideTown(t)
	out, _ := run(t, "aside", "list", "--json", "-c", config)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var got []string
	for _, line := range lines {
		var e asideEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, e.ID)
	}
	if want := []string{ids[2], ids[1], ids[0], ""}; !slices.Equal(got, want) {
		t.Errorf("IDs %q, want %q: the oldest first, then the counts", got, want)
	}
}

// Without a database nothing is made.
func TestAsideWithoutDatabase(t *testing.T) {
	dir := write(t, map[string]string{"meldefunk.yaml": "data: DIR/none\n" + good})
	out, code := run(t, "aside", "list", "-c", filepath.Join(dir, "meldefunk.yaml"))
	if code != exitFailure || !strings.Contains(out, "there is no database") {
		t.Errorf("exit code %d, %s", code, out)
	}
}
