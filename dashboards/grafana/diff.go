package grafana

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// longestDiff is how many differences are told; the rest is counted.
const longestDiff = 200

// differences tells where what Grafana has is not what is wanted, by path, in order. What
// Grafana has beside it is not counted: it adds fields of its own to what it keeps. Lists
// must agree whole.
func differences(has, want map[string]any) []string {
	d := &differ{}
	d.compare("", has, want)
	if n := len(d.found); n > longestDiff {
		d.found = append(d.found[:longestDiff], fmt.Sprintf("and %d more", n-longestDiff))
	}
	return d.found
}

type differ struct{ found []string }

func (d *differ) compare(path string, has, want any) {
	switch want := want.(type) {
	case map[string]any:
		there, ok := has.(map[string]any)
		if !ok {
			d.tell(path, has, want)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			at := key
			if path != "" {
				at = path + "." + key
			}
			if _, found := there[key]; !found && want[key] != nil {
				d.found = append(d.found, fmt.Sprintf("%s: not there → %s", at, shown(want[key])))
				continue
			}
			d.compare(at, there[key], want[key])
		}
	case []any:
		there, ok := has.([]any)
		if !ok {
			d.tell(path, has, want)
			return
		}
		for i := range min(len(there), len(want)) {
			d.compare(fmt.Sprintf("%s[%d]", path, i), there[i], want[i])
		}
		if len(there) != len(want) {
			d.found = append(d.found, fmt.Sprintf("%s: %d entries → %d", path, len(there), len(want)))
		}
	default:
		if has != want { // both came from JSON: a string, a number, yes or no, nothing
			d.tell(path, has, want)
		}
	}
}

func (d *differ) tell(path string, has, want any) {
	d.found = append(d.found, fmt.Sprintf("%s: %s → %s", path, shown(has), shown(want)))
}

// shown is a value as JSON, not too long.
func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return short(string(text))
}
