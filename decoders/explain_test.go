package decoders

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city"

	"pgregory.net/rapid"
)

// errorf is what checks need of a test; rapid's is none of testing's.
type errorf interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkExplained: the spans cover the payload, and say what Decode says, neither more nor less.
func checkExplained(t errorf, table *Table, model string, port uint8, payload []byte) {
	t.Helper()
	var r city.Reading
	u := &city.Uplink{FPort: port, Payload: payload}
	want := table.Decode(&city.Device{Model: model}, nil, u, &r)
	spans, err := table.Explain(&city.Device{Model: model}, u)
	if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
		t.Errorf("%s: Explain says %v, Decode %v", model, err, want)
	}
	checkCover(t, payload, spans)
	if err == nil {
		checkMeanings(t, &r, spans)
	}
}

// checkCover: each bit of the payload is in one span, and the spans are in order.
func checkCover(t errorf, payload []byte, spans []Span) {
	t.Helper()
	owners := make([]int, 8*len(payload)) // by bit, the payload's first is 0
	last := -1
	for _, s := range spans {
		if s.From < 0 || s.To <= s.From || s.To > len(payload) || s.Name == "" {
			t.Errorf("span %+v of %d bytes", s, len(payload))
			return
		}
		first := -1
		for _, bit := range bitsOf(t, &s) {
			owners[bit]++
			if first < 0 || bit < first {
				first = bit
			}
		}
		if first <= last {
			t.Errorf("span %+v is out of order", s)
		}
		if first/8 != s.From {
			t.Errorf("span %+v does not begin with its first bit", s)
		}
		last = first
	}
	for bit, n := range owners {
		if n != 1 {
			t.Errorf("payload %x: byte %d bit %d is in %d spans: %+v", payload, bit/8, 7-bit%8, n, spans)
			return
		}
	}
}

// bitsOf lists the bits of a span, counted from the payload's first.
func bitsOf(t errorf, s *Span) (all []int) {
	t.Helper()
	if s.Bits == "" {
		for bit := 8 * s.From; bit < 8*s.To; bit++ {
			all = append(all, bit)
		}
		return all
	}
	for _, text := range strings.Split(s.Bits, ", ") {
		left, right, isRange := strings.Cut(text, "..")
		if !isRange {
			right = left
		}
		high, err1 := strconv.Atoi(left)
		low, err2 := strconv.Atoi(right)
		if err1 != nil || err2 != nil || low > high || low < 0 || high >= 8*(s.To-s.From) {
			t.Errorf("bits %q of %d bytes", s.Bits, s.To-s.From)
			return all
		}
		for bit := high; bit >= low; bit-- {
			all = append(all, 8*s.To-1-bit)
		}
	}
	return all
}

// checkMeanings compares what spans say with a reading that was made without an asset.
func checkMeanings(t errorf, r *city.Reading, spans []Span) {
	t.Helper()
	var present, earlier, wanted []city.Value
	for _, s := range spans {
		name, ofMemory := strings.CutPrefix(s.Name, "past ")
		q, err := city.ParseQuantity(name)
		if err != nil || strings.HasPrefix(s.Meaning, "fault ") || s.Meaning == "not measured" || strings.HasSuffix(s.Meaning, ", replaced by a later one") {
			continue
		}
		v := city.Value{Quantity: q, Number: numberIn(t, q, s.Meaning)}
		if ofMemory {
			earlier = append(earlier, v)
		} else {
			present = append(present, v)
		}
	}
	values := r.Values
	if _, computed := r.Value(city.WatermarkFrequency); computed {
		values = slices.DeleteFunc(slices.Clone(values), func(v city.Value) bool { return v.Quantity == city.SoilTension })
	}
	sameValues(t, "present", present, values)
	for _, record := range r.History {
		wanted = append(wanted, record.Values...)
		when := record.Time.Format(time.RFC3339)
		if !slices.ContainsFunc(spans, func(s Span) bool { return strings.HasSuffix(s.Meaning, when) }) {
			t.Errorf("the record of %s has no span", when)
		}
	}
	sameValues(t, "past", earlier, wanted)
	checkFaults(t, r, spans)
}

