package tickets

import (
	"fmt"
	"slices"
	"strings"

	"meldefunk/city"
	"meldefunk/city/typo"
)

// blanks are the placeholders that words of a route may hold, in braces. What is not known
// of a case, or not for the public, leaves nothing.
var blanks = []string{"title", "advice", "service", "asset", "name", "address", "place", "tour", "district", "value", "limit", "since", "unit"}

// checkTemplate finds placeholders that do not exist.
func checkTemplate(text string) error {
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			return nil
		}
		name, tail, closed := strings.Cut(after, "}")
		switch {
		case !closed:
			return fmt.Errorf("%.40q: a placeholder is not closed: want something like {place}", text)
		case !slices.Contains(blanks, name):
			hint := typo.Meant(name, blanks)
			if hint == "" {
				hint = ": want one of " + strings.Join(blanks, ", ")
			}
			return fmt.Errorf("there is no placeholder {%.40s}%s", name, hint)
		}
		rest = tail
	}
}

// fill puts what is known of a case in the place of the placeholders. What it puts in is not
// looked at again.
func (w words) fill(text string, c *city.Case, a *city.Asset) string {
	if !strings.Contains(text, "{") {
		return oneLine(text)
	}
	s, _ := FindService(c.Service)
	known := map[string]string{
		"title": matter(c), "advice": c.Advice, "service": first(s.Name, c.Service), "asset": first(c.Asset, c.Group),
		"place": where(c, a), "since": w.moment(c, c.Since), "unit": w.route.Unit,
	}
	if c.Group != "" {
		known["name"] = groupPlace(c.Group)
	}
	if a != nil {
		known["name"], known["address"], known["tour"], known["district"] = a.Name, a.Address, a.Tour, a.District
	}
	if q := told(c); q != city.QuantityUnknown {
		known["value"] = measured(q, c.Value)
		if !q.Boolean() {
			known["value"], known["limit"] = number(c.Value, termOf(q).decimals, q.Unit()), number(c.Limit, 2, q.Unit())
		}
	}
	pairs := make([]string, 0, 2*len(blanks))
	for _, name := range blanks {
		pairs = append(pairs, "{"+name+"}", known[name])
	}
	return oneLine(strings.NewReplacer(pairs...).Replace(text))
}
