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
// retention, at full size. On odd days two days are deleted beside the commits, on even days
// nothing is: commits of both kinds of days are compared, large ones and small ones.
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
	for day := range days {
		kind, deleted := "quiet", make(chan struct{})
		if deleting := day >= week && day%2 == 1; !deleting {
			close(deleted)
		} else {
			kind = "deleting"
			before := town((day+1-week)*daily, 1).Readings[0].Received
			go func() {
				defer close(deleted)
				if _, err := s.Prune(t.Context(), sqlite.Outdated{Frames: before, Readings: before}); err != nil {
					t.Error(err)
				}
			}()
		}
		for hour := range daily {
			c := town(day*daily+hour, devices)
			first, rest := *c, *c
			first.Frames, first.Readings, first.States = c.Frames[small:], c.Readings[small:], c.States[small:]
			rest.Frames, rest.Readings, rest.States = c.Frames[:small], c.Readings[:small], c.States[:small]
			commit(fmt.Sprintf("%d uplinks, %s", devices-small, kind), &first)
			for i := range small / 10 {
				few := rest
				few.Frames, few.Readings, few.States = rest.Frames[i*10:i*10+10], rest.Readings[i*10:i*10+10], rest.States[i*10:i*10+10]
				commit(fmt.Sprintf("10 uplinks, %s", kind), &few)
			}
		}
		<-deleted
		checkpoint(t, dir)
		sizes = append(sizes, size(t, dir)>>20)
	}
	t.Logf("MiB of the file, day by day: %v", sizes)
	longest := map[string]time.Duration{}
	for _, what := range []string{"1900 uplinks, quiet", "1900 uplinks, deleting", "10 uplinks, quiet", "10 uplinks, deleting"} {
		all := took[what]
		slices.Sort(all)
		longest[what] = all[len(all)-1]
		t.Logf("commits of %s: %d, half within %s, 99 %% within %s, longest %s", what, len(all), all[len(all)/2], all[len(all)*99/100], all[len(all)-1])
	}
	for _, n := range []string{"1900", "10"} {
		if more := longest[n+" uplinks, deleting"] - longest[n+" uplinks, quiet"]; more > 100*time.Millisecond {
			t.Errorf("deletion made commits of %s uplinks wait %s longer", n, more)
		}
	}
	if full := sizes[week+1]; slices.Max(sizes[week+1:]) > full+full/5 {
		t.Errorf("the file does not keep its size: %v MiB", sizes)
	}
}
