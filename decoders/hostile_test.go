package decoders

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"meldefunk/city"

	"pgregory.net/rapid"
)

// Whatever bytes come on a port of a model, real frames with errors in them above all: a
// rejection that says why, or values that are possible, each once, with a fault for all that
// is not. That holds for the records of the memory too.
func TestAnyBytes(t *testing.T) {
	table := New()
	examples := examplesByPort(t)
	for _, m := range catalogue() {
		for _, p := range m.ports {
			t.Run(fmt.Sprintf("%s/%d", m.name, p.number), func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					payload := disturbed(rt, examples[placeOf(m.name, p.number)])
					r, err := decode(table, m.name, p.number, payload, nil)
					if err != nil {
						checkRejection(t, &m, p.number, err, &r)
					} else {
						checkReading(t, &r, payload)
						checkState(t, &r)
					}
					if t.Failed() {
						rt.Fatalf("payload %x", payload)
					}
				})
			})
		}
	}
}

func placeOf(model string, port uint8) string { return fmt.Sprintf("%s/%d", model, port) }

// examplesByPort are the payloads in testdata.
func examplesByPort(t *testing.T) map[string][][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	examples := make(map[string][][]byte)
	for _, file := range files {
		for _, v := range loadVectors(t, file) {
			place := placeOf(v.Model, v.Port)
			examples[place] = append(examples[place], unhex(t, v.Hex))
		}
	}
	return examples
}

// disturbed is any bytes, or an example with bytes changed, cut off or added.
func disturbed(t *rapid.T, examples [][]byte) []byte {
	anything := rapid.SliceOfN(rapid.Byte(), 0, 242)
	if len(examples) == 0 || rapid.IntRange(0, 9).Draw(t, "from nothing") == 0 {
		return anything.Draw(t, "payload")
	}
	payload := slices.Clone(rapid.SampledFrom(examples).Draw(t, "example"))
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		if len(payload) > 0 {
			at := rapid.IntRange(0, len(payload)-1).Draw(t, "at")
			payload[at] = rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xfd, 0xff})).Draw(t, "byte")
		}
	}
	switch rapid.IntRange(0, 3).Draw(t, "length") {
	case 0:
		payload = payload[:rapid.IntRange(0, len(payload)).Draw(t, "cut")]
	case 1:
		payload = append(payload, rapid.SliceOfN(rapid.Byte(), 1, 12).Draw(t, "more")...)
	}
	return payload
}

// checkState: a reading is ok only where nothing is wrong with it, and there is one record of
// a time.
func checkState(t *testing.T, r *city.Reading) {
	t.Helper()
	if r.State() == "ok" && len(r.Faults)+len(r.Tail) > 0 {
		t.Errorf("ok with faults %v and tail %x", r.Faults, r.Tail)
	}
	for i, past := range r.History {
		for _, earlier := range r.History[:i] {
			if earlier.Time.Equal(past.Time) {
				t.Errorf("two records of %v", past.Time)
			}
		}
	}
}
