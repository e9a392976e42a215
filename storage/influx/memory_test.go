package influx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"meldefunk/city"
)

// GiveUp goes by number and time of arrival.
func (m *memory) GiveUp(_ context.Context, sink string, before time.Time, keep int64) (city.SpoolLoss, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.cursors[sink]
	last := first
	if keep > 0 {
		last = max(last, int64(len(m.readings))-keep)
	}
	for !before.IsZero() && last < int64(len(m.readings)) && m.readings[last].Received.Before(before) {
		last++
	}
	if last == first || m.broken != nil {
		return city.SpoolLoss{}, m.broken
	}
	m.cursors[sink] = last
	return city.SpoolLoss{Sink: sink, First: first + 1, Last: last, Readings: last - first, From: m.readings[first].Received, To: m.readings[last-1].Received}, nil
}

// memory is a Source in memory. Errors can be planted.
type memory struct {
	mu       sync.Mutex
	readings []city.Reading // ids 1, 2, 3 …
	cursors  map[string]int64
	refused  map[int64]string
	sinks    map[string]bool
	broken   error
	moves    int
}

func newMemory(readings []city.Reading) *memory {
	return &memory{readings: readings, cursors: map[string]int64{}, refused: map[int64]string{}, sinks: map[string]bool{}}
}

func (m *memory) ReadingsAfter(_ context.Context, id int64, limit int) ([]city.Reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.readings[id:]
	return rest[:min(limit, len(rest))], m.broken
}

func (m *memory) Mark(context.Context) (city.Mark, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return city.Mark{Reading: int64(len(m.readings))}, m.broken
}

func (m *memory) Cursor(_ context.Context, name string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursors[name], m.broken
}

func (m *memory) SetCursor(_ context.Context, name string, id int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	if id <= m.cursors[name] {
		return fmt.Errorf("cursor %s goes back from %d to %d", name, m.cursors[name], id)
	}
	m.cursors[name] = id
	m.moves++
	return nil
}

func (m *memory) Refuse(_ context.Context, sink string, id int64, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused[id] = reason
	m.sinks[sink] = true
	return m.broken
}

func (m *memory) add(readings ...city.Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.readings = append(m.readings, readings...)
}

func (m *memory) damage(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

func (m *memory) cursor() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursors["influx:stadt/meldefunk"]
}

func (m *memory) refusals() map[int64]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[int64]string{}
	for id, reason := range m.refused {
		all[id] = reason
	}
	return all
}

var errDisk = errors.New("disk I/O error")

// noon is when the tests' readings begin.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// makeReadings makes n readings of 100 devices of all kinds, with ids from first on.
func makeReadings(first, n int) []city.Reading {
	all := make([]city.Reading, 0, n)
	for i := first; i < first+n; i++ {
		device := i % 100
		r := city.Reading{
			ID:       int64(i),
			DevEUI:   city.EUI{0xa8, 0x40, 0x41, 0, 0, 0, 0, byte(device)},
			Asset:    fmt.Sprintf("PK-%04d", device),
			Epoch:    1,
			FCnt:     uint32(i / 100),
			Time:     city.Stamp{At: noon.Add(time.Duration(i) * time.Second), Source: city.TimeGateway},
			Received: noon.Add(time.Duration(i) * time.Second),
			Radio:    city.Radio{RSSI: -97, SNR: -7.5, SpreadingFactor: 9, Gateways: 2},
		}
		switch device % 3 {
		case 0:
			r.Kind, r.Model = city.Bin, "milesight/em310-udl"
			r.Values = []city.Value{{Quantity: city.FillLevel, Number: float64(i % 101)}, {Quantity: city.Distance, Number: 1400.5}, {Quantity: city.BatteryLevel, Number: 98}}
		case 1:
			r.Kind, r.Model = city.Soil, "dragino/lse01"
			r.Values = []city.Value{{Quantity: city.SoilMoisture, Number: 23.25}, {Quantity: city.SoilTemperature, Number: 0}, {Quantity: city.Conductivity, Number: 180}}
		case 2:
			r.Kind, r.Model = city.Parking, "bosch/tps110"
			r.Values = []city.Value{{Quantity: city.Occupied, Number: city.Bool(i%2 == 0)}}
		}
		all = append(all, r)
	}
	return all
}
