package decoders

import (
	"slices"
	"strings"

	"meldefunk/city"
)

// variant is a model as it was up to a firmware.
type variant struct {
	last  city.Firmware
	model *model
}

// variantMark stands in a model's name before the last firmware it is true for.
const variantMark = "-fw"

// addVariants puts the models that are named after a firmware behind those they are variants
// of, the oldest first.
func (t *Table) addVariants() {
	for name, m := range t.models {
		base, version, _ := strings.Cut(name, variantMark)
		last, err := city.ParseFirmware(version)
		if newest := t.models[base]; err == nil && newest != nil {
			newest.older = append(newest.older, variant{last, m})
		}
	}
	for _, m := range t.models {
		slices.SortFunc(m.older, func(a, b variant) int { return a.last.Compare(b.last) })
	}
}

// of gives the model as it is with a firmware: the oldest variant that is still true for it.
// A firmware that is not told is taken for the newest.
func (m *model) of(f city.Firmware) *model {
	if f.IsZero() {
		return m
	}
	for i := range m.older {
		if f.Within(m.older[i].last) {
			return m.older[i].model
		}
	}
	return m
}
