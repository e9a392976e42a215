package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

const twoBins = "assets:\n  - {id: PK-1, kind: bin, name: Domhof, tour: T1, district: Innenstadt}\n  - {id: PK-2, kind: bin, name: Markt, tour: T2}\n"

// ticketTown has three cases: one whose ticket is open, one that is parked, one that is over;
// and a mute that a ticket system has set. Texts from outside try to command the terminal.
func ticketTown(t *testing.T) (config, data string) {
	t.Helper()
	dir := write(t, map[string]string{
		"meldefunk.yaml": "data: DIR/data\n" + strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1),
		"inventory.yaml": twoBins,
	})
	config, data = filepath.Join(dir, "meldefunk.yaml"), filepath.Join(dir, "data")
	ticketsInto(t, data)
	return config, data
}

// ticketsInto fills a data folder.
func ticketsInto(t *testing.T, data string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), data, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Now().Add(-3 * time.Hour)
	c := city.Commit{}
	for i, ref := range []string{"S-7K2MPQ4D", "S-PARKED01", "S-DONE0001"} {
		c.Cases = append(c.Cases, city.Case{Ref: ref, Rule: "bin-full", Service: "OS-ABF-01", Asset: []string{"PK-1", "PK-2", "PK-2"}[i], Quantity: city.FillLevel, Value: 95, Limit: 90,
			Since: opened, Opened: opened.Add(time.Duration(i) * time.Minute), Title: "Papierkorb \x1b[2Jvoll"})
	}
	c.Cases[2].Rule = "bin-soon"
	err = store.Commit(t.Context(), &c)
	put := func(ref, note string, change func(*city.Ticket)) {
		ct, found, readErr := store.Case(t.Context(), ref)
		if readErr != nil || !found {
			t.Fatal(ref, found, readErr)
		}
		ct.Ticket.Updated = opened.Add(time.Hour)
		change(&ct.Ticket)
		if err := store.PutTicket(t.Context(), ct.Ticket, city.TicketEntry{At: opened.Add(time.Hour), State: ct.Ticket.State, Note: note}); err != nil {
			t.Fatal(err)
		}
	}
	put("S-7K2MPQ4D", "Angelegt als 4711", func(tk *city.Ticket) {
		tk.State, tk.System, tk.Unit, tk.ExternalID = city.TicketOpen, "emsos", "OSB Straßenreinigung", "4711"
		tk.Remote = city.Remote{ID: "4711", Progress: city.ProgressWorking, Status: "IN_PROCESS", Notes: "Wird \x1b[31mgeprüft"}
	})
	put("S-PARKED01", "Abgelehnt", func(tk *city.Ticket) {
		tk.State, tk.System, tk.Error = city.TicketParked, "emsos", "400: no such service"
	})
	put("S-DONE0001", "Geschlossen", func(tk *city.Ticket) {
		tk.State, tk.End, tk.System, tk.ExternalID = city.TicketClosed, city.EndHuman, "mail", "S-DONE0001"
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Mute(t.Context(), city.Mute{Asset: "PK-2", Service: "OS-ABF-01", Since: opened, By: "emsos", Reason: "abgewiesen"}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// ticketLesson is one command and what it must print.
type ticketLesson struct {
	name string
	args []string
	code int
	want string // in what is printed, blanks made one; "!" and what must not be
}

func teach(t *testing.T, config string, lessons []ticketLesson) {
	t.Helper()
	for _, c := range lessons {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"ticket", c.args[0], "-c", config}, c.args[1:]...)
			switch c.name {
			case "complete":
				args = append([]string{"__complete"}, args...)
			case "unknown subcommand":
				args = []string{"ticket", c.args[0]}
			}
			out, code := run(t, args...)
			not, banned := strings.CutPrefix(c.want, "!")
			if printed := strings.Join(strings.Fields(out), " "); code != c.code || banned == strings.Contains(printed, not) {
				t.Errorf("exit code %d, want %d with %q in:\n%s", code, c.code, c.want, out)
			}
		})
	}
}

