package tickets

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// A process is killed after each write of a ticket and each call of its ticket system, which
// is also before the next one, in the life of a case that is opened, becomes worse, is closed,
// comes back and is closed again. Of each such episode the first answer to each kind of message
// is lost; where nothing may be told twice, that to the create of the case that comes back.
// There is one ticket all the same.
func TestKilledAtEveryPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: takes half a minute; CI runs it, with make test")
	}
	for _, w := range outlets {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			k := newKiller(t, &faults{lost: map[string]bool{}, once: !w.reads && !w.again}, w)
			k.Begin, k.Outlet, k.Ask = true, w.name, 24*time.Hour
			deaths := map[string]int{}
			for n := 1; ; n++ {
				k.Episodes, k.At = n, n
				words, killed := k.run(t, 0)
				if !killed {
					break
				}
				deaths[words[len(words)-1]]++
				if n == 200 {
					t.Fatal("a life has more than 200 points")
				}
			}
			t.Logf("died %d times in %v of CPU time: %v", k.lives-1, k.took, deaths)
			for _, name := range w.points() {
				if deaths[name] == 0 {
					t.Errorf("nobody died after %s", name)
				}
			}
			k.judge(t)
		})
	}
}

// points are the writes and calls that the life of a case must have. What an outlet must not
// be told twice is left to a human, and never opened again.
func (w outlet) points() []string {
	all := []string{
		"write queued", "write sending", "write unsure", "create", "search", "write open", "note", "write closing", "close", "write closed",
	}
	if w.reads || w.again {
		return append(all, "write reopening", "reopen")
	}
	return append(all, "write manual")
}

// Two hundred times a process is killed while it does anything, with every ticket system
// there is, half of whose answers are lost or late.
func TestKilledAtRandom(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: takes half a minute; CI runs it, with make test")
	}
	const kills = 200
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	k := newKiller(t, &faults{random: rand.New(rand.NewPCG(seed, 1))}, outlets...)
	k.Episodes, k.Begin, k.Loud, k.Ask = 1000, true, true, DefaultConfig().StatusEvery
	n := 0
	for ; n < kills || n < 3*kills && k.fewest(t) < enough; n++ { // by chance one outlet may hardly have had its turn
		if _, killed := k.run(t, 1+random.IntN(30)); !killed {
			t.Fatal("the process ended before it was killed")
		}
	}
	t.Logf("killed %d times in %v of CPU time", n, k.took)
	k.faults.mend()
	k.Begin = false
	if _, killed := k.run(t, 0); killed {
		t.Fatal("the last process was killed")
	}
	k.judge(t)
}

// killer has lives lived one after the other on one data folder.
type killer struct {
	doom
	binary  string
	faults  *faults
	outlets []outlet
	towns   map[string]standIn // by name
	lives   int
	took    time.Duration // CPU time of the lives
}

func newKiller(t *testing.T, f *faults, outlets ...outlet) *killer {
	t.Helper()
	k := &killer{binary: mortalBinary(t), faults: f, outlets: outlets, towns: map[string]standIn{}}
	k.Folder, k.Addresses, k.Epoch = t.TempDir(), map[string]string{}, time.Now()
	for _, w := range outlets {
		k.towns[w.name] = w.stand(t, quick{k.Epoch}, f)
		k.Addresses[w.name] = k.towns[w.name].address
	}
	return k
}

// plain is the test binary without the race detector, under which a life takes twenty times
// as much of a machine's time. There is no race that only a killed process could have.
var plain struct {
	sync.Mutex
	binary, folder string
}

// mortalBinary gives the test binary whose processes are killed.
func mortalBinary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if slower == 1 {
		return self
	}
	plain.Lock()
	defer plain.Unlock()
	if plain.binary != "" {
		return plain.binary
	}
	if plain.folder, err = os.MkdirTemp("", "meldefunk-mortal"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(plain.folder, "mortal")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	plain.binary = path
	return path
}

// run lives a life and tells what the process said, and whether it was killed, which is done
// after so many words, if they are not 0, whatever it does then. It is an error for it to end
// any other way than well.
func (k *killer) run(t *testing.T, most int) (words []string, killed bool) {
	t.Helper()
	k.lives++
	text, err := json.Marshal(&k.doom)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), k.binary)
	cmd.Env = append(os.Environ(), doomEnv+"="+string(text), keyEnv+"="+secret,
		secretEnv+"=whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32)))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		words = append(words, lines.Text())
		if len(words) == most {
			_ = cmd.Process.Kill()
		}
	}
	err = cmd.Wait()
	k.took += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return words, false
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && t.Context().Err() == nil:
		return words, true
	}
	t.Fatalf("life %d: %v\n%s", k.lives, err, said.String())
	return nil, false
}

