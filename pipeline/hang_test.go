package pipeline_test

import (
	"testing"
	"time"

	"meldefunk/city"
)

// removals is an inventory with one device, and where it hung when.
type removals struct{ hangs city.Hangings }

func (in *removals) Find(_ string, devEUI city.EUI) (*city.Device, city.Hangings, bool) {
	return &city.Device{DevEUI: devEUI, Model: "test/one-byte"}, in.hangs, devEUI == sensor
}

func (in *removals) Asset(id string) (*city.Asset, bool) {
	for _, h := range in.hangs {
		if h.Asset.ID == id {
			return h.Asset, true
		}
	}
	return nil, false
}

func (in *removals) Devices(string) []*city.Device { return nil }

func hour(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

// moved hung on PK-1 for ten hours, was taken down for two, and hangs on PK-2 since.
func moved() *removals {
	return &removals{city.Hangings{
		{Asset: &city.Asset{ID: "PK-1", Kind: city.Bin}, From: hour(0), To: hour(10)},
		{Asset: &city.Asset{ID: "PK-2", Kind: city.Bin}, From: hour(12)},
	}}
}
