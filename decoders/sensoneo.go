package decoders

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"meldefunk/city"
)

// Sensoneo bin sensors. (Layouts as in ZennerIoT/element-parsers.)
func sensoneo() []model {
	return []model{
		{name: "sensoneo/single", kind: city.Bin, ports: []port{
			{number: 1, any: true, carries: "measurement", layout: sensoneoText{}},
		}},
		{name: "sensoneo/quatro", kind: city.Bin, ports: []port{
			{number: 2, carries: "measurement", layout: frames{quatro()}},
		}},
	}
}

// sensoneoText is the Single Sensor's frame, which is text: "(U3.59T+21D254P0)" is 3.59 V,
// 21 °C and 254 cm. Whether P0 or P1 is upright is told differently in one and the same
// source, so the position is not read.
type sensoneoText struct{}

// sensoneoNumbers are the letters before the numbers, in their order.
func sensoneoNumbers() [3]field {
	return [3]field{{quantity: city.BatteryVoltage}, {quantity: city.Temperature}, {quantity: city.Distance, times: 10}}
}

func (sensoneoText) decode(payload []byte, r *city.Reading) *city.Rejection {
	var numbers [3]float64
	rest, opened := bytes.CutPrefix(payload, []byte("("))
	ok := opened
	for i, letter := range []byte("UTD") {
		ok = ok && len(rest) > 0 && rest[0] == letter
		if !ok {
			break
		}
		rest = rest[1:]
		digits := len(rest)
		if end := bytes.IndexAny(rest, "UTDP"); end >= 0 {
			digits = end
		}
		numbers[i], ok = plainNumber(rest[:digits])
		rest = rest[digits:]
	}
	if !ok || len(rest) != 3 || rest[0] != 'P' || rest[2] != ')' {
		return city.Reject(city.ReasonUndecodable, "want text like (U3.59T+21D254P0), have %.40q", payload)
	}
	for i, f := range sensoneoNumbers() {
		n := numbers[i]
		if f.times != 0 {
			n *= f.times
		}
		put(r, f.quantity, n)
	}
	return nil
}

func (l sensoneoText) explain(p *page) {
	var r city.Reading
	if l.decode(p.payload, &r) != nil {
		return
	}
	p.mark(0, 1, 0, "opening bracket", "(", "")
	at := 1
	for _, f := range sensoneoNumbers() {
		size := 1 + bytes.IndexAny(p.payload[at+1:], "UTDP")
		meaning, measured := faultText(city.FaultImplausible), false
		if n, ok := r.Value(f.quantity); ok {
			meaning, measured = withUnit(f.quantity, n), true
		}
		p.value(at, size, 0, f.quantity.String(), string(p.payload[at:at+size]), meaning, measured)
		at += size
	}
	p.mark(at, 2, 0, "position, not read", string(p.payload[at:at+2]), "")
	p.mark(at+2, 1, 0, "closing bracket", ")", "")
}

// plainNumber reads a decimal number of at most 8 characters, two of them decimals.
func plainNumber(text []byte) (float64, bool) {
	if len(text) == 0 || len(text) > 8 {
		return 0, false
	}
	digits := text
	if digits[0] == '+' || digits[0] == '-' {
		digits = digits[1:]
	}
	whole, scale, point := 0.0, 1.0, false
	for _, c := range digits {
		switch {
		case c == '.' && !point:
			point = true
		case c >= '0' && c <= '9':
			whole = whole*10 + float64(c-'0')
			if point {
				scale *= 10
			}
		default:
			return 0, false
		}
	}
	if len(digits) == 0 || scale > 100 || point && len(digits) == 1 {
		return 0, false
	}
	if text[0] == '-' {
		whole = -whole
	}
	return whole / scale, true
}

func (sensoneoText) carries() []city.Quantity {
	var all []city.Quantity
	for _, f := range sensoneoNumbers() {
		all = append(all, f.quantity)
	}
	return all
}

func (sensoneoText) encode(values []city.Value) ([]byte, error) {
	var text [3]string
	for i, f := range sensoneoNumbers() {
		n, ok := find(values, f.quantity)
		if !ok {
			return nil, fmt.Errorf("%s is missing: it is in every frame", f.quantity)
		}
		if f.times != 0 {
			n /= f.times
		}
		if !(math.Abs(n) < 10_000) {
			return nil, fmt.Errorf("%s %v does not fit: the frame holds four digits", f.quantity, n)
		}
		text[i] = strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
		if f.quantity == city.Temperature && text[i][0] != '-' {
			text[i] = "+" + text[i]
		}
	}
	return []byte("(U" + text[0] + "T" + text[1] + "D" + text[2] + "P0)"), nil
}

