package board

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
)

// historyRows is how many readings an asset's page lists.
const historyRows = 50

// assetPage is the content of one asset's page.
type assetPage struct {
	ID, Kind, Address, District, Tour string
	Position                          string
	State                             state
	Heard                             moment
	Values                            []fact
	Faults                            []string
	Cases                             []caseRow
	Standings                         []standingRow
	Devices                           []deviceRow
	Chart                             *chart // nil: too little to draw
	Sheets                            []link
	History                           []historyRow
	Rows                              int // as many as History can have
}

// fact is a thing and what it is.
type fact struct{ Word, Value string }

// deviceRow is a sensor and how well it is heard.
type deviceRow struct {
	EUI, Model, Server string
	Heard              moment
	Facts              []fact
	News               []newsRow
}

// historyRow is one reading.
type historyRow struct {
	At     moment
	Values []fact
	Faults []string
	Notes  []string
	Radio  string
}

func (b *Board) asset(r *http.Request) (content, error) {
	id := r.PathValue("id")
	assets := b.opt.Inventory.Assets()
	i := slices.IndexFunc(assets, func(a *city.Asset) bool { return a.ID == id })
	if i < 0 {
		return content{}, &problem{http.StatusNotFound, "Anlage nicht gefunden", "Eine Anlage mit dieser Nummer steht nicht im Bestand."}
	}
	a := assets[i]
	history, err := b.opt.Store.History(r.Context(), id, chartReadings)
	if err != nil {
		return content{}, err
	}
	outlooks, err := b.opt.Rules.Outlooks(r.Context())
	if err != nil {
		return content{}, err
	}
	cases, err := b.opt.Store.Tickets(r.Context(), city.TicketFilter{Asset: id, Limit: recentCases})
	if err != nil {
		return content{}, err
	}
	open, err := b.openCases(r.Context())
	if err != nil {
		return content{}, err
	}
	now := b.opt.Now()
	kind, _ := kindWord(a.Kind)
	p := assetPage{ID: a.ID, Kind: kind, Address: a.Address, District: a.District, Tour: a.Tour, Rows: historyRows}
	if a.Position != nil {
		p.Position = coordinates(a.Position.Lat, a.Position.Lon)
	}

	current := newest(history, func(r *city.Reading) bool { return !r.Simulated })
	p.State, _ = stateNamed(stateKey(a.Kind, current, now, b.opt.Config.StaleAfter.of(a.Kind)))
	if current != nil {
		p.Heard = momentOf(current.Time.At, now, b.opt.Location)
		p.Values, p.Faults = b.facts(a.Kind, current.Values), faultWords(current.Faults)
	}
	for i := range open {
		if concerns(&open[i].Case, id) {
			p.Cases = append(p.Cases, b.caseRow(&open[i], nil, now))
		}
	}
	if p.Standings, err = b.standingRows(r.Context(), a, open, now); err != nil {
		return content{}, err
	}
	for _, d := range b.opt.Inventory.Devices(id) {
		last := newest(history, func(r *city.Reading) bool { return r.DevEUI == d.DevEUI && !r.Simulated })
		news, err := b.opt.Store.DeviceNews(r.Context(), d.DevEUI, newsRows)
		if err != nil {
			return content{}, err
		}
		row := b.deviceRow(d, last, now)
		row.Facts = append(row.Facts, b.newsFacts(&news, now)...)
		row.News = b.newsRows(news.Events, now)
		p.Devices = append(p.Devices, row)
	}
	p.Chart = b.chartOf(a, history, cases, outlooks[id], now)
	p.Sheets = sheetLinks(assetLink(id))
	for i := range history[:min(historyRows, len(history))] {
		h := &history[i]
		p.History = append(p.History, historyRow{
			At: momentOf(h.Time.At, now, b.opt.Location), Values: b.facts(h.Kind, h.Values), Faults: faultWords(h.Faults),
			Notes: notes(h), Radio: radio(h.Radio),
		})
	}
	return content{title: nameOf(a), self: assetLink(id), body: p, sheet: func() sheet { return b.historySheet(history) }}, nil
}

