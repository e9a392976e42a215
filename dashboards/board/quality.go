package board

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

const (
	qualityShown = 100 // of each list; the table for other programs has them all

	// What is told as weak. How weak is too weak is a matter of rules; these are for looking.
	lowBattery  = 20   // %
	farSNR      = -15  // dB: near what SF12 still takes
	farRSSI     = -118 // dBm
	missedAfter = 24 * time.Hour
)

// qualityBody is what cannot be trusted, and what did not come off.
type qualityBody struct {
	Districts []choice
	Tours     []choice
	Chosen    bool
	Lists     []qualityList
	Sheets    []link
}

// qualityList is one thing that can be the matter.
type qualityList struct {
	Anchor, Title, Help, Empty string
	Count                      string
	Rows                       []qualityRow
	Cut                        string
}

// qualityRow is one asset that it is the matter with.
type qualityRow struct {
	Name, Link, ID string
	Place          string
	What           string
	At             moment
	Case           link
}

// matter is a kind of list.
type matter struct{ anchor, title, help, empty string }

func matters() []matter {
	return []matter{
		{"verpasst", "Verpasste Leerungen und Bewässerungen", "Seit mehr als 24 Stunden offen, oder als erledigt abgehakt, ohne dass der Sensor es sieht.", "Nichts ist liegen geblieben."},
		{"still", "Stumm", "Seit längerem nicht gehört; wie lange das sein darf, steht in den Einstellungen (board.stale_after).", "Alle Sensoren sind zu hören."},
		{"stoerung", "Störungen und unplausible Werte", "Was der Sensor in seiner letzten Messung über sich selbst meldet, und was verworfen wurde.", "Kein Sensor meldet eine Störung."},
		{"regel", "Meldungen der Regeln zu Sensoren", "Etwa hängende Werte, Sprünge, Stille, Batterie.", "Keine Regel bemängelt einen Sensor."},
		{"batterie", "Batterie schwach", "Ladung höchstens 20\u00a0%, oder das Gerät nennt sie schwach.", "Keine Batterie ist schwach."},
		{"funk", "Am Rand der Reichweite", "Letzte Messung mit Spreizfaktor 12, oder unter −15\u00a0dB Störabstand oder −118\u00a0dBm.", "Alle werden gut gehört."},
	}
}

// finding is one row before it is cut and shown.
type finding struct {
	asset *city.Asset
	what  string
	at    time.Time
	open  *city.CaseTicket
}

func (b *Board) quality(r *http.Request) (content, error) {
	q := r.URL.Query()
	f := filter{district: q.Get("bezirk"), tour: q.Get("tour")}
	found, err := b.findings(r.Context(), f)
	if err != nil {
		return content{}, err
	}
	now, assets := b.opt.Now(), b.opt.Inventory.Assets()
	self := address("/qualitaet", url.Values{"bezirk": {f.district}, "tour": {f.tour}}, 1)
	body := qualityBody{
		Districts: nameChoices(assets, f.district, "alle Bezirke", func(a *city.Asset) string { return a.District }),
		Tours:     nameChoices(assets, f.tour, "alle Touren", func(a *city.Asset) string { return a.Tour }),
		Chosen:    f.district != "" || f.tour != "", Sheets: sheetLinks(self),
	}
	for i, m := range matters() {
		l := qualityList{Anchor: m.anchor, Title: m.title, Help: m.help, Empty: m.empty, Count: count(len(found[i]))}
		if len(found[i]) > qualityShown {
			l.Cut = "Gezeigt werden die ersten " + count(qualityShown) + "; alle stehen in der Tabelle für Excel."
		}
		for j := range found[i][:min(qualityShown, len(found[i]))] {
			l.Rows = append(l.Rows, b.qualityRow(&found[i][j], now))
		}
		body.Lists = append(body.Lists, l)
	}
	return content{title: "Datenqualität", nav: "/qualitaet", self: self, body: body, sheet: func() sheet { return b.qualitySheet(found) }}, nil
}

