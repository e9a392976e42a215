package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city/register"
	"meldefunk/storage/sqlite"
	"meldefunk/storage/storagetest"
)

// delivery is devices from first on, each with its asset, as one change.
func delivery(base int64, first, count int) register.Change {
	c := register.Change{Base: base, At: time.Unix(1, 0), By: "petra", From: "import devices.csv"}
	for n := first; n < first+count; n++ {
		d, a, b := storagetest.Installed(n)
		c.Devices, c.Assets, c.Bindings = append(c.Devices, d), append(c.Assets, a), append(c.Bindings, b)
		c.Entries = append(c.Entries, register.Entry{Action: register.Added, DevEUI: d.DevEUI, Asset: a.ID})
	}
	return c
}

// folderOfChild has the test below be what it kills.
const folderOfChild = "MELDEFUNK_TEST_REGISTER"

const inOneChange = 300

// Whoever is killed in the middle of a change leaves all of it or nothing.
func TestKilledInTheMiddleOfAChange(t *testing.T) {
	if dir := os.Getenv(folderOfChild); dir != "" {
		changeForEver(t, dir)
		return
	}
	dir := t.TempDir()
	for round := range 4 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledInTheMiddleOfAChange$")
		child.Env = append(os.Environ(), folderOfChild+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "changing") {
				break
			}
		}
		time.Sleep(time.Duration(round*7) * time.Millisecond) // somewhere in it, or in one after it
		_ = child.Process.Kill()
		_ = child.Wait()
		s := open(t, dir)
		got, err := s.Register(t.Context())
		want := int(got.Revision) * inOneChange
		if err != nil || len(got.Devices) != want || len(got.Assets) != want || len(got.Bindings) != want {
			t.Errorf("revision %d has %d devices, %d assets, %d bindings, %v; want %d of each", got.Revision, len(got.Devices), len(got.Assets), len(got.Bindings), err, want)
		}
		entries, err := s.Trail(t.Context(), register.Trail{Limit: 1 << 30})
		if err != nil || len(entries) != want {
			t.Errorf("%d entries, %v; want %d", len(entries), err, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func changeForEver(t *testing.T, dir string) {
	s, err := sqlite.Open(t.Context(), dir, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Register(t.Context())
	for base := at.Revision; err == nil; base++ {
		c := delivery(base, int(base)*inOneChange, inOneChange)
		fmt.Println("changing")
		err = s.ChangeRegister(t.Context(), c)
	}
	t.Fatal(err)
}

// Of several who change at once none loses what another has changed.
func TestManyChangeTheRegister(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	done := make(chan error)
	for worker := range 4 {
		go func() { // adds ten, one by one, with everybody else
			for n := worker * 10; n < worker*10+10; {
				at, err := s.Register(context.Background())
				if err == nil {
					err = s.ChangeRegister(context.Background(), delivery(at.Revision, n, 1))
				}
				switch {
				case err == nil:
					n++
				case !strings.Contains(err.Error(), register.ErrChanged.Error()):
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got, err := s.Register(t.Context()); err != nil || got.Revision != 40 || len(got.Devices) != 40 {
		t.Errorf("revision %d with %d devices, %v", got.Revision, len(got.Devices), err)
	}
}

func BenchmarkRegister(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	if err := s.ChangeRegister(b.Context(), delivery(0, 0, 10_000)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, err := s.Register(b.Context()); err != nil || len(got.Devices) != 10_000 {
			b.Fatal(len(got.Devices), err)
		}
	}
}

func BenchmarkChangeRegister(b *testing.B) {
	s := open(b, b.TempDir())
	defer s.Close()
	base := 0
	for b.Loop() {
		if err := s.ChangeRegister(b.Context(), delivery(int64(base), base*1000, 1000)); err != nil {
			b.Fatal(err)
		}
		base++
	}
}
