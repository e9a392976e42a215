package influx

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city"
)

// A partial write: InfluxDB has taken a batch but for some lines. How it says which differs:
//
//   - 3.x lists them by number (InfluxDB 3 Core documentation, "Use the v3 write_lp API");
//   - 1.x and 2.x give the first reason and how many were dropped for it (PartialWriteError
//     in tsdb/shard.go); where that many lines and no more fit the reason, they are the ones;
//   - 1.x and 2.x quote lines that they cannot read.
//
// Where none of this is certain nothing is named, and the batch is halved.

// listedLine is a line that 3.x has not taken.
type listedLine struct {
	Line   int    `json:"line_number"` // from 1
	Reason string `json:"error_message"`
}

// listed reads the answer of 3.x; nil: it is something else.
func listed(answer []byte) []listedLine {
	var a struct {
		Data []listedLine `json:"data"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return nil
	}
	return a.Data
}

var (
	droppedCount  = regexp.MustCompile(`dropped=(\d+)$`)
	fieldConflict = regexp.MustCompile(`field type conflict: input field "([^"]+)" on measurement "([^"]+)" is type`)
	unreadable    = regexp.MustCompile(`unable to parse '([^\n]*)': ([^\n]*)`)
)

// named gives the readings of a batch that an answer says were not taken, by their place,
// with the reason. Every other one has to be sent once more: that is harmless, and shows
// whether the answer was understood.
func (w *Writer) named(answer []byte, message string, batch []city.Reading) map[int]string {
	bad := map[int]string{}
	for _, line := range listed(answer) {
		if line.Line < 1 || line.Line > len(batch) {
			return nil
		}
		bad[line.Line-1] = w.tidy("400 Bad Request: " + line.Reason)
	}
	if len(bad) > 0 {
		return bad
	}
	for _, match := range unreadable.FindAllStringSubmatch(message, -1) {
		i := w.quoted(match[1], batch)
		if i < 0 {
			return nil
		}
		bad[i] = w.tidy("400 Bad Request: unable to parse: " + match[2])
	}
	if len(bad) > 0 {
		return bad
	}
	count := droppedCount.FindStringSubmatch(message)
	if count == nil {
		return nil
	}
	n, err := strconv.Atoi(count[1])
	if err != nil || n < 1 || n > len(batch) {
		return nil
	}
	var suspects []int
	switch conflict := fieldConflict.FindStringSubmatch(message); {
	case conflict != nil:
		suspects = carriers(batch, conflict[2], conflict[1])
	case strings.Contains(message, "retention policy") && !strings.Contains(message, "Upper Bound"):
		suspects = oldest(batch, n)
	}
	if len(suspects) != n {
		return nil
	}
	for _, i := range suspects {
		bad[i] = w.tidy("400 Bad Request: " + message)
	}
	return bad
}

// quoted finds the reading whose line an answer repeats, -1 if there is none.
func (w *Writer) quoted(line string, batch []city.Reading) int {
	for i := range batch {
		w.line = appendLine(w.line[:0], &batch[i])
		if string(bytes.TrimSuffix(w.line, []byte("\n"))) == line {
			return i
		}
	}
	return -1
}

// carriers are the readings of a measurement that have a field.
func carriers(batch []city.Reading, measurement, field string) (all []int) {
	for i := range batch {
		r := &batch[i]
		has := func(v city.Value) bool { return v.Quantity.String() == field }
		if r.Kind.String() == measurement && slices.ContainsFunc(r.Values, has) {
			all = append(all, i)
		}
	}
	return all
}

// oldest are the n readings before a point in time; none if no point in time separates n.
func oldest(batch []city.Reading, n int) []int {
	order := make([]int, len(batch))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(batch[a].Time.At.UnixNano(), batch[b].Time.At.UnixNano())
	})
	if n < len(order) && batch[order[n-1]].Time.At.Equal(batch[order[n]].Time.At) {
		return nil
	}
	return order[:n]
}