// findings gives what is the matter, in the order of matters, each the oldest first.
func (b *Board) findings(ctx context.Context, f filter) ([][]finding, error) {
	latest, err := b.opt.Store.Latest(ctx)
	if err != nil {
		return nil, err
	}
	open, err := b.openCases(ctx)
	if err != nil {
		return nil, err
	}
	now, all := b.opt.Now(), make([][]finding, len(matters()))
	byID := map[string]*city.Asset{}
	for _, s := range b.standings(b.opt.Inventory.Assets(), latest, f, now) {
		byID[s.asset.ID] = s.asset
		add := func(list int, what string) { all[list] = append(all[list], finding{s.asset, what, s.at(), nil}) }
		switch {
		case s.reading == nil:
			add(1, "noch nie gehört")
			continue
		case s.state.Key == "veraltet" || s.state.Key == "unbekannt" && now.Sub(s.at()) > b.opt.Config.StaleAfter.of(s.asset.Kind):
			add(1, "nicht mehr gehört")
		}
		if len(s.reading.Faults) > 0 {
			add(2, strings.Join(faultWords(s.reading.Faults), ", "))
		}
		if level, told := s.reading.Value(city.BatteryLevel); told && level <= lowBattery {
			add(4, amount(city.BatteryLevel, level))
		} else if low, _ := s.reading.Value(city.BatteryLow); low != 0 {
			add(4, "vom Gerät gemeldet")
		}
		if r := s.reading.Radio; r.SpreadingFactor == 12 || r.RSSI != 0 && (r.SNR < farSNR || r.RSSI < farRSSI) {
			add(5, radio(r))
		}
	}
	var ids []string
	for i := range open {
		if a := byID[open[i].Case.Asset]; a != nil && routine(a.Kind) && !ofSensor(&open[i].Case) {
			ids = append(ids, a.ID)
		}
	}
	done, err := b.lastDone(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range open {
		c := &open[i]
		a := byID[c.Case.Asset]
		switch {
		case a == nil:
		case ofSensor(&c.Case):
			all[3] = append(all[3], finding{a, c.Case.Title, c.Case.Since, c})
		case routine(a.Kind):
			if v := done[a.ID]; v != nil && v.At.After(c.Case.Since) {
				all[0] = append(all[0], finding{a, "abgehakt von " + printable(v.By) + " am " + clock(v.At, b.opt.Location) + ", der Sensor sieht es nicht", c.Case.Since, c})
			} else if now.Sub(c.Case.Opened) > missedAfter {
				all[0] = append(all[0], finding{a, c.Case.Title, c.Case.Since, c})
			}
		}
	}
	for _, list := range all {
		slices.SortStableFunc(list, func(x, y finding) int { return cmp.Or(x.at.Compare(y.at), strings.Compare(x.asset.ID, y.asset.ID)) })
	}
	return all, nil
}

// lastDone gives by asset what people did there last.
func (b *Board) lastDone(ctx context.Context, assets []string) (map[string]*city.Visit, error) {
	if b.opt.Tours == nil || len(assets) == 0 {
		return nil, nil
	}
	all, err := b.opt.Tours.LastDone(ctx, assets)
	last := make(map[string]*city.Visit, len(all))
	for i := range all {
		last[all[i].Asset] = &all[i]
	}
	return last, err
}

func (b *Board) qualityRow(f *finding, now time.Time) qualityRow {
	row := qualityRow{Name: nameOf(f.asset), Link: assetLink(f.asset.ID), ID: f.asset.ID, What: f.what, At: momentOf(f.at, now, b.opt.Location),
		Place: strings.Join(slices.DeleteFunc([]string{f.asset.District, f.asset.Tour}, func(s string) bool { return s == "" }), " · ")}
	if f.open != nil {
		row.Case = link{f.open.Case.Ref, caseLink(f.open.Case.Ref)}
	}
	return row
}

func (b *Board) qualitySheet(found [][]finding) sheet {
	s := sheet{name: "datenqualitaet", head: []column{{"Liste", "list"}, {"Nummer", "asset"}, {"Name", "name"}, {"Art", "kind"}, {"Bezirk", "district"},
		{"Tour", "tour"}, {"Was", "what"}, {"Seit, gemessen", "since"}, {"Vorgang", "case"}}}
	for i, m := range matters() {
		for j := range found[i] {
			f := &found[i][j]
			ref := ""
			if f.open != nil {
				ref = f.open.Case.Ref
			}
			s.rows = append(s.rows, []cell{worded(m.title, m.anchor), text(f.asset.ID), text(nameOf(f.asset)), worded(f.asset.Kind.German(), f.asset.Kind.String()),
				text(f.asset.District), text(f.asset.Tour), text(f.what), b.instant(f.at), text(ref)})
		}
	}
	return s
}
