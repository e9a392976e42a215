package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/visitor"
	"meldefunk/dashboards/api"
	"meldefunk/storage/sqlite"
)

// now is the present of every test.
var now = time.Date(2026, 11, 21, 13, 5, 0, 0, time.UTC)

func euiOf(n int) city.EUI { return city.EUI{0xa8, 0x40, 0x41, 0, 1, 0x81, byte(n >> 8), byte(n)} }

// inventory has one device on each asset.
type inventory []*city.Asset

func (v inventory) Assets() []*city.Asset { return v }

func (v inventory) Asset(id string) (*city.Asset, bool) {
	for _, a := range v {
		if a.ID == id {
			return a, true
		}
	}
	return nil, false
}

func (v inventory) Devices(asset string) []*city.Device {
	for i, a := range v {
		if a.ID == asset && i != 1 {
			return []*city.Device{{DevEUI: euiOf(i), Model: "milesight/em310-udl", Asset: asset, Server: "stadt"}}
		}
	}
	return nil
}

type rules struct{}

func (rules) Texts() []city.RuleText {
	return []city.RuleText{{
		ID: "bin-full", Version: "0123456789abcdef", Title: "Behälter voll", Advice: "Leeren", Service: "OS-ABF-01", Kinds: []city.Kind{city.Bin}, GroupBy: "Tour",
		Levels: []city.LevelText{{Severity: 1, Opens: "Füllstand mindestens 90 %", Closes: "Füllstand unter 40 %"}},
		Facts:  []city.RuleFact{{Word: "Prüfung", Text: "bei jeder Messung"}}, InhibitedBy: []string{"bin-fire"},
		Overrides:   []city.OverrideText{{Target: "Tour 5", Text: "öffnet bei 75 %"}},
		Maintenance: []city.MaintenanceText{{Targets: []string{"Tour 5"}, Reason: "Maiwoche", From: now, Until: now.Add(time.Hour)}},
	}}
}

func (rules) Pending(context.Context) (map[string]int, error) {
	return map[string]int{"bin-full": 2}, nil
}