// quatro is the frame of the Quatro Sensor, 33 bytes, integers little endian: 4 bytes
// header, id, events, four sonars in steps of 2 cm, battery in steps of 10 mV from 2.5 V,
// °C, tilt in degrees, Unix time, latitude and longitude as float with the letter of their
// direction, and three bytes of bookkeeping. The distance is the mean of the sonars that
// heard an echo.
func quatro() fixed {
	return fixed{
		length: 33,
		blank:  []byte{0: 0xff, 1: 0xff, 2: 0x02, 3: 0xa7, 8: 0x01, 24: 'N', 29: 'E'},
		fields: []field{
			{quantity: city.BatteryLow, at: 8, mask: 0x10},
			{quantity: city.BatteryVoltage, at: 13, times: 10, plus: 2500, per: 1000},
			{quantity: city.Temperature, at: 14, form: s8},
			{quantity: city.TiltAngle, at: 15},
		},
		labels: []label{
			{size: 4, name: "header"}, {at: 4, size: 4, name: "device id"}, {at: 8, name: "events"},
			{at: 16, size: 4, name: "time"}, {at: 30, name: "counter"}, {at: 31, name: "checksum, not checked"}, {at: 32, name: "frames sent"},
		},
		special: &special{
			carries: []city.Quantity{city.Distance, city.Latitude, city.Longitude},
			places: []label{
				{at: 9, size: 4, quantity: city.Distance, fault: city.FaultNoEcho},
				{at: 20, size: 5, quantity: city.Latitude, fault: city.FaultNoFix},
				{at: 25, size: 5, quantity: city.Longitude, fault: city.FaultNoFix},
			},
			read: func(payload []byte, r *city.Reading) {
				readSonars(payload[9:13], r)
				latitude := sided(f32le.get(payload[20:]), payload[24] == 'S')
				longitude := sided(f32le.get(payload[25:]), payload[29] == 'W')
				if latitude == 0 && longitude == 0 {
					fault(r, city.FaultNoFix)
					return
				}
				put(r, city.Latitude, latitude)
				put(r, city.Longitude, longitude)
			},
			write: writeQuatro,
		},
	}
}

func readSonars(sonars []byte, r *city.Reading) {
	sum, heard := 0, 0
	for _, n := range sonars {
		if n != 0 {
			sum += int(n)
			heard++
		}
	}
	if heard == 0 {
		fault(r, city.FaultNoEcho)
		return
	}
	put(r, city.Distance, float64(sum*20)/float64(heard))
}

// sided is a coordinate from its magnitude and its side.
func sided(bits int64, negative bool) float64 {
	n := float64(math.Float32frombits(uint32(bits)))
	if negative {
		return -n
	}
	return n
}

func writeQuatro(payload []byte, values []city.Value) error {
	if n, ok := find(values, city.Distance); ok {
		if !(n >= 20 && n <= 20*0xff) {
			return fmt.Errorf("distance %v does not fit: the frame holds 20 to 5100 mm", n)
		}
		writeSonars(payload[9:13], n)
	}
	for _, c := range []struct {
		quantity city.Quantity
		at       int
		negative byte
	}{{city.Latitude, 20, 'S'}, {city.Longitude, 25, 'W'}} {
		n, ok := find(values, c.quantity)
		if !ok {
			continue
		}
		if n < 0 {
			n, payload[c.at+4] = -n, c.negative
		}
		f := field{quantity: c.quantity, at: c.at, form: f32le}
		if err := f.write(payload, []city.Value{{Quantity: c.quantity, Number: n}}); err != nil {
			return err
		}
	}
	return nil
}

// writeSonars writes sonars whose mean is the distance: four of them, or as many as have
// exactly that mean.
func writeSonars(sonars []byte, distance float64) {
	heard, sum := 4, math.Round(distance/20*4)
	for n := 3; n > 0 && sum*20/float64(heard) != distance; n-- {
		if s := math.Round(distance / 20 * float64(n)); s*20/float64(n) == distance {
			heard, sum = n, s
		}
	}
	for i := range heard {
		sonars[i] = byte((int(sum) + i) / heard)
	}
}
