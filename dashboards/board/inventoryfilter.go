package board

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"meldefunk/city"
)

// fleetFilter is what the inventory was asked for, as it stands in the address.
type fleetFilter struct {
	state, model, tour, district, group, search string // "": all
	kind                                        city.Kind
	sort                                        string // key of fleetOrders
	page                                        int
}

// fleetOrders lists how the inventory can be sorted, the default first.
func fleetOrders() []order {
	return []order{{"", "nach Anlage"}, {"zustand", "nach Zustand, Stilles zuerst"}, {"gehoert", "nach letztem Signal, ältestes zuerst"}, {"modell", "nach Modell"}, {"deveui", "nach DevEUI"}}
}

// parseFleetFilter reads an address, as parseFilter does.
func parseFleetFilter(q url.Values) (fleetFilter, error) {
	f := fleetFilter{state: q.Get("zustand"), model: q.Get("modell"), tour: q.Get("tour"), district: q.Get("bezirk"), group: q.Get("gruppe"),
		search: strings.TrimSpace(q.Get("suche")), sort: q.Get("sortierung")}
	var err error
	if f.page, err = pageNumber(q); err != nil {
		return f, err
	}
	if utf8.RuneCountInString(f.search) > longestName {
		return f, badRequest("Gesucht wird nach höchstens %d Zeichen.", longestName)
	}
	if f.kind, err = kindNamed(q.Get("art")); err != nil {
		return f, err
	}
	if f.state != "" {
		if _, ok := deviceStateNamed(f.state); !ok {
			var keys []string
			for _, s := range deviceStates() {
				keys = append(keys, s.Key)
			}
			return f, badRequest("Den Zustand „%.40s“ gibt es nicht. Möglich: %s.", f.state, strings.Join(keys, ", "))
		}
	}
	var keys []string
	for _, o := range fleetOrders() {
		if f.sort == o.Key {
			return f, nil
		}
		if o.Key != "" {
			keys = append(keys, o.Key)
		}
	}
	return f, badRequest("Die Sortierung „%.40s“ gibt es nicht. Möglich: %s.", f.sort, strings.Join(keys, ", "))
}

// kindNamed finds a kind by its key; "" is any.
func kindNamed(key string) (city.Kind, error) {
	if key == "" {
		return city.KindUnknown, nil
	}
	var keys []string
	for _, k := range city.Kinds() {
		_, is := kindWord(k)
		if is == key {
			return k, nil
		}
		keys = append(keys, is)
	}
	return city.KindUnknown, badRequest("Die Art „%.40s“ gibt es nicht. Möglich: %s.", key, strings.Join(keys, ", "))
}

// address is the link to this view.
func (f fleetFilter) address() string {
	q := url.Values{"zustand": {f.state}, "modell": {f.model}, "tour": {f.tour}, "bezirk": {f.district}, "gruppe": {f.group}, "suche": {f.search}, "sortierung": {f.sort}}
	if f.kind != city.KindUnknown {
		_, key := kindWord(f.kind)
		q.Set("art", key)
	}
	return address("/inventar", q, f.page)
}

// withState, withSort and withPage are the links to neighboring views.
func (f fleetFilter) withState(key string) string { f.state, f.page = key, 1; return f.address() }
func (f fleetFilter) withSort(key string) string  { f.sort, f.page = key, 1; return f.address() }
func (f fleetFilter) withPage(page int) string    { f.page = page; return f.address() }

// narrow tells whether something was chosen.
func (f fleetFilter) narrow() bool {
	return f.state+f.model+f.tour+f.district+f.group+f.search != "" || f.kind != city.KindUnknown
}
