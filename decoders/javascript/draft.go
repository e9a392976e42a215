package javascript

import (
	"fmt"
	"strconv"
	"strings"

	"meldefunk/city"
)

// draft writes a mapping file for a person to check.
func draft(model, script string, d repositoryDevice, codec string, examples int, found []finding) []byte {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# %s: from the LoRaWAN Device Repository, codec %s.", d.title, codec)
	p("# Made from the names, units and %d examples of the codec. Check it against the maker's", examples)
	p("# manual, then set reviewed to true: nothing is decoded with it before.")
	if len(d.sensors) > 0 {
		p("# It measures, in the maker's words: %s.", strings.Join(d.sensors, ", "))
	}
	p("model: %s", model)
	p("reviewed: false")
	if kind := kindBy(found); kind != city.KindUnknown {
		p("kind: %s", kind)
	} else {
		p("kind: # which? one of %s", kindList())
	}
	p("codec: %s", strconv.Quote(script))
	var raw []finding
	mapped := 0
	for _, f := range found {
		if f.field.Quantity == city.QuantityUnknown || mapped == maxFields {
			raw = append(raw, f)
			continue
		}
		if mapped++; mapped == 1 {
			p("values:")
		}
		p("  # %s; seen: %s", f.note, strings.Join(f.seen, ", "))
		p("  - field: %s", strconv.Quote(f.field.Path))
		p("    quantity: %s", f.field.Quantity)
		if f.field.Unit != "" {
			p("    unit: %s", strconv.Quote(f.field.Unit))
		}
	}
	if mapped == 0 {
		p("values: []")
	}
	if len(raw) > 0 {
		p("# Not mapped, kept raw:")
	}
	for _, f := range raw {
		note := ""
		if f.note != "" {
			note = " " + f.note + ";"
		}
		p("#   %s:%s seen: %s", clip(f.field.Path, 200), clip(note, 200), strings.Join(f.seen, ", "))
	}
	return []byte(b.String())
}

func kindList() string {
	var list []string
	for _, k := range city.Kinds() {
		list = append(list, k.String())
	}
	return strings.Join(list, ", ")
}
