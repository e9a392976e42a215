package board

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// overviewPage is how many assets one page shows.
const overviewPage = 200

// overview is the content of the first page.
type overview struct {
	Kinds, Districts, Tours, States, Orders []choice
	Summary                                 string
	Counts                                  []stateCount
	Filtered                                bool
	Rows                                    []assetRow
	Pager                                   pager
}

// choice is one option of a select.
type choice struct {
	Value, Word string
	Chosen      bool
}

// stateCount links a state with how many assets are in it.
type stateCount struct {
	State  state
	Count  string
	Link   string
	Chosen bool
}

// assetRow is one line of the table.
type assetRow struct {
	ID, Name, Link       string
	Kind, District, Tour string
	State                state
	Value                string // where the kind says what it is of
	Facts                []fact // else, with their words
	Bar                  *bar
	Faults               []string
	Heard                moment
	Cases                string // "1 Meldung", "" for none
}

// bar draws a percentage beside its number.
type bar struct{ Width float64 }

// standing is an asset with what is known of it, before it is put into words.
type standing struct {
	place   int // in the inventory
	asset   *city.Asset
	reading *city.Reading // nil: nothing heard yet
	state   *state
	main    city.Quantity // what matters most of what was measured
	value   float64       // of it; below every real one where there is none
}

func (b *Board) overview(r *http.Request) (content, error) {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		return content{}, err
	}
	latest, err := b.opt.Store.Latest(r.Context())
	if err != nil {
		return content{}, err
	}
	open, err := b.openCases(r.Context())
	if err != nil {
		return content{}, err
	}
	now, assets := b.opt.Now(), b.opt.Inventory.Assets()

	casesOf := map[string]int{}
	for i := range open {
		casesOf[open[i].Case.Asset]++
	}
	all := b.standings(assets, latest, f, now)
	counts, cases := map[string]int{}, 0
	var chosen []standing
	for _, s := range all {
		counts[s.state.Key]++
		cases += casesOf[s.asset.ID]
		if f.state == "" || s.state.Key == f.state {
			chosen = append(chosen, s)
		}
	}
	arrange(chosen, f.sort)

	o := overview{
		Kinds:     kindChoices(f.kind),
		Districts: nameChoices(assets, f.district, "alle Bezirke", func(a *city.Asset) string { return a.District }),
		Tours:     nameChoices(assets, f.tour, "alle Touren", func(a *city.Asset) string { return a.Tour }),
		Summary:   counted(len(all), "Anlage", "Anlagen") + ", dazu " + counted(cases, "offene Meldung", "offene Meldungen") + ".",
		Filtered:  f.kind != city.KindUnknown || f.district != "" || f.tour != "" || f.state != "",
		Pager:     paged(f.page, overviewPage, len(chosen), f.withPage),
	}
	o.States = []choice{{"", "alle Zustände", f.state == ""}}
	o.Counts = []stateCount{{state{Word: "alle"}, count(len(all)), f.withState(""), f.state == ""}}
	for _, s := range states() {
		n, here := counts[s.Key], s.Key == f.state
		o.States = append(o.States, choice{s.Key, s.Word, here})
		if n > 0 || here {
			o.Counts = append(o.Counts, stateCount{s, count(n), f.withState(s.Key), here})
		}
	}
	for _, x := range orders() {
		o.Orders = append(o.Orders, choice{x.Key, x.Word, x.Key == f.sort})
	}

	for _, s := range chosen[o.Pager.from:o.Pager.to] {
		o.Rows = append(o.Rows, b.assetRow(s, casesOf[s.asset.ID], now))
	}
	f.page = o.Pager.Page
	return content{title: "Übersicht", nav: "/", self: f.address(), body: o}, nil
}

