package influx

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// The readings are of soil, parking and bins in turn, a second apart; two have one time.
func TestNamed(t *testing.T) {
	batch := makeReadings(1, 9)
	batch[7].Time = batch[6].Time
	line := func(i int) string { return strings.TrimSuffix(string(appendLine(nil, &batch[i])), "\n") }
	for name, c := range map[string]struct {
		answer, message string
		bad             []int
	}{
		"3.x":                      {`{"error":"partial write of line protocol occurred","data":[{"original_line":"x","line_number":2,"error_message":"no"},{"line_number":9,"error_message":"no"}]}`, "", []int{1, 8}},
		"3.x, a line too far":      {`{"data":[{"line_number":2},{"line_number":10}]}`, "", nil},
		"3.x, line zero":           {`{"data":[{"line_number":0}]}`, "", nil},
		"3.x, cut off":             {`{"data":[{"line_number":2},{"line_nu`, "", nil},
		"no JSON":                  {`<html>`, "", nil},
		"conflict":                 {``, `partial write: field type conflict: input field "soil_moisture" on measurement "soil" is type float, already exists as type string dropped=3`, []int{0, 3, 6}},
		"conflict in some shards":  {``, `partial write: field type conflict: input field "soil_moisture" on measurement "soil" is type float, already exists as type string dropped=2`, nil},
		"conflict elsewhere":       {``, `partial write: field type conflict: input field "soil_moisture" on measurement "bin" is type float, already exists as type string dropped=1`, nil},
		"beyond retention":         {``, `partial write: points beyond retention policy dropped=2`, []int{0, 1}},
		"beyond, two at one time":  {``, `partial write: points beyond retention policy dropped=7`, nil},
		"beyond, all":              {``, `partial write: points beyond retention policy dropped=9`, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		"more than there are":      {``, `partial write: points beyond retention policy dropped=10`, nil},
		"a count that is none":     {``, `partial write: points beyond retention policy dropped=99999999999999999999`, nil},
		"other reason":             {``, `partial write: max-values-per-tag limit exceeded dropped=1`, nil},
		"too far in the future":    {``, `partial write: dropped 1 points outside retention policy: violates a Write Window Upper Bound dropped=1`, nil},
		"unreadable":               {``, "unable to parse '" + line(2) + "': bad timestamp\nunable to parse '" + line(5) + "': invalid number", []int{2, 5}},
		"unreadable, another line": {``, `unable to parse 'soil,dev_eui=1 x=1 1': no`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWriter(t, testConfig(t), newMemory(nil), zerolog.Nop())
			got := w.named([]byte(c.answer), c.message, batch)
			if places := slices.Sorted(maps.Keys(got)); !slices.Equal(places, c.bad) {
				t.Errorf("named %v, want %v", places, c.bad)
			}
			for i, reason := range got {
				if !strings.HasPrefix(reason, "400 Bad Request: ") {
					t.Errorf("reason of %d: %q", i, reason)
				}
			}
		})
	}
}

// InfluxDB 3 lists the lines: one write finds any number of bad ones.
func TestListedLines(t *testing.T) {
	run(t, testConfig(t), 0, func(t *testing.T, r *rig) {
		all := makeReadings(1, 6000)
		bad := []int64{1, 2, 777, 1500, 4999, 5000, 5001, 6000}
		for _, id := range bad {
			all[id-1].Asset = "BAD"
		}
		r.server.set(func(w http.ResponseWriter, _ *http.Request, lines []string) bool {
			var data []string
			for i, line := range lines {
				if strings.Contains(line, "asset=BAD") {
					data = append(data, fmt.Sprintf(`{"original_line":%q,"line_number":%d,"error_message":"column of another type"}`, line, i+1))
				}
			}
			if data == nil {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":"partial write of line protocol occurred","data":[%s]}`, strings.Join(data, ","))
			return true
		})
		r.source.add(all...)
		settled(idle + linger + time.Second)
		r.wantStored(t, 6000-len(bad))
		refusals := r.source.refusals()
		if found := slices.Sorted(maps.Keys(refusals)); !slices.Equal(found, bad) || !strings.Contains(refusals[777], "column of another type") {
			t.Errorf("refused %v, want %v", refusals, bad)
		}
		if requests, _ := r.server.asked(); requests != 4 {
			t.Errorf("%d requests, want two for each of two batches", requests)
		}
		if s := r.State(); s.Error != "" || s.Refused != int64(len(bad)) || s.Behind != 0 || r.source.cursor() != 6000 {
			t.Errorf("state %+v, cursor %d", s, r.source.cursor())
		}
	})
}
