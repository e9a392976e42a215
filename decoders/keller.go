package decoders

import (
	"fmt"
	"math/bits"

	"meldefunk/city"
)

// KELLER ADT1 and ARC1, pressure and level: function, device type, a bit for each channel
// that follows, then a float for each, lowest first, big endian; any port. Function 12 is the
// device itself.
// (KELLER LoRa data communication protocol; TheThingsNetwork/lorawan-devices, vendor/keller.)
func keller() []model {
	ports := []port{{number: 4, any: true, carries: "measurement", layout: &kellerChannels{fields: kellerFields(), device: kellerInformation()}}}
	return []model{
		{name: "keller/adt1", kind: city.Level, ports: ports},
		{name: "keller/arc1", kind: city.Level, ports: ports},
	}
}

const (
	kellerMeasurement = 1
	kellerDevice      = 12
	kellerHead        = 4
	// Device types up to this one have the same channels as far as they are read; type 2 is
	// what an ADT1 with a level probe is.
	kellerLastType = 5
	kellerType     = 2
)

type kellerChannels struct {
	fields [8]field
	device frames
}

// kellerFields are the channels that are read, by number. The others are absolute pressures,
// of which channel 0 is the difference, and voltage inputs.
func kellerFields() [8]field {
	return [8]field{
		0: {quantity: city.WaterPressure, form: f32be},
		4: {quantity: city.WaterTemperature, form: f32be},
		6: {quantity: city.Pressure, form: f32be, times: 1000}, // bar
		7: {quantity: city.Temperature, form: f32be},
	}
}

// kellerInformation is the device itself: versions, number, time, battery.
func kellerInformation() frames {
	return frames{{length: 20, longer: true, blank: []byte{kellerDevice}, fields: []field{
		{quantity: city.BatteryVoltage, at: 14, form: f32be},
		{quantity: city.BatteryLevel, at: 18},
	}, labels: []label{{name: "function"}, {at: 1, size: 13, name: "versions, number, time"}}}}
}

func (l *kellerChannels) decode(payload []byte, r *city.Reading) *city.Rejection {
	if payload[0] == kellerDevice {
		return l.device.decode(payload, r)
	}
	if payload[0] != kellerMeasurement || len(payload) < kellerHead || payload[1] > kellerLastType {
		return city.Reject(city.ReasonUndecodable, "want function 1 with a device type up to %d, or function 12 (payload %s)",
			kellerLastType, cutHex(payload))
	}
	channels := uint16(u16be.get(payload[2:]))
	if want := kellerHead + 4*bits.OnesCount16(channels); len(payload) != want {
		return wrongLength(payload, fmt.Sprint(want))
	}
	at := kellerHead
	for i := range 16 {
		if channels>>i&1 == 0 {
			continue
		}
		if i < len(l.fields) && l.fields[i].quantity != city.QuantityUnknown {
			l.fields[i].read(payload[at:], r)
		}
		at += 4
	}
	return nil
}

func (l *kellerChannels) explain(p *page) {
	var r city.Reading
	switch rejection := l.decode(p.payload, &r); {
	case p.payload[0] == kellerDevice:
		l.device.explain(p)
		return
	case rejection != nil:
		return
	}
	p.labels(0, []label{{name: "function"}, {at: 1, name: "device type"}})
	channels, at := uint16(u16be.get(p.payload[2:])), kellerHead
	p.mark(2, 2, 0, "channels", p.raw(2, 2, 0), "channels "+setBits(channels))
	for i := range 16 {
		if channels>>i&1 == 0 {
			continue
		}
		if i < len(l.fields) && l.fields[i].quantity != city.QuantityUnknown {
			p.fields(at, l.fields[i:i+1], "")
		} else {
			p.labels(at, []label{{size: 4, name: fmt.Sprintf("channel %d, not read", i)}})
		}
		at += 4
	}
}

func (l *kellerChannels) carries() []city.Quantity {
	all := l.device.carries()
	for _, f := range l.fields {
		if f.quantity != city.QuantityUnknown {
			all = append(all, f.quantity)
		}
	}
	return all
}

func (l *kellerChannels) encode(values []city.Value) ([]byte, error) {
	if carriesAll(l.device.carries(), values) {
		return l.device.encode(values)
	}
	payload := []byte{kellerMeasurement, kellerType, 0, 0}
	for i, f := range l.fields {
		n, ok := find(values, f.quantity)
		if !ok {
			continue
		}
		var data [4]byte
		raw, err := f.raw(n)
		if err != nil {
			return nil, err
		}
		f.form.set(data[:], raw, 0xffffffff)
		payload = append(payload, data[:]...)
		payload[3] |= 1 << i
	}
	if bits.OnesCount8(payload[3]) < len(values) {
		return nil, errNoFrame
	}
	return payload, nil
}