// enough episodes at an outlet say something.
const enough = 4

// fewest is how many episodes the outlet has that has had the fewest.
func (k *killer) fewest(t *testing.T) int {
	t.Helper()
	view, err := sqlite.OpenView(t.Context(), k.Folder)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	begun := func(ref string) bool {
		_, known, err := view.Case(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		return known
	}
	least := math.MaxInt
	for _, w := range k.outlets {
		n := 0
		for slices.ContainsFunc(w.refs(n+1), begun) {
			n++
		}
		least = min(least, n)
	}
	return least
}

// judge compares what the ticket systems have with what we believe.
func (k *killer) judge(t *testing.T) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), k.Folder, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, w := range k.outlets {
		found := map[string][]held{}
		for _, one := range k.towns[w.name].tickets() {
			found[one.ref] = append(found[one.ref], one)
		}
		n, states, extra := 0, map[city.TicketState]int{}, 0
		for n++; ; n++ {
			numbers := map[string]int{} // of the cases that share a ticket
			begun := false
			for _, ref := range w.refs(n) {
				ct, known, err := store.Case(t.Context(), ref)
				if err != nil {
					t.Fatal(err)
				}
				if !known {
					continue
				}
				begun = true
				states[ct.Ticket.State]++
				problem := w.wrong(&ct.Ticket, found[ref], numbers)
				if problem != "" {
					history, _ := store.TicketLog(t.Context(), ref)
					t.Errorf("%s %s: %s\nours %+v\nthere %+v\nhistory %v", w.name, ref, problem, ct.Ticket, found[ref], storyOf(history))
				}
				for _, one := range found[ref] {
					extra += one.creates - 1
				}
			}
			if !begun {
				break
			}
			for _, ref := range w.refs(n) {
				for _, one := range found[ref] {
					if w.reads && w.name != "sensor-meldung" && one.closings != numbers[one.id] {
						t.Errorf("%s %s: closed %d times, %d cases have it", w.name, ref, one.closings, numbers[one.id])
					}
				}
				delete(found, ref)
			}
		}
		if len(found) > 0 {
			t.Errorf("%s: tickets of nobody: %v", w.name, slices.Collect(maps.Keys(found)))
		}
		t.Logf("%s: %d episodes, %v; %d messages came again", w.name, n-1, states, extra)
		if n-1 < enough {
			t.Errorf("%s: %d episodes say too little", w.name, n-1)
		}
	}
}

// wrong tells what is wrong with a ticket; "": nothing is.
func (w outlet) wrong(t *city.Ticket, found []held, numbers map[string]int) string {
	numbers[t.ExternalID]++
	if !w.reads && !w.again {
		switch {
		case len(found) > 1 || len(found) == 1 && found[0].creates > 1:
			return "sent more than once"
		case len(found) == 0 && t.State == city.TicketClosed && numbers[t.ExternalID] == 1:
			return "closed, and was never sent"
		case t.State != city.TicketClosed && t.State != city.TicketManual:
			return "neither closed nor left to a human"
		}
		return ""
	}
	if w.again && t.State == city.TicketManual && t.Creates == mostCreates && len(found) == 1 {
		return "" // never answered: a human was asked in the end
	}
	shared := !w.thread && numbers[t.ExternalID] > 1
	switch {
	case t.State != city.TicketClosed || t.End != city.EndUs && w.again:
		return "not closed by us"
	case shared && len(found) > 0:
		return "opened again, and sent as well"
	case shared:
		return ""
	case len(found) != 1:
		return "not exactly one ticket"
	case !w.thread && found[0].id != t.ExternalID:
		return "another number there"
	case !found[0].closed:
		return "not closed there"
	}
	return ""
}

func storyOf(history []city.TicketEntry) string {
	var b strings.Builder
	for _, e := range history {
		b.WriteString("\n\t" + e.At.Format("15:04:05.000 ") + string(e.State) + ": " + e.Note)
	}
	return b.String()
}
