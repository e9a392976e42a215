package register

import (
	"reflect"
	"testing"
	"time"

	"meldefunk/city"
)

func TestWith(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 5, n, 8, 0, 0, 0, time.UTC) }
	one, two, three := city.EUI{1}, city.EUI{2}, city.EUI{3}
	device := func(e city.EUI, asset string) Device { return Device{Device: city.Device{DevEUI: e, Asset: asset}} }
	was := Snapshot{
		Revision: 7,
		Devices:  []Device{device(one, "PK-1"), device(three, "")},
		Assets:   []Asset{{Asset: city.Asset{ID: "PK-1"}}, {Asset: city.Asset{ID: "PK-3"}}},
		Bindings: []Binding{{DevEUI: one, Asset: "PK-1", From: day(1)}, {DevEUI: three, Asset: "PK-3", From: day(1), To: day(2)}},
	}
	before := was.With(&Change{}) // a copy
	got := was.With(&Change{
		Devices:  []Device{device(two, "PK-2"), device(one, "PK-3")},
		Assets:   []Asset{{Asset: city.Asset{ID: "PK-2"}}, {Asset: city.Asset{ID: "PK-1", Name: "Markt"}}},
		Bindings: []Binding{{DevEUI: one, Asset: "PK-3", From: day(4)}, {DevEUI: one, Asset: "PK-1", From: day(1).In(time.FixedZone("", 3600)), To: day(4)}},
		Dropped:  []Binding{{DevEUI: three, From: day(1)}},
	})
	got.Bindings[0].From = got.Bindings[0].From.UTC()
	want := Snapshot{
		Revision: 7,
		Devices:  []Device{device(one, "PK-3"), device(two, "PK-2"), device(three, "")},
		Assets:   []Asset{{Asset: city.Asset{ID: "PK-1", Name: "Markt"}}, {Asset: city.Asset{ID: "PK-2"}}, {Asset: city.Asset{ID: "PK-3"}}},
		Bindings: []Binding{{DevEUI: one, Asset: "PK-1", From: day(1), To: day(4)}, {DevEUI: one, Asset: "PK-3", From: day(4)}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !reflect.DeepEqual(was, before) {
		t.Error("the register it was made from became another one")
	}
}
