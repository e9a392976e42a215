package board

import (
	"net/url"
	"strings"

	"meldefunk/city"
)

// filter is what the overview was asked for, as it stands in the address.
type filter struct {
	kind     city.Kind // KindUnknown: all
	district string
	tour     string
	state    string // key, "": all
	sort     string // key of orders
	page     int
}

// order is a way to sort the overview.
type order struct{ Key, Word string }

// orders lists them, the default first.
func orders() []order {
	return []order{
		{"", "nach Dringlichkeit"},
		{"nummer", "nach Nummer"},
		{"name", "nach Name"},
		{"wert", "nach Wert, höchster zuerst"},
		{"alter", "nach Alter, ältester zuerst"},
	}
}

// parseFilter reads an address. District and tour are names of the inventory and may
// change any day, so an unknown one is an empty list; for the rest the choices are fixed
// and anything else is a mistake to be told.
func parseFilter(q url.Values) (filter, error) {
	f := filter{district: q.Get("bezirk"), tour: q.Get("tour"), state: q.Get("zustand"), sort: q.Get("sortierung")}
	var err error
	if f.page, err = pageNumber(q); err != nil {
		return f, err
	}
	if s := q.Get("art"); s != "" {
		var keys []string
		for _, k := range city.Kinds() {
			_, key := kindWord(k)
			keys = append(keys, key)
			if s == key {
				f.kind = k
			}
		}
		if f.kind == city.KindUnknown {
			return f, badRequest("Die Art „%.40s“ gibt es nicht. Möglich: %s.", s, strings.Join(keys, ", "))
		}
	}
	if f.state != "" {
		if _, ok := stateNamed(f.state); !ok {
			var keys []string
			for _, s := range states() {
				keys = append(keys, s.Key)
			}
			return f, badRequest("Den Zustand „%.40s“ gibt es nicht. Möglich: %s.", f.state, strings.Join(keys, ", "))
		}
	}
	var keys []string
	for _, o := range orders() {
		if f.sort == o.Key {
			return f, nil
		}
		if o.Key != "" {
			keys = append(keys, o.Key)
		}
	}
	return f, badRequest("Die Sortierung „%.40s“ gibt es nicht. Möglich: %s.", f.sort, strings.Join(keys, ", "))
}

// address is the link to this view.
func (f filter) address() string {
	q := url.Values{}
	if f.kind != city.KindUnknown {
		_, key := kindWord(f.kind)
		q.Set("art", key)
	}
	q.Set("bezirk", f.district)
	q.Set("tour", f.tour)
	q.Set("zustand", f.state)
	q.Set("sortierung", f.sort)
	return address("/", q, f.page)
}

// withState and withPage are the links to neighboring views.
func (f filter) withState(key string) string { f.state, f.page = key, 1; return f.address() }
func (f filter) withPage(page int) string    { f.page = page; return f.address() }

// place tells whether an asset is in the chosen kind, district and tour.
func (f filter) place(a *city.Asset) bool {
	return (f.kind == city.KindUnknown || a.Kind == f.kind) &&
		(f.district == "" || a.District == f.district) &&
		(f.tour == "" || a.Tour == f.tour)
}
