package javascript

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// Example is a payload and what a codec must give for it.
type Example struct {
	File string
	Name string

	codec   *Codec
	port    uint8
	payload []byte
	at      time.Time

	output  *wantedOutput  // what the script gives
	reading *wantedReading // what the mapping makes of it
	broken  error          // why it cannot be tried
}

// wantedOutput is an example of the Device Repository or ChirpStack. All are JSON.
type wantedOutput struct {
	data       any
	errors     any // nil: none
	warnings   any // nil: none
	normalized any // nil: not told
}

// wantedReading is one of ours.
type wantedReading struct {
	Values    map[string]float64
	Faults    []city.Fault
	Rejection string // part of the message
}

// LoadExamples reads the examples of a file or of all files below a folder: codec files of the
// LoRaWAN Device Repository (*.yaml with uplinkDecoder), ChirpStack's test_decode_*.json,
// and vectors of ours (*.json, see docs/howto). Mapping files are checked on the way. What cannot be
// tried, because its script is missing, is an example too, and fails. The error is about
// path itself, or files that are none of these forms when they are named.
func LoadExamples(path string) ([]Example, error) {
	l := exampleLoader{scripts: map[string]*Codec{}, models: map[string]map[string]Model{}}
	err := walk(path, func(file string) error { return l.file(file, file == path) })
	if err != nil {
		return nil, err
	}
	return l.examples, nil
}

// Try runs an example. The error says how its outcome differs from what is wanted.
func (s *Sandbox) Try(ctx context.Context, x Example) error {
	switch {
	case x.broken != nil:
		return x.broken
	case x.reading != nil:
		return s.tryReading(ctx, x)
	}
	return s.tryOutput(ctx, x)
}

func (s *Sandbox) tryOutput(ctx context.Context, x Example) error {
	out, err := s.Output(ctx, x.codec, x.port, x.payload, x.at)
	if err != nil {
		return err
	}
	want := x.output
	if err := same("errors", want.errors, list(out.Errors)); err != nil {
		return err
	}
	if len(out.Errors) > 0 {
		return nil // what else was given does not count
	}
	// A failing hint is no warning of the codec's.
	warnings := slices.DeleteFunc(out.Warnings, func(w string) bool { return strings.HasPrefix(w, hintPrefix) })
	if err := same("warnings", want.warnings, list(warnings)); err != nil {
		return err
	}
	if err := same("data", want.data, out.Data); err != nil {
		return err
	}
	if want.normalized == nil {
		return nil
	}
	return same("normalized", want.normalized, measurements(out.Normalized))
}

// measurements makes a list of one measurement that stands alone, as The Things Stack does.
func measurements(v any) any {
	if m, ok := v.(map[string]any); ok {
		return []any{m}
	}
	return v
}

func (s *Sandbox) tryReading(ctx context.Context, x Example) error {
	want := x.reading
	r, err := s.Decode(ctx, x.codec, x.port, x.payload, x.at)
	if err != nil {
		if want.Rejection != "" && strings.Contains(err.Error(), want.Rejection) {
			return nil
		}
		return err
	}
	if want.Rejection != "" {
		return fmt.Errorf("decoded: want a rejection that says %q", want.Rejection)
	}
	got := map[string]any{}
	for _, v := range r.Values {
		got[v.Quantity.String()] = v.Number
	}
	wanted := map[string]any{}
	for name, v := range want.Values {
		wanted[name] = v
	}
	if err := same("values", wanted, got); err != nil {
		return err
	}
	if !slices.Equal(slices.Sorted(slices.Values(want.Faults)), slices.Sorted(slices.Values(r.Faults))) {
		return fmt.Errorf("faults: got %v, want %v", r.Faults, want.Faults)
	}
	return nil
}

// list makes JSON of texts; none are nil.
func list(texts []string) any {
	if len(texts) == 0 {
		return nil
	}
	var l []any
	for _, t := range texts {
		l = append(l, t)
	}
	return l
}

// same compares JSON: numbers to one part in a million, null and an empty list as if they
// were not there. The error names the first place where they differ.
func same(at string, want, got any) error {
	if nothing(want) && nothing(got) {
		return nil
	}
	switch want := want.(type) {
	case float64:
		if n, ok := got.(float64); ok && near(want, n) {
			return nil
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		names := maps.Clone(want)
		maps.Copy(names, g)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if err := same(at+"."+name, want[name], g[name]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			break
		}
		for i := range want {
			if err := same(fmt.Sprintf("%s.%d", at, i), want[i], g[i]); err != nil {
				return err
			}
		}
		return nil
	default:
		if want == got {
			return nil
		}
	}
	return errors.New(clip(fmt.Sprintf("%s: got %s, want %s", at, short(got), short(want)), maxText))
}

func nothing(v any) bool {
	l, isList := v.([]any)
	return v == nil || isList && len(l) == 0
}

func near(a, b float64) bool {
	const tolerance = 1e-6
	return a == b || max(a, b)-min(a, b) <= tolerance*max(a, b, -a, -b)
}

func short(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("%.60q", v)
	}
	return fmt.Sprintf("%.100s", fmt.Sprint(v))
}