func numberIn(t errorf, q city.Quantity, meaning string) float64 {
	t.Helper()
	if q.Boolean() {
		return city.Bool(meaning == "yes")
	}
	meaning, _, _ = strings.Cut(meaning, ", ") // when it was measured
	digits, hasUnit := strings.CutSuffix(meaning, " "+q.Unit())
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || hasUnit != (q.Unit() != "") {
		t.Errorf("%s is said to be %q", q, meaning)
	}
	return n
}

// sameValues compares in any order.
func sameValues(t errorf, which string, got, want []city.Value) {
	t.Helper()
	order := func(a, b city.Value) int {
		if a.Quantity != b.Quantity {
			return int(a.Quantity) - int(b.Quantity)
		}
		switch {
		case a.Number < b.Number:
			return -1
		case a.Number > b.Number:
			return 1
		}
		return 0
	}
	got, want = slices.SortedFunc(slices.Values(got), order), slices.SortedFunc(slices.Values(want), order)
	if !slices.Equal(got, want) {
		t.Errorf("%s values are explained as %v, and decoded as %v", which, got, want)
	}
}

// checkFaults: each fault of the frame is explained, and no other.
func checkFaults(t errorf, r *city.Reading, spans []Span) {
	t.Helper()
	wanted := slices.Clone(r.Faults)
	for _, record := range r.History {
		wanted = append(wanted, record.Faults...)
	}
	wanted = slices.DeleteFunc(wanted, func(f city.Fault) bool { return f == city.FaultUncalibrated || f == city.FaultOutOfScale })
	for _, f := range wanted {
		if !slices.ContainsFunc(spans, func(s Span) bool { return slices.Contains(faultsIn(s.Meaning), f) }) {
			t.Errorf("fault %s is not explained", f)
		}
	}
	for _, s := range spans {
		for _, f := range faultsIn(s.Meaning) {
			if !slices.Contains(wanted, f) {
				t.Errorf("fault %s is explained and not decoded: %+v, faults %v", f, s, wanted)
			}
		}
	}
}

func faultsIn(meaning string) (faults []city.Fault) {
	for _, text := range strings.Split(meaning, ", ") {
		if name, ok := strings.CutPrefix(text, "fault "); ok {
			name, _, _ = strings.Cut(name, ":")
			faults = append(faults, city.Fault(name))
		}
	}
	return faults
}

// All examples, those that are rejected too.
func TestExplainVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	table := New()
	for _, file := range files {
		for _, v := range loadVectors(t, file) {
			t.Run(v.Model+"/"+v.Name, func(t *testing.T) {
				checkExplained(t, table, v.Model, v.Port, unhex(t, v.Hex))
			})
		}
	}
}

func TestExplainSharedCorpus(t *testing.T) {
	text, err := os.ReadFile(corpusFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the shared collection of example payloads is not here: " + corpusFile)
	}
	var corpus []example
	if err != nil || json.Unmarshal(text, &corpus) != nil || len(corpus) == 0 {
		t.Fatal(err)
	}
	table := New()
	for _, e := range corpus {
		t.Run(e.ID, func(t *testing.T) {
			checkExplained(t, table, corpusModels[e.Model], e.FPort, unhex(t, e.Hex))
		})
	}
}

// What a device can measure is explained as it is decoded.
func TestExplainEncoded(t *testing.T) {
	table := New()
	for _, m := range catalogue() {
		t.Run(m.name, func(t *testing.T) {
			for _, p := range m.ports {
				whole, any := parts(t, p.layout)
				if len(whole)+len(any) == 0 {
					continue
				}
				rapid.Check(t, func(t *rapid.T) {
					_, values := measured(t, whole, any)
					port, payload, err := table.Encode(m.name, values)
					if err != nil {
						t.Fatal(err)
					}
					checkExplained(t, table, m.name, port, payload)
				})
			}
		})
	}
}

// Frames of every model, with a few bytes changed, longer and shorter: whatever stands there is
// explained.
func TestExplainAnyBytes(t *testing.T) {
	table := New()
	var seeds []vector
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		seeds = append(seeds, loadVectors(t, file)...)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(seeds).Draw(t, "example")
		payload, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		payload = append(payload, rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "more")...)
		payload = payload[:rapid.IntRange(0, len(payload)).Draw(t, "length")]
		for range rapid.IntRange(0, min(3, len(payload))).Draw(t, "changes") {
			payload[rapid.IntRange(0, len(payload)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		checkExplained(t, table, v.Model, v.Port, payload)
	})
}
