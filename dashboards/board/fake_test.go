package board_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
	_ "time/tzdata" // test machines may have no zone files

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/dashboards/board"
)

// now is the present of every test: a Saturday afternoon in Osnabrück.
var now = time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC)

// store is a Store in memory, kept as the interface promises it: newest first.
type store struct {
	readings []city.Reading
	cases    []city.CaseTicket
	asides   []city.SetAside
	news     map[city.EUI]city.DeviceNews
	log      map[string][]city.TicketEntry // by ref, oldest first
	mutes    []city.Mute                   // in the order they began
	wishes   int64
	visits   []city.Visit // in the order they were made
	err      error
}

func (s *store) Latest(context.Context) ([]city.Reading, error) {
	newest := map[string]city.Reading{}
	for _, r := range s.readings {
		if old, ok := newest[r.Asset]; !r.Simulated && (!ok || r.Time.At.After(old.Time.At)) {
			newest[r.Asset] = r
		}
	}
	var all []city.Reading
	for _, r := range newest {
		all = append(all, r)
	}
	return all, s.err
}

func (s *store) History(_ context.Context, asset string, limit int) ([]city.Reading, error) {
	var all []city.Reading
	for _, r := range s.readings {
		if r.Asset == asset {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(x, y city.Reading) int { return y.Time.At.Compare(x.Time.At) })
	return all[:min(limit, len(all))], s.err
}

func (s *store) Cases(_ context.Context, openOnly bool, limit int) ([]city.CaseTicket, error) {
	var all []city.CaseTicket
	for _, c := range s.cases {
		if !openOnly || c.Case.Wanted() {
			all = append(all, c)
		}
	}
	return all[:min(limit, len(all))], s.err
}

func (s *store) Case(_ context.Context, ref string) (city.CaseTicket, bool, error) {
	i := slices.IndexFunc(s.cases, func(c city.CaseTicket) bool { return c.Case.Ref == ref })
	if i < 0 || s.err != nil {
		return city.CaseTicket{}, false, s.err
	}
	return s.cases[i], true, nil
}

func (s *store) Tickets(_ context.Context, f city.TicketFilter) ([]city.CaseTicket, error) {
	var all []city.CaseTicket
	for _, c := range s.cases {
		state := cmp.Or(c.Ticket.State, city.TicketQueued)
		if (len(f.States) == 0 || slices.Contains(f.States, state)) && (f.Rule == "" || f.Rule == c.Case.Rule) && (f.Asset == "" || f.Asset == c.Case.Asset) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(x, y city.CaseTicket) int { return y.Case.Opened.Compare(x.Case.Opened) })
	if f.Limit > 0 {
		all = all[:min(f.Limit, len(all))]
	}
	return all, s.err
}

func (s *store) TicketLog(_ context.Context, ref string) ([]city.TicketEntry, error) {
	return s.log[ref], s.err
}

func (s *store) AllMutes(_ context.Context, limit int) ([]city.Mute, error) {
	all := slices.Clone(s.mutes)
	slices.Reverse(all)
	return all[:min(limit, len(all))], s.err
}

// Wish is as strict as the real store: it takes wishes only for cases that are there.
func (s *store) Wish(_ context.Context, w city.Wish) (int64, error) {
	i := slices.IndexFunc(s.cases, func(c city.CaseTicket) bool { return c.Case.Ref == w.Ref })
	if s.err != nil || i < 0 || w.By == "" || w.At.IsZero() {
		return 0, cmp.Or(s.err, fmt.Errorf("no such case, or nobody wants it: %+v", w))
	}
	s.wishes++
	w.ID = s.wishes
	s.cases[i].Wishes = append(s.cases[i].Wishes, w)
	return w.ID, nil
}

func (s *store) Mute(_ context.Context, m city.Mute) (int64, error) {
	if s.err != nil || m.By == "" || m.Reason == "" || m.Since.IsZero() || m.Service+m.Asset+m.Tour+m.District == "" {
		return 0, cmp.Or(s.err, fmt.Errorf("no whole mute: %+v", m))
	}
	m.ID = int64(len(s.mutes) + 1)
	s.mutes = append(s.mutes, m)
	return m.ID, nil
}

func (s *store) Unmute(_ context.Context, id int64, by string, at time.Time) error {
	if s.err != nil || id < 1 || id > int64(len(s.mutes)) || !s.mutes[id-1].Lifted.IsZero() || by == "" {
		return cmp.Or(s.err, fmt.Errorf("mute %d cannot be lifted", id))
	}
	s.mutes[id-1].Lifted, s.mutes[id-1].LiftedBy = at, by
	return nil
}

func (s *store) Visits(_ context.Context, tour string, since time.Time, limit int) ([]city.Visit, error) {
	var all []city.Visit
	for _, v := range slices.Backward(s.visits) {
		if v.Tour == tour && !v.At.Before(since) {
			all = append(all, v)
		}
	}
	return all[:min(limit, len(all))], s.err
}

func (s *store) LastDone(_ context.Context, assets []string) ([]city.Visit, error) {
	var all []city.Visit
	for _, a := range assets {
		for _, v := range slices.Backward(s.visits) {
			if v.Asset == a && v.Outcome == city.VisitDone && v.Withdrawn.IsZero() {
				all = append(all, v)
				break
			}
		}
	}
	return all, s.err
}

func (s *store) PutVisits(_ context.Context, all []city.Visit) error {
	for _, v := range all {
		if s.err != nil || v.By == "" || v.Asset == "" || v.At.IsZero() || v.Outcome == "" {
			return cmp.Or(s.err, fmt.Errorf("no whole visit: %+v", v))
		}
		v.ID = int64(len(s.visits) + 1)
		s.visits = append(s.visits, v)
	}
	return nil
}

func (s *store) WithdrawVisit(_ context.Context, id int64, by string, at time.Time) (bool, error) {
	if s.err != nil || id < 1 || id > int64(len(s.visits)) {
		return false, s.err
	}
	s.visits[id-1].Withdrawn, s.visits[id-1].WithdrawnBy = at, by
	return true, nil
}

func (s *store) Asides(_ context.Context, limit, offset int) ([]city.SetAside, int64, error) {
	if offset > len(s.asides) {
		return nil, int64(len(s.asides)), s.err
	}
	return s.asides[offset:min(len(s.asides), offset+limit)], int64(len(s.asides)), s.err
}

func (s *store) DeviceNews(_ context.Context, devEUI city.EUI, limit int) (city.DeviceNews, error) {
	n := s.news[devEUI]
	n.Events = n.Events[:min(limit, len(n.Events))]
	return n, s.err
}

func (s *store) AsideCounts(context.Context, city.AsideFilter) ([]city.AsideCount, error) {
	var all []city.AsideCount
	for _, reason := range city.Reasons() {
		c := city.AsideCount{Reason: reason}
		for i := range s.asides {
			if s.asides[i].Reason == reason {
				c.Messages++
				c.Arrivals += s.asides[i].Count
			}
		}
		if c.Messages > 0 {
			all = append(all, c)
		}
	}
	return all, s.err
}

// rulebook is Rules and Decisions in memory.
type rulebook struct {
	texts     []city.RuleText
	standings map[string][]city.Standing
	pending   map[string]int
	decisions map[string][]city.Decision // by case, oldest first
	outlooks  map[string][]city.Outlook  // by asset
	err       error
}

func (b *rulebook) Texts() []city.RuleText { return b.texts }

// Explain tells what a page needs to show: that it was asked about the right decision, and
// how many readings it would have told in sentences.
func (b *rulebook) Explain(d *city.Decision) []string {
	all := []string{fmt.Sprintf("Die Regel %s hat entschieden: %s → %s.", d.Rule, d.From, d.To)}
	for range d.Readings {
		all = append(all, "Noch eine Messung.")
	}
	if d.Muted != "" {
		all = append(all, "Es wurde kein Fall eröffnet: "+d.Muted+".")
	}
	return all
}

func (b *rulebook) Standings(_ context.Context, asset string) ([]city.Standing, error) {
	return b.standings[asset], b.err
}

func (b *rulebook) Pending(context.Context) (map[string]int, error) { return b.pending, b.err }

func (b *rulebook) Outlooks(context.Context) (map[string][]city.Outlook, error) {
	return b.outlooks, b.err
}

func (b *rulebook) Decisions(_ context.Context, ref string, limit int) ([]city.Decision, error) {
	all := slices.Clone(b.decisions[ref])
	slices.Reverse(all)
	return all[:min(limit, len(all))], b.err
}

// dutyBook has rules of every form a page shows, and the decisions on a case of osnabrueck.
func dutyBook() *rulebook {
	evidence := func(age time.Duration, fcnt uint32, level float64, truth city.Truth) city.Evidence {
		return city.Evidence{Time: now.Add(-age), DevEUI: eui(1), FCnt: fcnt, Values: map[string]float64{"fill_level": level}, Truth: truth.String()}
	}
	blind := evidence(30*time.Minute, 1203, 0, city.Unknown)
	blind.Values, blind.Faults = nil, []city.Fault{city.FaultNoEcho}
	return &rulebook{
		texts: []city.RuleText{
			{ID: "bin-full", Version: "0123456789abcdef", Title: "Papierkorb voll", Advice: "Bitte leeren.", Service: "OS-ABF-01", Kinds: []city.Kind{city.Bin},
				Levels:      []city.LevelText{{Severity: 1, Opens: "Füllstand mindestens 90 %", Closes: "Füllstand höchstens 30 %"}},
				Facts:       []city.RuleFact{{Word: "Bremse", Text: "höchstens 20 Fälle in einer Stunde"}},
				InhibitedBy: []string{"gateway-down", "long-gone"},
				Overrides:   []city.OverrideText{{Target: "Anlage PK-0042", Text: "öffnet bei 75 %"}, {Target: "Tour Altglas", Text: "öffnet bei 85 %"}},
				Maintenance: []city.MaintenanceText{
					{Targets: []string{"Straße Domhof", "Straße Markt"}, Reason: "Maiwoche", From: now.Add(-time.Hour), Until: now.Add(time.Hour)},
					{Targets: []string{"Tour 1"}, Reason: "vorbei", Until: now},
					{Targets: []string{"Straße Ledenhof"}, Reason: "Wochenmarkt", When: "Sa, 06:00 bis 15:00 Uhr", Until: now.Add(240 * time.Hour)}}},
			{ID: "soil-dry", Version: "1", Title: "Baum braucht Wasser", Service: "OS-GRN-01", Kinds: []city.Kind{city.Soil}, GroupBy: "Tour",
				Levels: []city.LevelText{{Severity: 1, Opens: "nFK höchstens 30 %", Closes: "nFK mindestens 50 %"}, {Severity: 2, Opens: "nFK höchstens 15 %", Closes: "nFK mindestens 30 %"}}},
			{ID: "bin-soon", Version: "2", Title: "Bald <b>voll</b>", Service: "OS-ABF-01", Kinds: []city.Kind{city.Bin}, Shadow: true,
				Levels: []city.LevelText{{Severity: 1, Opens: "bald", Closes: "nicht mehr bald"}}},
			{ID: "sensor-silent", Version: "3", Title: "Sensor ohne Signal", Service: "OS-SEN-01", InhibitedBy: []string{"gateway-down"},
				Levels: []city.LevelText{{Severity: 1, Opens: "still", Closes: "gehört"}}},
			{ID: "gateway-down", Version: "4", Title: "Gateway ausgefallen", Service: "OS-GWY-01", Over: "Gateway", Member: "still seit 3 Sendeabständen",
				Levels: []city.LevelText{{Severity: 1, Opens: "Anteil mindestens 30 %", Closes: "sobald das nicht mehr gilt"}}},
		},
		standings: map[string][]city.Standing{
			"PK-1": {
				{Rule: "bin-full", Phase: city.PhaseClearing, Since: now.Add(-10 * time.Minute), Count: 1, Severity: 2, Flapping: true},
				{Rule: "sensor-silent", Phase: city.PhaseOpen, Since: now.Add(-3 * time.Hour), Severity: 1, Muted: "unterdrückt durch gateway-down"},
				{Rule: "gateway-down", Phase: city.PhaseOpen, Since: now.Add(-3 * time.Hour), Severity: 1},
				{Rule: "removed", Phase: city.PhaseOpen, Since: now.Add(-9 * time.Hour)},
			},
			"B/7 ö": {{Rule: "soil-dry", Phase: city.PhasePending, Since: now.Add(-20 * time.Hour), Count: 1200}},
		},
		pending: map[string]int{"soil-dry": 1204},
		outlooks: map[string][]city.Outlook{
			"PK-1": {{Rule: "bin-full", Quantity: city.FillLevel, Limit: 90, Upward: true, Value: 92.46, At: now.Add(-12 * time.Minute), Due: now.Add(-12 * time.Minute), Reliability: city.ReliabilityHigh}},
			"PK-2": {{Rule: "bin-battery-low", Quantity: city.BatteryLevel, Limit: 15, At: now, Due: now.Add(time.Minute), Reliability: city.ReliabilityHigh},
				{Rule: "bin-full", Quantity: city.FillLevel, Limit: 90, Upward: true, Value: 89.96, At: now.Add(-40 * time.Second), Slope: 2.54, Due: now.Add(5*time.Hour + 10*time.Minute), Reliability: city.ReliabilityMedium, Jumped: now.Add(-30 * time.Hour), Jump: 78}},
			"PK-3":  {{Rule: "bin-full", Quantity: city.FillLevel, Limit: 90, Upward: true, At: now.Add(-3 * time.Hour), Slope: 0, Reliability: city.ReliabilityHigh, Jumped: now.Add(-3 * time.Hour), Jump: 2}},
			"PK-6":  {{Rule: "bin-full", Quantity: city.FillLevel, Limit: 90, Upward: true, Value: 41, At: now.Add(-50 * time.Hour), Slope: 1, Due: now.Add(-time.Hour), Reliability: city.ReliabilityLow}},
			"B/7 ö": {{Rule: "soil-dry", Quantity: city.UsableFieldCapacity, Limit: 30, Value: 55, At: now.Add(-26 * time.Minute), Slope: -0.31, Due: now.Add(80 * time.Hour), Reliability: city.ReliabilityLow}},
			"B-8":   {{Rule: "soil-dry", Quantity: city.UsableFieldCapacity, Limit: 30, Value: 61, At: now.Add(-26 * time.Minute), Reliability: city.ReliabilityNone}},
		},
		decisions: map[string][]city.Decision{"S-7K2M9QXA": {
			{Rule: "bin-full", Asset: "PK-1", Change: city.Moved.String(), From: "idle", To: "pending", At: now.Add(-45 * time.Minute), Muted: "Ruhezeit",
				Readings: []city.Evidence{evidence(45*time.Minute, 1202, 91, city.True)}},
			{Rule: "bin-full", Asset: "PK-1", Change: city.Opened.String(), From: "pending", To: "open", At: now.Add(-15 * time.Minute),
				Readings: []city.Evidence{evidence(75*time.Minute, 1201, 12.25, city.False), evidence(45*time.Minute, 1202, 91, city.True), blind, evidence(15*time.Minute, 1204, 90.4, city.True)}},
		}},
	}
}

// inventory is an Inventory in memory.
type inventory struct {
	assets  []*city.Asset
	devices []*city.Device
}

func (i *inventory) Assets() []*city.Asset { return i.assets }

func (i *inventory) Devices(asset string) []*city.Device {
	var all []*city.Device
	for _, d := range i.devices {
		if d.Asset == asset {
			all = append(all, d)
		}
	}
	return all
}

func eui(n int) city.EUI { return city.EUI{0x24, 0xe1, 0x24, 0, 0, 0, byte(n >> 8), byte(n)} }

func reading(asset string, kind city.Kind, device int, age time.Duration, values ...city.Value) city.Reading {
	return city.Reading{
		DevEUI: eui(device), Asset: asset, Kind: kind, Epoch: 1, FCnt: 1204,
		Time: city.Stamp{At: now.Add(-age), Source: city.TimeGateway}, Received: now.Add(-age),
		Values: values,
		Radio:  city.Radio{RSSI: -107, SNR: 4.5, SpreadingFactor: 9, Gateways: 2},
	}
}

func value(q city.Quantity, n float64) city.Value { return city.Value{Quantity: q, Number: n} }

// osnabrueck is a small city with everything that can be the matter.
func osnabrueck() (*store, *inventory) {
	inv := &inventory{
		assets: []*city.Asset{
			{ID: "PK-1", Kind: city.Bin, Name: "Papierkorb Domhof 4", Address: "Domhof 4", District: "Innenstadt", Tour: "Tour 1", Position: &city.Position{Lat: 52.2775, Lon: 8.0417}},
			{ID: "PK-2", Kind: city.Bin, Name: "Papierkorb Große Straße / Nikolaiort", District: "Innenstadt", Tour: "Tour 1", Position: &city.Position{Lat: 52.2776, Lon: 8.0419}},
			{ID: "PK-3", Kind: city.Bin, Name: "Unterflurbehälter Lotter Straße", District: "Weststadt", Tour: "Tour 2", Position: &city.Position{Lat: 52.276, Lon: 8.031}},
			{ID: "PK-4", Kind: city.Bin, Name: "Papierkorb Iburger Straße 12", District: "Schölerberg", Tour: "Tour 2", Position: &city.Position{Lat: 52.257, Lon: 8.056}},
			{ID: "PK-5", Kind: city.Bin, Name: "Papierkorb Haste", District: "Haste", Tour: "Tour 3"},
			{ID: "PK-6", Kind: city.Bin, Name: "<script>alert('Übermut')</script>", District: "Wüste & Weite", Tour: "Tour 3", Position: &city.Position{Lat: 52.269, Lon: 8.033}},
			{ID: "B/7 ö", Kind: city.Soil, Name: "Linde Martinistraße", District: "Wüste & Weite", Tour: "Gießtour", Position: &city.Position{Lat: 52.2701, Lon: 8.0389}},
			{ID: "B-8", Kind: city.Soil, Name: "Rasen Schlossgarten", District: "Innenstadt", Tour: "Gießtour", Position: &city.Position{Lat: 52.2712, Lon: 8.0442}},
			{ID: "P-9", Kind: city.Parking, Name: "Behindertenstellplatz Neumarkt", District: "Innenstadt", Position: &city.Position{Lat: 52.2744, Lon: 8.0478}},
			{ID: "P-10", Kind: city.Parking, Name: "Ladezone Krahnstraße", District: "Innenstadt"},
			{ID: "P-11", Kind: city.Parking, Name: "Stellplatz Wall 3", District: "Innenstadt"},
		},
	}
	for i, a := range inv.assets {
		model := map[city.Kind]string{city.Bin: "milesight/em310-udl", city.Soil: "dragino/lse01", city.Parking: "bosch/tps110"}[a.Kind]
		inv.devices = append(inv.devices, &city.Device{DevEUI: eui(i + 1), Model: model, Asset: a.ID, Server: "stadtwerke"})
	}
	battery := value(city.BatteryVoltage, 3.58)
	s := &store{readings: []city.Reading{
		reading("PK-1", city.Bin, 1, 12*time.Minute, value(city.FillLevel, 92.46), value(city.Distance, 1215), value(city.Tilt, 0), value(city.BatteryLevel, 98)),
		reading("PK-1", city.Bin, 1, 72*time.Minute, value(city.FillLevel, 88), value(city.Distance, 1260)),
		reading("PK-2", city.Bin, 2, 40*time.Second, value(city.FillLevel, 89.96)),
		reading("PK-3", city.Bin, 3, 3*time.Hour, value(city.FillLevel, 0), value(city.Temperature, -0.04)),
		reading("PK-4", city.Bin, 4, time.Hour, battery),
		reading("PK-6", city.Bin, 6, 50*time.Hour, value(city.FillLevel, 41)),
		reading("B/7 ö", city.Soil, 7, 26*time.Minute, value(city.SoilMoisture, 11.3), value(city.SoilTemperature, -2.5), value(city.Conductivity, 1240), battery),
		reading("B-8", city.Soil, 8, 26*time.Minute, value(city.SoilMoisture, 24)),
		reading("P-9", city.Parking, 9, 2*time.Hour, value(city.Occupied, 1), value(city.OccupiedSince, float64(now.Add(-3*time.Hour).Unix()))),
		reading("P-10", city.Parking, 10, 5*time.Hour, value(city.Occupied, 0)),
		reading("P-11", city.Parking, 11, 7*time.Hour, value(city.Occupied, 1)),
	}}
	s.readings[4].Faults = []city.Fault{city.FaultNoEcho}
	s.readings[1].Late = true
	byHand := reading("PK-1", city.Bin, 1, time.Minute, value(city.FillLevel, 3))
	byHand.Simulated = true
	s.readings = append(s.readings, byHand)

	s.cases = []city.CaseTicket{
		{Case: city.Case{Ref: "S-7K2M9QXA", Rule: "bin-full", Service: "OS-ABF-01", Asset: "PK-1", Quantity: city.FillLevel, Value: 90.4, Limit: 90, Since: now.Add(-45 * time.Minute), Opened: now.Add(-15 * time.Minute), Title: "Papierkorb voll", Advice: "Bitte leeren."},
			Ticket: city.Ticket{State: city.TicketOpen, ExternalID: "2026-004711"}},
		{Case: city.Case{Ref: "S-PARKED01", Rule: "soil-dry", Asset: "B/7 ö", Quantity: city.SoilMoisture, Value: 12, Limit: 15, Since: now.Add(-30 * time.Hour), Opened: now.Add(-29 * time.Hour), Title: "Baum braucht Wasser"},
			Ticket: city.Ticket{State: city.TicketParked, Error: "400 Bad Request: service_code <WATER> is unknown"}},
		{Case: city.Case{Ref: "S-GONE0001", Rule: "bin-full", Asset: "PK-99", Quantity: city.FillLevel, Value: 95, Limit: 90, Since: now.Add(-5 * time.Hour), Opened: now.Add(-5 * time.Hour), Title: "Behälter voll"}},
		{Case: city.Case{Ref: "S-DONE0001", Rule: "bin-full", Asset: "PK-3", Quantity: city.FillLevel, Value: 97, Limit: 90, Since: now.Add(-9 * time.Hour), Opened: now.Add(-9 * time.Hour), Closed: now.Add(-3 * time.Hour), ClosedValue: 0, ClosedSince: now.Add(-3 * time.Hour), Title: "Behälter voll"},
			Ticket: city.Ticket{State: city.TicketClosed, ExternalID: "2026-004688"}},
	}
	s.log = map[string][]city.TicketEntry{"S-7K2M9QXA": {
		{At: now.Add(-15 * time.Minute), State: city.TicketQueued, Note: "Zugeordnet: OSB Straßenreinigung"},
		{At: now.Add(-14 * time.Minute), State: city.TicketOpen, Note: "Angelegt als 2026-004711"},
		{At: now.Add(-3 * time.Minute), State: city.TicketOpen, By: "Erika <Mustermann>", Note: "Angehalten: Straßenfest"},
	}}
	one := &s.cases[0].Ticket
	one.System, one.Unit, one.Hold, one.HoldUntil, one.Follows = "emsos", "OSB Straßenreinigung", "Erika <Mustermann>: Straßenfest", now.Add(5*time.Hour), "S-DONE0001"
	one.Remote = city.Remote{ID: "2026-004711", Progress: city.ProgressOpen, Status: "RECEIVED", Notes: "Wird <geprüft>", Service: "3.3", Name: "Sauberkeit", Updated: now.Add(-10 * time.Minute)}
	one.Checked, one.Missing, one.MissingSince = now.Add(-2*time.Minute), 2, now.Add(-9*time.Minute)
	s.cases[3].Ticket.End = city.EndHuman
	s.cases[1].Wishes = []city.Wish{{ID: 7, Ref: "S-PARKED01", At: now.Add(-time.Minute), By: "Max Muster", Kind: city.WishLink, Number: "2026-1", Reason: "am Telefon"}}
	s.mutes = []city.Mute{
		{ID: 1, Asset: "PK-3", Since: now.Add(-90 * time.Hour), Until: now.Add(-80 * time.Hour), By: "Erika Mustermann", Reason: "vorbei"},
		{ID: 2, Asset: "PK-1", Service: "OS-ABF-01", Since: now.Add(-time.Hour), By: "emsos", Reason: "abgewiesen: <nicht> zuständig"},
		{ID: 3, Tour: "Gießtour", Since: now.Add(-time.Hour), Until: now.Add(24 * time.Hour), By: "Max Muster", Reason: "Regen"},
		{ID: 4, District: "Haste", Since: now.Add(-2 * time.Hour), Until: now.Add(24 * time.Hour), By: "Max Muster", Reason: "Irrtum", Lifted: now.Add(-time.Minute), LiftedBy: "Erika Mustermann"},
	}
	s.wishes = 7
	s.visits = []city.Visit{
		{ID: 1, At: now.Add(-30 * time.Hour), Asset: "PK-1", Tour: "Tour 1", By: "Max Muster", Outcome: city.VisitDone},
		{ID: 2, At: now.Add(-2 * time.Hour), Asset: "PK-2", Tour: "Tour 1", By: "Max <Muster>", Outcome: city.VisitFailed, Note: "zugeparkt & <voll>"},
		{ID: 3, At: now.Add(-time.Hour), Asset: "PK-4", Tour: "Tour 2", By: "Max Muster", Outcome: city.VisitDone, Withdrawn: now.Add(-50 * time.Minute), WithdrawnBy: "Erika Mustermann"},
	}
	s.asides = []city.SetAside{
		{Key: 1, Server: "stadtwerke", Topic: "application/1/device/a84041/event/up", Body: []byte("{\"text\":\"</pre><script>alert(1)</script> Straße \u202e txt\""), Received: now.Add(-2 * time.Hour), Reason: city.ReasonMalformed, Detail: "unexpected end of JSON at byte 48", Count: 3, LastSeen: now.Add(-5 * time.Minute)},
		{Key: 2, Server: "stadtwerke", Topic: "application/1/device/24e1/event/up", Body: []byte{0, 0xff, 0x10}, Received: now.Add(-26 * time.Hour), Reason: city.ReasonUnknownDevice, Detail: "not in the inventory", DevEUI: eui(4711), Count: 1420},
	}
	s.news = map[city.EUI]city.DeviceNews{eui(1): {
		Status: &city.Status{Battery: 94.88, HasBattery: true, Margin: -3}, StatusAt: now.Add(-26 * time.Hour),
		Position: &city.Position{Lat: 52.2776, Lon: 8.0418}, LocatedAt: now.Add(-3 * time.Hour),
		Events: []city.DeviceEvent{
			{At: now.Add(-5 * time.Minute), Kind: city.DeviceLog, Severity: city.SeverityError, Code: "UPLINK_CODEC", Detail: "JS error: <b>unknown port</b> 99", Count: 3},
			{At: now.Add(-time.Hour), Kind: city.DeviceReset, Severity: city.SeverityWarning, Detail: "3 after 200", Count: 1},
			{At: now.Add(-3 * time.Hour), Kind: city.DeviceLocated, Position: &city.Position{Lat: 52.2776, Lon: 8.0418}, Count: 1},
			{At: now.Add(-26 * time.Hour), Kind: city.DeviceStatus, Status: &city.Status{Battery: 94.88, HasBattery: true, Margin: -3}, Count: 1},
			{At: now.Add(-27 * time.Hour), Kind: city.DeviceAside, Severity: city.SeverityError, Code: string(city.ReasonUnknownPort), Detail: "port 7, want 85", Count: 1},
			{At: now.Add(-30 * time.Hour), Kind: city.DeviceJoined, Count: 1},
		},
	}}
	return s, inv
}

// harbour has an asset of every kind that osnabrueck has not, and what can be the matter.
func harbour() (*store, *inventory) {
	inv := &inventory{}
	s := &store{}
	add := func(id string, kind city.Kind, name, model string, age time.Duration, values ...city.Value) *city.Reading {
		n := 3000 + len(inv.assets)
		inv.assets = append(inv.assets, &city.Asset{ID: id, Kind: kind, Name: name, District: "Hafen"})
		inv.devices = append(inv.devices, &city.Device{DevEUI: eui(n), Model: model, Asset: id})
		s.readings = append(s.readings, reading(id, kind, n, age, values...))
		return &s.readings[len(s.readings)-1]
	}
	add("PG-1", city.Level, "Pegel Hase, Römerbrücke", "milesight/em410-rdl", 10*time.Minute, value(city.Distance, 3265), value(city.WaterLevel, 1235), value(city.Temperature, 7.5))
	add("PG-2", city.Level, "Regenrückhaltebecken Fledder", "milesight/em310-udl", 10*time.Minute, value(city.Distance, 2000), value(city.FillLevel, 12))
	add("PG-3", city.Level, "Unterführung Hannoversche Straße", "mclimate/flood-sensor", time.Minute, value(city.Leak, 1))
	add("PG-4", city.Level, "Schacht Klärwerk", "milesight/em310-udl", time.Minute, value(city.Distance, 900)).Faults = []city.Fault{city.FaultUncalibrated}
	add("WS-1", city.Weather, "Wetterstation Hafen", "milesight/wts506", 10*time.Minute, value(city.WindSpeed, 4.2), value(city.Humidity, 81), value(city.Temperature, -1.3), value(city.WindDirection, 270))
	add("LG-1", city.Air, "Luftgüte Neumarkt", "uradmonitor/a3", 10*time.Minute, value(city.Temperature, 9), value(city.PM25, 8.4), value(city.CO2, 431))
	add("PZ-1", city.People, "Zählstelle Große Straße", "parametric/pcr2", 10*time.Minute, value(city.PeopleIn, 41207), value(city.PeopleOut, 39980))
	add("TK-1", city.Door, "Revisionsklappe Pumpwerk", "milesight/ws301", 5*time.Hour, value(city.DoorOpen, 1), value(city.Tampered, 0), value(city.BatteryLevel, 71))
	add("TK-2", city.Door, "Tor Betriebshof", "milesight/ws301", 80*time.Hour, value(city.DoorOpen, 0))
	add("FZ-1", city.Tracker, "Anhänger 7", "digital-matter/oyster", 3*time.Hour, value(city.Latitude, 52.2831), value(city.Longitude, 8.0295), value(city.Speed, 0), value(city.BatteryVoltage, 3.58))
	add("FZ-2", city.Tracker, "Anhänger 8", "digital-matter/oyster", 3*time.Hour, value(city.BatteryVoltage, 3.41)).Faults = []city.Fault{city.FaultNoFix}
	add("SL-1", city.Light, "Leuchte Martinistraße 12", "nas/ul2030", 20*time.Minute, value(city.DimLevel, 60), value(city.Power, 27.4), value(city.Energy, 412.7))
	add("WZ-1", city.Meter, "Trinkbrunnen Domhof", "axioma/qalcosonic-w1", 9*time.Hour, value(city.Volume, 1204.318))
	return s, inv
}

// options are complete and right; tests change what they are about.
func options(t testing.TB, s board.Store, inv board.Inventory) board.Options {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	book := dutyBook()
	return board.Options{
		Config: board.DefaultConfig(), Store: s, Inventory: inv, Rules: book, Decisions: book,
		Now: func() time.Time { return now }, Location: berlin,
		Ready:   func() []board.Check { return []board.Check{{Name: "store", OK: true}} },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "meldefunk_uplinks_total 7") }),
		Log:     zerolog.New(zerolog.NewTestWriter(t)),
	}
}

func newBoard(t testing.TB, o board.Options) http.Handler {
	t.Helper()
	b, err := board.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return b.Handler()
}

// ask sends one request as a browser on this machine would.
func ask(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:8080"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var errDisk = errors.New("disk I/O error at /var/lib/secret.db")

// latest is a store whose readings are the latest ones already, so that a benchmark
// measures the board and not the fake.
type latest struct{ *store }

func (l latest) Latest(context.Context) ([]city.Reading, error) { return l.readings, nil }
