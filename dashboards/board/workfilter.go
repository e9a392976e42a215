package board

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// workFilter is what the worklist was asked for, as it stands in the address.
type workFilter struct {
	kind     city.Kind
	district string
	tour     string
	until    string // key of ends
	end      time.Time
	search   string
	cutout   box // of the map; zero: all of it
	page     int
}

// longestSearch bounds what people look for, in bytes.
const longestSearch = 100

// ends are how far ahead the worklist can look: to the end of so many days from today on.
func ends() []struct {
	key, word string
	days      int
} {
	return []struct {
		key, word string
		days      int
	}{{"heute", "bis heute Abend", 1}, {"morgen", "bis morgen Abend", 2}, {"3-tage", "in den nächsten 3 Tagen", 3}, {"woche", "in den nächsten 7 Tagen", 7}}
}

func endChoices(chosen string) []choice {
	all := []choice{{"", "jederzeit", chosen == ""}}
	for _, e := range ends() {
		all = append(all, choice{e.key, e.word, e.key == chosen})
	}
	return all
}

// parseWorkFilter reads an address; now says what today is, in the zone of the people here.
func parseWorkFilter(q url.Values, now time.Time) (workFilter, error) {
	f := workFilter{until: q.Get("bis"), search: strings.TrimSpace(q.Get("suche"))}
	rest, err := parseFilter(url.Values{"art": q["art"], "bezirk": q["bezirk"], "tour": q["tour"], "seite": q["seite"]})
	if err != nil {
		return f, err
	}
	f.kind, f.district, f.tour, f.page = rest.kind, rest.district, rest.tour, rest.page
	if len(f.search) > longestSearch {
		return f, badRequest("Die Suche ist zu lang: höchstens %d Zeichen.", longestSearch)
	}
	if f.until != "" {
		var keys []string
		for _, e := range ends() {
			keys = append(keys, e.key)
			if e.key == f.until {
				y, m, d := now.Date()
				f.end = time.Date(y, m, d+e.days, 0, 0, 0, 0, now.Location())
			}
		}
		if f.end.IsZero() {
			return f, badRequest("Die Frist „%.40s“ gibt es nicht. Möglich: %s.", f.until, strings.Join(keys, ", "))
		}
	}
	if s := q.Get("ausschnitt"); s != "" {
		if f.cutout, err = parseBox(s); err != nil {
			return f, badRequest("Der Kartenausschnitt „%.80s“ ist keiner: %v.", s, err)
		}
	}
	return f, nil
}

// fits tells whether an asset is in the cutout and found by the search.
func (f workFilter) fits(a *city.Asset) bool {
	if f.cutout != (box{}) && (a.Position == nil || !f.cutout.holds(*a.Position)) {
		return false
	}
	if f.search == "" {
		return true
	}
	for _, s := range []string{a.ID, a.Name, a.Address} {
		if strings.Contains(strings.ToLower(s), strings.ToLower(f.search)) {
			return true
		}
	}
	return false
}

// address is the link to this view.
func (f workFilter) address() string {
	q := url.Values{"bezirk": {f.district}, "tour": {f.tour}, "bis": {f.until}, "suche": {f.search}, "ausschnitt": {f.cutout.String()}}
	if f.kind != city.KindUnknown {
		_, key := kindWord(f.kind)
		q.Set("art", key)
	}
	return address("/arbeit", q, f.page)
}

func (f workFilter) withPage(page int) string { f.page = page; return f.address() }

// box is a part of the earth, in degrees of WGS 84.
type box struct{ south, west, north, east float64 }

// String is what parseBox reads; "" of the zero box.
func (b box) String() string {
	if b == (box{}) {
		return ""
	}
	return fmt.Sprintf("%.5f,%.5f,%.5f,%.5f", b.south, b.west, b.north, b.east)
}

func (b box) holds(p city.Position) bool {
	return p.Lat >= b.south && p.Lat <= b.north && p.Lon >= b.west && p.Lon <= b.east
}

// grow makes the box hold a position.
func (b box) grow(p city.Position) box {
	if b == (box{}) {
		return box{p.Lat, p.Lon, p.Lat, p.Lon}
	}
	return box{min(b.south, p.Lat), min(b.west, p.Lon), max(b.north, p.Lat), max(b.east, p.Lon)}
}

func parseBox(s string) (box, error) {
	parts := strings.Split(s, ",")
	if len(parts) != 4 {
		return box{}, fmt.Errorf("nötig sind vier Zahlen: Süd, West, Nord, Ost")
	}
	var v [4]float64
	for i, p := range parts {
		n, err := strconv.ParseFloat(p, 64)
		if err != nil || !(n >= -180 && n <= 180) {
			return box{}, fmt.Errorf("%.20q ist kein Grad", p)
		}
		v[i] = n
	}
	b := box{v[0], v[1], v[2], v[3]}
	if !(b.south < b.north && b.west < b.east && b.south >= -90 && b.north <= 90) {
		return box{}, fmt.Errorf("Süden muss unter Norden liegen und Westen vor Osten")
	}
	return b, nil
}