// The commands share one town and go on from what the former ones have left.
func TestTicket(t *testing.T) {
	config, _ := ticketTown(t)
	teach(t, config, []ticketLesson{
		{"list", []string{"list"}, exitOK, "S-7K2MPQ4D open emsos 4711 OS-ABF-01 PK-1"},
		{"list, newest first", []string{"list"}, exitOK, "REF STATE SYSTEM NUMBER SERVICE ASSET OPENED TITLE S-DONE0001 closed (human) mail"},
		{"list, no escape codes", []string{"list"}, exitOK, "!\x1b"},
		{"list, limited", []string{"list", "--limit", "1"}, exitOK, "1 listed; there may be more, --limit 0 lists all"},
		{"list all", []string{"list", "--limit", "0"}, exitOK, "3 listed"},
		{"list by state", []string{"list", "--state", "parked,queued"}, exitOK, "1 listed"},
		{"list by system", []string{"list", "--system", "mail"}, exitOK, "S-DONE0001"},
		{"list by asset", []string{"list", "--asset", "PK-1"}, exitOK, "1 listed"},
		{"list by tour", []string{"list", "--tour", "T2"}, exitOK, "2 listed"},
		{"list by rule", []string{"list", "--rule", "bin-soon", "--service", "OS-ABF-01"}, exitOK, "1 listed"},
		{"search", []string{"list", "--search", "4711"}, exitOK, "1 listed"},
		{"list as JSON", []string{"list", "--json", "--state", "parked"}, exitOK, `{"ref":"S-PARKED01","state":"parked","system":"emsos","error":"400: no such service","service":"OS-ABF-01","rule":"bin-full","asset":"PK-2"`},
		{"bad state", []string{"list", "--state", "zu"}, exitUsage, `--state "zu": want of [held`},
		{"bad tour", []string{"list", "--tour", "T9"}, exitUsage, `--tour: there is no "T9" in the inventory, but ["T1" "T2"]`},
		{"bad limit", []string{"list", "--limit", "-1"}, exitUsage, "--limit -1"},
		{"show", []string{"show", "s-7k2mpq4d"}, exitOK, "unit OSB Straßenreinigung number 4711 there in_progress IN_PROCESS"},
		{"show the history", []string{"show", "S-7K2MPQ4D"}, exitOK, "open Angelegt als 4711"},
		{"show the texts", []string{"show", "S-7K2MPQ4D"}, exitOK, "Befund: Füllstand 95 % (Schwelle 90 %)"},
		{"show what is muted", []string{"show", "S-PARKED01"}, exitOK, "muted 1 by emsos: abgewiesen"},
		{"show, no escape codes", []string{"show", "S-7K2MPQ4D"}, exitOK, "!\x1b"},
		{"show as JSON", []string{"show", "--json", "S-7K2MPQ4D"}, exitOK, `"remote_is":{"progress":"in_progress","status":"IN_PROCESS","notes":"Wird \u001b[31mgeprüft"}`},
		{"show what is not there", []string{"show", "S-0"}, exitFailure, `there is no case "S-0"`},
		{"show nothing", []string{"show"}, exitUsage, "wants the reference of a case"},

		{"retry", []string{"retry", "S-PARKED01", "--by", "Erika", "--reason", "gemeldet"}, exitOK, "S-PARKED01: retry noted; it is done when the platform starts (1) 1 ticket"},
		{"it stands there", []string{"show", "S-PARKED01"}, exitOK, "wanted retry by Erika"},
		{"retry all", []string{"retry", "--all-parked", "--by", "Erika"}, exitOK, "S-PARKED01: retry noted"},
		{"retry all and some", []string{"retry", "--all-parked", "S-PARKED01"}, exitUsage, "contradict"},
		{"retry nothing", []string{"retry"}, exitUsage, "which ticket?"},
		{"acknowledge", []string{"acknowledge", "S-7K2MPQ4D", "S-PARKED01", "--by", "Erika"}, exitOK, "2 tickets"},
		{"hold", []string{"hold", "S-7K2MPQ4D", "--until", "3 Tage", "--reason", "Straßenfest", "--by", "Erika"}, exitOK, "hold noted"},
		{"hold, no reason", []string{"hold", "S-7K2MPQ4D", "--by", "Erika"}, exitUsage, "reason: missing"},
		{"hold until yesterday", []string{"hold", "S-7K2MPQ4D", "--reason", "x", "--until", "1.1.2020"}, exitUsage, `--until: "1.1.2020" is over already`},
		{"release", []string{"release", "S-7K2MPQ4D", "--by", "Erika"}, exitOK, "release noted"},
		{"link", []string{"link", "S-PARKED01", "2026-77", "--by", "Erika"}, exitOK, "S-PARKED01: link noted"},
		{"link without a number", []string{"link", "S-PARKED01"}, exitUsage, "wants the reference of a case and the ticket's number"},
		{"link with an escape code", []string{"link", "S-PARKED01", "\x1b[2J", "--by", "Erika"}, exitUsage, "want text on one line"},
		{"close", []string{"close", "S-7K2MPQ4D", "--reason", "abgebaut", "--by", "Erika"}, exitOK, "close noted"},
		{"check", []string{"check", "S-7K2MPQ4D", "--by", "Erika"}, exitOK, "check noted"},
		{"nobody", []string{"close", "S-7K2MPQ4D", "--reason", "x", "--by", ""}, exitUsage, "by: missing"},
		{"some that are not there", []string{"check", "S-7K2MPQ4D", "S-0", "S-1", "--by", "Erika"}, exitFailure, `there is no case "S-1"`},
		{"nothing was noted then", []string{"show", "S-7K2MPQ4D", "--json"}, exitOK, `"wishes":5,`},

		{"mute", []string{"mute", "--asset", "PK-1", "--until", "24.12.2062"}, exitUsage, "more than a year off"},
		{"mute for ever", []string{"mute", "--asset", "PK-1", "--reason", "x"}, exitUsage, "--until: missing: a mute has an end"},
		{"mute everything", []string{"mute", "--until", "3d", "--reason", "x", "--by", "Erika"}, exitUsage, "nothing says what is muted"},
		{"mute, no reason", []string{"mute", "--asset", "PK-1", "--until", "3d", "--by", "Erika"}, exitUsage, "reason: missing"},
		{"mute what is not there", []string{"mute", "--asset", "PK-9", "--tour", "T9", "--district", "X", "--until", "3d", "--reason", "x", "--by", "Erika"}, exitUsage, `--district: there is no "X" in the inventory, but ["Innenstadt"]`},
		{"mute no category", []string{"mute", "--service", "OS-X", "--until", "3d", "--reason", "x", "--by", "Erika"}, exitUsage, `--service: "OS-X" is neither a category of ours nor one of your rules`},
		{"mute a tour", []string{"mute", "--tour", "T1", "--service", "OS-ABF-01", "--until", "3d", "--reason", "Umbau", "--by", "Erika"}, exitOK, "mute 2 until"},
		{"mutes", []string{"mutes"}, exitOK, "2 OS-ABF-01, tour T1"},
		{"mutes without an end", []string{"mutes"}, exitOK, "unmuted emsos abgewiesen"},
		{"unmute", []string{"unmute", "2", "--by", "Max"}, exitOK, "mute 2 is lifted"},
		{"it is lifted", []string{"mutes"}, exitOK, "!tour T1"},
		{"all mutes", []string{"mutes", "--all"}, exitOK, "by Max Erika Umbau"},
		{"mutes as JSON", []string{"mutes", "--json"}, exitOK, `"asset":"PK-2"`},
		{"unmute what is not there", []string{"unmute", "9", "--by", "Max"}, exitFailure, "there is no such mute"},
		{"unmute a word", []string{"unmute", "x", "--by", "Max"}, exitUsage, `"x" is no ID`},
		{"unmute nothing", []string{"unmute"}, exitUsage, "which one?"},

		{"preview a rule", []string{"preview", "--rule", "bin-full", "--asset", "PK-1"}, exitOK, "Befund: Füllstand 90 % (Schwelle 90 %)"},
		{"preview a category", []string{"preview", "--service", "OS-SEN-03", "--asset", "PK-1"}, exitOK, "Sensor: Batterie schwach - PK-1, Domhof"},
		{"preview says where it goes", []string{"preview", "--rule", "bin-full", "--asset", "PK-1"}, exitOK, "unit OSB Straßenreinigung (Papierkorb voll (routes.yaml (shipped)"},
		{"preview as JSON", []string{"preview", "--service", "OS-SEN-03", "--asset", "PK-1", "--json"}, exitOK, `"attributes":{"asset_id":"PK-1"`},
		{"preview nothing", []string{"preview", "--asset", "PK-1"}, exitUsage, "of what?"},
		{"preview both", []string{"preview", "--rule", "x", "--service", "y"}, exitUsage, "of what?"},
		{"preview no rule", []string{"preview", "--rule", "x", "--asset", "PK-1"}, exitUsage, `there is no rule "x"`},
		{"preview no category", []string{"preview", "--service", "x", "--asset", "PK-1"}, exitUsage, `"x" is no category of ours`},
		{"preview nowhere", []string{"preview", "--service", "OS-SEN-03", "--asset", "PK-9"}, exitUsage, `--asset: there is no "PK-9"`},

		{"reconcile, nobody there", []string{"reconcile"}, exitFailure, "no platform runs"},
		{"complete", []string{"show", ""}, exitOK, "S-7K2MPQ4D PK-1"},
		{"unknown subcommand", []string{"lsit"}, exitUsage, "takes no argument"},
	})
}