// osnabrueck is a city with something of everything, in a real store.
func osnabrueck(t testing.TB) (*sqlite.Store, inventory) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	inv := inventory{
		{ID: "PK-1", Kind: city.Bin, Name: "Papierkorb Domhof 4", Address: "Domhof 4", Position: &city.Position{Lat: 52.2779, Lon: 8.0453}, District: "Innenstadt", Tour: "5"},
		{ID: "PK-2", Kind: city.Bin, Name: "Papierkorb <b>Markt</b> & Co.", District: "Innenstadt", Tour: "6", Owner: "Stadtwerke"},
		{ID: "BM-1", Kind: city.Soil, Name: "Linde Hasetor", District: "Hafen", Species: "Tilia cordata", SoilType: "Sl3"},
		{ID: "SP-1/2", Kind: city.Parking, Name: "Bucht 2", District: "Hafen"},
	}
	const hours = 7
	for hour := range hours {
		at := now.Add(time.Duration(hour-hours) * time.Hour)
		var c city.Commit
		for i, a := range inv {
			if i == 1 {
				continue
			}
			n := int64(hour*len(inv) + i + 1)
			radio := city.Radio{RSSI: -97, SNR: 5.25, SpreadingFactor: 9, Gateways: 2, Gateway: fmt.Sprintf("7076ff005600000%d", i)}
			r := city.Reading{ID: n, DevEUI: euiOf(i), Asset: a.ID, Kind: a.Kind, Model: "milesight/em310-udl", Epoch: 1, FCnt: uint32(hour),
				Time: city.Stamp{At: at, Source: city.TimeGateway}, Received: at.Add(time.Second), Radio: radio}
			switch a.Kind {
			case city.Bin:
				r.Values = []city.Value{{Quantity: city.FillLevel, Number: 10 * float64(hour)}, {Quantity: city.Tilt, Number: 0}}
			case city.Soil:
				r.Faults = []city.Fault{city.FaultProbe}
			case city.Parking:
				r.Values = []city.Value{{Quantity: city.Occupied, Number: float64(hour % 2)}}
			}
			c.Readings = append(c.Readings, r)
			c.Frames = append(c.Frames, city.Frame{ID: n, Epoch: 1, Uplink: city.Uplink{Server: "stadt", DevEUI: r.DevEUI, FCnt: r.FCnt, FPort: 85, Payload: []byte{1}, Time: r.Time, Received: r.Received, Ident: uint64(n), Radio: radio}})
			c.States = append(c.States, city.AssetState{Asset: a.ID, Server: "stadt", Reading: n, Judged: at})
		}
		ref := fmt.Sprintf("S-CASE000%d", hour)
		c.Cases = []city.Case{{Ref: ref, Rule: "bin-full", Service: "OS-ABF-01", Asset: "PK-1", Quantity: city.FillLevel, Value: 93, Limit: 90, Since: at, Grade: 1, Title: "Behälter voll", Advice: "Leeren", Opened: at}}
		if hour == 6 {
			c.Cases[0].Rule, c.Cases[0].Asset, c.Cases[0].Group, c.Cases[0].Members = "tour-full", "", "tour:5", []string{"PK-1", "PK-2"}
		}
		if hour < 5 {
			c.Cases = append(c.Cases, city.Case{Ref: ref, Rule: "bin-full", Asset: "PK-1", Closed: at.Add(time.Minute), ClosedValue: 3, ClosedSince: at})
		}
		for n := range 3 {
			c.Rulings = append(c.Rulings, city.Ruling{ID: int64(hour*3 + n + 1), Case: ref, Decision: city.Decision{
				Rule: "bin-full", Version: "0123456789abcdef", Asset: "PK-1", Change: "opened", At: at, Decided: at, Since: at, From: "idle", To: "open", ToSeverity: 1,
				Quantity: "fill_level", Value: 93, Limit: 90, Parts: []city.Part{{Text: "fill_level >= 90 %", Value: "93 %", Truth: "true"}},
				Readings: []city.Evidence{{Time: at, DevEUI: euiOf(0), FCnt: uint32(hour), Values: map[string]float64{"fill_level": 93}, Truth: "true"}},
				Settings: []city.Setting{{Name: "open", Value: "90", Source: "rule"}},
			}})
		}
		c.Aside = []city.SetAside{{Key: uint64(hour + 1), Server: "stadt", Topic: "up", Body: []byte("x"), Received: at, Reason: city.ReasonUnknownDevice, Detail: "unbekannt"}}
		c.Events = []city.DeviceEvent{{DevEUI: euiOf(0), Ident: uint64(hour), At: at, Server: "stadt", Kind: city.DeviceStatus, Severity: city.SeverityInfo,
			Status: &city.Status{Battery: 80, HasBattery: true, Margin: 7}, Position: &city.Position{Lat: 52.2, Lon: 8}}}
		c.Mark = city.Mark{Frame: int64((hour + 1) * 4), Reading: int64((hour + 1) * 4), Ruling: int64((hour + 1) * 3), Alive: at}
		if err := s.Commit(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
	}
	return s, inv
}

func newHub(t testing.TB, p api.Pulse) *api.Hub {
	t.Helper()
	h, err := api.NewHub(p, func() time.Time { return now }, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func options(t testing.TB, store api.Store, inv api.Inventory) api.Options {
	return api.Options{
		Store: store, Inventory: inv, Rules: rules{}, Hub: newHub(t, api.DefaultPulse()), Version: "1.2.3", Now: func() time.Time { return now }, Log: zerolog.Nop(),
		Ready: func() []api.Check {
			return []api.Check{{Name: "store", OK: true}, {Name: "influxdb", OK: true, Reason: "away"}}
		},
	}
}

// as lets a handler see who is there.
func as(v visitor.Visitor, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(visitor.With(r.Context(), v)))
	})
}

func program(may ...visitor.Permission) visitor.Visitor {
	return visitor.Visitor{Name: "Leitstand", Bearer: true, May: may}
}

func build(t testing.TB, o api.Options) *api.API {
	t.Helper()
	a, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func get(h http.Handler, address string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	return w
}

// items reads a list, and the address of its next page.
func items(t testing.TB, w *httptest.ResponseRecorder) (all []map[string]any, next string) {
	t.Helper()
	var body struct {
		Items []map[string]any `json:"items"`
		Next  string           `json:"next"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	return body.Items, body.Next
}