// historySheet is what was measured at an asset: a line for each value.
func (b *Board) historySheet(history []city.Reading) sheet {
	s := sheet{name: "messungen", head: []column{{"Nummer", "asset"}, {"Gemessen", "measured"}, {"Gerät", "dev_eui"}, {"Größe", "quantity"}, {"Wert", "value"}, {"Einheit", "unit"}, {"Hinweise", "notes"}}}
	for i := range history {
		r := &history[i]
		remarks := text(strings.Join(append(faultWords(r.Faults), notes(r)...), ", "))
		if len(r.Values) == 0 {
			s.rows = append(s.rows, []cell{text(r.Asset), b.instant(r.Time.At), text(r.DevEUI.String()), text(""), text(""), text(""), remarks})
		}
		for _, v := range r.Values {
			s.rows = append(s.rows, []cell{text(r.Asset), b.instant(r.Time.At), text(r.DevEUI.String()), worded(quantityWord(r.Kind, v.Quantity), v.Quantity.String()), measured(v.Quantity, v.Number), text(v.Quantity.Unit()), remarks})
		}
	}
	return s
}

// newest finds the first reading of a history, newest first, that is wanted.
func newest(history []city.Reading, wanted func(*city.Reading) bool) *city.Reading {
	for i := range history {
		if wanted(&history[i]) {
			return &history[i]
		}
	}
	return nil
}

func (b *Board) deviceRow(d *city.Device, last *city.Reading, now time.Time) deviceRow {
	row := deviceRow{EUI: d.DevEUI.String(), Model: d.Model, Server: d.Server}
	if last == nil {
		return row
	}
	row.Heard = momentOf(last.Time.At, now, b.opt.Location)
	for _, q := range []city.Quantity{city.BatteryLevel, city.BatteryVoltage} {
		if v, ok := last.Value(q); ok {
			row.Facts = append(row.Facts, fact{q.German(), amount(q, v)})
		}
	}
	row.Facts = append(row.Facts,
		fact{"Funk", radio(last.Radio)},
		fact{"Zeitangabe", sourceWord(last.Time.Source)},
		fact{"Zähler", count(int64(last.FCnt)) + ", Sitzung " + count(int64(last.Epoch))})
	return row
}

// facts puts values of an asset of a kind into words, in their order. Latitude and longitude
// are one fact: the position.
func (b *Board) facts(k city.Kind, values []city.Value) []fact {
	var all []fact
	for _, v := range values {
		switch v.Quantity {
		case city.Latitude:
			if lon, ok := numberOf(values, city.Longitude); ok {
				all = append(all, fact{"Position", coordinates(v.Number, lon)})
				continue
			}
		case city.Longitude:
			if _, ok := numberOf(values, city.Latitude); ok {
				continue
			}
		case city.OccupiedSince:
			occupied, _ := numberOf(values, city.Occupied)
			all = append(all, fact{city.Occupied.GermanYesNo(occupied != 0) + " seit", clock(time.Unix(int64(v.Number), 0), b.opt.Location)})
			continue
		}
		all = append(all, fact{quantityWord(k, v.Quantity), amount(v.Quantity, v.Number)})
	}
	return all
}

func numberOf(values []city.Value, q city.Quantity) (float64, bool) {
	i := slices.IndexFunc(values, func(v city.Value) bool { return v.Quantity == q })
	if i < 0 {
		return 0, false
	}
	return values[i].Number, true
}

// radio says how well a frame was heard; nothing where nobody told.
func radio(r city.Radio) string {
	if r.Gateways == 0 && r.RSSI == 0 && r.SpreadingFactor == 0 {
		return "keine Angabe"
	}
	s := "RSSI" + nbsp + number(float64(r.RSSI), 0) + nbsp + "dBm, SNR" + nbsp + number(float64(r.SNR), 1) + nbsp + "dB"
	if r.SpreadingFactor > 0 {
		s += ", SF" + strconv.Itoa(int(r.SpreadingFactor))
	}
	if r.Gateways > 0 {
		s += ", " + counted(int(r.Gateways), "Gateway", "Gateways")
	}
	return s
}

// notes says what is special about a reading.
func notes(r *city.Reading) []string {
	var all []string
	if r.Late {
		all = append(all, "verspätet")
	}
	if r.Simulated {
		all = append(all, "von Hand gesendet, nicht bewertet")
	}
	if r.Conflict {
		all = append(all, "gleicher Zähler wie eine andere Meldung, anderer Inhalt")
	}
	return all
}