// standings joins the assets of a place with their latest readings.
func (b *Board) standings(assets []*city.Asset, latest []city.Reading, f filter, now time.Time) []standing {
	byAsset := make(map[string]*city.Reading, len(latest))
	for i := range latest {
		byAsset[latest[i].Asset] = &latest[i]
	}
	named := map[string]*state{}
	for _, s := range states() {
		named[s.Key] = &s
	}
	all := make([]standing, 0, len(assets))
	for i, a := range assets {
		if !f.place(a) {
			continue
		}
		s := standing{place: i, asset: a, reading: byAsset[a.ID], value: math.Inf(-1)}
		s.state = named[stateKey(a.Kind, s.reading, now, b.opt.Config.StaleAfter.of(a.Kind))]
		if s.reading != nil {
			if values := seen(a.Kind, s.reading); len(values) > 0 {
				s.main, s.value = values[0].Quantity, values[0].Number
			}
		}
		all = append(all, s)
	}
	return all
}

// arrange sorts; assets that are equal keep the order of the inventory.
func arrange(all []standing, sort string) {
	slices.SortFunc(all, func(x, y standing) int {
		first := 0
		switch sort {
		case "name":
			first = strings.Compare(x.asset.Name, y.asset.Name)
		case "wert":
			first = cmp.Compare(y.value, x.value)
		case "alter":
			first = x.at().Compare(y.at())
		case "":
			// Millimetres of water and degrees do not compare.
			first = cmp.Or(cmp.Compare(x.state.rank, y.state.rank), cmp.Compare(x.main, y.main), cmp.Compare(y.value, x.value))
		}
		return cmp.Or(first, cmp.Compare(x.place, y.place))
	})
}

// at is the event time, before every real one where nothing was heard.
func (s standing) at() time.Time {
	if s.reading == nil {
		return time.Time{}
	}
	return s.reading.Time.At
}

func (b *Board) assetRow(s standing, cases int, now time.Time) assetRow {
	kind, _ := kindWord(s.asset.Kind)
	row := assetRow{
		ID: s.asset.ID, Name: nameOf(s.asset), Link: assetLink(s.asset.ID),
		Kind: kind, District: s.asset.District, Tour: s.asset.Tour,
		State: *s.state,
	}
	if cases > 0 {
		row.Cases = counted(cases, "Meldung", "Meldungen")
	}
	if s.reading == nil {
		return row
	}
	row.Heard = momentOf(s.reading.Time.At, now, b.opt.Location)
	row.Faults = faultWords(s.reading.Faults)
	switch s.main {
	case city.QuantityUnknown:
		if v, ok := s.reading.Value(city.Distance); ok {
			row.Value = amount(city.Distance, v) + " Abstand"
		}
	case city.FillLevel, city.SoilMoisture, city.Occupied, city.DoorOpen:
		row.Value = amount(s.main, s.value)
		if sudden(s.asset.Kind) && s.state.Key == "unbekannt" {
			row.Value = "zuletzt " + row.Value
		}
		if s.main.Unit() == "%" {
			row.Bar = &bar{min(100, max(0, s.value))}
		}
	default:
		row.Facts = b.facts(s.asset.Kind, seen(s.asset.Kind, s.reading))
		row.Facts = row.Facts[:min(rowFacts, len(row.Facts))]
	}
	return row
}

// rowFacts is how many values a row shows; the asset's page has them all.
const rowFacts = 2

// nameOf falls back to the number: a row without a name could not be clicked.
func nameOf(a *city.Asset) string { return cmp.Or(a.Name, a.ID) }

func assetLink(id string) string { return "/anlage/" + url.PathEscape(id) }

func kindChoices(chosen city.Kind) []choice {
	all := []choice{{"", "alle Arten", chosen == city.KindUnknown}}
	for _, k := range city.Kinds() {
		word, key := kindWord(k)
		all = append(all, choice{key, word, k == chosen})
	}
	return all
}

// nameChoices lists the names that occur, and the chosen one even if it does not, so
// that the form says what the address says.
func nameChoices(assets []*city.Asset, chosen, everything string, name func(*city.Asset) string) []choice {
	seen := map[string]bool{chosen: true}
	for _, a := range assets {
		seen[name(a)] = true
	}
	delete(seen, "")
	all := []choice{{"", everything, chosen == ""}}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		all = append(all, choice{n, n, n == chosen})
	}
	return all
}
