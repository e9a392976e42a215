package sqlite_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/storage/sqlite"
)

// TestScale is thirty days of 2,000 devices that send every hour, with seven days of
// retention, at full size. After the first week every other hour deletes, beside its commits,
// what two hours have brought: hours of both kinds stand in pairs under the same load, and
// their commits are compared, large ones and small ones.
func TestScale(t *testing.T) {
	const devices, week, daily, small = 2000, 7, 24, 100
	text := os.Getenv("MELDEFUNK_SCALE")
	if text == "" {
		t.Skip("skipped: takes minutes; MELDEFUNK_SCALE=30 runs it for thirty days")
	}
	days, err := strconv.Atoi(text)
	if err != nil || days <= week+1 {
		t.Fatalf("MELDEFUNK_SCALE=%s: want a number of days above %d", text, week+1)
	}
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	took := map[string][]time.Duration{}
	commit := func(what string, c *city.Commit) {
		begun := time.Now()
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		took[what] = append(took[what], time.Since(begun))
	}
	var sizes []int64
	var longest, delayed time.Duration // the longest step of deletion, and the longest wait of a commit for one
	for day := range days {
		for hour := range daily {
			now, kind, deleted := day*daily+hour, "quiet", make(chan struct{})
			if deleting := now >= week*daily && now%2 == 1; !deleting {
				close(deleted)
			} else {
				kind = "deleting"
				before := town(now+1-week*daily, 1).Readings[0].Received
				go func() {
					defer close(deleted)
					p, err := s.Prune(t.Context(), sqlite.Outdated{Frames: before, Readings: before})
					if err != nil {
						t.Error(err)
					}
					longest, delayed = max(longest, p.Longest), max(delayed, p.Delayed)
				}()
			}
			c := town(now, devices)
			first, rest := *c, *c
			first.Frames, first.Readings, first.States = c.Frames[small:], c.Readings[small:], c.States[small:]
			rest.Frames, rest.Readings, rest.States = c.Frames[:small], c.Readings[:small], c.States[:small]
			if now < week*daily {
				kind = "at first" // the file is small yet
			}
			for i := range small / 10 {
				few := rest
				few.Frames, few.Readings, few.States = rest.Frames[i*10:i*10+10], rest.Readings[i*10:i*10+10], rest.States[i*10:i*10+10]
				commit(fmt.Sprintf("10 uplinks, %s", kind), &few)
			}
			commit(fmt.Sprintf("%d uplinks, %s", devices-small, kind), &first)
			<-deleted
		}
		checkpoint(t, dir)
		sizes = append(sizes, size(t, dir)>>20)
	}
	t.Logf("MiB of the file, day by day: %v", sizes)
	t.Logf("longest step of deletion: %s; longest wait of a commit for one: %s", longest, delayed)
	for _, n := range []string{"1900", "10"} {
		var at [2][4]time.Duration
		for i, kind := range []string{"quiet", "deleting"} {
			all := took[n+" uplinks, "+kind]
			slices.Sort(all)
			at[i] = [4]time.Duration{all[len(all)/2], all[len(all)*9/10], all[len(all)*99/100], all[len(all)-1]}
			t.Logf("%d commits of %s uplinks, %s: half within %s, 90 %% within %s, 99 %% within %s, longest %s", len(all), n, kind, at[i][0], at[i][1], at[i][2], at[i][3])
		}
		for i, what := range []string{"half", "90 %", "99 %"} {
			if i == 2 && len(took[n+" uplinks, quiet"]) < 500 {
				continue // too few to tell deletion from anything else
			}
			if more := at[1][i] - at[0][i]; more > 100*time.Millisecond {
				t.Errorf("deletion made commits of %s uplinks wait %s longer (%s of them)", n, more, what)
			}
		}
	}
	if delayed > 100*time.Millisecond {
		t.Errorf("a commit has waited %s for a step of deletion", delayed)
	}
	// On a machine that others use a step can stand still as anything else can; so it counts
	// only if no commit of ten uplinks took as long while nothing was deleted.
	if still := slices.Max(took["10 uplinks, quiet"]); longest > max(100*time.Millisecond, still) {
		t.Errorf("a commit might have waited %s for a step of deletion; without deletion the longest small commit took %s", longest, still)
	}
	if full := sizes[week+1]; slices.Max(sizes[week+1:]) > full+full/5 {
		t.Errorf("the file does not keep its size: %v MiB", sizes)
	}
}