func TestTicketWithoutDatabase(t *testing.T) {
	dir := write(t, map[string]string{"meldefunk.yaml": "data: DIR/data\n" + good})
	teach(t, filepath.Join(dir, "meldefunk.yaml"), []ticketLesson{
		{"list", []string{"list"}, exitFailure, "there is no database"},
		{"close", []string{"close", "S-1", "--reason", "x", "--by", "Erika"}, exitFailure, "there is no database"},
		{"unmute", []string{"unmute", "1", "--by", "Erika"}, exitFailure, "there is no data folder"},
	})
}

// Each line of JSON can be read by itself.
func TestTicketListJSON(t *testing.T) {
	config, _ := ticketTown(t)
	out, _ := run(t, "ticket", "list", "--json", "-c", config)
	dec := json.NewDecoder(bytes.NewReader([]byte(out)))
	var refs []string
	for dec.More() {
		var line struct {
			Ref    string    `json:"ref"`
			Opened time.Time `json:"opened"`
		}
		if err := dec.Decode(&line); err != nil || line.Opened.IsZero() {
			t.Fatal(err, out)
		}
		refs = append(refs, line.Ref)
	}
	if strings.Join(refs, " ") != "S-DONE0001 S-PARKED01 S-7K2MPQ4D" {
		t.Errorf("listed: %v", refs)
	}
}
