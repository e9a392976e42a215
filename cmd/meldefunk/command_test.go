package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// run executes a command line and gives what it prints, on both ways, and the exit code.
func run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	c := command()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	code := exitCode(c.ExecuteContext(t.Context()), &out)
	return out.String(), code
}

func TestCommandLine(t *testing.T) {
	dir := write(t, map[string]string{
		"good.yaml":          strings.Replace(good, "inventory.yaml", "DIR/inventory.yaml", 1),
		"bad.yaml":           strings.Replace(good, "inventory.yaml", "DIR/bad-inventory.yaml", 1) + "rules: DIR/bad-rules.yaml\n",
		"tied.yaml":          strings.Replace(good, "inventory.yaml", "DIR/tied.csv", 1),
		"inventory.yaml":     "assets:\n  - {id: PK-1, kind: bin, name: Domhof}\ndevices:\n  - {dev_eui: a840410001810001, model: milesight/em310-udl, asset: PK-1}\n",
		"tied.csv":           "dev_eui;model;asset;kind;name;server\na840410001810001;milesight/em310-udl;PK-1;bin;Domhof;elsewhere\n",
		"bad-inventory.yaml": "assets:\n  - {id: PK-1, kind: bin, name: Domhof}\ndevices:\n  - {dev_eui: a84041, model: milesight/em310-udl, asset: PK-1}\n",
		"bad-rules.yaml":     "rules:\n  - {id: x, kind: bin, quantity: fill_level, open: '>= 90 kPa', clear: '<= 30 %', service: S, title: t, advice: a}\n",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in what is printed
	}{
		{"version", []string{"version"}, exitOK, "meldefunk " + version},
		{"version as JSON", []string{"version", "--json"}, exitOK, `"version":"` + version + `"`},
		{"sample", []string{"config"}, exitOK, "network_servers:"},
		{"help", []string{"--help"}, exitOK, "completion"},
		{"unknown command", []string{"sevre"}, exitFailure, `unknown command "sevre"`},
		{"unknown flag", []string{"serve", "--confg", "x"}, exitUsage, "unknown flag: --confg (see meldefunk serve --help)"},
		{"argument", []string{"check", "x"}, exitUsage, `meldefunk check takes no argument, got "x"`},
		{"no such file", []string{"check", "-c", in("none.yaml")}, exitUsage, "none.yaml: no such file"},
		{"serve without a file", []string{"serve", "-c", in("none.yaml")}, exitUsage, "meldefunk config prints a sample"},
		{"check, fine", []string{"check", "-c", in("good.yaml")}, exitOK, "good.yaml: fine"},
		{"check, bad", []string{"check", "-c", in("bad.yaml")}, exitUsage, "bad-rules.yaml:2:"},
		{"check, bad inventory too", []string{"check", "-c", in("bad.yaml")}, exitUsage, "bad-inventory.yaml:4: "},
		{"check, bad, as JSON", []string{"check", "--json", "-c", in("bad.yaml")}, exitUsage, `"ok":false`},
		{"device of an unknown network server", []string{"check", "-c", in("tied.yaml")}, exitUsage, `server "elsewhere" is not configured: want one of ["ns"]`},
		{"decode", []string{"decode", "-m", "milesight/em310-udl", "-p", "85", "--empty", "2500", "--full", "300", "01755C 03824408 040001"}, exitOK, "fill_level     17.454545454545457  %   (from the calibration)"},
		{"decode as JSON", []string{"decode", "-m", "bosch/tps110", "-p", "2", "--json", "00F6"}, exitOK, `"occupied":false,"temperature":-10`},
		{"decode nothing", []string{"decode"}, exitUsage, "which payload?"},
		{"unknown subcommand", []string{"model", "lits"}, exitUsage, `meldefunk model takes no argument, got "lits"`},
		{"payload of no model", []string{"decode", "01"}, exitUsage, "of which model? Give --model"},
		{"models", []string{"model", "list"}, exitOK, "dragino/lse01"},
		{"models as JSON", []string{"model", "list", "--json"}, exitOK, `{"codec":false,"kind":"parking","kinds":["parking"],"model":"bosch/tps110"}`},
		{"replay, bad time", []string{"replay", "--from", "gestern"}, exitUsage, `--from: "gestern" is no time`},
		{"wrap with an unknown key", []string{"key", "wrap", "--kek", "gold", "-c", in("good.yaml"), in("bad.yaml")}, exitUsage, `key encryption key "gold" is not configured`},
		{"wrap what is not there", []string{"key", "wrap", "--kek", "gold", "-c", in("good.yaml"), in("none.csv")}, exitUsage, "none.csv: no such file"},
		{"rewrap two files", []string{"key", "rewrap", "a", "b"}, exitUsage, `meldefunk key rewrap takes one file, got "b" too`},
		{"keys, none", []string{"key", "check", "-c", in("good.yaml")}, exitOK, "0 sessions of 0 devices"},
		{"reveal keys to a pipe", []string{"key", "check", "--reveal", "a840410001810001", "-c", in("good.yaml")}, exitUsage, "--reveal shows keys on a terminal only"},
		{"reveal the keys of nothing", []string{"key", "check", "--reveal", "a84041", "-c", in("good.yaml")}, exitUsage, "--reveal: "},
		{"demo too fast", []string{"demo", "--speed", "0"}, exitUsage, "--speed 0 is out of range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out, code := run(t, c.args...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d with %q in:\n%s", code, c.code, c.want, out)
			}
		})
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 7 {
		t.Errorf("checking has left files behind: %v, %v", entries, err)
	}
}

