package storagetest

import (
	"testing"
	"time"

	"meldefunk/city"
)

// deviceNews keeps the newest of what is told of each device, each thing once.
func (s *suite) deviceNews(t *testing.T) {
	ctx := t.Context()
	other := Device
	other[7] = 9
	equal(t, "nothing told", get[city.DeviceNews](t)(s.store.DeviceNews(ctx, Device, 10)), city.DeviceNews{})

	status := city.DeviceEvent{DevEUI: Device, Ident: 1<<63 + 7, At: noon, Server: "ns", Kind: city.DeviceStatus,
		Status: &city.Status{Battery: 94.88, HasBattery: true, Margin: -3}}
	trouble := city.DeviceEvent{DevEUI: Device, Ident: 8, At: noon.Add(time.Hour), Server: "ns", Kind: city.DeviceLog,
		Severity: city.SeverityWarning, Code: "UPLINK_F_CNT_RESET", Detail: "Zähler"}
	located := city.DeviceEvent{DevEUI: Device, Ident: 9, At: noon.Add(2 * time.Hour), Server: "ns", Kind: city.DeviceLocated,
		Position: &city.Position{Lat: 52.27, Lon: 8.04}}
	c := &city.Commit{Events: []city.DeviceEvent{located, status, trouble}}
	s.commit(t, c)
	s.commit(t, c) // redelivered
	again := trouble
	again.At = noon.Add(3 * time.Hour)
	older := city.DeviceEvent{DevEUI: Device, Ident: 10, At: noon.Add(-time.Hour), Server: "ns", Kind: city.DeviceStatus,
		Status: &city.Status{External: true}}
	s.commit(t, &city.Commit{Events: []city.DeviceEvent{again, older, {DevEUI: other, Ident: 8, At: noon, Kind: city.DeviceJoined}}})

	status.Count, located.Count, older.Count, again.Count = 1, 1, 1, 2
	want := city.DeviceNews{Events: []city.DeviceEvent{again, located, status, older},
		Status: status.Status, StatusAt: noon, Position: located.Position, LocatedAt: located.At}
	s.reopen(t)
	equal(t, "news", get[city.DeviceNews](t)(s.store.DeviceNews(ctx, Device, 10)), want)
	want.Events = want.Events[:1]
	equal(t, "only the newest", get[city.DeviceNews](t)(s.store.DeviceNews(ctx, Device, 1)), want)
	equal(t, "another device", len(get[city.DeviceNews](t)(s.store.DeviceNews(ctx, other, 10)).Events), 1)

	var flood city.Commit // all of one time: what they are called decides
	for n := range 3 * city.MaxDeviceEvents {
		flood.Events = append(flood.Events, city.DeviceEvent{DevEUI: Device, Ident: uint64(100 + n), At: noon.Add(4 * time.Hour), Kind: city.DeviceLog})
	}
	s.commit(t, &flood)
	left := get[city.DeviceNews](t)(s.store.DeviceNews(ctx, Device, 1000))
	equal(t, "events of a device", len(left.Events), city.MaxDeviceEvents)
	equal(t, "status after a flood", left.Status, status.Status)
	equal(t, "another device after it", len(get[city.DeviceNews](t)(s.store.DeviceNews(ctx, other, 10)).Events), 1)
}