func TestCheckJSON(t *testing.T) {
	dir := write(t, map[string]string{"bad.yaml": "data: ''\n"})
	cmd := command()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"check", "--json", "-c", filepath.Join(dir, "bad.yaml")})
	_ = cmd.ExecuteContext(t.Context())
	var answer struct {
		OK       bool
		Problems []string
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil || answer.OK || len(answer.Problems) != 2 {
		t.Errorf("answer %+v, %v", answer, err)
	}
}

func TestRef(t *testing.T) {
	shape := regexp.MustCompile(`^S-[0-9A-HJKMNP-TV-Z]{8}$`)
	seen := map[string]bool{}
	for range 10_000 {
		ref := newRef()
		if !shape.MatchString(ref) || seen[ref] {
			t.Fatalf("reference %q", ref)
		}
		seen[ref] = true
	}
}

func TestLapse(t *testing.T) {
	origin := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	clock := newLapse(origin, 3600)
	began := time.Now()
	if err := clock.Until(t.Context(), origin.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 160*time.Millisecond || took > 5*time.Second {
		t.Errorf("ten minutes at 3600-fold took %s, want a sixth of a second", took)
	}
	if now := clock.Now(); now.Before(origin.Add(10 * time.Minute)) {
		t.Errorf("now %s", now)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := clock.Until(ctx, clock.Now().Add(time.Hour)); err == nil {
		t.Error("a stopped wait must say so")
	}
}

// Stages stop in order: what feeds others first, and everything when one part ends.
func TestStages(t *testing.T) {
	for name, broken := range map[string]bool{"asked to stop": false, "a part ends": true} {
		t.Run(name, func(t *testing.T) {
			order := make(chan string, 3)
			until := func(name string) part {
				return part{name, func(ctx context.Context) error {
					<-ctx.Done()
					order <- name
					return nil
				}}
			}
			ctx, stop := context.WithCancel(t.Context())
			intake := []part{until("intake")}
			if broken {
				intake = append(intake, part{"broken", func(context.Context) error { return errors.New("no more") }})
			} else {
				time.AfterFunc(10*time.Millisecond, stop)
			}
			err := runStages(ctx, zerolog.Nop(), intake, []part{until("road")}, []part{until("followers")})
			stop()
			close(order)
			var got []string
			for name := range order {
				got = append(got, name)
			}
			if strings.Join(got, " ") != "intake road followers" {
				t.Errorf("stopped in order %v", got)
			}
			if broken != (err != nil) || broken && !strings.Contains(err.Error(), "broken: no more") {
				t.Errorf("error %v", err)
			}
		})
	}
}
